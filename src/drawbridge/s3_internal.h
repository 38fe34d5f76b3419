/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the store in object storage share. */
#pragma once

#include "drawbridge/s3_bucket.h"

struct s3_store {
    struct store store;
    struct s3_bucket *bucket;
    struct s3_client *client;
    struct records records; /* the copy, to be read */
    struct content_cache cache;
};

static inline struct s3_store *s3_of(struct store *store)
{
    return (struct s3_store *)store; /* the first member */
}

/* s3_stage.c */
int s3_stage_new(struct store *store, const char *id, struct stage **stage);
int s3_stage_size(struct store *store, const char *id, uint64_t *size);
int s3_stage_remove(struct store *store, const char *id);
int s3_stage_add(struct stage *stage, struct span bytes);
int s3_stage_save(struct stage *stage);
int s3_stage_end(struct stage *stage);
void s3_stage_free(struct stage *stage);
/* Before it is written: makes it an object if it is not small, and tells the wish of it. */
int s3_stage_upload(struct s3_store *s3, struct stage *stage, struct s3_wish *wish);
/* After it was written. */
void s3_stage_done(struct s3_store *s3, struct stage *stage);

/* s3_content.c */
int s3_content_open(struct store *store, const uint8_t *sha256, struct content **content);
ssize_t s3_content_read(struct content *content, uint64_t offset, uint8_t *buffer, size_t size);
void s3_content_close(struct content *content);
extern const struct content_kind s3_content_kind;

/* s3_care.c */
int s3_collect(struct store *store, int64_t uploads_before, uint64_t *removed);
int s3_check(struct store *store, store_problem_fn problem, void *context, uint64_t *contents);
