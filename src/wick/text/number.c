// SPDX-License-Identifier: Apache-2.0
#include "wick/text/number.h"

#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* What differs between the two float formats. */
struct float_format {
    unsigned fraction_bits;
    int max_exponent; /* also the bias */
};

static const struct float_format format_f32 = {23, 127};
static const struct float_format format_f64 = {52, 1023};

static int digit_value(uint8_t c, bool hex)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (hex && c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (hex && c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

static bool take_sign(struct span *text)
{
    if (text->size == 0 || (text->data[0] != '-' && text->data[0] != '+'))
        return false;
    bool negative = text->data[0] == '-';
    *text = span_of(text->data + 1, text->size - 1);
    return negative;
}

static bool take_prefix(struct span *text, const char *prefix)
{
    size_t size = strlen(prefix);
    if (text->size < size || memcmp(text->data, prefix, size) != 0)
        return false;
    *text = span_of(text->data + size, text->size - size);
    return true;
}

/* Splits off the longest run of digits with single underscores between them; empty if there is
 * none. */
static struct span take_digits(struct span *text, bool hex)
{
    size_t size = 0;
    while (size < text->size) {
        if (digit_value(text->data[size], hex) >= 0) {
            size++;
            continue;
        }
        bool between = text->data[size] == '_' && size > 0 && size + 1 < text->size &&
                       digit_value(text->data[size + 1], hex) >= 0;
        if (!between)
            break;
        size++;
    }
    struct span digits = span_of(text->data, size);
    *text = span_of(text->data + size, text->size - size);
    return digits;
}

static enum number_status magnitude(struct span text, uint64_t *out)
{
    bool hex = take_prefix(&text, "0x");
    struct span digits = take_digits(&text, hex);
    if (digits.size == 0 || text.size > 0)
        return NUMBER_MALFORMED;
    uint64_t value = 0;
    unsigned base = hex ? 16 : 10;
    for (size_t i = 0; i < digits.size; i++) {
        if (digits.data[i] == '_')
            continue;
        uint64_t digit = (uint64_t)digit_value(digits.data[i], hex);
        if (__builtin_mul_overflow(value, base, &value) ||
            __builtin_add_overflow(value, digit, &value))
            return NUMBER_OUT_OF_RANGE;
    }
    *out = value;
    return NUMBER_OK;
}

static uint64_t mask(unsigned bits)
{
    return bits >= 64 ? UINT64_MAX : ((uint64_t)1 << bits) - 1;
}

enum number_status number_unsigned(struct span literal, unsigned bits, uint64_t *out)
{
    enum number_status status = magnitude(literal, out);
    if (status == NUMBER_OK && *out > mask(bits))
        return NUMBER_OUT_OF_RANGE;
    return status;
}

enum number_status number_integer(struct span literal, unsigned bits, uint64_t *out)
{
    bool negative = take_sign(&literal);
    uint64_t value = 0;
    enum number_status status = magnitude(literal, &value);
    if (status != NUMBER_OK)
        return status;
    if (value > (negative ? (uint64_t)1 << (bits - 1) : mask(bits)))
        return NUMBER_OUT_OF_RANGE;
    *out = (negative ? 0 - value : value) & mask(bits);
    return NUMBER_OK;
}

/* A decimal exponent or binary exponent, clamped to what any rounding can tell apart. */
static bool take_exponent(struct span *text, int64_t *out)
{
    bool negative = take_sign(text);
    struct span digits = take_digits(text, false);
    int64_t value = 0;
    for (size_t i = 0; i < digits.size; i++) {
        if (digits.data[i] != '_' && value < INT32_MAX)
            value = value * 10 + digit_value(digits.data[i], false);
    }
    *out = negative ? -value : value;
    return digits.size > 0;
}

/* A finite literal taken apart. */
struct float_parts {
    bool hex;
    struct span integer, fraction; /* digits */
    int64_t exponent;
};

static bool split_float(struct span text, struct float_parts *out)
{
    *out = (struct float_parts){.hex = take_prefix(&text, "0x")};
    out->integer = take_digits(&text, out->hex);
    if (out->integer.size == 0)
        return false;
    if (take_prefix(&text, "."))
        out->fraction = take_digits(&text, out->hex);
    bool has_exponent = out->hex ? take_prefix(&text, "p") || take_prefix(&text, "P")
                                 : take_prefix(&text, "e") || take_prefix(&text, "E");
    if (has_exponent && !take_exponent(&text, &out->exponent))
        return false;
    return text.size == 0;
}

/* The 64 leading bits of a hexadecimal number; the last one also stands for all that follow. */
struct scaled {
    uint64_t bits;
    int64_t exponent; /* value = bits * 2^exponent */
};

static void append_hex(struct scaled *number, struct span digits, int64_t step)
{
    for (size_t i = 0; i < digits.size; i++) {
        if (digits.data[i] == '_')
            continue;
        uint64_t digit = (uint64_t)digit_value(digits.data[i], true);
        if (number->bits >> 60) {
            number->bits |= digit != 0;
            number->exponent += 4;
        } else {
            number->bits = number->bits << 4 | digit;
        }
        number->exponent -= step;
    }
}

/* Shifts right and rounds to nearest, ties to even. */
static uint64_t round_shift(uint64_t value, int64_t shift)
{
    if (shift > 64)
        return 0;
    uint64_t kept = shift == 64 ? 0 : value >> shift;
    uint64_t lost = shift == 64 ? value : value << (64 - shift);
    const uint64_t half = (uint64_t)1 << 63;
    if (lost > half || (lost == half && (kept & 1)))
        kept++;
    return kept;
}

static enum number_status round_hex(const struct float_parts *parts,
                                    const struct float_format *format, uint64_t *out)
{
    struct scaled number = {0, parts->exponent};
    append_hex(&number, parts->integer, 0);
    append_hex(&number, parts->fraction, 4);
    *out = 0;
    if (number.bits == 0)
        return NUMBER_OK;
    int leading = __builtin_clzll(number.bits);
    number.bits <<= leading;
    int64_t exponent = number.exponent - leading + 63; /* of the leading bit */
    if (exponent > format->max_exponent)
        return NUMBER_OUT_OF_RANGE;

    int64_t shift = 63 - (int64_t)format->fraction_bits;
    int64_t biased = exponent + format->max_exponent;
    if (biased < 1) {
        shift += 1 - biased; /* subnormal: fewer bits */
        biased = 1;
    }
    /* The leading bit adds one to the exponent field; so does a carry out of the fraction. */
    uint64_t fraction = round_shift(number.bits, shift);
    *out = ((uint64_t)(biased - 1) << format->fraction_bits) + fraction;
    uint64_t infinity = (uint64_t)(2 * format->max_exponent + 1) << format->fraction_bits;
    return *out >= infinity ? NUMBER_OUT_OF_RANGE : NUMBER_OK;
}

static enum number_status convert_decimal(const char *digits, bool single, uint64_t *out)
{
    locale_t locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (locale == (locale_t)0)
        return NUMBER_OUT_OF_RANGE;
    bool finite;
    *out = 0;
    if (single) {
        float value = strtof_l(digits, NULL, locale);
        finite = isfinite(value);
        uint32_t bits;
        memcpy(&bits, &value, sizeof(bits));
        *out = bits;
    } else {
        double value = strtod_l(digits, NULL, locale);
        finite = isfinite(value);
        memcpy(out, &value, sizeof(value));
    }
    freelocale(locale);
    return finite ? NUMBER_OK : NUMBER_OUT_OF_RANGE;
}

static enum number_status round_decimal(struct span literal, bool single, uint64_t *out)
{
    char small[128];
    char *digits = literal.size < sizeof(small) ? small : malloc(literal.size + 1);
    if (!digits)
        return NUMBER_OUT_OF_RANGE;
    size_t size = 0;
    for (size_t i = 0; i < literal.size; i++) {
        if (literal.data[i] != '_')
            digits[size++] = (char)literal.data[i];
    }
    digits[size] = '\0';
    enum number_status status = convert_decimal(digits, single, out);
    if (digits != small)
        free(digits);
    return status;
}

static enum number_status parse_nan(struct span text, const struct float_format *format,
                                    uint64_t *out)
{
    uint64_t payload = (uint64_t)1 << (format->fraction_bits - 1);
    if (text.size > 0) {
        if (!take_prefix(&text, ":0x"))
            return NUMBER_MALFORMED;
        /* magnitude() wants the prefix that distinguishes the base. */
        enum number_status status = magnitude(span_of(text.data - 2, text.size + 2), &payload);
        if (status != NUMBER_OK)
            return status;
    }
    if (payload == 0 || payload > mask(format->fraction_bits))
        return NUMBER_OUT_OF_RANGE;
    *out = ((uint64_t)(2 * format->max_exponent + 1) << format->fraction_bits) | payload;
    return NUMBER_OK;
}

static enum number_status parse_positive(struct span text, unsigned bits, uint64_t *out)
{
    const struct float_format *format = bits == 32 ? &format_f32 : &format_f64;
    struct span rest = text;
    if (take_prefix(&rest, "nan"))
        return parse_nan(rest, format, out);
    if (take_prefix(&rest, "inf")) {
        *out = (uint64_t)(2 * format->max_exponent + 1) << format->fraction_bits;
        return rest.size == 0 ? NUMBER_OK : NUMBER_MALFORMED;
    }
    struct float_parts parts;
    if (!split_float(text, &parts))
        return NUMBER_MALFORMED;
    return parts.hex ? round_hex(&parts, format, out) : round_decimal(text, bits == 32, out);
}

enum number_status number_float(struct span literal, unsigned bits, uint64_t *out)
{
    uint64_t sign = take_sign(&literal) ? (uint64_t)1 << (bits - 1) : 0;
    enum number_status status = parse_positive(literal, bits, out);
    *out |= sign;
    return status;
}

bool number_is_literal(struct span literal)
{
    uint64_t ignored = 0;
    return number_float(literal, 64, &ignored) != NUMBER_MALFORMED;
}
