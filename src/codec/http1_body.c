// SPDX-License-Identifier: Apache-2.0
/* Chunked bodies, and heads that are written. */
#include "codec/http1.h"

#include <errno.h>
#include <string.h>

enum state {
    STATE_SIZE,      /* at the first digit of a chunk's size */
    STATE_DIGITS,    /* behind a digit */
    STATE_EXTENSION, /* behind the size, up to the line's end */
    STATE_SIZE_LF,
    STATE_DATA,
    STATE_DATA_CR,
    STATE_DATA_LF,
    STATE_TRAILER,      /* at the beginning of a trailer's line */
    STATE_TRAILER_LINE, /* inside of it */
    STATE_TRAILER_LF,
    STATE_LAST_LF,
};

static int digit_value(uint8_t digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    uint8_t lower = digit | 0x20;
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

static bool take_digit(struct http1_chunked *chunked, uint8_t byte)
{
    int value = digit_value(byte);
    if (value < 0 || chunked->rest > UINT64_MAX >> 8)
        return false;
    chunked->rest = chunked->rest << 4 | (unsigned)value;
    chunked->state = STATE_DIGITS;
    return true;
}

/* The part of a line behind the size, or a trailer: printable up to CR. */
static bool take_text(struct http1_chunked *chunked, uint8_t byte, enum state text, enum state end)
{
    bool printable = (byte >= 0x20 && byte != 0x7F) || byte == '\t';
    chunked->state = byte == '\r' ? end : text;
    return byte == '\r' || (printable && chunked->line <= HTTP1_CHUNK_LINE_MAX);
}

static bool take_exactly(struct http1_chunked *chunked, uint8_t byte, char wanted, enum state next)
{
    chunked->state = next;
    chunked->line = 0;
    return byte == (uint8_t)wanted;
}

/* One byte outside of a chunk's data. */
static bool step(struct http1_chunked *chunked, uint8_t byte)
{
    chunked->line++;
    switch ((enum state)chunked->state) {
    case STATE_SIZE:
        chunked->rest = 0;
        return take_digit(chunked, byte);
    case STATE_DIGITS:
        if (take_digit(chunked, byte))
            return chunked->line <= HTTP1_CHUNK_LINE_MAX;
        return (byte == ';' || byte == '\r') &&
               take_text(chunked, byte, STATE_EXTENSION, STATE_SIZE_LF);
    case STATE_EXTENSION:
        return take_text(chunked, byte, STATE_EXTENSION, STATE_SIZE_LF);
    case STATE_SIZE_LF:
        return take_exactly(chunked, byte, '\n', chunked->rest > 0 ? STATE_DATA : STATE_TRAILER);
    case STATE_DATA_CR:
        return take_exactly(chunked, byte, '\r', STATE_DATA_LF);
    case STATE_DATA_LF:
        return take_exactly(chunked, byte, '\n', STATE_SIZE);
    case STATE_TRAILER:
        return take_text(chunked, byte, STATE_TRAILER_LINE, STATE_LAST_LF);
    case STATE_TRAILER_LINE:
        return take_text(chunked, byte, STATE_TRAILER_LINE, STATE_TRAILER_LF);
    case STATE_TRAILER_LF:
        return take_exactly(chunked, byte, '\n', STATE_TRAILER);
    case STATE_LAST_LF:
        chunked->done = true;
        return take_exactly(chunked, byte, '\n', STATE_LAST_LF);
    case STATE_DATA:
        break;
    }
    return false;
}

int http1_chunked_next(struct http1_chunked *chunked, struct span *input, struct span *piece)
{
    while (input->size > 0 && !chunked->done) {
        if (chunked->state == STATE_DATA) {
            size_t size = chunked->rest < input->size ? (size_t)chunked->rest : input->size;
            *piece = span_of(input->data, size);
            *input = span_of(input->data + size, input->size - size);
            chunked->rest -= size;
            if (chunked->rest == 0)
                chunked->state = STATE_DATA_CR;
            return 1;
        }
        if (!step(chunked, input->data[0])) {
            chunked->done = false;
            return -EINVAL;
        }
        *input = span_of(input->data + 1, input->size - 1);
    }
    return 0;
}

static const struct {
    unsigned status;
    const char *reason;
} reasons[] = {
    {100, "Continue"},
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {204, "No Content"},
    {206, "Partial Content"},
    {304, "Not Modified"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {411, "Length Required"},
    {412, "Precondition Failed"},
    {413, "Content Too Large"},
    {415, "Unsupported Media Type"},
    {416, "Range Not Satisfiable"},
    {422, "Unprocessable Content"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {503, "Service Unavailable"},
    {505, "HTTP Version Not Supported"},
    {507, "Insufficient Storage"},
};

const char *http1_reason(unsigned status)
{
    for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
        if (reasons[i].status == status)
            return reasons[i].reason;
    }
    return "";
}

void http1_begin_response(struct text *text, unsigned status)
{
    text_printf(text, "HTTP/1.1 %u %s\r\n", status, http1_reason(status));
}

/* Whether a text cannot end its line early. */
static bool is_safe(const char *string)
{
    for (; *string; string++) {
        if (((unsigned char)*string < 0x20 && *string != '\t') || *string == 0x7F)
            return false;
    }
    return true;
}

void http1_begin_request(struct text *text, const char *method, const char *target)
{
    if (!is_safe(target) || strchr(target, ' ') || target[0] == '\0')
        text->overflow = true;
    else
        text_printf(text, "%s %s HTTP/1.1\r\n", method, target);
}

void http1_header(struct text *text, const char *name, const char *value)
{
    if (!is_safe(value))
        text->overflow = true;
    else
        text_printf(text, "%s: %s\r\n", name, value);
}

void http1_header_number(struct text *text, const char *name, uint64_t value)
{
    text_printf(text, "%s: %llu\r\n", name, (unsigned long long)value);
}

void http1_end(struct text *text)
{
    text_add(text, "\r\n");
}
