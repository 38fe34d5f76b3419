// SPDX-License-Identifier: Apache-2.0
#include "base/date.h"
#include "codec/der.h"

#include <stdio.h>
#include <string.h>

void der_put_raw(struct der_writer *writer, struct span bytes)
{
    if (bytes.size > writer->start) {
        writer->overflow = true;
        return;
    }
    writer->start -= bytes.size;
    if (bytes.size > 0)
        memcpy(writer->buffer + writer->start, bytes.data, bytes.size);
}

static void put_byte(struct der_writer *writer, size_t byte)
{
    uint8_t one = (uint8_t)byte;
    der_put_raw(writer, span_of(&one, 1));
}

void der_close(struct der_writer *writer, uint8_t tag, size_t mark)
{
    size_t length = mark - writer->start, count = 0;
    if (length < 0x80) {
        put_byte(writer, length);
    } else {
        for (size_t rest = length; rest > 0; rest >>= 8, count++)
            put_byte(writer, rest & 0xFF);
        put_byte(writer, 0x80 | count);
    }
    put_byte(writer, tag);
}

void der_put(struct der_writer *writer, uint8_t tag, struct span value)
{
    size_t mark = der_mark(writer);
    der_put_raw(writer, value);
    der_close(writer, tag, mark);
}

void der_put_unsigned(struct der_writer *writer, struct span bytes)
{
    while (bytes.size > 0 && bytes.data[0] == 0)
        bytes = span_of(bytes.data + 1, bytes.size - 1);
    size_t mark = der_mark(writer);
    der_put_raw(writer, bytes);
    if (bytes.size == 0 || bytes.data[0] >= 0x80)
        put_byte(writer, 0);
    der_close(writer, DER_INTEGER, mark);
}

void der_put_uint(struct der_writer *writer, uint64_t number)
{
    uint8_t bytes[sizeof(number)];
    for (size_t i = sizeof(bytes); i > 0; i--, number >>= 8)
        bytes[i - 1] = (uint8_t)number;
    der_put_unsigned(writer, span_of(bytes, sizeof(bytes)));
}

void der_put_bits(struct der_writer *writer, struct span bytes)
{
    size_t mark = der_mark(writer);
    der_put_raw(writer, bytes);
    put_byte(writer, 0);
    der_close(writer, DER_BIT_STRING, mark);
}

void der_put_time(struct der_writer *writer, int64_t seconds)
{
    struct date date;
    char text[24];
    if (!date_from_seconds(seconds, &date)) {
        writer->overflow = true;
        return;
    }
    bool full_year = date.year < 1950 || date.year >= 2050;
    snprintf(text, sizeof(text), "%04u%02u%02u%02u%02u%02uZ", date.year % 10000, date.month % 100,
             date.day % 100, date.hour % 100, date.minute % 100, date.second % 100);
    const char *from = full_year ? text : text + 2;
    der_put(writer, full_year ? DER_GENERALIZED_TIME : DER_UTC_TIME, span_of(from, strlen(from)));
}
