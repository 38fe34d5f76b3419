// SPDX-License-Identifier: Apache-2.0
/*
 * libFuzzer target: any bytes as the log of sealed storage. Half of the inputs are bytes as a host
 * may give them; the others are the plaintext of records, which are sealed first, so that what is
 * behind the seals is reached as well. What opens must close, and open again as the same.
 */
#include "sealed/journal.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t key[SEALED_KEY_SIZE] = "fuzz";

/* One for all inputs. */
static char path[] = "/dev/shm/sealed-fuzz-XXXXXX";

static void remove_directory(void)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    unlinkat(fd, SEALED_LOG, 0);
    close(fd);
    rmdir(path);
}

static int new_directory(void)
{
    int fd = mkdtemp(path) ? open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (fd < 0 || atexit(remove_directory))
        abort();
    return fd;
}

static int new_log(int directory)
{
    int fd = openat(directory, SEALED_LOG, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        abort();
    return fd;
}

/* Records of the form: size of the contents, kind and whether it is the last; contents. */
static void seal(int directory, const uint8_t *data, size_t size)
{
    struct journal journal;
    bool good =
        journal_init(&journal) == 0 && journal_create(&journal, new_log(directory), key, NULL) == 0;
    while (good && size >= 2) {
        size_t length = data[0] < size - 2 ? data[0] : size - 2;
        bool last = data[1] & 1;
        uint64_t at;
        good = journal_add(&journal, data[1] & 2 ? JOURNAL_BLOCK : JOURNAL_OPS, last,
                           span_of(NULL, 0), span_of(data + 2, length), &at) == 0 &&
               (!last || journal_commit(&journal) == 0);
        data += 2 + length;
        size -= 2 + length;
    }
    journal_fini(&journal);
}

static bool visit(void *env, uint64_t next, uint64_t inode, bool is_directory, const char *name,
                  size_t length)
{
    uint64_t *found = env;
    (void)next;
    (void)is_directory;
    if (length == 0 || memchr(name, '/', length))
        abort();
    *found = inode;
    return true;
}

static void use(struct sealed *store)
{
    uint64_t found = 0, node;
    uint8_t bytes[100];
    struct iovec iov = {bytes, sizeof(bytes)};
    struct sealed_stat stat;
    size_t done;
    if (sealed_list(store, SEALED_ROOT, 0, visit, &found) < 0)
        abort();
    if (found && sealed_stat(store, found, &stat) < 0)
        abort();
    if (found && !stat.is_directory && sealed_read(store, found, &iov, 1, 0, &done) == 0 &&
        done > stat.size)
        abort();
    if (sealed_find(store, SEALED_ROOT, "new", SEALED_CREATE, &node) == 0)
        sealed_release(store, node);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int directory = -1;
    static const struct sealed_options options = {.cache_pages = 16, .slack = 1};
    struct err err = {0};
    struct sealed *store;
    if (directory < 0)
        directory = new_directory();
    if (size == 0)
        return 0;
    if (data[0] & 1) {
        seal(directory, data + 1, size - 1);
    } else {
        int fd = new_log(directory);
        if (write(fd, data + 1, size - 1) < 0)
            abort();
        close(fd);
    }
    int status = sealed_open(directory, key, &options, &store, &err);
    if (status < 0 && !err.message[0])
        abort();
    if (status < 0)
        return 0;
    use(store);
    if (sealed_close(store) < 0 || sealed_open(directory, key, &options, &store, &err) < 0)
        abort();
    sealed_close(store);
    return 0;
}
