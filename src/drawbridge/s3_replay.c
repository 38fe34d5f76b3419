// SPDX-License-Identifier: Apache-2.0
/* From the log to the copy of the records. */
#include "base/log.h"
#include "drawbridge/s3_bucket.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { HEAD_TRIES = 5 };

/* Makes what an op says so. */
static int apply(struct records *records, const struct s3_op *op)
{
    if (op->kind == S3_OP_CONTENT)
        return records_add_content(records, op->content, op->length, op->data, op->place, true);
    if (op->kind == S3_OP_NO_CONTENT)
        return records_delete_content(records, op->content);
    char key[STORE_KEY_MAX + 1];
    memcpy(key, op->key.data, op->key.size);
    key[op->key.size] = '\0';
    struct store_change change = {.key = key, .value = op->value, .content = op->content};
    return records_apply(records, &change);
}

static int apply_ops(struct records *records, struct span ops)
{
    struct s3_op op;
    int more, status = 0;
    while (status == 0 && (more = s3_op_next(&ops, &op)) != 0)
        status = more < 0 ? -EBADMSG : apply(records, &op);
    return status == -ENOENT ? -EBADMSG : status; /* a record of a content that is not there */
}

/* Where the copy is while it is brought up to date. */
struct replaying {
    struct s3_bucket *bucket;
    uint64_t at; /* the last unit that it has */
    const uint8_t *wanted;
    bool found;
};

static int apply_units(struct replaying *replaying, struct span units)
{
    struct s3_unit unit;
    int more, status = 0;
    while (status == 0 && (more = s3_unit_next(&units, &unit)) != 0) {
        if (more < 0)
            return -EBADMSG;
        if (unit.sequence <= replaying->at)
            continue;
        if (unit.sequence != replaying->at + 1)
            return -EBADMSG;
        status = apply_ops(&replaying->bucket->records, unit.ops);
        replaying->at = unit.sequence;
        if (replaying->wanted && memcmp(unit.nonce, replaying->wanted, S3_NONCE) == 0)
            replaying->found = true;
    }
    return status;
}

/* A body on its way into a file. */
struct download {
    int fd;
    uint64_t size;
};

static void begin_download(void *context)
{
    struct download *download = context;
    download->size = 0;
}

static int take_piece(void *context, struct span piece, struct err *err)
{
    struct download *download = context;
    int status = content_write_exactly(download->fd, piece, download->size);
    download->size += piece.size;
    return status < 0 ? err_set(err, ERR_IO, -status, "cannot write a scratch file") : 0;
}

/* Reads an object of the log, and calls with its bytes when they were verified. */
static int with_part(struct replaying *replaying, const char *folder, const struct s3_part *part,
                     int (*call)(struct replaying *, struct span))
{
    char name[S3_OBJECT_NAME_MAX];
    struct http_reply reply;
    struct download download = {.fd = s3_scratch_file(replaying->bucket)};
    struct s3_call get = {.method = "GET",
                          .name = name,
                          .take = take_piece,
                          .begin = begin_download,
                          .context = &download};
    if (download.fd < 0)
        return download.fd;
    s3_part_name(folder, part, name);
    int status = s3_do(replaying->bucket->client, &get, &reply);
    if (status == 0) {
        http_reply_free(&reply);
        status = download.size == part->size && part->size > 0 ? 0 : -EBADMSG;
    }
    void *bytes = MAP_FAILED;
    if (status == 0) {
        bytes = mmap(NULL, (size_t)part->size, PROT_READ, MAP_PRIVATE, download.fd, 0);
        status = bytes == MAP_FAILED ? -errno : 0;
    }
    if (status == 0) {
        struct span span = span_of(bytes, (size_t)part->size);
        status = content_has_hash(span, part->sha256) ? call(replaying, span) : -EBADMSG;
        munmap(bytes, (size_t)part->size);
    }
    if (status == -EBADMSG)
        log_error("drawbridge", "the object %s of the store is damaged", name);
    close(download.fd);
    return status;
}

