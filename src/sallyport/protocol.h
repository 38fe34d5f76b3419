/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sallyport: how a Keep asks the untrusted host for something.
 *
 * Each thread of a Keep owns one block of memory that it shares with the host. The guest stages
 * items into it, commits, leaves the Keep, and collects the results when it is entered again:
 *
 *     +--------+-----------+--------+-----------+-----+
 *     | header | data …    | header | data …    | END |
 *     +--------+-----------+--------+-----------+-----+
 *
 * Pointers travel as byte offsets into the data of their own item, multiples of 8; SP_ABSENT stands
 * for NULL. The
 * calls, their arguments and their results are listed in calls.txt, from which the guest's stager
 * (sallyport/guest_calls.h) and the host's executor table (sallyport/host_calls.h) are generated.
 *
 * The guest never reads back what it wrote: kind, number, arguments and sizes are remembered in
 * private memory, and each byte that the host may have written is read once. A host that answers
 * what no honest host can answer has attacked the Keep, and the Keep ends. The host treats the
 * guest in the same way: it copies a header once and checks each offset and length.
 *
 * Both sides of the trust boundary; freestanding.
 */
#pragma once

#include <stdint.h>

enum {
    SP_BLOCK_SIZE = 1 << 17, /* bytes of a thread's block; holds the largest UDP datagram */
    SP_HANDLES_MAX = 1024,   /* host descriptors that a Keep can hold at a time */
    SP_PATH_MAX = 4096,      /* bytes of a path with its NUL */
    SP_ADDRESS_MAX = 128,    /* bytes of a socket address */
    SP_POLL_MAX = 1024,      /* entries of one poll call */
};

enum sp_kind {
    SP_END = 0,     /* no more items */
    SP_SYSCALL = 1, /* number is that of the Linux x86-64 system call whose meaning it has */
    SP_KEEP = 2,    /* number is a SP_KEEP_… of the generated table */
};

#define SP_ABSENT UINT64_MAX

struct sp_item {
    uint32_t size;   /* bytes of data behind this header, a multiple of 8 */
    uint16_t kind;   /* enum sp_kind */
    uint16_t number; /* which call */
    int64_t result;  /* preset to -ENOSYS by the guest, written by the host */
    uint64_t args[6];
};

_Static_assert(sizeof(struct sp_item) == 64, "the header is part of the protocol");

/* A socket address as it travels back to the guest. */
struct sp_address {
    uint32_t size; /* bytes of the address, at most SP_ADDRESS_MAX */
    uint32_t reserved;
    uint8_t bytes[SP_ADDRESS_MAX];
};

/* One entry of a poll call; `handle` is a host handle or -1. Laid out as struct pollfd. */
struct sp_poll {
    int32_t handle;
    int16_t events;
    int16_t revents;
};

/* One event of an epoll_wait call. */
struct sp_event {
    uint32_t events;
    uint32_t reserved;
    uint64_t cookie; /* what the guest registered */
};

/* The host's clocks, as untrusted as all it says. */
struct sp_clocks {
    uint64_t monotonic; /* nanoseconds, CLOCK_MONOTONIC */
    uint64_t realtime;  /* nanoseconds since 1970 */
    uint64_t tsc_khz;   /* frequency of the guest's time stamp counter, 0 if unknown */
};

/* openat2's argument. */
struct sp_open_how {
    uint64_t flags;
    uint64_t mode;
    uint64_t resolve;
};
