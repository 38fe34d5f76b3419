// SPDX-License-Identifier: Apache-2.0
#include "codec/der.h"

#include "base/date.h"

enum { LENGTH_BYTES_MAX = 4, HIGH_TAG = 0x1F };

void der_fail(struct der *der)
{
    der->failed = true;
    der->rest.size = 0;
}

uint8_t der_peek(const struct der *der)
{
    return der->rest.size > 0 ? der->rest.data[0] : 0;
}

/* Reads a length at *at; false if it is not minimal or leads out of the bytes. */
static bool read_length(struct span bytes, size_t *at, size_t *length)
{
    if (*at >= bytes.size)
        return false;
    uint8_t first = bytes.data[(*at)++];
    *length = first;
    if (first < 0x80)
        return *length <= bytes.size - *at;
    size_t count = first & 0x7F;
    if (count == 0 || count > LENGTH_BYTES_MAX || count > bytes.size - *at)
        return false;
    *length = 0;
    for (size_t i = 0; i < count; i++)
        *length = *length << 8 | bytes.data[(*at)++];
    bool minimal = *length >= 0x80 && *length >> (8 * (count - 1)) != 0;
    return minimal && *length <= bytes.size - *at;
}

struct der_element der_next(struct der *der)
{
    struct der_element element = {0};
    struct span bytes = der->rest;
    size_t at = 1, length;
    if (bytes.size == 0 || bytes.data[0] == 0 || (bytes.data[0] & HIGH_TAG) == HIGH_TAG ||
        !read_length(bytes, &at, &length)) {
        der_fail(der);
        return element;
    }
    element.tag = bytes.data[0];
    element.value = span_of(bytes.data + at, length);
    element.whole = span_of(bytes.data, at + length);
    der->rest = span_of(bytes.data + at + length, bytes.size - at - length);
    return element;
}

static struct der_element expect(struct der *der, uint8_t tag)
{
    struct der_element element = {0};
    if (der_peek(der) == tag)
        element = der_next(der);
    else
        der_fail(der);
    return element;
}

struct span der_take(struct der *der, uint8_t tag)
{
    return expect(der, tag).value;
}

struct span der_whole(struct der *der, uint8_t tag)
{
    return expect(der, tag).whole;
}

struct der der_enter(struct der *der, uint8_t tag)
{
    struct span value = expect(der, tag).value;
    return (struct der){.rest = value, .failed = der->failed};
}

bool der_optional(struct der *der, uint8_t tag, struct span *value)
{
    if (der_peek(der) != tag)
        return false;
    *value = der_next(der).value;
    return !der->failed;
}

bool der_end(const struct der *der)
{
    return !der->failed && der->rest.size == 0;
}

static bool is_minimal(struct span integer)
{
    if (integer.size < 2)
        return integer.size == 1;
    bool padded = integer.data[0] == 0x00 && integer.data[1] < 0x80;
    bool extended = integer.data[0] == 0xFF && integer.data[1] >= 0x80;
    return !padded && !extended;
}

struct span der_unsigned(struct der *der)
{
    struct span value = der_take(der, DER_INTEGER);
    if (!is_minimal(value) || value.data[0] >= 0x80) {
        der_fail(der);
        return (struct span){0};
    }
    if (value.data[0] == 0)
        value = span_of(value.data + 1, value.size - 1);
    return value;
}

bool der_value_uint(struct span value, uint64_t max, uint64_t *number)
{
    if (!is_minimal(value) || value.data[0] >= 0x80 || value.size > sizeof(*number) + 1)
        return false;
    if (value.size > sizeof(*number) && value.data[0] != 0)
        return false;
    uint64_t sum = 0;
    for (size_t i = 0; i < value.size; i++)
        sum = sum << 8 | value.data[i];
    if (sum > max)
        return false;
    *number = sum;
    return true;
}

uint64_t der_uint(struct der *der, uint64_t max)
{
    uint64_t number = 0;
    struct span value = der_take(der, DER_INTEGER);
    if (!der_value_uint(value, max, &number))
        der_fail(der);
    return number;
}

bool der_boolean(struct der *der)
{
    struct span value = der_take(der, DER_BOOLEAN);
    if (value.size != 1 || (value.data[0] != 0x00 && value.data[0] != 0xFF)) {
        der_fail(der);
        return false;
    }
    return value.data[0] == 0xFF;
}

struct span der_bits(struct der *der)
{
    struct span value = der_take(der, DER_BIT_STRING);
    if (value.size == 0 || value.data[0] != 0) {
        der_fail(der);
        return (struct span){0};
    }
    return span_of(value.data + 1, value.size - 1);
}

static bool parse_time(struct span text, bool full_year, int64_t *seconds)
{
    size_t year_digits = full_year ? 4 : 2;
    if (text.size != year_digits + 11 || text.data[text.size - 1] != 'Z')
        return false;
    struct date date;
    unsigned *const parts[] = {&date.month, &date.day, &date.hour, &date.minute, &date.second};
    if (!date_digits(text.data, year_digits, &date.year))
        return false;
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        if (!date_digits(text.data + year_digits + 2 * i, 2, parts[i]))
            return false;
    }
    if (!full_year)
        date.year += date.year < 50 ? 2000 : 1900;
    return date_to_seconds(&date, seconds);
}

int64_t der_time(struct der *der)
{
    int64_t seconds = 0;
    struct der_element element = der_next(der);
    bool full_year = element.tag == DER_GENERALIZED_TIME;
    if ((!full_year && element.tag != DER_UTC_TIME) ||
        !parse_time(element.value, full_year, &seconds))
        der_fail(der);
    return seconds;
}
