// SPDX-License-Identifier: Apache-2.0
/* TOML integers and floats: TOML 1.0.0, sections "Integer" and "Float". */
#include "toml_internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A number as written: the bytes and where each message about it points. */
struct number {
    struct toml_position at;
    const uint8_t *bytes;
    size_t size;
};

static bool is_number_byte(int byte)
{
    return toml_is_digit(byte) || (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           byte == '_' || byte == '+' || byte == '-' || byte == '.';
}

static bool equals(const uint8_t *bytes, size_t size, const char *word)
{
    return size == strlen(word) && memcmp(bytes, word, size) == 0;
}

static int digit_value(uint8_t byte, unsigned base)
{
    int value = -1;
    if (toml_is_digit(byte))
        value = byte - '0';
    else if (byte >= 'a' && byte <= 'f')
        value = byte - 'a' + 10;
    else if (byte >= 'A' && byte <= 'F')
        value = byte - 'A' + 10;
    return value < (int)base ? value : -1;
}

/* Checks a run of digits, in which single underscores may stand between digits. */
static bool check_digits(struct toml_parser *p, const struct number *number, const uint8_t *bytes,
                         size_t size, unsigned base)
{
    if (size == 0)
        return toml_fail(p, number->at, "a digit is missing in the number");
    for (size_t i = 0; i < size; i++) {
        if (bytes[i] == '_') {
            bool between = i > 0 && i + 1 < size && digit_value(bytes[i - 1], base) >= 0 &&
                           digit_value(bytes[i + 1], base) >= 0;
            if (!between)
                return toml_fail(p, number->at,
                                 "an underscore in a number must stand between two digits");
        } else if (digit_value(bytes[i], base) < 0) {
            return toml_fail(p, number->at,
                             base == 10 ? "this is not a value; text must be in quotes"
                                        : "the number has a digit that is not of its base");
        }
    }
    return true;
}

static bool check_leading_zero(struct toml_parser *p, const struct number *number,
                               const uint8_t *bytes, size_t size)
{
    if (size > 1 && bytes[0] == '0')
        return toml_fail(p, number->at,
                         "a number must not begin with 0; octal numbers are written 0o…");
    return true;
}

static bool integer_value(struct toml_parser *p, const struct number *number, size_t skip,
                          unsigned base, bool negative, int64_t *value)
{
    uint64_t limit = (uint64_t)INT64_MAX + (negative ? 1 : 0);
    uint64_t magnitude = 0;
    for (size_t i = skip; i < number->size; i++) {
        if (number->bytes[i] == '_')
            continue;
        uint64_t digit = (uint64_t)digit_value(number->bytes[i], base);
        if (magnitude > (limit - digit) / base)
            return toml_fail(p, number->at, "the integer does not fit in 64 bits");
        magnitude = magnitude * base + digit;
    }
    *value = negative ? (int64_t)(0 - magnitude) : (int64_t)magnitude;
    return true;
}

static bool parse_prefixed(struct toml_parser *p, const struct number *number, unsigned base,
                           struct toml_node *node)
{
    node->kind = TOML_INTEGER;
    return check_digits(p, number, number->bytes + 2, number->size - 2, base) &&
           integer_value(p, number, 2, base, false, &node->integer);
}

/* The one place that converts decimal to binary floating point, correctly rounded: libc's strtod in
 * the "C" locale, which nothing of ours ever leaves. `text` has been checked against the grammar.
 */
static double decimal_to_double(const char *text)
{
    return strtod(text, NULL);
}

/* Converts through a copy without underscores in memory that is not yet used. */
static bool float_value(struct toml_parser *p, const struct number *number, double *value)
{
    uint8_t *memory = p->memory;
    size_t left = p->memory_left;
    bool ok = true;
    for (size_t i = 0; i < number->size && ok; i++) {
        if (number->bytes[i] != '_')
            ok = toml_push(p, number->bytes[i]);
    }
    if (!ok || !toml_push(p, 0))
        return false;
    *value = decimal_to_double((const char *)memory);
    p->memory = memory;
    p->memory_left = left;
    if (isinf(*value))
        return toml_fail(p, number->at, "the number does not fit in a 64-bit float");
    return true;
}

static size_t find_any(const uint8_t *bytes, size_t size, size_t from, const char *set)
{
    size_t i = from;
    while (i < size && !strchr(set, bytes[i]))
        i++;
    return i;
}

static bool parse_float(struct toml_parser *p, const struct number *number, size_t sign,
                        struct toml_node *node)
{
    const uint8_t *bytes = number->bytes;
    size_t point = find_any(bytes, number->size, sign, ".eE");
    if (!check_digits(p, number, bytes + sign, point - sign, 10) ||
        !check_leading_zero(p, number, bytes + sign, point - sign))
        return false;

    size_t exponent = point;
    if (bytes[point] == '.') {
        exponent = find_any(bytes, number->size, point + 1, "eE");
        if (exponent == point + 1)
            return toml_fail(p, number->at, "a digit must follow the decimal point");
        if (!check_digits(p, number, bytes + point + 1, exponent - point - 1, 10))
            return false;
    }
    if (exponent < number->size) {
        size_t digits = exponent + 1;
        if (digits < number->size && (bytes[digits] == '+' || bytes[digits] == '-'))
            digits++;
        if (!check_digits(p, number, bytes + digits, number->size - digits, 10))
            return false;
    }
    node->kind = TOML_FLOAT;
    return float_value(p, number, &node->real);
}

static bool parse_special(const struct number *number, size_t sign, struct toml_node *node)
{
    bool negative = sign && number->bytes[0] == '-';
    const uint8_t *word = number->bytes + sign;
    size_t size = number->size - sign;
    if (equals(word, size, "inf"))
        node->real = negative ? -INFINITY : INFINITY;
    else if (equals(word, size, "nan"))
        node->real = negative ? -NAN : NAN;
    else
        return false;
    node->kind = TOML_FLOAT;
    return true;
}

bool toml_parse_number(struct toml_parser *p, struct toml_node *node)
{
    struct number number = {.at = p->place, .bytes = p->at};
    while (is_number_byte(toml_peek(p, 0)))
        toml_bump(p);
    number.size = (size_t)(p->at - number.bytes);
    if (number.size == 0)
        return toml_fail(p, number.at, "a value is missing or begins with a wrong character");

    const uint8_t *bytes = number.bytes;
    if (number.size >= 2 && bytes[0] == '0') {
        unsigned base = bytes[1] == 'x' ? 16 : bytes[1] == 'o' ? 8 : bytes[1] == 'b' ? 2 : 0;
        if (base)
            return parse_prefixed(p, &number, base, node);
    }
    size_t sign = bytes[0] == '+' || bytes[0] == '-' ? 1 : 0;
    if (parse_special(&number, sign, node))
        return true;
    bool begins_with_digit = sign < number.size && toml_is_digit(bytes[sign]);
    if (begins_with_digit && find_any(bytes, number.size, sign, ".eE") < number.size)
        return parse_float(p, &number, sign, node);
    node->kind = TOML_INTEGER;
    return check_digits(p, &number, bytes + sign, number.size - sign, 10) &&
           check_leading_zero(p, &number, bytes + sign, number.size - sign) &&
           integer_value(p, &number, sign, 10, bytes[0] == '-', &node->integer);
}