static int clear(struct records *records)
{
    static const char sql[] = "DELETE FROM record; DELETE FROM content;";
    return records_errno(sqlite3_exec(records->db, sql, NULL, NULL, NULL));
}

static int apply_snapshot(struct replaying *replaying, struct span ops)
{
    struct records *records = &replaying->bucket->records;
    int status = clear(records);
    return status == 0 ? apply_ops(records, ops) : status;
}

/* Brings the copy to where a head is. */
static int follow(struct replaying *replaying, const struct s3_head *head)
{
    int status = replaying->at == 0 ? clear(&replaying->bucket->records) : 0;
    if (status == 0 && replaying->at < head->snapshot.to && head->snapshot.size > 0) {
        status = with_part(replaying, "snapshots", &head->snapshot, apply_snapshot);
        replaying->at = head->snapshot.to;
    }
    for (size_t i = 0; status == 0 && i < head->part_count; i++) {
        if (head->parts[i].to > replaying->at)
            status = with_part(replaying, "log", &head->parts[i], apply_units);
    }
    if (status == 0)
        status = apply_units(replaying, span_of(head->tail.data, head->tail.size));
    return status == 0 && replaying->at != head->sequence ? -EBADMSG : status;
}

static void adopt(struct s3_bucket *bucket, const char *etag)
{
    struct s3_head *old = bucket->head;
    bucket->head = bucket->next_head;
    bucket->next_head = old;
    s3_bytes_fini(&old->tail);
    memcpy(bucket->etag, etag, S3_ETAG_MAX);
}

static int take_head(struct replaying *replaying, const struct http_reply *reply)
{
    struct s3_bucket *bucket = replaying->bucket;
    char etag[S3_ETAG_MAX];
    if (!s3_reply_etag(reply, etag))
        return -EPROTO;
    s3_bytes_fini(&bucket->next_head->tail); /* of an attempt to write that failed */
    int status = s3_head_read(reply->body, bucket->next_head);
    if (status == -EINVAL)
        log_error("drawbridge", "the head of the store is damaged, or of another version");
    if (status == 0 && bucket->next_head->sequence < bucket->head->sequence) {
        log_error("drawbridge", "the head of the store has gone back: was the bucket restored?");
        status = -EBADMSG;
    }
    if (status == 0)
        status = records_run(&bucket->records, RECORDS_BEGIN);
    if (status == 0) {
        replaying->at = bucket->head->sequence;
        replaying->found = false;
        status = records_end(&bucket->records, follow(replaying, bucket->next_head));
    }
    if (status == 0)
        adopt(bucket, etag);
    else
        s3_bytes_fini(&bucket->next_head->tail);
    return status;
}

void s3_forget(struct s3_bucket *bucket)
{
    s3_bytes_fini(&bucket->head->tail);
    *bucket->head = (struct s3_head){0};
    bucket->etag[0] = '\0';
}

int s3_replay(struct s3_bucket *bucket, const uint8_t *wanted, bool *found)
{
    struct replaying replaying = {.bucket = bucket, .wanted = wanted};
    int status = -ENOENT;
    /* What a head refers to can be removed while it is read, because a newer one does not. */
    for (unsigned i = 0; status == -ENOENT && i < HEAD_TRIES; i++) {
        struct http_reply reply;
        struct s3_call call = {.method = "GET",
                               .name = "head",
                               .if_none_match = bucket->etag[0] ? bucket->etag : NULL};
        int answered = s3_call(bucket->client, &call, &reply);
        if (answered < 0)
            return answered;
        status = answered == 304                       ? 0
                 : answered == 200                     ? take_head(&replaying, &reply)
                 : answered == 404 && !bucket->etag[0] ? -ENODATA
                                                       : -EIO;
        if (status == -EIO)
            log_error("drawbridge", "the head of the store cannot be read: status %d", answered);
        http_reply_free(&reply);
    }
    if (found)
        *found = replaying.found;
    return status;
}
