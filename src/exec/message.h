/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What Keep and host say to each other over the control socket, behind the control document: the
 * Keep asks for addresses and tells how far it is. docs/control.md is the reference.
 *
 * Both sides. A message is one TOML document with a NUL behind it. Either side treats what it reads
 * as hostile.
 */
#pragma once

#include "base/err.h"
#include "base/text.h"

enum { MESSAGE_SIZE_MAX = 64 * 1024, MESSAGE_ADDRESSES_MAX = 4, MESSAGE_ADDRESS_SIZE = 46 };

/* ---- Transport ------------------------------------------------------------------------------ */

/* Reads messages off a stream. */
struct message_reader {
    int fd;       /* borrowed */
    size_t limit; /* bytes that a message may have */
    char *buffer; /* internal, from here on */
    size_t size, room, taken;
};

struct message_reader message_reader_of(int fd, size_t limit);
void message_reader_free(struct message_reader *reader);

/*
 * Waits for the next message, `milliseconds` at most (-1: for ever). *message is without its NUL,
 * which is there, and lasts until the next call. Returns 1; 0 at the end of the stream; -ETIMEDOUT;
 * -EFBIG for a message that is too long; -EBADMSG if the stream ends within one; or -errno.
 */
__attribute__((warn_unused_result)) int message_next(struct message_reader *reader,
                                                     int milliseconds, struct span *message);
/* Sends a text with its NUL. 0 or -errno. */
__attribute__((warn_unused_result)) int message_send(int fd, const struct text *text);

/* ---- Keep to host --------------------------------------------------------------------------- */

enum message_kind {
    MESSAGE_RESOLVE, /* what are the addresses of this name? */
    MESSAGE_READY,   /* the program is about to run */
    MESSAGE_REPORT,  /* it has run */
};

/* What the Keep has proved when its program begins. */
struct message_ready {
    const char *workload;    /* SHA-256 in lower-case hexadecimal */
    const char *steward;     /* its URL; NULL: nobody vouches for the Keep */
    const char *certificate; /* PEM, the leaf first; NULL: the Keep needs none */
    uint64_t expires;        /* of the leaf: seconds since 1970 */
};

/* When the exec reached what; CLOCK_MONOTONIC in nanoseconds, 0 = did not happen. And what its
 * engine did. */
struct message_report {
    uint64_t started;   /* first instruction of main */
    uint64_t admitted;  /* a Steward has certified the Keep, so that it may fetch */
    uint64_t fetched;   /* the workload has come, and is what was promised */
    uint64_t loaded;    /* the module is decoded and validated */
    uint64_t certified; /* the Steward of Enarx.toml has certified the Keep */
    uint64_t entered;   /* the first WebAssembly instruction is about to run */
    uint64_t ended;     /* the program is over */
    uint64_t compiled;  /* functions that have become machine code */
};

struct message {
    enum message_kind kind;
    union {
        const char *name; /* MESSAGE_RESOLVE */
        struct message_ready ready;
        struct message_report report;
    };
    void *storage; /* internal: holds the strings */
};

void message_write_resolve(const char *name, struct text *text);
void message_write_ready(const struct message_ready *ready, struct text *text);
void message_write_report(const struct message_report *report, struct text *text);

/* Reads what a Keep sent. Class ERR_PROTOCOL. Release with message_free, after failures too. */
__attribute__((warn_unused_result)) int message_parse(struct span text, struct message *message,
                                                      struct err *err);
void message_free(struct message *message);

/* ---- Host to Keep --------------------------------------------------------------------------- */

/* The answer to MESSAGE_RESOLVE, for the name that was asked for: literals of IPv4 or IPv6, the
 * best first. */
struct message_addresses {
    char items[MESSAGE_ADDRESSES_MAX][MESSAGE_ADDRESS_SIZE];
    size_t count;
};

void message_write_addresses(const char *name, const struct message_addresses *addresses,
                             struct text *text);
/* What is no address, or one too many, is an error. -EAGAIN: it is for another name than this, to a
 * question that was given up. */
__attribute__((warn_unused_result)) int message_parse_addresses(struct span text, const char *name,
                                                                struct message_addresses *addresses,
                                                                struct err *err);
