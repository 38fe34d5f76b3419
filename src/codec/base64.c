// SPDX-License-Identifier: Apache-2.0
#include "codec/base64.h"

#include <errno.h>

enum { NOT_A_DIGIT = 0xFF };

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char url_alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static unsigned digit_value(uint8_t character)
{
    if (character >= 'A' && character <= 'Z')
        return character - 'A';
    if (character >= 'a' && character <= 'z')
        return character - 'a' + 26U;
    if (character >= '0' && character <= '9')
        return character - '0' + 52U;
    if (character == '+')
        return 62;
    return character == '/' ? 63 : NOT_A_DIGIT;
}

static bool is_blank(uint8_t character)
{
    return character == ' ' || character == '\t' || character == '\r' || character == '\n';
}

int base64_decode(struct span text, uint8_t *out, size_t *out_size)
{
    uint32_t bits = 0;
    size_t digits = 0, padding = 0, size = 0;
    for (size_t i = 0; i < text.size; i++) {
        uint8_t character = text.data[i];
        if (is_blank(character))
            continue;
        if (character == '=') {
            padding++;
            continue;
        }
        unsigned value = digit_value(character);
        if (value == NOT_A_DIGIT || padding > 0)
            return -EINVAL;
        bits = bits << 6 | value;
        digits++;
        if (digits % 4 != 1)
            out[size++] = (uint8_t)(bits >> (6 - 2 * ((digits - 1) % 4)));
    }
    size_t over = digits % 4;
    if (over == 1 || padding != (4 - over) % 4)
        return -EINVAL;
    if (over > 0 && (bits & (over == 2 ? 0xF : 0x3)) != 0)
        return -EINVAL;
    *out_size = size;
    return 0;
}

static unsigned url_digit_value(uint8_t character)
{
    if (character == '+' || character == '/')
        return NOT_A_DIGIT;
    return character == '-' ? 62 : character == '_' ? 63 : digit_value(character);
}

int base64url_decode(struct span text, uint8_t *out, size_t *out_size)
{
    uint32_t bits = 0;
    size_t size = 0, over = text.size % 4;
    for (size_t i = 0; i < text.size; i++) {
        unsigned value = url_digit_value(text.data[i]);
        if (value == NOT_A_DIGIT)
            return -EINVAL;
        bits = bits << 6 | value;
        if (i % 4 != 0)
            out[size++] = (uint8_t)(bits >> (6 - 2 * (i % 4)));
    }
    if (over == 1 || (over > 0 && (bits & (over == 2 ? 0xF : 0x3)) != 0))
        return -EINVAL;
    *out_size = size;
    return 0;
}

size_t base64_encode(struct span bytes, bool url, char *out)
{
    const char *digits = url ? url_alphabet : alphabet;
    size_t size = 0;
    for (size_t i = 0; i < bytes.size; i += 3) {
        size_t count = bytes.size - i < 3 ? bytes.size - i : 3;
        uint32_t bits = 0;
        for (size_t k = 0; k < 3; k++)
            bits = bits << 8 | (k < count ? bytes.data[i + k] : 0);
        for (size_t k = 0; k < 4; k++) {
            if (k <= count)
                out[size++] = digits[bits >> (18 - 6 * k) & 0x3F];
            else if (!url)
                out[size++] = '=';
        }
    }
    return size;
}

static unsigned hex_value(uint8_t digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    uint8_t lower = digit | 0x20;
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10U : NOT_A_DIGIT;
}

int hex_decode(struct span text, uint8_t *out, size_t size)
{
    if (text.size != 2 * size)
        return -EINVAL;
    for (size_t i = 0; i < size; i++) {
        unsigned high = hex_value(text.data[2 * i]), low = hex_value(text.data[2 * i + 1]);
        if (high == NOT_A_DIGIT || low == NOT_A_DIGIT)
            return -EINVAL;
        out[i] = (uint8_t)(high << 4 | low);
    }
    return 0;
}

void hex_encode(struct span bytes, char *out)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < bytes.size; i++) {
        *out++ = digits[bytes.data[i] >> 4];
        *out++ = digits[bytes.data[i] & 0xF];
    }
    *out = '\0';
}

static bool take_prefix(struct span *text, struct span prefix)
{
    if (text->size < prefix.size || !span_equal(span_of(text->data, prefix.size), prefix))
        return false;
    *text = span_of(text->data + prefix.size, text->size - prefix.size);
    return true;
}

/* Takes what is before `end`, and `end` itself. */
static bool take_until(struct span *text, struct span end, struct span *before)
{
    for (size_t i = 0; i + end.size <= text->size; i++) {
        if (text->data[i] != end.data[0] || !span_equal(span_of(text->data + i, end.size), end))
            continue;
        *before = span_of(text->data, i);
        *text = span_of(text->data + i + end.size, text->size - i - end.size);
        return true;
    }
    return false;
}

int pem_next(struct span *text, struct pem_block *block)
{
    while (text->size > 0 && (is_blank(text->data[0]) || text->data[0] == 0))
        *text = span_of(text->data + 1, text->size - 1);
    if (text->size == 0)
        return 0;
    struct span label;
    if (!take_prefix(text, SPAN_LITERAL("-----BEGIN ")) ||
        !take_until(text, SPAN_LITERAL("-----"), &block->label) ||
        !take_until(text, SPAN_LITERAL("-----END "), &block->body) ||
        !take_until(text, SPAN_LITERAL("-----"), &label) || !span_equal(label, block->label))
        return -EINVAL;
    return 1;
}

void pem_write(struct text *text, const char *label, struct span bytes)
{
    enum { LINE_BYTES = 48 };
    char line[BASE64_ENCODED(LINE_BYTES) + 1];
    text_printf(text, "-----BEGIN %s-----\n", label);
    for (size_t done = 0; done < bytes.size; done += LINE_BYTES) {
        size_t part = bytes.size - done < LINE_BYTES ? bytes.size - done : LINE_BYTES;
        size_t size = base64_encode(span_of(bytes.data + done, part), false, line);
        line[size++] = '\n';
        text_add_span(text, span_of(line, size));
    }
    text_printf(text, "-----END %s-----\n", label);
}
