/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host's side of sallyport: executes what a Keep has put into a block.
 *
 * The Keep is not trusted either. It can name only descriptors that were given to it (handles),
 * only offsets and lengths inside its own item, only paths below directories that it holds, and
 * only the calls of calls.txt. Headers and paths are copied before they are checked.
 *
 * Host side. One `struct sp_host` a thread of the Keep; `struct sp_handles` is shared by them.
 */
#pragma once

#include "sallyport/protocol.h"

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

/* The descriptors that a Keep holds. A handle is an index; closing waits for calls that use it. */
struct sp_handles {
    pthread_mutex_t lock;
    struct sp_handle {
        int fd;         /* -1: free */
        unsigned users; /* calls that are using it */
        bool closing;
    } entries[SP_HANDLES_MAX];
};

struct sp_host;

/* The keep calls, which each backend serves in its own way. Each returns 0 or -errno. */
struct sp_keep_ops {
    int (*memory_add)(struct sp_host *host, uint64_t address, uint64_t size);
    int (*memory_discard)(struct sp_host *host, uint64_t address, uint64_t size);
    int (*thread_spawn)(struct sp_host *host, uint64_t thread);
    /* Waits until the thread is unparked, or `timeout` nanoseconds (UINT64_MAX: without limit) have
     * gone by, or for no reason at all. */
    int (*thread_park)(struct sp_host *host, uint64_t timeout);
    int (*thread_unpark)(struct sp_host *host, uint64_t thread);
    int (*thread_kick)(struct sp_host *host, uint64_t thread);
    /* The number of a signal that the user has sent to the Keep, once; 0 if there is none. */
    int (*signal_take)(struct sp_host *host);
    void (*exit_thread)(struct sp_host *host);
    void (*exit_group)(struct sp_host *host, int status);
    void (*panic)(struct sp_host *host, const char *message); /* printable ASCII */
    int (*clocks)(struct sp_host *host, struct sp_clocks *clocks);
};

struct sp_host {
    uint8_t *block; /* SP_BLOCK_SIZE bytes shared with the Keep */
    struct sp_handles *handles;
    const struct sp_keep_ops *ops;
    void *keep;      /* the backend's */
    unsigned thread; /* number of the thread */
    unsigned held[2];
    unsigned held_count;
};

/* Takes over `count` descriptors as handles 0 to count-1; -1 leaves a hole. -EMFILE if too many. */
int sp_handles_init(struct sp_handles *handles, const int *fds, size_t count);

/* Closes all descriptors that the Keep opened or was given. */
void sp_handles_fini(struct sp_handles *handles);

/* Works on all items of the block. 0, or -EPROTO if the Keep broke the protocol. */
int sp_host_execute(struct sp_host *host);

/* The numbers of the system calls that are made for a Keep, one by one from 0; -1 behind the last.
 */
int sp_host_proxied(size_t index);
