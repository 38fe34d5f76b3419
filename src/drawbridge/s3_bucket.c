// SPDX-License-Identifier: Apache-2.0
#include "drawbridge/s3_bucket.h"

#include "base/log.h"
#include "crypto/sign.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    COMMIT_TRIES = 64,
    TAIL_MAX = 32 * 1024,    /* of the head; then its units become a part */
    LOG_BYTES_MAX = 2 << 20, /* of the log before a snapshot is worth it, and half of … */
    LOG_PARTS = S3_LOG_PARTS_MAX / 2, /* … the last one; or so many parts */
};

/* Waits until nobody else is at the head, and is. Returns the number of this visit. */
static uint64_t enter(struct s3_bucket *bucket)
{
    bucket->busy = true;
    uint64_t number = ++bucket->started;
    pthread_mutex_unlock(&bucket->mutex);
    return number;
}

/* Ends a visit; with `counts` the copy is now what the head was during it, or nobody could tell. */
static void leave(struct s3_bucket *bucket, uint64_t number, int status, bool counts)
{
    pthread_mutex_lock(&bucket->mutex);
    bucket->busy = false;
    if (counts) {
        bucket->finished = number;
        bucket->last_status = status;
    }
    pthread_cond_broadcast(&bucket->changed);
}

int s3_bucket_refresh(struct s3_bucket *bucket)
{
    pthread_mutex_lock(&bucket->mutex);
    /* A visit that began after this call is one that counts, whoever makes it. */
    uint64_t wanted = bucket->started + 1;
    while (bucket->finished < wanted) {
        if (bucket->busy) {
            pthread_cond_wait(&bucket->changed, &bucket->mutex);
            continue;
        }
        uint64_t number = enter(bucket);
        leave(bucket, number, s3_replay(bucket, NULL, NULL), true);
    }
    int status = bucket->last_status;
    pthread_mutex_unlock(&bucket->mutex);
    return status;
}

static void add_change(struct s3_bytes *ops, const struct store_change *change)
{
    struct s3_op op = {.kind = change->value.data ? S3_OP_RECORD : S3_OP_NO_RECORD,
                       .key = span_of(change->key, strlen(change->key)),
                       .value = change->value,
                       .content = change->value.data ? change->content : NULL};
    if (change->expect != STORE_CHECK)
        s3_op_add(ops, &op);
}

static int apply_changes(struct s3_bucket *bucket, struct s3_wish *wish, struct s3_bytes *ops)
{
    int status = 0;
    if (wish->sha256) {
        struct s3_op op = {.kind = S3_OP_CONTENT,
                           .content = wish->sha256,
                           .length = wish->length,
                           .data = wish->data,
                           .place = wish->place};
        status = records_add_content(&bucket->records, wish->sha256, wish->length, wish->data,
                                     wish->place, true);
        s3_op_add(ops, &op);
    }
    for (size_t i = 0; status == 0 && i < wish->count; i++) {
        status = records_apply(&bucket->records, &wish->changes[i]);
        if (status == 0)
            add_change(ops, &wish->changes[i]);
    }
    return status;
}

/* Where the object of a content is: its nonce, or zeros if it is small. */
static int find_nonce(struct records *records, const uint8_t *sha256, uint8_t nonce[S3_NONCE])
{
    sqlite3_stmt *row = records_statement(records, RECORDS_CONTENT_GET);
    sqlite3_bind_blob(row, 1, sha256, STORE_SHA256, SQLITE_STATIC);
    int status = sqlite3_step(row);
    memset(nonce, 0, S3_NONCE);
    if (status == SQLITE_ROW && sqlite3_column_bytes(row, 2) >= S3_NONCE)
        memcpy(nonce, sqlite3_column_blob(row, 2), S3_NONCE);
    sqlite3_reset(row);
    return records_errno(status);
}

static int apply_garbage(struct s3_bucket *bucket, struct s3_wish *wish, struct s3_bytes *ops)
{
    int status = records_find_garbage(&bucket->records, wish->garbage);
    for (size_t i = 0; status == 0 && i < wish->garbage->count; i++) {
        const uint8_t *sha256 = wish->garbage->sha256[i];
        struct s3_op op = {.kind = S3_OP_NO_CONTENT, .content = sha256};
        status = find_nonce(&bucket->records, sha256, wish->garbage_nonces[i]);
        if (status == 0)
            status = records_delete_content(&bucket->records, sha256);
        s3_op_add(ops, &op);
    }
    return status;
}

