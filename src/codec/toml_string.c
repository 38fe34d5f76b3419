// SPDX-License-Identifier: Apache-2.0
/* TOML strings: TOML 1.0.0, section "String". */
#include "toml_internal.h"

static bool push_scalar(struct toml_parser *p, uint32_t scalar)
{
    if (scalar < 0x80)
        return toml_push(p, (uint8_t)scalar);
    if (scalar < 0x800)
        return toml_push(p, (uint8_t)(0xC0 | scalar >> 6)) &&
               toml_push(p, (uint8_t)(0x80 | (scalar & 0x3F)));
    if (scalar < 0x10000)
        return toml_push(p, (uint8_t)(0xE0 | scalar >> 12)) &&
               toml_push(p, (uint8_t)(0x80 | (scalar >> 6 & 0x3F))) &&
               toml_push(p, (uint8_t)(0x80 | (scalar & 0x3F)));
    return toml_push(p, (uint8_t)(0xF0 | scalar >> 18)) &&
           toml_push(p, (uint8_t)(0x80 | (scalar >> 12 & 0x3F))) &&
           toml_push(p, (uint8_t)(0x80 | (scalar >> 6 & 0x3F))) &&
           toml_push(p, (uint8_t)(0x80 | (scalar & 0x3F)));
}

static int hex_value(int byte)
{
    if (toml_is_digit(byte))
        return byte - '0';
    if (byte >= 'a' && byte <= 'f')
        return byte - 'a' + 10;
    if (byte >= 'A' && byte <= 'F')
        return byte - 'A' + 10;
    return -1;
}

/* The cursor is behind \u or \U. */
static bool parse_unicode_escape(struct toml_parser *p, struct toml_position start, size_t digits)
{
    uint32_t scalar = 0;
    for (size_t i = 0; i < digits; i++) {
        int value = hex_value(toml_peek(p, 0));
        if (value < 0)
            return toml_fail(p, start,
                             digits == 4 ? "\\u must be followed by 4 hexadecimal digits"
                                         : "\\U must be followed by 8 hexadecimal digits");
        scalar = scalar << 4 | (uint32_t)value;
        toml_bump(p);
    }
    if (scalar > 0x10FFFF || (scalar >= 0xD800 && scalar <= 0xDFFF))
        return toml_fail(p, start, "the escape does not name a Unicode scalar value");
    return push_scalar(p, scalar);
}

static bool parse_escape(struct toml_parser *p)
{
    static const struct {
        char letter, byte;
    } escapes[] = {{'b', '\b'}, {'t', '\t'}, {'n', '\n'}, {'f', '\f'},
                   {'r', '\r'}, {'"', '"'},  {'\\', '\\'}};

    struct toml_position start = p->place;
    toml_bump(p);
    int letter = toml_peek(p, 0);
    if (letter < 0)
        return toml_fail(p, start, "the string is not closed");
    if (letter == 'u' || letter == 'U') {
        toml_bump(p);
        return parse_unicode_escape(p, start, letter == 'u' ? 4 : 8);
    }
    for (size_t i = 0; i < sizeof(escapes) / sizeof(escapes[0]); i++) {
        if (escapes[i].letter == letter) {
            toml_bump(p);
            return toml_push(p, (uint8_t)escapes[i].byte);
        }
    }
    return toml_fail(p, start,
                     "unknown escape; write \\\\ for a backslash, or use a 'literal' string");
}

static bool is_blank(int byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

/* A backslash at the end of a line: swallows it and all blanks and line ends behind it. Sets
 * *swallowed to false, without a step, if the backslash begins an ordinary escape. */
static bool parse_line_continuation(struct toml_parser *p, bool *swallowed)
{
    size_t length = 1;
    while (toml_peek(p, length) == ' ' || toml_peek(p, length) == '\t')
        length++;
    *swallowed = toml_peek(p, length) == '\n' || toml_peek(p, length) == '\r';
    if (!*swallowed)
        return true;
    toml_skip(p, length);
    while (is_blank(toml_peek(p, 0)))
        toml_bump(p);
    return true;
}

static size_t count_quotes(const struct toml_parser *p, int quote)
{
    size_t count = 0;
    while (count < 5 && toml_peek(p, count) == quote)
        count++;
    return count;
}

/* One step of a multi-line string that is not its end. */
static bool parse_multiline_part(struct toml_parser *p, int quote)
{
    int byte = toml_peek(p, 0);
    if (byte == '\\' && quote == '"') {
        bool swallowed;
        parse_line_continuation(p, &swallowed);
        return swallowed || parse_escape(p);
    }
    if (byte == '\r') { /* always followed by a line feed: checked with the encoding */
        toml_bump(p);
        byte = '\n';
    }
    toml_bump(p);
    return toml_push(p, (uint8_t)byte);
}

/* The cursor is behind the opening quotes. */
static bool parse_multiline(struct toml_parser *p, struct toml_position start, int quote)
{
    if (toml_peek(p, 0) == '\r')
        toml_bump(p);
    if (toml_peek(p, 0) == '\n')
        toml_bump(p);
    for (;;) {
        if (toml_peek(p, 0) < 0)
            return toml_fail(p, start, "the multi-line string is not closed");
        size_t quotes = count_quotes(p, quote);
        if (quotes >= 3) { /* up to two of them belong to the text */
            toml_skip(p, quotes);
            for (size_t i = 3; i < quotes; i++) {
                if (!toml_push(p, (uint8_t)quote))
                    return false;
            }
            return true;
        }
        if (!parse_multiline_part(p, quote))
            return false;
    }
}

/* The cursor is behind the opening quote. */
static bool parse_single_line(struct toml_parser *p, struct toml_position start, int quote)
{
    for (;;) {
        int byte = toml_peek(p, 0);
        if (byte < 0)
            return toml_fail(p, start, "the string is not closed");
        if (byte == '\n' || byte == '\r')
            return toml_fail(p, start, "the string is not closed at the end of the line");
        if (byte == quote) {
            toml_bump(p);
            return true;
        }
        if (byte == '\\' && quote == '"') {
            if (!parse_escape(p))
                return false;
            continue;
        }
        toml_bump(p);
        if (!toml_push(p, (uint8_t)byte))
            return false;
    }
}

bool toml_parse_string(struct toml_parser *p, bool allow_multiline, struct span *string)
{
    struct toml_position start = p->place;
    int quote = toml_peek(p, 0);
    const uint8_t *data = p->memory;
    bool triple = toml_peek(p, 1) == quote && toml_peek(p, 2) == quote;
    if (triple && !allow_multiline)
        return toml_fail(p, start, "a key cannot be a multi-line string");

    toml_skip(p, triple ? 3 : 1);
    if (!(triple ? parse_multiline(p, start, quote) : parse_single_line(p, start, quote)))
        return false;
    *string = span_of(data, (size_t)(p->memory - data));
    return toml_push(p, 0);
}
