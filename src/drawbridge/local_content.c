// SPDX-License-Identifier: Apache-2.0
/* Reading contents. Every block is compared with its hash when it is read first, and again when an
 * hour has passed or the file was touched: what is damaged is never delivered. */
#include "base/cleanup.h"
#include "drawbridge/local.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>

static struct local_content *content_of(struct content *content)
{
    return (struct local_content *)content; /* the first member */
}

static int64_t now_seconds(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &time);
    return time.tv_sec;
}

static void destroy(struct cached_content *base)
{
    struct local_content *content = content_of(&base->content);
    if (content->fd >= 0)
        close(content->fd);
    free(content->data);
    free(content->sums);
    free(content->known);
    free(content);
}

static int load_inline(struct local_content *content, sqlite3_stmt *row)
{
    size_t size;
    content->data = records_copy_column(row, 1, &size);
    if (!content->data)
        return -ENOMEM;
    if (size != content->cached.content.length ||
        !content_has_hash(span_of(content->data, size), content->cached.sha256))
        return -EBADMSG;
    return 0;
}

static int load_file(struct local_store *local, struct local_content *content, sqlite3_stmt *row)
{
    char name[LOCAL_NAME_SIZE];
    struct stat status;
    size_t size, blocks = content_blocks(content->cached.content.length);
    content->sums = records_copy_column(row, 2, &size);
    content->known = calloc(blocks / 8 + 1, 1);
    if (!content->sums || !content->known)
        return -ENOMEM;
    local_content_name(content->cached.sha256, name);
    content->fd = openat(local->directory, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (content->fd < 0 || fstat(content->fd, &status) < 0)
        return errno == ENOENT ? -EBADMSG : -errno;
    if (size != blocks * STORE_SHA256 || (uint64_t)status.st_size != content->cached.content.length)
        return -EBADMSG;
    content->changed = status.st_ctim;
    content->verified_since = now_seconds();
    return 0;
}

static int load(struct cached_content *base)
{
    struct local_content *content = content_of(&base->content);
    struct local_store *local = local_of(base->content.store);
    content->fd = -1;
    sqlite3_stmt *row = records_statement(&local->records, RECORDS_CONTENT_GET);
    sqlite3_bind_blob(row, 1, content->cached.sha256, STORE_SHA256, SQLITE_STATIC);
    int status = sqlite3_step(row);
    if (status == SQLITE_ROW) {
        content->cached.content.length = (uint64_t)sqlite3_column_int64(row, 0);
        status = sqlite3_column_type(row, 1) == SQLITE_NULL ? load_file(local, content, row)
                                                            : load_inline(content, row);
    } else {
        status = status == SQLITE_DONE ? -ENOENT : records_errno(status);
    }
    sqlite3_reset(row);
    return status;
}

static bool refresh(struct cached_content *base)
{
    struct local_content *content = content_of(&base->content);
    struct stat status;
    if (content->fd < 0)
        return true;
    if (fstat(content->fd, &status) < 0 ||
        (uint64_t)status.st_size != content->cached.content.length)
        return false;
    bool touched = status.st_ctim.tv_sec != content->changed.tv_sec ||
                   status.st_ctim.tv_nsec != content->changed.tv_nsec;
    int64_t now = now_seconds();
    if (touched || now > content->verified_since + LOCAL_VERIFY_SECONDS) {
        memset(content->known, 0, content_blocks(content->cached.content.length) / 8 + 1);
        content->changed = status.st_ctim;
        content->verified_since = now;
    }
    return true;
}

const struct content_kind local_content_kind = {
    .size = sizeof(struct local_content),
    .load = load,
    .destroy = destroy,
    .refresh = refresh,
};

int local_content_open(struct store *store, const uint8_t *sha256, struct content **opened)
{
    return content_cache_open(&local_of(store)->cache, store, sha256, opened);
}

void local_content_close(struct content *base)
{
    content_cache_give(&local_of(base->store)->cache, &content_of(base)->cached);
}

/* Reads out of a block that was not verified yet: all of it is read and hashed. */
static int read_new(struct local_content *content, size_t block, size_t offset, uint8_t *buffer,
                    size_t size)
{
    struct local_store *local = local_of(content->cached.content.store);
    uint64_t begin = (uint64_t)block * CONTENT_BLOCK, rest = content->cached.content.length - begin;
    size_t whole = rest < CONTENT_BLOCK ? (size_t)rest : CONTENT_BLOCK;
    int status = content_read_exactly(content->fd, local->scratch, whole, begin);
    if (status < 0)
        return status;
    if (!content_has_hash(span_of(local->scratch, whole), content->sums + block * STORE_SHA256))
        return -EBADMSG;
    content->known[block / 8] |= (uint8_t)(1U << block % 8);
    memcpy(buffer, local->scratch + offset, size);
    return 0;
}

ssize_t local_content_read(struct content *base, uint64_t offset, uint8_t *buffer, size_t size)
{
    struct local_content *content = content_of(base);
    if (offset >= base->length || size == 0)
        return 0;
    if (size > base->length - offset)
        size = (size_t)(base->length - offset);
    if (content->fd < 0) {
        memcpy(buffer, content->data + offset, size);
        return (ssize_t)size;
    }
    size_t block = (size_t)(offset / CONTENT_BLOCK), within = (size_t)(offset % CONTENT_BLOCK);
    if (size > CONTENT_BLOCK - within)
        size = CONTENT_BLOCK - within;
    bool known = content->known[block / 8] >> block % 8 & 1;
    int status = known ? content_read_exactly(content->fd, buffer, size, offset)
                       : read_new(content, block, within, buffer, size);
    return status < 0 ? status : (ssize_t)size;
}
