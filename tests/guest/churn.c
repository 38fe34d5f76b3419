// SPDX-License-Identifier: Apache-2.0
/* Mappings that change at random, in several threads, compared with what they should hold: frames
 * that two owners share, or that are not zero when they should be, show up here. */
#include "guest.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/mman.h>

enum { PAGE = 4096, PAGES = 1280, ROUNDS = 40, THREADS = 2, LARGE = 2 << 20 };

/* One thread's pages; `value` is what each byte of a page holds. */
struct area {
    uint8_t *start;
    uint64_t random;
    bool mapped[PAGES];
    int protection[PAGES];
    uint8_t value[PAGES];
};

/* A range that moves leaves a hole, in which nobody else may be given a place. */
static pthread_mutex_t moving = PTHREAD_MUTEX_INITIALIZER;
static pthread_barrier_t begun;

static int below(struct area *area, int limit)
{
    area->random = area->random * 6364136223846793005u + 1442695040888963407u;
    return (int)((area->random >> 33) % (uint64_t)limit);
}

static uint8_t *page_at(struct area *area, int page)
{
    return area->start + (size_t)page * PAGE;
}

static void verify(struct area *area, int first, int count)
{
    for (int i = first; i < first + count; i++) {
        const uint8_t *page = page_at(area, i);
        if (area->protection[i] & PROT_READ)
            CHECK(page[0] == area->value[i] && page[2000] == area->value[i] &&
                  page[PAGE - 1] == area->value[i]);
    }
}

static void set(struct area *area, int first, int count, bool mapped, int protection)
{
    for (int i = first; i < first + count; i++) {
        area->mapped[i] = mapped;
        area->protection[i] = protection;
        area->value[i] = 0;
    }
}

static void remap(struct area *area, int first, int count)
{
    CHECK(mmap(page_at(area, first), (size_t)count * PAGE, PROT_READ | PROT_WRITE,
               MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == page_at(area, first));
    set(area, first, count, true, PROT_READ | PROT_WRITE);
}

static void protect(struct area *area, int first, int count)
{
    static const int kinds[] = {PROT_NONE, PROT_READ, PROT_READ | PROT_WRITE};
    int protection = kinds[below(area, 3)];
    for (int i = first; i < first + count; i++) {
        if (!area->mapped[i])
            return;
    }
    CHECK(mprotect(page_at(area, first), (size_t)count * PAGE, protection) == 0);
    for (int i = first; i < first + count; i++)
        area->protection[i] = protection;
}

static void discard(struct area *area, int first, int count)
{
    for (int i = first; i < first + count; i += 1 + below(area, 5)) {
        if (!area->mapped[i])
            continue;
        CHECK(madvise(page_at(area, i), PAGE, MADV_DONTNEED) == 0);
        area->value[i] = 0;
    }
}

static void fill(struct area *area, int first, int count)
{
    uint8_t value = (uint8_t)(1 + below(area, 255));
    for (int i = first; i < first + count; i += 1 + below(area, 3)) {
        if (!(area->protection[i] & PROT_WRITE))
            continue;
        memset(page_at(area, i), value, PAGE);
        area->value[i] = value;
    }
}

/* Moves what is writable elsewhere, larger, looks at it and gives it up. */
static void move(struct area *area, int first, int count)
{
    int part = 0;
    while (part < count && area->protection[first + part] == (PROT_READ | PROT_WRITE))
        part++;
    /* A wall behind it, so that it cannot grow where it is. */
    if (part < 2)
        return;
    size_t size = (size_t)--part * PAGE, grown = size + (size_t)(1 + below(area, 20)) * PAGE;
    pthread_mutex_lock(&moving);
    uint8_t *moved = mremap(page_at(area, first), size, grown, MREMAP_MAYMOVE);
    bool failed = moved == MAP_FAILED; /* Linux moves only what is one mapping to it */
    uint8_t before[PAGES];
    memcpy(before, area->value, sizeof(before));
    if (!failed)
        remap(area, first, part);
    pthread_mutex_unlock(&moving);
    if (failed)
        return;
    CHECK(moved != page_at(area, first) && moved[size] == 0 && moved[grown - 1] == 0);
    for (int i = 0; i < part; i++)
        CHECK(moved[(size_t)i * PAGE] == before[first + i] &&
              moved[(size_t)(i + 1) * PAGE - 1] == before[first + i]);
    CHECK(munmap(moved, grown) == 0);
}

static void *churn(void *argument)
{
    static void (*const operations[])(struct area *, int, int) = {remap, protect, discard,
                                                                  fill,  fill,    move};
    struct area *area = argument;
    uint8_t *reserved = mmap(NULL, (size_t)PAGES * PAGE + LARGE, PROT_NONE,
                             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    CHECK(reserved != MAP_FAILED);
    area->start = (uint8_t *)(((uintptr_t)reserved + LARGE - 1) & ~(uintptr_t)(LARGE - 1));
    set(area, 0, PAGES, true, PROT_NONE);
    pthread_barrier_wait(&begun);
    for (int round = 0; round < ROUNDS; round++) {
        int count = 1 + below(area, below(area, 4) ? 40 : PAGES);
        int first = below(area, PAGES - count + 1);
        operations[below(area, 6)](area, first, count);
        verify(area, first, count);
    }
    verify(area, 0, PAGES);
    pthread_mutex_lock(&moving);
    CHECK(munmap(reserved, (size_t)PAGES * PAGE + LARGE) == 0);
    pthread_mutex_unlock(&moving);
    return NULL;
}

int main(void)
{
    static struct area areas[THREADS];
    pthread_t threads[THREADS];
    CHECK(pthread_barrier_init(&begun, NULL, THREADS) == 0);
    for (int i = 0; i < THREADS; i++) {
        areas[i].random = (uint64_t)i + 1;
        CHECK(pthread_create(&threads[i], NULL, churn, &areas[i]) == 0);
    }
    for (int i = 0; i < THREADS; i++)
        CHECK(pthread_join(threads[i], NULL) == 0);
    return 0;
}