/* Makes what a wish wants in the copy, and adds it to the ops; or nothing of it. */
static int apply_wish(struct s3_bucket *bucket, struct s3_wish *wish, struct s3_bytes *ops)
{
    size_t before = ops->size;
    if (wish->snapshot)
        return 0;
    int status = records_run(&bucket->records, RECORDS_SAVE);
    if (status < 0)
        return status;
    status = wish->garbage ? apply_garbage(bucket, wish, ops) : apply_changes(bucket, wish, ops);
    if (status == 0 && ops->failed)
        status = -ENOMEM;
    if (status < 0) {
        ops->size = before;
        (void)!records_run(&bucket->records, RECORDS_UNDO);
    }
    int released = records_run(&bucket->records, RECORDS_RELEASE);
    return status < 0 ? status : released;
}

/* The head with a snapshot in it: what is older goes. Whether it is newer than the one before. */
static bool set_snapshot(struct s3_head *head, const struct s3_part *snapshot)
{
    size_t kept = 0;
    if (snapshot->to <= head->snapshot.to)
        return false;
    head->snapshot = *snapshot;
    for (size_t i = 0; i < head->part_count; i++) {
        if (head->parts[i].to > snapshot->to)
            head->parts[kept++] = head->parts[i];
    }
    head->part_count = kept;
    return true;
}

/* The units of the head become an object of their own. */
static int move_tail(struct s3_bucket *bucket, struct s3_head *head)
{
    char name[S3_OBJECT_NAME_MAX];
    struct span units = span_of(head->tail.data, head->tail.size), rest = units;
    struct s3_unit first;
    if (head->part_count == S3_LOG_PARTS_MAX || s3_unit_next(&rest, &first) <= 0)
        return -ENOSPC;
    struct s3_part *part = &head->parts[head->part_count];
    *part = (struct s3_part){.from = first.sequence, .to = head->sequence, .size = units.size};
    int status = crypto_random(part->nonce, sizeof(part->nonce));
    if (status == 0)
        status = crypto_hash(CRYPTO_SHA256, &units, 1, part->sha256);
    s3_part_name("log", part, name);
    if (status == 0)
        status = s3_put(bucket->client, name, units, S3_ALWAYS, NULL);
    head->part_count++;
    head->tail.size = 0;
    return status;
}

/* The head that comes after this one, with a unit if there are ops. */
static int make_head(struct s3_bucket *bucket, const struct s3_wish *wishes, struct span ops,
                     const uint8_t nonce[S3_NONCE], bool *changes)
{
    struct s3_head *next = bucket->next_head;
    s3_bytes_fini(&next->tail);
    *next = *bucket->head;
    next->tail = (struct s3_bytes){0};
    s3_bytes_add(&next->tail, span_of(bucket->head->tail.data, bucket->head->tail.size));
    *changes = ops.size > 0;
    for (const struct s3_wish *wish = wishes; wish; wish = wish->next) {
        if (wish->snapshot && set_snapshot(next, wish->snapshot))
            *changes = true;
    }
    if (ops.size > 0) {
        struct s3_unit unit = {++next->sequence, nonce, ops};
        s3_unit_add(&next->tail, &unit);
    }
    if (next->tail.failed)
        return -ENOMEM;
    return next->tail.size > TAIL_MAX ? move_tail(bucket, next) : 0;
}

/* Writes the next head in the place of this one. 0; -EEXIST if another one is there; -errno. */
static int put_head(struct s3_bucket *bucket)
{
    struct s3_bytes bytes = {0};
    char etag[S3_ETAG_MAX];
    memcpy(etag, bucket->etag, sizeof(etag));
    s3_head_write(bucket->next_head, &bytes);
    int status = bytes.failed ? -ENOMEM
                              : s3_put(bucket->client, "head", span_of(bytes.data, bytes.size),
                                       etag[0] ? S3_IF_MATCH : S3_IF_ABSENT, etag);
    s3_bytes_fini(&bytes);
    if (status < 0)
        return status;
    struct s3_head *old = bucket->head;
    bucket->head = bucket->next_head;
    bucket->next_head = old;
    memcpy(bucket->etag, etag, sizeof(etag));
    return 0;
}

/* One attempt to write wishes: 0, and each has its status; -EEXIST if the head was not as it was
 * known; -errno. *changes: there was something to write. */
