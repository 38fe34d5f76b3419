/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A cursor over the bytes of a module, with the integers and names of the binary format (core spec
 * sections 5.2.2 and 5.2.4).
 *
 * Errors are sticky: the first one is recorded in the fault, the cursor goes to its end, and every
 * later read answers 0 without moving. A caller may read several things and check once.
 */
#pragma once

#include "base/span.h"

#include <wick.h>

/* The first thing that was wrong with a module. */
struct fault {
    enum wick_status status; /* WICK_OK: nothing yet */
    size_t offset;           /* bytes from the start of the module */
    char text[224];
};

struct reader {
    const uint8_t *start; /* of the module: offsets count from here */
    const uint8_t *next, *end;
    const uint8_t *limit; /* of the module; an integer that crosses `end` is read up to here */
    bool inner;           /* the end is that of a section or a body, not of the module */
    struct fault *fault;
};

/* Records a fault unless there is one already. */
__attribute__((format(printf, 4, 5))) void fault_set(struct fault *fault, enum wick_status status,
                                                     size_t offset, const char *format, ...);

/* Records a fault at `place` and ends the reader. */
__attribute__((format(printf, 4, 5))) void reader_fail(struct reader *reader,
                                                       enum wick_status status,
                                                       const uint8_t *place, const char *format,
                                                       ...);

static inline bool reader_ok(const struct reader *reader)
{
    return reader->fault->status == WICK_OK;
}

static inline size_t reader_left(const struct reader *reader)
{
    return (size_t)(reader->end - reader->next);
}

static inline size_t reader_offset(const struct reader *reader)
{
    return (size_t)(reader->next - reader->start);
}

/* A reader over a whole module. */
static inline struct reader reader_whole(struct span module, struct fault *fault)
{
    const uint8_t *end = module.data + module.size;
    return (struct reader){module.data, module.data, end, end, false, fault};
}

/* A reader over the same module's bytes [data, data + size). */
struct reader reader_sub(const struct reader *reader, struct span bytes);

/* Records that bytes are missing. Always 0. */
int reader_fail_end(struct reader *reader);

static inline uint8_t reader_u8(struct reader *reader)
{
    return reader->next < reader->end ? *reader->next++ : (uint8_t)reader_fail_end(reader);
}

/* LEB128 of at most so many bits. */
uint64_t reader_unsigned(struct reader *reader, unsigned bits);
int64_t reader_signed(struct reader *reader, unsigned bits);

/* Nearly all integers of a module are of one byte. */
static inline bool reader_is_short(const struct reader *reader)
{
    return reader->next < reader->end && *reader->next < 0x80;
}

static inline uint32_t reader_u32(struct reader *reader)
{
    return reader_is_short(reader) ? *reader->next++ : (uint32_t)reader_unsigned(reader, 32);
}

static inline uint64_t reader_u64(struct reader *reader)
{
    return reader_is_short(reader) ? *reader->next++ : reader_unsigned(reader, 64);
}

/* A signed integer of one byte, which has 7 bits. */
static inline int64_t reader_short_signed(struct reader *reader)
{
    return (int64_t)((uint64_t)*reader->next++ << 57) >> 57;
}

static inline int32_t reader_s32(struct reader *reader)
{
    return (int32_t)(reader_is_short(reader) ? reader_short_signed(reader)
                                             : reader_signed(reader, 32));
}

static inline int64_t reader_s33(struct reader *reader)
{
    return reader_is_short(reader) ? reader_short_signed(reader) : reader_signed(reader, 33);
}

static inline int64_t reader_s64(struct reader *reader)
{
    return reader_is_short(reader) ? reader_short_signed(reader) : reader_signed(reader, 64);
}

uint32_t reader_fixed32(struct reader *reader); /* 4 bytes, little-endian */
uint64_t reader_fixed64(struct reader *reader);

/* `size` bytes; "length out of bounds" beyond the end. */
struct span reader_bytes(struct reader *reader, size_t size);

/* A counted UTF-8 string. */
struct span reader_name(struct reader *reader);

/* The count of a vector, which is at most `limit` and at most the bytes left, for each element has
 * at least one. `what` names the elements: "functions". */
uint32_t reader_count(struct reader *reader, uint32_t limit, const char *what);

/* Whether the bytes are well-formed UTF-8 (RFC 3629). */
bool utf8_is_valid(struct span text);
