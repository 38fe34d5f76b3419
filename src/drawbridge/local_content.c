// SPDX-License-Identifier: Apache-2.0
/* Reading contents. Every block is compared with its hash when it is read first, and again when an
 * hour has passed or the file was touched: what is damaged is never delivered. */
#include "base/cleanup.h"
#include "crypto/crypto.h"
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

static size_t count_blocks(uint64_t length)
{
    return (size_t)((length + LOCAL_BLOCK - 1) / LOCAL_BLOCK);
}

static void destroy(struct local_content *content)
{
    if (content->fd >= 0)
        close(content->fd);
    free(content->data);
    free(content->sums);
    free(content->known);
    free(content);
}

static bool has_hash(struct span bytes, const uint8_t *sha256)
{
    uint8_t actual[STORE_SHA256];
    return crypto_hash(CRYPTO_SHA256, &bytes, 1, actual) == 0 &&
           memcmp(actual, sha256, STORE_SHA256) == 0;
}

static uint8_t *copy_column(sqlite3_stmt *statement, int column, size_t *size)
{
    *size = (size_t)sqlite3_column_bytes(statement, column);
    uint8_t *copy = malloc(*size + 1);
    if (copy && *size > 0)
        memcpy(copy, sqlite3_column_blob(statement, column), *size);
    return copy;
}

static int load_inline(struct local_content *content, sqlite3_stmt *row)
{
    size_t size;
    content->data = copy_column(row, 1, &size);
    if (!content->data)
        return -ENOMEM;
    if (size != content->content.length || !has_hash(span_of(content->data, size), content->sha256))
        return -EBADMSG;
    return 0;
}