static int write_once(struct s3_bucket *bucket, struct s3_wish *wishes, const uint8_t *nonce,
                      bool *changes)
{
    struct s3_bytes ops = {0};
    int status = records_run(&bucket->records, RECORDS_BEGIN);
    if (status < 0)
        return status;
    for (struct s3_wish *wish = wishes; wish; wish = wish->next)
        wish->status = apply_wish(bucket, wish, &ops);
    status = make_head(bucket, wishes, span_of(ops.data, ops.size), nonce, changes);
    if (status == 0 && *changes)
        status = put_head(bucket);
    s3_bytes_fini(&ops);
    int ended = records_end(&bucket->records, status);
    if (status == 0 && ended < 0)
        s3_forget(bucket); /* it is written all the same: the copy has to be made anew */
    return status;
}

static void fail_wishes(struct s3_wish *wishes, int status)
{
    for (struct s3_wish *wish = wishes; wish; wish = wish->next) {
        if (wish->status == 0)
            wish->status = status;
    }
}

/*
 * Writes wishes. If the head has changed, the log is followed and they are judged anew: unless
 * their unit is in it, because an attempt whose answer was lost had succeeded after all. Then the
 * statuses are those of that attempt, which was the last one. *seen: the head was as it is known
 * now at some moment of this call.
 */
static int write_wishes(struct s3_bucket *bucket, struct s3_wish *wishes, bool *seen)
{
    uint8_t nonce[S3_NONCE];
    bool found = false;
    int status = -EEXIST;
    *seen = false;
    if (crypto_random(nonce, sizeof(nonce)) < 0)
        status = -EIO;
    for (unsigned i = 0; status == -EEXIST && i < COMMIT_TRIES && !found; i++) {
        bool changes = false;
        status = write_once(bucket, wishes, nonce, &changes);
        *seen = *seen || changes;
        if (status == -EEXIST) {
            int followed = s3_replay(bucket, nonce, &found);
            if (followed < 0)
                status = followed;
        }
    }
    if (status == -EEXIST)
        status = found ? 0 : -EBUSY;
    if (status < 0)
        fail_wishes(wishes, status);
    return status;
}

int s3_bucket_write(struct s3_bucket *bucket, struct s3_wish *wish)
{
    pthread_mutex_lock(&bucket->mutex);
    wish->next = NULL;
    wish->done = false;
    *bucket->wishes_end = wish;
    bucket->wishes_end = &wish->next;
    while (!wish->done) {
        if (bucket->busy) {
            pthread_cond_wait(&bucket->changed, &bucket->mutex);
            continue;
        }
        struct s3_wish *wishes = bucket->wishes;
        bucket->wishes = NULL;
        bucket->wishes_end = &bucket->wishes;
        uint64_t number = enter(bucket);
        bool seen;
        int status = write_wishes(bucket, wishes, &seen);
        leave(bucket, number, status, seen || status < 0);
        for (struct s3_wish *each = wishes, *next; each; each = next) {
            next = each->next;
            each->done = true;
        }
    }
    int status = wish->status;
    pthread_mutex_unlock(&bucket->mutex);
    return status;
}

struct s3_head *s3_bucket_head(struct s3_bucket *bucket)
{
    struct s3_head *copy = malloc(sizeof(*copy));
    pthread_mutex_lock(&bucket->mutex);
    while (bucket->busy)
        pthread_cond_wait(&bucket->changed, &bucket->mutex);
    if (copy)
        *copy = *bucket->head;
    pthread_mutex_unlock(&bucket->mutex);
    if (copy)
        copy->tail = (struct s3_bytes){0};
    return copy;
}

static bool is_long(const struct s3_head *head)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < head->part_count; i++)
        bytes += head->parts[i].size;
    return head->part_count >= LOG_PARTS || bytes > LOG_BYTES_MAX + head->snapshot.size / 2;
}

/* Begins a view of the copy by another handle at a moment when its sequence number is known.
 * Whether there is something to be done, and nobody else does it. */
