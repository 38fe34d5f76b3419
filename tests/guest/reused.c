// SPDX-License-Identifier: Apache-2.0
/* Memory that was used before: it is zero again, and a call that is the first to touch it neither
 * loses bytes nor finds those of another owner. */
#include "guest.h"

#include <stdint.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

enum { PAGE = 4096, WINDOW = 16 * PAGE };

static char *map(size_t size)
{
    void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(at != MAP_FAILED);
    return at;
}

/* Untouched memory whose frames held something else a moment ago. */
static char *map_reused(size_t size)
{
    char *at = map(size);
    memset(at, 0xee, size);
    CHECK(munmap(at, size) == 0);
    return map(size);
}

static void fill(char *at, size_t size)
{
    for (size_t i = 0; i < size; i++)
        at[i] = (char)(i * 7 + i / 256 + 1);
}

static const size_t sizes[] = {1, 8, 100, 1023, 1024, 5000, WINDOW + 100};

static void receive(int from, int to)
{
    static char sent[WINDOW + 100];
    fill(sent, sizeof(sent));
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        /* Into the last bytes of one window, and on into the next. */
        char *at = map_reused(4 * WINDOW), *buffer = at + WINDOW - 40;
        CHECK(write(to, sent, sizes[i]) == (ssize_t)sizes[i]);
        CHECK(read(from, buffer, sizes[i]) == (ssize_t)sizes[i]);
        CHECK(memcmp(buffer, sent, sizes[i]) == 0);
        CHECK(munmap(at, 4 * WINDOW) == 0);
    }
    char *at = map_reused(4 * WINDOW);
    struct iovec pieces[2] = {{at, 50}, {at + 2 * WINDOW, 50}};
    CHECK(write(to, sent, 100) == 100 && readv(from, pieces, 2) == 100);
    CHECK(memcmp(at, sent, 50) == 0 && memcmp(at + 2 * WINDOW, sent + 50, 50) == 0);
    CHECK(munmap(at, 4 * WINDOW) == 0);
}

static void send_untouched(int from, int to)
{
    static char got[WINDOW + 100], zeroes[WINDOW + 100];
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        char *at = map_reused(4 * WINDOW), *buffer = at + WINDOW - 40;
        memset(got, 1, sizeof(got));
        CHECK(write(to, buffer, sizes[i]) == (ssize_t)sizes[i]);
        CHECK(read(from, got, sizes[i]) == (ssize_t)sizes[i]);
        CHECK(memcmp(got, zeroes, sizes[i]) == 0);
        CHECK(munmap(at, 4 * WINDOW) == 0);

        /* A part of it is there, the rest comes while it is sent. */
        at = map_reused(4 * WINDOW);
        buffer = at + WINDOW - 40;
        size_t known = sizes[i] < 40 ? sizes[i] : 40;
        fill(buffer, known);
        CHECK(write(to, buffer, sizes[i]) == (ssize_t)sizes[i]);
        CHECK(read(from, got, sizes[i]) == (ssize_t)sizes[i]);
        CHECK(memcmp(got, buffer, sizes[i]) == 0 && got[0] == 1);
        CHECK(munmap(at, 4 * WINDOW) == 0);
    }
    char *at = map_reused(4 * WINDOW);
    struct iovec pieces[2] = {{at, 50}, {at + 2 * WINDOW, 50}};
    memset(got, 1, sizeof(got));
    CHECK(writev(to, pieces, 2) == 100 && read(from, got, 100) == 100);
    CHECK(memcmp(got, zeroes, 100) == 0);
    CHECK(munmap(at, 4 * WINDOW) == 0);
}

/* A page that was discarded travels with its neighbours when they are moved elsewhere. */
static void move_discarded(void)
{
    size_t size = 4 * WINDOW;
    char *at = map(size + PAGE);
    char *wall = at + size; /* so that it cannot grow where it is */
    CHECK(mprotect(wall, PAGE, PROT_NONE) == 0);
    memset(at, 5, size);
    CHECK(madvise(at + WINDOW + PAGE, PAGE, MADV_DONTNEED) == 0);
    char *moved = mremap(at, size, 2 * size, MREMAP_MAYMOVE);
    CHECK(moved != MAP_FAILED && moved != at);
    /* Whoever comes next must not be given the frames of what has moved. */
    char *others = map(64 * WINDOW);
    memset(others, 9, 64 * WINDOW);
    for (size_t i = 0; i < size; i++) {
        size_t discarded = i - WINDOW - PAGE;
        CHECK(moved[i] == (discarded < PAGE ? 0 : 5));
    }
    memset(moved, 6, 2 * size);
    for (size_t i = 0; i < 64 * WINDOW; i++)
        CHECK(others[i] == 9);
    CHECK(munmap(moved, 2 * size) == 0 && munmap(others, 64 * WINDOW) == 0);
    CHECK(munmap(wall, PAGE) == 0);
}

int main(void)
{
    int pair[2];
    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
    for (int round = 0; round < 3; round++) {
        receive(pair[0], pair[1]);
        send_untouched(pair[0], pair[1]);
        move_discarded();
    }
    return 0;
}