static int load_file(struct local_store *local, struct local_content *content, sqlite3_stmt *row)
{
    char name[LOCAL_NAME_SIZE];
    struct stat status;
    size_t size, blocks = count_blocks(content->content.length);
    content->sums = copy_column(row, 2, &size);
    content->known = calloc(blocks / 8 + 1, 1);
    if (!content->sums || !content->known)
        return -ENOMEM;
    local_content_name(content->sha256, name);
    content->fd = openat(local->directory, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (content->fd < 0 || fstat(content->fd, &status) < 0)
        return errno == ENOENT ? -EBADMSG : -errno;
    if (size != blocks * STORE_SHA256 || (uint64_t)status.st_size != content->content.length)
        return -EBADMSG;
    content->changed = status.st_ctim;
    content->verified_since = now_seconds();
    return 0;
}

static int load(struct local_store *local, struct local_content *content)
{
    sqlite3_stmt *row = local_statement(local, LOCAL_CONTENT_GET);
    sqlite3_bind_blob(row, 1, content->sha256, STORE_SHA256, SQLITE_STATIC);
    int status = sqlite3_step(row);
    if (status == SQLITE_ROW) {
        content->content.length = (uint64_t)sqlite3_column_int64(row, 0);
        status = sqlite3_column_type(row, 1) == SQLITE_NULL ? load_file(local, content, row)
                                                            : load_inline(content, row);
    } else {
        status = status == SQLITE_DONE ? -ENOENT : local_errno(status);
    }
    sqlite3_reset(row);
    return status;
}

/* Whether it may be used as it is; what was verified long ago is verified again. */
static bool refresh(struct local_content *content)
{
    struct stat status;
    if (content->fd < 0)
        return true;
    if (fstat(content->fd, &status) < 0 || (uint64_t)status.st_size != content->content.length)
        return false;
    bool touched = status.st_ctim.tv_sec != content->changed.tv_sec ||
                   status.st_ctim.tv_nsec != content->changed.tv_nsec;
    int64_t now = now_seconds();
    if (touched || now > content->verified_since + LOCAL_VERIFY_SECONDS) {
        memset(content->known, 0, count_blocks(content->content.length) / 8 + 1);
        content->changed = status.st_ctim;
        content->verified_since = now;
    }
    return true;
}

static struct local_content *find_open(struct local_store *local, const uint8_t *sha256)
{
    for (size_t i = 0; i < LOCAL_OPEN_MAX; i++) {
        struct local_content *each = local->open[i];
        if (!each || memcmp(each->sha256, sha256, STORE_SHA256) != 0)
            continue;
        if (refresh(each))
            return each;
        if (each->users == 0)
            destroy(each);
        local->open[i] = NULL; /* those who use it find out by themselves */
        return NULL;
    }
    return NULL;
}

/* Keeps a content open after its use, instead of the one that was used the longest time ago. */
static void remember(struct local_store *local, struct local_content *content)
{
    size_t oldest = LOCAL_OPEN_MAX;
    for (size_t i = 0; i < LOCAL_OPEN_MAX; i++) {
        const struct local_content *each = local->open[i];
        if (!each) {
            oldest = i;
            break;
        }
        if (each->users == 0 &&
            (oldest == LOCAL_OPEN_MAX || each->used < local->open[oldest]->used))
            oldest = i;
    }
    if (oldest == LOCAL_OPEN_MAX)
        return;
    if (local->open[oldest])
        destroy(local->open[oldest]);
    local->open[oldest] = content;
}

int local_content_open(struct store *store, const uint8_t *sha256, struct content **opened)
{
    struct local_store *local = local_of(store);
    struct local_content *content = find_open(local, sha256);
    if (!content) {
        content = calloc(1, sizeof(*content));
        if (!content)
            return -ENOMEM;
        content->fd = -1;
        content->content.store = store;
        memcpy(content->sha256, sha256, STORE_SHA256);
        int status = load(local, content);
        if (status < 0) {
            destroy(content);
            return status;
        }
        remember(local, content);
    }
    content->users++;
    content->used = ++local->clock;
    *opened = &content->content;
    return 0;
}

static bool is_remembered(const struct local_store *local, const struct local_content *content)
{
    for (size_t i = 0; i < LOCAL_OPEN_MAX; i++) {
        if (local->open[i] == content)
            return true;
    }
    return false;
}

void local_content_close(struct content *base)
{
    struct local_content *content = content_of(base);
    if (--content->users == 0 && !is_remembered(local_of(base->store), content))
        destroy(content);
}

void local_content_forget(struct local_store *local)
{
    for (size_t i = 0; i < LOCAL_OPEN_MAX; i++) {
        if (local->open[i] && local->open[i]->users == 0)
            destroy(local->open[i]);
        local->open[i] = NULL;
    }
}

static int read_exactly(int fd, uint8_t *buffer, size_t size, uint64_t offset)
{
    while (size > 0) {
        ssize_t got = pread(fd, buffer, size, (off_t)offset);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return got < 0 ? -errno : -EBADMSG;
        buffer += got;
        size -= (size_t)got;
        offset += (uint64_t)got;
    }
    return 0;
}

/* Reads out of a block that was not verified yet: all of it is read and hashed. */
static int read_new(struct local_content *content, size_t block, size_t offset, uint8_t *buffer,
                    size_t size)
{
    struct local_store *local = local_of(content->content.store);
    uint64_t begin = (uint64_t)block * LOCAL_BLOCK, rest = content->content.length - begin;
    size_t whole = rest < LOCAL_BLOCK ? (size_t)rest : LOCAL_BLOCK;
    int status = read_exactly(content->fd, local->scratch, whole, begin);
    if (status < 0)
        return status;
    if (!has_hash(span_of(local->scratch, whole), content->sums + block * STORE_SHA256))
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
    size_t block = (size_t)(offset / LOCAL_BLOCK), within = (size_t)(offset % LOCAL_BLOCK);
    if (size > LOCAL_BLOCK - within)
        size = LOCAL_BLOCK - within;
    bool known = content->known[block / 8] >> block % 8 & 1;
    int status = known ? read_exactly(content->fd, buffer, size, offset)
                       : read_new(content, block, within, buffer, size);
    return status < 0 ? status : (ssize_t)size;
}
