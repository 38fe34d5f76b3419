// SPDX-License-Identifier: Apache-2.0
/* Uploads: small ones in memory, larger ones in files, resumable ones always in files. */
#include "base/cleanup.h"
#include "codec/base64.h"
#include "crypto/sign.h"
#include "drawbridge/local.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>

enum { RANDOM_SIZE = 16, READ_SIZE = 64 * 1024 };

struct local_stage {
    struct stage stage;
    struct digester *digester;
    struct block_sums blocks;
    uint8_t *data; /* the bytes, while they are few and not resumable */
    size_t capacity;
    int fd; /* -1: they are in `data` */
    char name[LOCAL_NAME_SIZE];
    bool resumable, kept;
};

static struct local_stage *stage_of(struct stage *stage)
{
    return (struct local_stage *)stage; /* the first member */
}

static int random_name(char name[LOCAL_NAME_SIZE])
{
    uint8_t bytes[RANDOM_SIZE];
    char digits[2 * RANDOM_SIZE + 1];
    int status = crypto_random(bytes, sizeof(bytes));
    hex_encode(span_of(bytes, sizeof(bytes)), digits);
    snprintf(name, LOCAL_NAME_SIZE, "uploads/t-%s", digits);
    return status;
}

static bool is_id(const char *id)
{
    size_t size = strlen(id);
    return size > 0 && size <= STORE_ID_MAX &&
           strspn(id, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") == size;
}

static bool resumable_name(const char *id, char name[LOCAL_NAME_SIZE])
{
    snprintf(name, LOCAL_NAME_SIZE, "uploads/r-%s", id);
    return is_id(id);
}

static int open_resumable(struct local_store *local, struct local_stage *stage, const char *id)
{
    struct stat status;
    if (!resumable_name(id, stage->name))
        return -EINVAL;
    stage->resumable = true;
    stage->fd = openat(local->directory, stage->name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (stage->fd < 0 || fstat(stage->fd, &status) < 0)
        return -errno;
    if (flock(stage->fd, LOCK_EX | LOCK_NB) < 0)
        return -EBUSY; /* somebody adds to it right now */
    stage->stage.length = (uint64_t)status.st_size;
    return 0;
}

int local_stage_new(struct store *store, const char *id, struct stage **made)
{
    struct local_stage *stage = calloc(1, sizeof(*stage));
    if (!stage)
        return -ENOMEM;
    stage->fd = -1;
    stage->stage.store = store;
    stage->digester = digester_new();
    int status = stage->digester ? 0 : -ENOMEM;
    if (status == 0 && id)
        status = open_resumable(local_of(store), stage, id);
    if (status < 0)
        local_stage_free(&stage->stage);
    else
        *made = &stage->stage;
    return status;
}

int local_stage_size(struct store *store, const char *id, uint64_t *size)
{
    char name[LOCAL_NAME_SIZE];
    struct stat status;
    if (!resumable_name(id, name) ||
        fstatat(local_of(store)->directory, name, &status, AT_SYMLINK_NOFOLLOW) < 0)
        return -ENOENT;
    *size = (uint64_t)status.st_size;
    return 0;
}

int local_stage_remove(struct store *store, const char *id)
{
    char name[LOCAL_NAME_SIZE];
    if (!resumable_name(id, name) || unlinkat(local_of(store)->directory, name, 0) < 0)
        return -ENOENT;
    return 0;
}

/* Hashes bytes: all of them together, and block by block. */
static int hash(struct local_stage *stage, struct span bytes)
{
    int status = digester_add(stage->digester, bytes);
    return status == 0 ? block_sums_add(&stage->blocks, bytes) : status;
}

/* From memory to a file. */
static int spill(struct local_stage *stage)
{
    int status = random_name(stage->name);
    if (status < 0)
        return status;
    stage->fd = openat(local_of(stage->stage.store)->directory, stage->name,
                       O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (stage->fd < 0)
        return -errno;
    status = content_write_exactly(stage->fd, span_of(stage->data, (size_t)stage->stage.length), 0);
    free(stage->data);
    stage->data = NULL;
    return status;
}

static int hold(struct local_stage *stage, struct span bytes)
{
    size_t wanted = (size_t)stage->stage.length + bytes.size;
    if (wanted > stage->capacity) {
        size_t capacity = wanted < LOCAL_INLINE_MAX / 2 ? wanted * 2 : LOCAL_INLINE_MAX;
        uint8_t *data = realloc(stage->data, capacity);
        if (!data)
            return -ENOMEM;
        stage->data = data;
        stage->capacity = capacity;
    }
    memcpy(stage->data + stage->stage.length, bytes.data, bytes.size);
    return 0;
}

int local_stage_add(struct stage *base, struct span bytes)
{
    struct local_stage *stage = stage_of(base);
    int status = 0;
    if (bytes.size == 0)
        return 0;
    if (stage->fd < 0 && bytes.size > LOCAL_INLINE_MAX - base->length)
        status = spill(stage);
    if (status == 0)
        status = stage->fd < 0 ? hold(stage, bytes)
                               : content_write_exactly(stage->fd, bytes, base->length);
    /* A resumable upload is hashed when it is complete: before, it may be cut off anywhere. */
    if (status == 0 && !stage->resumable)
        status = hash(stage, bytes);
    if (status == 0)
        base->length += bytes.size;
    return status;
}

static int hash_file(struct local_stage *stage)
{
    autofree uint8_t *buffer = malloc(READ_SIZE);
    if (!buffer)
        return -ENOMEM;
    for (uint64_t at = 0; at < stage->stage.length;) {
        ssize_t got = pread(stage->fd, buffer, READ_SIZE, (off_t)at);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return -EIO;
        int status = hash(stage, span_of(buffer, (size_t)got));
        if (status < 0)
            return status;
        at += (uint64_t)got;
    }
    return 0;
}

int local_stage_end(struct stage *base)
{
    struct local_stage *stage = stage_of(base);
    int status = stage->resumable ? hash_file(stage) : 0;
    if (status == 0)
        status = block_sums_end(&stage->blocks);
    return status == 0 ? digester_end(stage->digester, &base->digests) : status;
}

int local_stage_save(struct stage *base)
{
    const struct local_stage *stage = stage_of(base);
    return stage->resumable && fdatasync(stage->fd) < 0 ? -errno : 0;
}

int local_stage_flush(struct stage *base)
{
    struct local_stage *stage = stage_of(base);
    if (stage->fd < 0 || base->length <= LOCAL_INLINE_MAX)
        return 0;
    return fdatasync(stage->fd) < 0 ? -errno : 0;
}

/* A resumable upload that turned out to be small. */
static int load_small(struct local_stage *stage)
{
    size_t size = (size_t)stage->stage.length;
    stage->data = malloc(size + 1);
    if (!stage->data)
        return -ENOMEM;
    return pread(stage->fd, stage->data, size, 0) == (ssize_t)size ? 0 : -EIO;
}

static int add_row(struct local_store *local, struct local_stage *stage, bool in_file)
{
    const struct stage *base = &stage->stage;
    const struct block_sums *blocks = &stage->blocks;
    struct span data = {0}, sums = {0};
    if (in_file)
        sums = span_of(blocks->sums, blocks->count * STORE_SHA256);
    else
        data = span_of(stage->data ? stage->data : (const uint8_t *)"", (size_t)base->length);
    return records_add_content(&local->records, stage_sha256(base), base->length, data, sums,
                               false);
}

int local_stage_record(struct local_store *local, struct stage *base)
{
    struct local_stage *stage = stage_of(base);
    bool in_file = base->length > LOCAL_INLINE_MAX;
    int status = !in_file && stage->fd >= 0 ? load_small(stage) : 0;
    return status == 0 ? add_row(local, stage, in_file) : status;
}

int local_stage_move(struct local_store *local, struct stage *base)
{
    struct local_stage *stage = stage_of(base);
    char name[LOCAL_NAME_SIZE], parent[LOCAL_NAME_SIZE];
    if (base->length <= LOCAL_INLINE_MAX)
        return 0;
    local_content_name(stage_sha256(base), name);
    snprintf(parent, sizeof(parent), "%.11s", name); /* "contents/ab" */
    if (renameat(local->directory, stage->name, local->directory, name) < 0)
        return -errno;
    stage->kept = true;
    autoclose int directory = openat(local->directory, parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return directory >= 0 && fsync(directory) == 0 ? 0 : -errno;
}

void local_stage_done(struct stage *base)
{
    stage_of(base)->resumable = false; /* whatever is left in `uploads` can go */
}

void local_stage_free(struct stage *base)
{
    struct local_stage *stage = stage_of(base);
    if (stage->fd >= 0) {
        if (!stage->resumable && !stage->kept)
            unlinkat(local_of(base->store)->directory, stage->name, 0);
        close(stage->fd);
    }
    digester_free(stage->digester);
    block_sums_fini(&stage->blocks);
    free(stage->data);
    free(stage);
}
