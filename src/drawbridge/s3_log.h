/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The log of changes as bytes, and its end, the head. No I/O. Internal to the store.
 *
 *     op     'R' a record is there, 'D' a record is not, 'C' a content is there, 'X' it is not
 *     unit   sequence number, nonce, ops: changes that were made together
 *     head   sequence number of the last unit; the snapshot to begin with; the parts of the log
 *            behind it; units that are in no part yet; SHA-256 of all that
 *
 * A snapshot is ops; a part is units. Numbers are little-endian.
 */
#pragma once

#include "drawbridge/store.h"

enum {
    S3_NONCE = 16,
    S3_LOG_PARTS_MAX = 1024,
    S3_OBJECT_NAME_MAX = 128,
};

/* Bytes that grow. `failed`: there was no memory. */
struct s3_bytes {
    uint8_t *data;
    size_t size, capacity;
    bool failed;
};
void s3_bytes_add(struct s3_bytes *bytes, struct span more);
void s3_bytes_fini(struct s3_bytes *bytes);

struct s3_op {
    enum s3_op_kind {
        S3_OP_RECORD = 'R',
        S3_OP_NO_RECORD = 'D',
        S3_OP_CONTENT = 'C',
        S3_OP_NO_CONTENT = 'X'
    } kind;
    struct span key, value;
    const uint8_t *content;  /* of a record: NULL if it has none; of the others: whose */
    uint64_t length;         /* of the content, whose bytes are `data`, … */
    struct span data, place; /* … or are to be found with `place` */
};
void s3_op_add(struct s3_bytes *bytes, const struct s3_op *op);
/* Takes one from the front: 1, 0 at the end, -EINVAL. It borrows. */
__attribute__((warn_unused_result)) int s3_op_next(struct span *rest, struct s3_op *op);

struct s3_unit {
    uint64_t sequence;
    const uint8_t *nonce;
    struct span ops;
};
void s3_unit_add(struct s3_bytes *bytes, const struct s3_unit *unit);
__attribute__((warn_unused_result)) int s3_unit_next(struct span *rest, struct s3_unit *unit);

/* An object that has units from..to, or all ops up to `to`. */
struct s3_part {
    uint64_t from, to, size;
    uint8_t nonce[S3_NONCE], sha256[STORE_SHA256];
};
void s3_part_name(const char *folder, const struct s3_part *part, char name[S3_OBJECT_NAME_MAX]);
/* "contents/SHA-NONCE" */
void s3_content_name(const uint8_t *sha256, const uint8_t *nonce, char name[S3_OBJECT_NAME_MAX]);

struct s3_head {
    uint64_t sequence;
    struct s3_part snapshot; /* size 0: there is none, everything is in the log */
    struct s3_part parts[S3_LOG_PARTS_MAX];
    size_t part_count;
    struct s3_bytes tail; /* units */
};
void s3_head_write(const struct s3_head *head, struct s3_bytes *bytes);
/* Reads one, whose parts are in order and without gaps; `tail` is a copy. 0, -EINVAL or -ENOMEM. */
__attribute__((warn_unused_result)) int s3_head_read(struct span bytes, struct s3_head *head);
