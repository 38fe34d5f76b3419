// SPDX-License-Identifier: Apache-2.0
#include "drawbridge/names.h"

#include <string.h>

enum { ALNUM = 1, DASH = 2, NODE = 4 };

static unsigned class_of(uint8_t character)
{
    if ((character >= '0' && character <= '9') || (character >= 'A' && character <= 'Z') ||
        (character >= 'a' && character <= 'z'))
        return ALNUM;
    if (character == '-')
        return DASH;
    return character == '.' || character == '_' || character == ':' ? NODE : 0;
}

static bool consists_of(struct span name, unsigned classes)
{
    for (size_t i = 0; i < name.size; i++) {
        if (!(class_of(name.data[i]) & classes))
            return false;
    }
    return name.size > 0 && name.size <= NAME_MAX_SIZE;
}

bool name_is_user(struct span name)
{
    return consists_of(name, ALNUM);
}

bool name_is_repository(struct span name)
{
    return consists_of(name, ALNUM | DASH);
}

bool name_is_node(struct span name)
{
    return consists_of(name, ALNUM | DASH | NODE) && !span_equal(name, SPAN_LITERAL(".")) &&
           !span_equal(name, SPAN_LITERAL(".."));
}

/* Takes what is before the first of `stops`, or all. */
static struct span take_until(struct span *text, const char *stops)
{
    size_t size = 0;
    while (size < text->size && !strchr(stops, text->data[size]))
        size++;
    struct span taken = span_of(text->data, size);
    *text = span_of(text->data + size, text->size - size);
    return taken;
}

static bool is_number(struct span digits)
{
    for (size_t i = 0; i < digits.size; i++) {
        if (digits.data[i] < '0' || digits.data[i] > '9')
            return false;
    }
    return digits.size > 0;
}

static bool number_of(struct span digits, uint64_t *number)
{
    if (!is_number(digits) || (digits.size > 1 && digits.data[0] == '0'))
        return false;
    *number = 0;
    for (size_t i = 0; i < digits.size; i++) {
        if (*number > (INT64_MAX - 9) / 10)
            return false;
        *number = *number * 10 + (digits.data[i] - (uint64_t)'0');
    }
    return true;
}

/* Identifiers joined by dots; with `numbers_short`, numbers among them have no leading zeros. */
static bool are_identifiers(struct span text, bool numbers_short)
{
    for (;;) {
        struct span one = take_until(&text, ".");
        if (!consists_of(one, ALNUM | DASH) ||
            (numbers_short && is_number(one) && one.size > 1 && one.data[0] == '0'))
            return false;
        if (text.size == 0)
            return true;
        text = span_of(text.data + 1, text.size - 1);
    }
}

static bool take_number(struct span *text, char before, const char *stops, uint64_t *number)
{
    if (before) {
        if (text->size == 0 || text->data[0] != (uint8_t)before)
            return false;
        *text = span_of(text->data + 1, text->size - 1);
    }
    return number_of(take_until(text, stops), number);
}

bool version_parse(struct span text, struct version *version)
{
    if (text.size == 0 || memchr(text.data, 0, text.size) ||
        !take_number(&text, 0, ".", &version->major) ||
        !take_number(&text, '.', ".", &version->minor) ||
        !take_number(&text, '.', "-+", &version->patch))
        return false;
    if (text.size > 0 && text.data[0] == '-') {
        text = span_of(text.data + 1, text.size - 1);
        if (!are_identifiers(take_until(&text, "+"), true))
            return false;
    }
    return text.size == 0 || are_identifiers(span_of(text.data + 1, text.size - 1), false);
}

bool name_is_tag(struct span name)
{
    struct version ignored;
    return name.size <= NAME_MAX_SIZE && version_parse(name, &ignored);
}

bool name_parse_path(struct span text, struct span *path)
{
    while (text.size > 0 && text.data[0] == '/')
        text = span_of(text.data + 1, text.size - 1);
    if (text.size > 0 && text.data[text.size - 1] == '/')
        text.size--;
    *path = text;
    if (text.size == 0)
        return true;
    if (text.size > PATH_MAX_SIZE || memchr(text.data, 0, text.size))
        return false;
    for (unsigned depth = 0; depth < PATH_DEPTH_MAX; depth++) {
        if (!name_is_node(take_until(&text, "/")))
            return false;
        if (text.size == 0)
            return true;
        text = span_of(text.data + 1, text.size - 1);
    }
    return false;
}

void name_split_path(struct span path, struct span *parent, struct span *last)
{
    const uint8_t *slash = memrchr(path.data, '/', path.size);
    size_t before = slash ? (size_t)(slash - path.data) : 0;
    size_t skipped = slash ? before + 1 : 0;
    *parent = span_of(path.data, before);
    *last = span_of(path.data + skipped, path.size - skipped);
}
