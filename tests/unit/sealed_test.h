/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of sealed storage share: a directory, a store in it, files by name. */
#pragma once

#include "sealed/sealed.h"
#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct fixture {
    char path[40];
    int directory;
    uint8_t key[SEALED_KEY_SIZE];
    struct sealed_options options;
    struct sealed *store;
    struct err err;
};

static inline int try_open(struct fixture *f)
{
    f->err = (struct err){0};
    f->store = NULL;
    int status = sealed_open(f->directory, f->key, &f->options, &f->store, &f->err);
    CHECK(status == 0 || (f->err.message[0] && f->err.class == ERR_IO));
    return status;
}

static inline void open_store(struct fixture *f)
{
    int status = try_open(f);
    if (status < 0)
        tap_fail(__FILE__, __LINE__, "%s", f->err.message);
}

static inline struct fixture begin(void)
{
    struct fixture f = {.path = "/tmp/sealed-test-XXXXXX", .key = "a key of the tests"};
    CHECK(mkdtemp(f.path));
    f.directory = open(f.path, O_RDONLY | O_DIRECTORY);
    CHECK(f.directory >= 0);
    return f;
}

static inline void shut(struct fixture *f)
{
    CHECK_INT(sealed_close(f->store), 0);
    f->store = NULL;
}

static inline void end(struct fixture *f)
{
    shut(f);
    unlinkat(f->directory, SEALED_LOG, 0);
    close(f->directory);
    CHECK_INT(rmdir(f->path), 0);
}

static inline void reopen(struct fixture *f)
{
    shut(f);
    open_store(f);
}

static inline uint64_t hold(struct fixture *f, const char *path, unsigned how)
{
    uint64_t node = 0;
    CHECK_INT(sealed_find(f->store, SEALED_ROOT, path, how, &node), 0);
    return node;
}

/* All of it, in as many calls as it takes. */
static inline int put_at(struct fixture *f, uint64_t node, const void *data, size_t size,
                         uint64_t offset)
{
    const uint8_t *bytes = data;
    while (size > 0) {
        struct iovec iov = {(void *)bytes, size};
        size_t done;
        uint64_t next;
        int status = sealed_write(f->store, node, &iov, 1, offset, &done, &next);
        if (status < 0)
            return status;
        CHECK(done > 0 && done <= size);
        bytes += done;
        size -= done;
        offset = next;
    }
    return 0;
}

static inline int get_at(struct fixture *f, uint64_t node, void *data, size_t size, uint64_t offset,
                         size_t *got)
{
    struct iovec iov = {data, size};
    return sealed_read(f->store, node, &iov, 1, offset, got);
}

static inline void put_file(struct fixture *f, const char *path, const void *data, size_t size)
{
    uint64_t node = hold(f, path, SEALED_CREATE | SEALED_TRUNCATE);
    CHECK_INT(put_at(f, node, data, size, 0), 0);
    sealed_release(f->store, node);
}

static inline void put_text(struct fixture *f, const char *path, const char *text)
{
    put_file(f, path, text, strlen(text));
}

/* Whether a file has these contents and no others. */
static inline bool has(struct fixture *f, const char *path, const void *data, size_t size)
{
    uint8_t *bytes = malloc(size + 1);
    uint64_t node;
    size_t got = 0;
    if (sealed_find(f->store, SEALED_ROOT, path, 0, &node) < 0) {
        free(bytes);
        return false;
    }
    bool same = get_at(f, node, bytes, size + 1, 0, &got) == 0 && got == size &&
                (size == 0 || memcmp(bytes, data, size) == 0);
    sealed_release(f->store, node);
    free(bytes);
    return same;
}

static inline bool has_text(struct fixture *f, const char *path, const char *text)
{
    return has(f, path, text, strlen(text));
}

/* ---- The host's side --------------------------------------------------------------------------
 */

struct bytes {
    uint8_t *data;
    size_t size;
};

static inline struct bytes take_log(const struct fixture *f)
{
    int fd = openat(f->directory, SEALED_LOG, O_RDONLY);
    struct stat stat;
    CHECK(fd >= 0 && fstat(fd, &stat) == 0);
    struct bytes log = {tap_memory((size_t)stat.st_size + 1), (size_t)stat.st_size};
    CHECK(read(fd, log.data, log.size) == (ssize_t)log.size);
    close(fd);
    return log;
}

static inline void give_log(const struct fixture *f, const uint8_t *data, size_t size)
{
    int fd = openat(f->directory, SEALED_LOG, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    CHECK(fd >= 0 && write(fd, data, size) == (ssize_t)size);
    close(fd);
}

static inline size_t log_size(const struct fixture *f)
{
    struct stat stat;
    CHECK(fstatat(f->directory, SEALED_LOG, &stat, 0) == 0);
    return (size_t)stat.st_size;
}

static inline uint32_t next_random(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*state >> 33);
}
