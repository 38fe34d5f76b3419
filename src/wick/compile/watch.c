/* SPDX-License-Identifier: Apache-2.0 */
/* Deadlines of compiled code: a thread that sleeps until one passes. There is one for each store
 * that ever had a deadline. */
#include "wick/compile/compile.h"

#include <stdlib.h>
#include <time.h>

struct watch {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct wasm_store_t *store;
    uint64_t deadline; /* 0: none */
    bool ended;
};

static bool has_passed(uint64_t deadline)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec >= deadline;
}

static void *watch(void *argument)
{
    struct watch *w = argument;
    pthread_mutex_lock(&w->lock);
    while (!w->ended) {
        if (!w->deadline) {
            pthread_cond_wait(&w->changed, &w->lock);
        } else if (has_passed(w->deadline)) {
            store_alarm(w->store);
            w->deadline = 0;
        } else {
            struct timespec until = {(time_t)(w->deadline / 1000000000u),
                                     (long)(w->deadline % 1000000000u)};
            pthread_cond_timedwait(&w->changed, &w->lock, &until);
        }
    }
    pthread_mutex_unlock(&w->lock);
    return NULL;
}

static struct watch *watch_new(struct wasm_store_t *store)
{
    struct watch *w = calloc(1, sizeof(*w));
    if (!w)
        return NULL;
    w->store = store;
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    if (pthread_create(&w->thread, NULL, watch, w) == 0)
        return w;
    pthread_cond_destroy(&w->changed);
    pthread_mutex_destroy(&w->lock);
    free(w);
    return NULL;
}

/* Without a thread the alarm is raised at once: code then traps early rather than never. */
void watch_deadline(struct wasm_store_t *store)
{
    if (store->deadline && !store->watch)
        store->watch = watch_new(store);
    struct watch *w = store->watch;
    if (!w) {
        if (store->deadline)
            store_alarm(store);
        return;
    }
    pthread_mutex_lock(&w->lock);
    w->deadline = store->deadline;
    pthread_cond_signal(&w->changed);
    pthread_mutex_unlock(&w->lock);
}

void watch_end(struct wasm_store_t *store)
{
    struct watch *w = store->watch;
    if (!w)
        return;
    pthread_mutex_lock(&w->lock);
    w->ended = true;
    pthread_cond_signal(&w->changed);
    pthread_mutex_unlock(&w->lock);
    pthread_join(w->thread, NULL);
    pthread_cond_destroy(&w->changed);
    pthread_mutex_destroy(&w->lock);
    free(w);
    store->watch = NULL;
}