static bool begin_snapshot(struct s3_bucket *bucket, struct records *reader, bool always,
                           uint64_t *sequence)
{
    struct store_value value = {0};
    pthread_mutex_lock(&bucket->mutex);
    while (bucket->busy)
        pthread_cond_wait(&bucket->changed, &bucket->mutex);
    const struct s3_head *head = bucket->head;
    bool useful =
        !bucket->compacting && head->sequence > head->snapshot.to && (always || is_long(head));
    if (useful) {
        bucket->compacting = true;
        *sequence = head->sequence;
        records_view(reader, true);
        (void)!records_get(reader, "none", &value); /* with the first read the view begins */
        free(value.data);
    }
    pthread_mutex_unlock(&bucket->mutex);
    return useful;
}

/* Ops that make all rows of a statement. */
static int dump_rows(struct records *reader, const char *sql,
                     void (*fill)(sqlite3_stmt *, struct s3_op *), int fd, uint64_t *size,
                     struct crypto_hasher *hasher)
{
    sqlite3_stmt *row;
    int status = records_errno(sqlite3_prepare_v2(reader->db, sql, -1, &row, NULL)), step = 0;
    while (status == 0 && (step = sqlite3_step(row)) == SQLITE_ROW) {
        struct s3_bytes bytes = {0};
        struct s3_op op = {0};
        fill(row, &op);
        s3_op_add(&bytes, &op);
        struct span span = span_of(bytes.data, bytes.size);
        status = bytes.failed ? -ENOMEM : content_write_exactly(fd, span, *size);
        if (status == 0)
            status = crypto_hasher_add(hasher, span);
        *size += span.size;
        s3_bytes_fini(&bytes);
    }
    sqlite3_finalize(row);
    return status < 0 ? status : records_errno(step);
}

static struct span column(sqlite3_stmt *row, int number)
{
    const void *data = sqlite3_column_blob(row, number);
    return span_of(data ? data : "", (size_t)sqlite3_column_bytes(row, number));
}

static void fill_content(sqlite3_stmt *row, struct s3_op *op)
{
    *op = (struct s3_op){.kind = S3_OP_CONTENT,
                         .content = sqlite3_column_blob(row, 0),
                         .length = (uint64_t)sqlite3_column_int64(row, 1)};
    if (sqlite3_column_type(row, 2) == SQLITE_NULL)
        op->place = column(row, 3);
    else
        op->data = column(row, 2);
}

static void fill_record(sqlite3_stmt *row, struct s3_op *op)
{
    *op = (struct s3_op){.kind = S3_OP_RECORD, .key = column(row, 0), .value = column(row, 1)};
    if (sqlite3_column_bytes(row, 2) == STORE_SHA256)
        op->content = sqlite3_column_blob(row, 2);
}

/* Writes all that a view shows into an object. */
static int write_snapshot(const struct s3_bucket *bucket, struct s3_client *client,
                          struct records *reader, struct s3_part *snapshot)
{
    char name[S3_OBJECT_NAME_MAX];
    struct crypto_hasher *hasher = crypto_hasher_new(CRYPTO_SHA256);
    int fd = s3_scratch_file(bucket);
    int status = fd < 0 ? fd : hasher ? crypto_random(snapshot->nonce, S3_NONCE) : -ENOMEM;
    if (status == 0)
        status = dump_rows(reader, "SELECT sha256, size, data, sums FROM content", fill_content, fd,
                           &snapshot->size, hasher);
    if (status == 0)
        status = dump_rows(reader, "SELECT key, value, content FROM record", fill_record, fd,
                           &snapshot->size, hasher);
    if (status == 0)
        status = crypto_hasher_end(hasher, snapshot->sha256);
    s3_part_name("snapshots", snapshot, name);
    if (status == 0 && snapshot->size > 0)
        status = s3_put_file(client, name, fd, snapshot->size, snapshot->sha256);
    crypto_hasher_free(hasher);
    if (fd >= 0)
        close(fd);
    return status;
}

void s3_bucket_compact(struct s3_bucket *bucket, struct s3_client *client, struct records *reader,
                       bool always)
{
    struct s3_part snapshot = {0};
    struct s3_wish wish = {.snapshot = &snapshot};
    if (!begin_snapshot(bucket, reader, always, &snapshot.to))
        return;
    int status = write_snapshot(bucket, client, reader, &snapshot);
    records_view(reader, false);
    if (status == 0 && snapshot.size > 0)
        status = s3_bucket_write(bucket, &wish);
    if (status < 0)
        log_warn("drawbridge", "a snapshot cannot be written: %s", strerror(-status));
    pthread_mutex_lock(&bucket->mutex);
    bucket->compacting = false;
    pthread_mutex_unlock(&bucket->mutex);
}
