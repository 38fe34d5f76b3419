/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DER (ITU-T X.690, the distinguished encoding rules of ASN.1): a strict reader and a writer.
 *
 * Both sides of the trust boundary. No I/O, no allocation, no recursion, no globals. Everything
 * that is read borrows from the input.
 *
 * The reader is a cursor with a sticky error: after the first thing that is not DER, or not what
 * was asked for, every further read yields nothing, and der_end says so once.
 *
 *     struct der top = der_of(bytes);
 *     struct der pair = der_enter(&top, DER_SEQUENCE);
 *     uint64_t number = der_uint(&pair, 255);
 *     struct span text = der_take(&pair, DER_UTF8);
 *     if (!der_end(&pair) || !der_end(&top))
 *         …                                            not a SEQUENCE { INTEGER, UTF8String }
 *
 * Strict: definite, minimal lengths; tags of one byte; minimal INTEGERs; BOOLEANs 00 or FF; no
 * bytes left over. Values whose content is not asked for are not looked into.
 */
#pragma once

#include "base/span.h"

enum der_tag {
    DER_BOOLEAN = 0x01,
    DER_INTEGER = 0x02,
    DER_BIT_STRING = 0x03,
    DER_OCTET_STRING = 0x04,
    DER_NULL = 0x05,
    DER_OID = 0x06,
    DER_ENUMERATED = 0x0A,
    DER_UTF8 = 0x0C,
    DER_PRINTABLE = 0x13,
    DER_IA5 = 0x16,
    DER_UTC_TIME = 0x17,
    DER_GENERALIZED_TIME = 0x18,
    DER_SEQUENCE = 0x30,
    DER_SET = 0x31,
    DER_CONTEXT = 0x80,             /* | number: [number] IMPLICIT, primitive */
    DER_CONTEXT_CONSTRUCTED = 0xA0, /* | number: [number] EXPLICIT or constructed */
};

struct der {
    struct span rest; /* what has not been read yet */
    bool failed;
};

struct der_element {
    uint8_t tag;       /* 0 where there is none */
    struct span value; /* the content */
    struct span whole; /* tag, length and content */
};

static inline struct der der_of(struct span bytes)
{
    return (struct der){.rest = bytes};
}

/* Tag of the next element; 0 at the end and after an error. */
uint8_t der_peek(const struct der *der);
/* The next element, whatever it is. */
struct der_element der_next(struct der *der);
/* Content of the next element, which must have this tag. */
struct span der_take(struct der *der, uint8_t tag);
/* The same as a cursor over the content. */
struct der der_enter(struct der *der, uint8_t tag);
/* Tag, length and content of the next element, which must have this tag. */
struct span der_whole(struct der *der, uint8_t tag);
/* Whether the next element has this tag; if so it is taken. */
bool der_optional(struct der *der, uint8_t tag, struct span *value);
/* Whether everything was read and was right. */
bool der_end(const struct der *der);
/* Records an error of the caller's. */
void der_fail(struct der *der);

/* An INTEGER from 0 to max. */
uint64_t der_uint(struct der *der, uint64_t max);
/* An INTEGER that is not negative, as big-endian bytes without leading zeros (none for 0). */
struct span der_unsigned(struct der *der);
/* Number in the content of an INTEGER or ENUMERATED, from 0 to max. */
bool der_value_uint(struct span value, uint64_t max, uint64_t *number);
bool der_boolean(struct der *der);
/* A BIT STRING of whole bytes. */
struct span der_bits(struct der *der);
/* A UTCTime or GeneralizedTime as RFC 5280 section 4.1.2.5 wants them; seconds since 1970. */
int64_t der_time(struct der *der);

/*
 * The writer builds from the back to the front, so that lengths are known when they are written:
 * write the last member first, then close what holds it.
 *
 *     struct der_writer w = der_writer_of(buffer, sizeof(buffer));
 *     size_t end = der_mark(&w);
 *     der_put(&w, DER_UTF8, text);
 *     der_put_uint(&w, 7);
 *     der_close(&w, DER_SEQUENCE, end);
 *     struct span bytes = der_written(&w);             borrowed from buffer; check w.overflow
 */
struct der_writer {
    uint8_t *buffer;
    size_t start, end; /* the bytes written are buffer[start…end) */
    bool overflow;
};

static inline struct der_writer der_writer_of(uint8_t *buffer, size_t size)
{
    return (struct der_writer){.buffer = buffer, .start = size, .end = size};
}

static inline size_t der_mark(const struct der_writer *writer)
{
    return writer->start;
}

static inline struct span der_written(const struct der_writer *writer)
{
    return span_of(writer->buffer + writer->start, writer->end - writer->start);
}

/* Bytes as they are. */
void der_put_raw(struct der_writer *writer, struct span bytes);
/* An element with this content. */
void der_put(struct der_writer *writer, uint8_t tag, struct span value);
/* Tag and length before everything written since `mark`. */
void der_close(struct der_writer *writer, uint8_t tag, size_t mark);
void der_put_uint(struct der_writer *writer, uint64_t number);
/* An INTEGER out of big-endian bytes, which are not negative. */
void der_put_unsigned(struct der_writer *writer, struct span bytes);
void der_put_bits(struct der_writer *writer, struct span bytes);
/* UTCTime until 2049, then GeneralizedTime. */
void der_put_time(struct der_writer *writer, int64_t seconds);
