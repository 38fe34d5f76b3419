/* SPDX-License-Identifier: Apache-2.0 */
#include "wick/shared.h"

#include "wick/activation.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

/* How often a thread that waits looks for interrupts and the deadline. */
enum { LOOK_NS = 20000000 };

/* On the stack of the thread that waits. */
struct waiter {
    struct waiter *next;
    const uint8_t *at;
    bool woken;
    pthread_cond_t wake;
};

struct shared_memory {
    atomic_uint references;
    pthread_mutex_t lock; /* for growing and waiting */
    uint8_t *base;
    uint64_t reserved;
    uint64_t max_pages;
    _Atomic uint64_t size; /* bytes */
    struct memory_type type;
    struct waiter *waiters; /* the first to have come first */
};

/* ---- Making, sharing, growing -----------------------------------------------------------------
 */

static enum wick_status share(struct wasm_memory_t *memory)
{
    struct shared_memory *shared = calloc(1, sizeof(*shared));
    if (!shared || memory->reserved < memory->max_pages << PAGE_SHIFT) {
        free(shared);
        return WICK_NO_MEMORY;
    }
    atomic_init(&shared->references, 1);
    atomic_init(&shared->size, memory->size);
    pthread_mutex_init(&shared->lock, NULL);
    shared->base = memory->base;
    shared->reserved = memory->reserved;
    shared->max_pages = memory->max_pages;
    shared->type = memory->type;
    memory->shared = shared;
    return WICK_OK;
}

/* A memory that could not be shared stays in the store, unused. */
enum wick_status memory_make(struct wasm_store_t *store, const struct memory_type *type,
                             struct wasm_memory_t **out)
{
    enum wick_status status = memory_new(store, type, out);
    return status || !type->limits.shared ? status : share(*out);
}

struct shared_memory *shared_memory_retain(struct shared_memory *shared)
{
    atomic_fetch_add_explicit(&shared->references, 1, memory_order_relaxed);
    return shared;
}

void shared_memory_release(struct shared_memory *shared)
{
    if (atomic_fetch_sub_explicit(&shared->references, 1, memory_order_acq_rel) != 1)
        return;
    if (shared->base)
        munmap(shared->base, shared->reserved);
    pthread_mutex_destroy(&shared->lock);
    free(shared);
}

struct wasm_memory_t *shared_memory_open(struct wasm_store_t *store, struct shared_memory *shared)
{
    struct wasm_memory_t *memory = calloc(1, sizeof(*memory));
    if (!memory)
        return NULL;
    memory->base = shared->base;
    memory->reserved = shared->reserved;
    memory->max_pages = shared->max_pages;
    memory->type = shared->type;
    memory->shared = shared_memory_retain(shared);
    memory_refresh(memory);
    store_add(store, &memory->object, OBJECT_MEMORY);
    return memory;
}

void memory_drop(struct wasm_memory_t *memory)
{
    if (memory->shared)
        shared_memory_release(memory->shared);
    else
        memory_fini(memory);
}

void memory_refresh(struct wasm_memory_t *memory)
{
    if (memory->shared)
        memory->size = atomic_load_explicit(&memory->shared->size, memory_order_acquire);
}

int64_t memory_extend(struct wasm_memory_t *memory, uint64_t pages)
{
    struct shared_memory *shared = memory->shared;
    if (!shared)
        return memory_grow(memory, pages);
    pthread_mutex_lock(&shared->lock);
    memory_refresh(memory);
    int64_t old = memory_grow(memory, pages);
    atomic_store_explicit(&shared->size, memory->size, memory_order_release);
    pthread_mutex_unlock(&shared->lock);
    return old;
}

/* ---- Waiting ----------------------------------------------------------------------------------
 */

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static uint64_t load(const uint8_t *at, unsigned bytes)
{
    if (bytes == 4)
        return __atomic_load_n((const uint32_t *)(const void *)at, __ATOMIC_SEQ_CST);
    return __atomic_load_n((const uint64_t *)(const void *)at, __ATOMIC_SEQ_CST);
}

static void enqueue(struct shared_memory *shared, struct waiter *waiter)
{
    struct waiter **link = &shared->waiters;
    while (*link)
        link = &(*link)->next;
    *link = waiter;
}

static void dequeue(struct shared_memory *shared, const struct waiter *waiter)
{
    struct waiter **link = &shared->waiters;
    while (*link && *link != waiter)
        link = &(*link)->next;
    if (*link)
        *link = waiter->next;
}

/* Sleeps until woken or `end`, but not for longer than until the next look. */
static void sleep_until(struct shared_memory *shared, struct waiter *waiter, uint64_t end)
{
    uint64_t look = now_ns() + LOOK_NS, until = look < end ? look : end;
    struct timespec time = {(time_t)(until / 1000000000u), (long)(until % 1000000000u)};
    pthread_cond_timedwait(&waiter->wake, &shared->lock, &time);
}

/* Called with the lock held. */
static int wait_in_line(struct wasm_store_t *store, struct shared_memory *shared,
                        struct waiter *waiter, uint64_t end)
{
    while (!waiter->woken) {
        enum wick_trap_kind kind = interp_interrupted(store);
        uint64_t now = now_ns();
        if (!kind && store->deadline && now >= store->deadline)
            kind = WICK_TRAP_DEADLINE;
        if (kind)
            return -(int)kind;
        if (now >= end)
            return 2;
        sleep_until(shared, waiter, end);
    }
    return 0;
}

int shared_memory_wait(struct wasm_memory_t *memory, const uint8_t *at, uint64_t expected,
                       unsigned bytes, int64_t timeout)
{
    struct shared_memory *shared = memory->shared;
    struct waiter waiter = {.at = at};
    uint64_t end = timeout < 0 ? UINT64_MAX : now_ns() + (uint64_t)timeout;
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&waiter.wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
    int result = 1;
    pthread_mutex_lock(&shared->lock);
    if (load(at, bytes) == expected) {
        enqueue(shared, &waiter);
        result = wait_in_line(memory->object.store, shared, &waiter, end);
        dequeue(shared, &waiter);
    }
    pthread_mutex_unlock(&shared->lock);
    pthread_cond_destroy(&waiter.wake);
    return result;
}

uint32_t shared_memory_notify(struct wasm_memory_t *memory, const uint8_t *at, uint32_t count)
{
    struct shared_memory *shared = memory->shared;
    uint32_t woken = 0;
    pthread_mutex_lock(&shared->lock);
    struct waiter **link = &shared->waiters;
    while (*link && woken < count) {
        struct waiter *waiter = *link;
        if (waiter->at != at) {
            link = &waiter->next;
            continue;
        }
        *link = waiter->next;
        waiter->woken = true;
        pthread_cond_signal(&waiter->wake);
        woken++;
    }
    pthread_mutex_unlock(&shared->lock);
    return woken;
}
