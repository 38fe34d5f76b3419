/* SPDX-License-Identifier: Apache-2.0 */
#include "wick/reader.h"

#include <stdarg.h>
#include <stdio.h>

__attribute__((format(printf, 4, 0))) static void fault_vset(struct fault *fault,
                                                             enum wick_status status, size_t offset,
                                                             const char *format, va_list args)
{
    if (fault->status != WICK_OK)
        return;
    fault->status = status;
    fault->offset = offset;
    vsnprintf(fault->text, sizeof(fault->text), format, args);
}

void fault_set(struct fault *fault, enum wick_status status, size_t offset, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fault_vset(fault, status, offset, format, args);
    va_end(args);
}

void reader_fail(struct reader *reader, enum wick_status status, const uint8_t *place,
                 const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fault_vset(reader->fault, status, (size_t)(place - reader->start), format, args);
    va_end(args);
    reader->next = reader->end;
}

struct reader reader_sub(const struct reader *reader, struct span bytes)
{
    struct reader sub = *reader;
    if (bytes.data) {
        sub.next = bytes.data;
        sub.end = bytes.data + bytes.size;
    } else {
        sub.next = sub.end;
    }
    sub.inner = true;
    return sub;
}

int reader_fail_end(struct reader *reader)
{
    reader_fail(reader, WICK_MALFORMED, reader->end, "%s",
                reader->inner ? "unexpected end of section or function" : "unexpected end");
    return 0;
}

/* Moves behind an integer. One that crosses the end of its section was read to its own end only so
 * that a worse defect could be named. */
static bool accept(struct reader *reader, const uint8_t *behind)
{
    if (behind > reader->end) {
        reader_fail_end(reader);
        return false;
    }
    reader->next = behind;
    return true;
}

uint64_t reader_unsigned(struct reader *reader, unsigned bits)
{
    const uint8_t *start = reader->next, *at = start;
    uint64_t value = 0;
    for (unsigned shift = 0;; shift += 7) {
        if (shift >= bits) {
            reader_fail(reader, WICK_MALFORMED, start, "integer representation too long");
            return 0;
        }
        if (at >= reader->limit)
            return (uint64_t)reader_fail_end(reader);
        uint8_t byte = *at++;
        if (bits - shift < 7 && !(byte & 0x80) && byte >> (bits - shift)) {
            reader_fail(reader, WICK_MALFORMED, start, "integer too large");
            return 0;
        }
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80))
            return accept(reader, at) ? value : 0;
    }
}

/* The unused bits of the last byte repeat the sign. */
int64_t reader_signed(struct reader *reader, unsigned bits)
{
    const uint8_t *start = reader->next, *at = start;
    uint64_t value = 0;
    for (unsigned shift = 0;; shift += 7) {
        if (shift >= bits) {
            reader_fail(reader, WICK_MALFORMED, start, "integer representation too long");
            return 0;
        }
        if (at >= reader->limit)
            return reader_fail_end(reader);
        uint8_t byte = *at++;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte & 0x80)
            continue;
        if (bits - shift < 7) {
            unsigned used = bits - shift;
            uint8_t tail = (uint8_t)((byte & 0x7f) >> (used - 1));
            if (tail != 0 && tail != (0x7f >> (used - 1))) {
                reader_fail(reader, WICK_MALFORMED, start, "integer too large");
                return 0;
            }
        }
        if (shift + 7 < 64 && (byte & 0x40))
            value |= ~(uint64_t)0 << (shift + 7);
        return accept(reader, at) ? (int64_t)value : 0;
    }
}

uint64_t reader_fixed64(struct reader *reader)
{
    uint64_t low = reader_fixed32(reader);
    return low | (uint64_t)reader_fixed32(reader) << 32;
}

uint32_t reader_fixed32(struct reader *reader)
{
    const uint8_t *at = reader->next;
    if (reader_left(reader) < 4)
        return (uint32_t)reader_fail_end(reader);
    reader->next += 4;
    return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

struct span reader_bytes(struct reader *reader, size_t size)
{
    if (size > reader_left(reader)) {
        reader_fail(reader, WICK_MALFORMED, reader->next, "length out of bounds");
        return (struct span){NULL, 0};
    }
    struct span bytes = span_of(reader->next, size);
    reader->next += size;
    return bytes;
}

/* The number of bytes of the character at `text`, or 0 if it is not well formed. */
static size_t utf8_character(const uint8_t *text, size_t left)
{
    uint8_t lead = text[0];
    if (lead < 0x80)
        return 1;
    size_t size = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    if (lead < 0xc2 || lead > 0xf4 || left < size)
        return 0;
    for (size_t i = 1; i < size; i++) {
        if ((text[i] & 0xc0) != 0x80)
            return 0;
    }
    if ((lead == 0xe0 && text[1] < 0xa0) || (lead == 0xed && text[1] > 0x9f) ||
        (lead == 0xf0 && text[1] < 0x90) || (lead == 0xf4 && text[1] > 0x8f))
        return 0;
    return size;
}

bool utf8_is_valid(struct span text)
{
    for (size_t i = 0; i < text.size;) {
        size_t size = utf8_character(text.data + i, text.size - i);
        if (!size)
            return false;
        i += size;
    }
    return true;
}

struct span reader_name(struct reader *reader)
{
    uint32_t length = reader_u32(reader);
    const uint8_t *place = reader->next;
    struct span name = reader_bytes(reader, length);
    if (reader_ok(reader) && !utf8_is_valid(name)) {
        reader_fail(reader, WICK_MALFORMED, place, "malformed UTF-8 encoding");
        return (struct span){NULL, 0};
    }
    return name;
}

uint32_t reader_count(struct reader *reader, uint32_t limit, const char *what)
{
    const uint8_t *place = reader->next;
    uint32_t count = reader_u32(reader);
    if (count > reader_left(reader)) {
        if (reader_ok(reader))
            reader_fail_end(reader);
        return 0;
    }
    if (count > limit) {
        reader_fail(reader, WICK_LIMIT, place, "too many %s: %u, the limit is %u", what, count,
                    limit);
        return 0;
    }
    return count;
}
