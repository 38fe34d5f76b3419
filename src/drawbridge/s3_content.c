// SPDX-License-Identifier: Apache-2.0
/* Reading contents: blocks are fetched when they are needed, compared with their hashes, and kept
 * in a scratch file as long as the content stays open. */
#include "base/cleanup.h"
#include "drawbridge/s3_internal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
    FETCH_FIRST = 2, /* blocks of the first request, … */
    FETCH_MAX = 32,  /* … which are doubled up to this while they are read one after the other */
};

struct s3_content {
    struct cached_content cached;
    uint8_t *data; /* of a small one; else NULL */
    uint8_t nonce[S3_NONCE];
    uint8_t *sums;  /* SHA-256 of each block */
    uint8_t *known; /* one bit a block: it is in the file, verified */
    int fd;
    size_t next, window; /* the block behind the last that were fetched, and how many those were */
};

static struct s3_content *content_of(struct content *content)
{
    return (struct s3_content *)content; /* the first member's first member */
}

static void destroy(struct cached_content *base)
{
    struct s3_content *content = content_of(&base->content);
    if (content->fd >= 0)
        close(content->fd);
    free(content->data);
    free(content->sums);
    free(content->known);
    free(content);
}

static int load_small(struct s3_content *content, sqlite3_stmt *row)
{
    size_t size;
    content->data = records_copy_column(row, 1, &size);
    if (!content->data)
        return -ENOMEM;
    struct span bytes = span_of(content->data, size);
    return size == content->cached.content.length && content_has_hash(bytes, content->cached.sha256)
               ? 0
               : -EBADMSG;
}

static int load_large(struct s3_store *s3, struct s3_content *content, sqlite3_stmt *row)
{
    size_t size, blocks = content_blocks(content->cached.content.length);
    autofree uint8_t *place = records_copy_column(row, 2, &size);
    content->known = calloc(blocks / 8 + 1, 1);
    content->sums = malloc(blocks * STORE_SHA256 + 1);
    if (!place || !content->known || !content->sums)
        return -ENOMEM;
    if (size != S3_NONCE + blocks * STORE_SHA256)
        return -EBADMSG;
    memcpy(content->nonce, place, S3_NONCE);
    memcpy(content->sums, place + S3_NONCE, size - S3_NONCE);
    content->fd = s3_scratch_file(s3->bucket);
    return content->fd < 0 ? content->fd : 0;
}

/* The row of a content: 0, -ENOENT or -errno. To be reset. */
static int find_row(struct s3_store *s3, const uint8_t *sha256, sqlite3_stmt **row)
{
    *row = records_statement(&s3->records, RECORDS_CONTENT_GET);
    sqlite3_bind_blob(*row, 1, sha256, STORE_SHA256, SQLITE_STATIC);
    int status = sqlite3_step(*row);
    return status == SQLITE_ROW ? 0 : status == SQLITE_DONE ? -ENOENT : records_errno(status);
}

static int load(struct cached_content *base)
{
    struct s3_content *content = content_of(&base->content);
    struct s3_store *s3 = s3_of(base->content.store);
    sqlite3_stmt *row;
    content->fd = -1;
    int status = find_row(s3, content->cached.sha256, &row);
    if (status == 0) {
        content->cached.content.length = (uint64_t)sqlite3_column_int64(row, 0);
        status = sqlite3_column_type(row, 1) == SQLITE_NULL ? load_large(s3, content, row)
                                                            : load_small(content, row);
    }
    sqlite3_reset(row);
    return status;
}

/* Whether it is still there, and where it was. */
static bool refresh(struct cached_content *base)
{
    struct s3_content *content = content_of(&base->content);
    sqlite3_stmt *row;
    bool same = find_row(s3_of(base->content.store), base->sha256, &row) == 0;
    if (same && !content->data)
        same = sqlite3_column_bytes(row, 2) >= S3_NONCE &&
               memcmp(sqlite3_column_blob(row, 2), content->nonce, S3_NONCE) == 0;
    sqlite3_reset(row);
    return same;
}

const struct content_kind s3_content_kind = {
    .size = sizeof(struct s3_content),
    .load = load,
    .destroy = destroy,
    .refresh = refresh,
};

int s3_content_open(struct store *store, const uint8_t *sha256, struct content **opened)
{
    return content_cache_open(&s3_of(store)->cache, store, sha256, opened);
}

void s3_content_close(struct content *base)
{
    content_cache_give(&s3_of(base->store)->cache, &content_of(base)->cached);
}

/* Blocks on their way into the file. */
struct fetch {
    struct s3_content *content;
    size_t first;  /* block */
    uint64_t size; /* bytes that have come */
    uint64_t wanted;
};

