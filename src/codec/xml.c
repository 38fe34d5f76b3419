// SPDX-License-Identifier: Apache-2.0
#include "codec/xml.h"

#include <errno.h>
#include <string.h>

struct xml_reader xml_reader(struct span text)
{
    return (struct xml_reader){.rest = text};
}

static void advance(struct span *text, size_t size)
{
    *text = span_of(text->data + size, text->size - size);
}

static bool starts_with(struct span text, const char *word)
{
    size_t size = strlen(word);
    return text.size >= size && memcmp(text.data, word, size) == 0;
}

static bool is_blank(uint8_t byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

static void skip_blanks(struct span *text)
{
    while (text->size > 0 && is_blank(text->data[0]))
        advance(text, 1);
}

static bool is_name_byte(uint8_t byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= '0' && byte <= '9') || byte == '_' || byte == '-' || byte == '.' || byte == ':';
}

static bool take_name(struct span *text, struct span *name)
{
    size_t size = 0;
    while (size < text->size && is_name_byte(text->data[size]))
        size++;
    *name = span_of(text->data, size);
    advance(text, size);
    return size > 0 && size <= XML_NAME_MAX;
}

/* ` name="value"` or with apostrophes. */
static bool skip_attribute(struct span *text)
{
    struct span name;
    if (!take_name(text, &name))
        return false;
    skip_blanks(text);
    if (text->size == 0 || text->data[0] != '=')
        return false;
    advance(text, 1);
    skip_blanks(text);
    if (text->size == 0 || (text->data[0] != '"' && text->data[0] != '\''))
        return false;
    const uint8_t *end = memchr(text->data + 1, text->data[0], text->size - 1);
    if (!end || memchr(text->data, '<', (size_t)(end - text->data)))
        return false;
    advance(text, (size_t)(end - text->data) + 1);
    return true;
}

static struct span local_name(struct span name)
{
    const uint8_t *colon = memchr(name.data, ':', name.size);
    if (!colon)
        return name;
    size_t prefix = (size_t)(colon - name.data) + 1;
    return span_of(name.data + prefix, name.size - prefix);
}

static int read_end(struct xml_reader *reader, struct xml_event *event)
{
    struct span name;
    advance(&reader->rest, 2);
    if (reader->depth == 0 || !take_name(&reader->rest, &name) ||
        !span_equal(name, reader->open[reader->depth - 1]))
        return -EINVAL;
    skip_blanks(&reader->rest);
    if (!starts_with(reader->rest, ">"))
        return -EINVAL;
    advance(&reader->rest, 1);
    *event = (struct xml_event){XML_END, local_name(name), {0}, reader->depth};
    reader->depth--;
    return 1;
}

static int read_start(struct xml_reader *reader, struct xml_event *event)
{
    struct span name;
    advance(&reader->rest, 1);
    if (reader->depth == XML_DEPTH_MAX || (reader->depth == 0 && reader->begun) ||
        !take_name(&reader->rest, &name))
        return -EINVAL;
    skip_blanks(&reader->rest);
    while (!starts_with(reader->rest, ">") && !starts_with(reader->rest, "/>")) {
        if (!skip_attribute(&reader->rest))
            return -EINVAL;
        skip_blanks(&reader->rest);
    }
    reader->empty = reader->rest.data[0] == '/';
    advance(&reader->rest, reader->empty ? 2 : 1);
    reader->begun = true;
    reader->open[reader->depth++] = name;
    *event = (struct xml_event){XML_START, local_name(name), {0}, reader->depth};
    return 1;
}

static int read_text(struct xml_reader *reader, struct xml_event *event)
{
    const uint8_t *end = memchr(reader->rest.data, '<', reader->rest.size);
    size_t size = end ? (size_t)(end - reader->rest.data) : reader->rest.size;
    struct span text = span_of(reader->rest.data, size);
    advance(&reader->rest, size);
    if (reader->depth == 0 || !end)
        return -EINVAL;
    struct span name = reader->open[reader->depth - 1];
    *event = (struct xml_event){XML_TEXT, local_name(name), text, reader->depth};
    return 1;
}

/* `<?xml … ?>`, once, in front. */
static int skip_declaration(struct xml_reader *reader)
{
    if (reader->begun || !starts_with(reader->rest, "<?xml"))
        return 0;
    const uint8_t *end = memmem(reader->rest.data, reader->rest.size, "?>", 2);
    if (!end)
        return -EINVAL;
    advance(&reader->rest, (size_t)(end - reader->rest.data) + 2);
    return 0;
}

int xml_next(struct xml_reader *reader, struct xml_event *event)
{
    if (reader->empty) {
        reader->empty = false;
        struct span name = reader->open[reader->depth - 1];
        *event = (struct xml_event){XML_END, local_name(name), {0}, reader->depth--};
        return 1;
    }
    if (reader->depth == 0) {
        if (skip_declaration(reader) < 0)
            return -EINVAL;
        skip_blanks(&reader->rest);
    }
    if (reader->rest.size == 0)
        return reader->depth == 0 && reader->begun ? 0 : -EINVAL;
    if (reader->rest.data[0] != '<')
        return read_text(reader, event);
    return starts_with(reader->rest, "</") ? read_end(reader, event) : read_start(reader, event);
}

/* A reference by number: the character, or 0. */
static uint32_t parse_number(struct span digits)
{
    uint32_t value = 0, base = 10;
    if (digits.size > 0 && digits.data[0] == 'x') {
        advance(&digits, 1);
        base = 16;
    }
    if (digits.size == 0 || digits.size > 6)
        return 0;
    for (size_t i = 0; i < digits.size; i++) {
        uint8_t c = digits.data[i];
        uint32_t digit = c >= '0' && c <= '9'   ? (uint32_t)(c - '0')
                         : c >= 'a' && c <= 'f' ? (uint32_t)(c - 'a') + 10
                         : c >= 'A' && c <= 'F' ? (uint32_t)(c - 'A') + 10
                                                : 16;
        if (digit >= base)
            return 0;
        value = value * base + digit;
    }
    return value;
}

static int add_reference(struct span name, struct text *out)
{
    static const struct {
        struct span name;
        char character;
    } known[] = {{SPAN_INIT("amp"), '&'},
                 {SPAN_INIT("lt"), '<'},
                 {SPAN_INIT("gt"), '>'},
                 {SPAN_INIT("quot"), '"'},
                 {SPAN_INIT("apos"), '\''}};
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (span_equal(name, known[i].name)) {
            text_add_span(out, span_of(&known[i].character, 1));
            return 0;
        }
    }
    if (name.size < 2 || name.data[0] != '#')
        return -EINVAL;
    uint32_t number = parse_number(span_of(name.data + 1, name.size - 1));
    if (number == 0 || number > 0x7f) /* more is not needed for names of objects */
        return -EINVAL;
    char character = (char)number;
    text_add_span(out, span_of(&character, 1));
    return 0;
}

int xml_text_decode(struct span text, struct text *out)
{
    while (text.size > 0) {
        const uint8_t *mark = memchr(text.data, '&', text.size);
        size_t plain = mark ? (size_t)(mark - text.data) : text.size;
        text_add_span(out, span_of(text.data, plain));
        advance(&text, plain);
        if (!mark)
            return 0;
        const uint8_t *end = memchr(text.data, ';', text.size);
        if (!end)
            return -EINVAL;
        size_t size = (size_t)(end - text.data) - 1;
        if (add_reference(span_of(text.data + 1, size), out) < 0)
            return -EINVAL;
        advance(&text, size + 2);
    }
    return 0;
}
