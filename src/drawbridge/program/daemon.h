/* SPDX-License-Identifier: Apache-2.0 */
/* What the threads of the program share. */
#pragma once

#include "drawbridge/program/finisher.h"
#include "drawbridge/program/metrics.h"
#include "drawbridge/program/state.h"
#include "drawbridge/program/stores.h"

#include <pthread.h>

struct daemon {
    pthread_mutex_t mutex;
    struct state *state;    /* under the mutex */
    struct care_stats care; /* likewise */
    struct provider *provider;
    struct stores *stores;
    unsigned generation; /* atomic: counts reloads */
    bool ending;         /* atomic */
};

/* The state as it is now; given back by daemon_release. */
struct state *daemon_state(struct daemon *daemon);
void daemon_release(struct daemon *daemon, struct state *state);

static inline bool daemon_ends(const struct daemon *daemon)
{
    return __atomic_load_n(&daemon->ending, __ATOMIC_ACQUIRE);
}

/* A thread that serves connections of a listener of its own. */
struct worker {
    struct daemon *daemon;
    pthread_t thread;
    int listener;
    struct http_server *server;
    struct finisher *finisher;
    struct service service;
    struct state *state;
    struct provider_keys *keys;
    unsigned generation, keys_generation;
    struct metrics metrics;
};

/* Prepares a worker, whose listener is taken, and starts it. 0 or -errno. */
__attribute__((warn_unused_result)) int worker_start(struct worker *worker, struct daemon *daemon,
                                                     int listener, struct err *err);
/* Waits for its end, which daemon->ending brings about, and releases what it has. */
void worker_join(struct worker *worker);