static void begin_fetch(void *context)
{
    ((struct fetch *)context)->size = 0;
}

static int take_piece(void *context, struct span piece, struct err *err)
{
    struct fetch *fetch = context;
    if (piece.size > fetch->wanted - fetch->size)
        return err_set(err, ERR_IO, EMSGSIZE, "more bytes came than were asked for");
    uint64_t at = (uint64_t)fetch->first * CONTENT_BLOCK + fetch->size;
    int status = content_write_exactly(fetch->content->fd, piece, at);
    fetch->size += piece.size;
    return status < 0 ? err_set(err, ERR_IO, -status, "cannot write a scratch file") : 0;
}

static size_t block_size(const struct s3_content *content, size_t block)
{
    uint64_t rest = content->cached.content.length - (uint64_t)block * CONTENT_BLOCK;
    return rest < CONTENT_BLOCK ? (size_t)rest : CONTENT_BLOCK;
}

/* Compares blocks of the file with their hashes. */
static int verify(struct s3_content *content, size_t first, size_t count)
{
    autofree uint8_t *buffer = malloc(CONTENT_BLOCK);
    int status = buffer ? 0 : -ENOMEM;
    for (size_t i = first; status == 0 && i < first + count; i++) {
        size_t size = block_size(content, i);
        status = content_read_exactly(content->fd, buffer, size, (uint64_t)i * CONTENT_BLOCK);
        if (status == 0 &&
            !content_has_hash(span_of(buffer, size), content->sums + i * STORE_SHA256))
            return i > first ? 0 : -EBADMSG; /* who wants that block will hear of it */
        if (status == 0)
            content->known[i / 8] |= (uint8_t)(1U << i % 8);
    }
    return status;
}

static bool is_known(const struct s3_content *content, size_t block)
{
    return content->known[block / 8] >> block % 8 & 1;
}

/* How many blocks are fetched from one on: more, the longer they are read in order. */
static size_t plan(struct s3_content *content, size_t block)
{
    size_t blocks = content_blocks(content->cached.content.length), count = 1;
    bool in_order = content->window > 0 && block == content->next;
    size_t window = in_order ? content->window * 2 : FETCH_FIRST;
    content->window = window < FETCH_MAX ? window : FETCH_MAX;
    while (count < content->window && block + count < blocks && !is_known(content, block + count))
        count++;
    content->next = block + count;
    return count;
}

static int fetch_blocks(struct s3_content *content, size_t block)
{
    char name[S3_OBJECT_NAME_MAX], range[64];
    struct s3_store *s3 = s3_of(content->cached.content.store);
    struct http_reply reply;
    size_t count = plan(content, block);
    uint64_t begin = (uint64_t)block * CONTENT_BLOCK;
    uint64_t size = (uint64_t)(count - 1) * CONTENT_BLOCK + block_size(content, block + count - 1);
    struct fetch fetch = {content, block, 0, size};
    struct s3_call call = {.method = "GET",
                           .name = name,
                           .range = range,
                           .take = take_piece,
                           .begin = begin_fetch,
                           .context = &fetch};
    s3_content_name(content->cached.sha256, content->nonce, name);
    snprintf(range, sizeof(range), "bytes=%" PRIu64 "-%" PRIu64, begin, begin + size - 1);
    int status = s3_call(s3->client, &call, &reply);
    if (status < 0)
        return status == -EMSGSIZE ? -EBADMSG : status;
    http_reply_free(&reply);
    /* 404 and 416: the object is not there, or shorter than it has to be. */
    if (status == 404 || status == 416 || (status == 206 && fetch.size < size))
        return -EBADMSG;
    return status == 206 || (status == 200 && begin == 0 && fetch.size == size)
               ? verify(content, block, count)
               : -EIO;
}

ssize_t s3_content_read(struct content *base, uint64_t offset, uint8_t *buffer, size_t size)
{
    struct s3_content *content = content_of(base);
    if (offset >= base->length || size == 0)
        return 0;
    if (size > base->length - offset)
        size = (size_t)(base->length - offset);
    if (content->data) {
        memcpy(buffer, content->data + offset, size);
        return (ssize_t)size;
    }
    size_t block = (size_t)(offset / CONTENT_BLOCK), within = (size_t)(offset % CONTENT_BLOCK);
    if (size > CONTENT_BLOCK - within)
        size = CONTENT_BLOCK - within;
    int status = is_known(content, block) ? 0 : fetch_blocks(content, block);
    if (status == 0)
        status = content_read_exactly(content->fd, buffer, size, offset);
    return status < 0 ? status : (ssize_t)size;
}
