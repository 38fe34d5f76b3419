// SPDX-License-Identifier: Apache-2.0
#include "codec/http1.h"

#include <errno.h>
#include <string.h>

static bool is_token_character(uint8_t character)
{
    uint8_t lower = character | 0x20;
    return (lower >= 'a' && lower <= 'z') || (character >= '0' && character <= '9') ||
           (character && strchr("!#$%&'*+-.^_`|~", character));
}

static bool is_token(struct span text)
{
    for (size_t i = 0; i < text.size; i++) {
        if (!is_token_character(text.data[i]))
            return false;
    }
    return text.size > 0;
}

/* Printable characters, and for `blanks` also blanks and tabs; bytes from 0x80 are opaque. */
static bool is_printable(struct span text, bool blanks)
{
    for (size_t i = 0; i < text.size; i++) {
        uint8_t character = text.data[i];
        bool blank = character == ' ' || character == '\t';
        if (blank ? !blanks : character <= 0x20 || character == 0x7F)
            return false;
    }
    return true;
}

static struct span trim(struct span text)
{
    while (text.size > 0 && (text.data[0] == ' ' || text.data[0] == '\t'))
        text = span_of(text.data + 1, text.size - 1);
    while (text.size > 0 && (text.data[text.size - 1] == ' ' || text.data[text.size - 1] == '\t'))
        text.size--;
    return text;
}

bool http1_equal(struct span text, const char *word)
{
    if (text.size != strlen(word))
        return false;
    for (size_t i = 0; i < text.size; i++) {
        uint8_t a = text.data[i], b = (uint8_t)word[i];
        bool letter = (b | 0x20) >= 'a' && (b | 0x20) <= 'z';
        if (letter ? (a | 0x20) != (b | 0x20) : a != b)
            return false;
    }
    return true;
}

const struct span *http1_header_find(const struct http1_head *head, const char *name)
{
    for (size_t i = 0; i < head->count; i++) {
        if (http1_equal(head->headers[i].name, name))
            return &head->headers[i].value;
    }
    return NULL;
}

/* Takes a line that ends with CR LF: 1, or 0 if it is not complete, or -EINVAL for a bare CR or LF.
 */
static int take_line(struct span *rest, struct span *line)
{
    for (size_t i = 0; i < rest->size; i++) {
        if (rest->data[i] == '\n')
            return -EINVAL;
        if (rest->data[i] != '\r')
            continue;
        if (i + 1 == rest->size)
            return 0;
        if (rest->data[i + 1] != '\n')
            return -EINVAL;
        *line = span_of(rest->data, i);
        *rest = span_of(rest->data + i + 2, rest->size - i - 2);
        return 1;
    }
    return 0;
}

/* Takes what is before the first `separator`. */
static bool take_until(struct span *rest, char separator, struct span *part)
{
    const uint8_t *at = rest->size ? memchr(rest->data, separator, rest->size) : NULL;
    if (!at)
        return false;
    size_t size = (size_t)(at - rest->data);
    *part = span_of(rest->data, size);
    *rest = span_of(at + 1, rest->size - size - 1);
    return true;
}

static bool parse_version(struct span text, unsigned *minor)
{
    if (span_equal(text, SPAN_LITERAL("HTTP/1.1")))
        *minor = 1;
    else if (span_equal(text, SPAN_LITERAL("HTTP/1.0")))
        *minor = 0;
    else
        return false;
    return true;
}

static bool parse_length(struct span text, uint64_t *length)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9' || sum > UINT64_MAX / 10 - 1)
            return false;
        sum = sum * 10 + (text.data[i] - '0');
    }
    *length = sum;
    return text.size > 0;
}

/* Whether one of the words of a list, separated by commas, is `word`. */
static bool list_names(struct span list, const char *word)
{
    struct span part;
    while (take_until(&list, ',', &part)) {
        if (http1_equal(trim(part), word))
            return true;
    }
    return http1_equal(trim(list), word);
}

/* Headers that decide where a message ends. */
static bool consider_framing(struct http1_head *head, const struct http1_header *header)
{
    if (http1_equal(header->name, "content-length")) {
        if (head->has_length || !parse_length(header->value, &head->length))
            return false;
        head->has_length = true;
    } else if (http1_equal(header->name, "transfer-encoding")) {
        if (head->chunked || !http1_equal(header->value, "chunked"))
            return false;
        head->chunked = true;
    } else if (http1_equal(header->name, "connection")) {
        if (list_names(header->value, "close"))
            head->keep_alive = false;
        else if (list_names(header->value, "keep-alive") && head->minor == 0)
            head->keep_alive = true;
    }
    return true;
}

/* Reads header lines up to the empty one: 1, 0 or a negative errno. */
static int parse_headers(struct span *rest, struct http1_head *head)
{
    struct span line;
    int status;
    head->keep_alive = head->minor == 1;
    while ((status = take_line(rest, &line)) > 0 && line.size > 0) {
        struct http1_header header;
        if (head->count == HTTP1_HEADERS_MAX)
            return -EMSGSIZE;
        if (!take_until(&line, ':', &header.name) || !is_token(header.name))
            return -EINVAL;
        header.value = trim(line);
        if (!is_printable(header.value, true) || !consider_framing(head, &header))
            return -EINVAL;
        head->headers[head->count++] = header;
    }
    if (status > 0 && ((head->chunked && (head->has_length || head->minor == 0))))
        return -EINVAL;
    return status;
}

/* What is common at the end of both parsers. */
static int finish(int status, struct span bytes, struct span rest)
{
    size_t size = bytes.size - rest.size;
    if (status < 0)
        return status;
    if (status == 0)
        return bytes.size > HTTP1_HEAD_MAX ? -EMSGSIZE : 0;
    return size > HTTP1_HEAD_MAX ? -EMSGSIZE : (int)size;
}

static bool check_host(const struct http1_head *head)
{
    unsigned count = 0;
    for (size_t i = 0; i < head->count; i++)
        count += http1_equal(head->headers[i].name, "host");
    return count == 1 || (count == 0 && head->minor == 0);
}

int http1_parse_request(struct span bytes, struct http1_request *request)
{
    struct span rest = bytes, line, version;
    *request = (struct http1_request){0};
    int status = take_line(&rest, &line);
    if (status > 0) {
        version = line;
        if (!take_until(&version, ' ', &request->method) ||
            !take_until(&version, ' ', &request->target) || !is_token(request->method) ||
            request->target.size == 0 || !is_printable(request->target, false) ||
            !parse_version(version, &request->head.minor))
            return -EINVAL;
        status = parse_headers(&rest, &request->head);
    }
    if (status > 0 && !check_host(&request->head))
        return -EINVAL;
    const struct span *expect = http1_header_find(&request->head, "expect");
    request->expect_continue =
        expect && http1_equal(*expect, "100-continue") && request->head.minor == 1;
    return finish(status, bytes, rest);
}

int http1_parse_response(struct span bytes, struct http1_response *response)
{
    struct span rest = bytes, line, version, code;
    *response = (struct http1_response){0};
    int status = take_line(&rest, &line);
    if (status > 0) {
        uint64_t number = 0;
        response->reason = line;
        if (!take_until(&response->reason, ' ', &version) ||
            !take_until(&response->reason, ' ', &code) || code.size != 3 ||
            !parse_length(code, &number) || number < 100 || number > 599 ||
            !is_printable(response->reason, true) || !parse_version(version, &response->head.minor))
            return -EINVAL;
        response->status = (unsigned)number;
        status = parse_headers(&rest, &response->head);
    }
    return finish(status, bytes, rest);
}
