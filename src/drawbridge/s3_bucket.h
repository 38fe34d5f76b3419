/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A bucket as the threads of a program share it: the log's end, and a copy of all records, which is
 * brought up to date from the log. Internal to the store.
 *
 * One thread at a time reads or writes the head; others wait, and those who wait to write are
 * written together by the next one.
 */
#pragma once

#include "drawbridge/contents.h"
#include "drawbridge/records.h"
#include "drawbridge/s3_client.h"
#include "drawbridge/s3_log.h"

#include <pthread.h>

enum {
    S3_INLINE_MAX = 4096, /* contents up to this size are in the log */
    S3_PATH_MAX = 4096,
};

/* What one thread wants to have written; it waits until it is. */
struct s3_wish {
    /* Changes, and a content that they may refer to, or none (sha256 NULL). */
    const struct store_change *changes;
    size_t count;
    const uint8_t *sha256;
    uint64_t length;
    struct span data, place;
    /* Or: removes contents that nothing refers to; those are told. */
    struct records_garbage *garbage;
    uint8_t (*garbage_nonces)[S3_NONCE]; /* of their objects; zeros: it had none */
    /* Or: a snapshot that was written takes the place of what is older. */
    const struct s3_part *snapshot;

    int status;
    bool done;
    struct s3_wish *next;
};

/* An upload that somebody of this program has open. */
struct s3_open_upload {
    char id[STORE_ID_MAX + 1];
    struct s3_open_upload *next;
};

struct s3_bucket {
    struct s3_config config;
    char directory[S3_PATH_MAX], file[S3_PATH_MAX + 16]; /* scratch; the copy of the records */
    int directory_fd;                                    /* locked while it is used */
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    /* Under the mutex: */
    bool busy;                  /* somebody is at the head */
    uint64_t started, finished; /* visits to the head: the last that began, that ended … */
    int last_status;            /* … and how */
    struct s3_wish *wishes, **wishes_end;
    struct s3_open_upload *uploads;
    bool compacting;
    /* Of whoever is at the head: */
    struct s3_client *client;
    struct records records;
    struct s3_head *head, *next_head;
    char etag[S3_ETAG_MAX]; /* empty: there is no head */
};

/* What others wrote before this call is in the copy afterwards. 0 or -errno. */
__attribute__((warn_unused_result)) int s3_bucket_refresh(struct s3_bucket *bucket);
/* Has a wish written: its status. */
int s3_bucket_write(struct s3_bucket *bucket, struct s3_wish *wish);
/* Writes a snapshot if the log has become long, by the caller's handle on the copy. */
void s3_bucket_compact(struct s3_bucket *bucket, struct s3_client *client, struct records *reader,
                       bool always);
/* A copy of the names that the head refers to, for who removes what it does not: NULL without
 * memory. */
struct s3_head *s3_bucket_head(struct s3_bucket *bucket);
/* A file in the scratch directory that has no name. Its descriptor or -errno. */
int s3_scratch_file(const struct s3_bucket *bucket);

/* s3_replay.c, by whoever is at the head. */

/* Reads the head, and the log up to it. If a unit with the nonce `wanted` (or NULL) was among it,
 * *found is set. 0 or -errno; -ENODATA if there is no head, and there never was. */
__attribute__((warn_unused_result)) int s3_replay(struct s3_bucket *bucket, const uint8_t *wanted,
                                                  bool *found);
/* Forgets where the copy is: the next s3_replay makes it anew. */
void s3_forget(struct s3_bucket *bucket);
