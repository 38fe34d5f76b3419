/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the local store share.
 *
 *     STORE/lock               flock: one writer at a time
 *     STORE/records.db         SQLite: records; contents up to LOCAL_INLINE_MAX bytes; of larger
 *                              ones size and the SHA-256 of each block
 *     STORE/contents/ab/cdef…  larger contents, by the hexadecimal digits of their SHA-256
 *     STORE/uploads/           what is being uploaded; names of uploads with an id begin with "r-"
 *
 * docs/adr/0011-store.md says why.
 */
#pragma once

#include "drawbridge/contents.h"
#include "drawbridge/records.h"

#include <sys/stat.h>

enum {
    LOCAL_INLINE_MAX = 32 * 1024,
    LOCAL_NAME_SIZE = 128, /* of files below the store */
    LOCAL_VERIFY_SECONDS = 3600,
};

struct local_content {
    struct cached_content cached;
    int fd;         /* -1: in `data` */
    uint8_t *data;  /* inline content, verified when it was read */
    uint8_t *sums;  /* SHA-256 of each block */
    uint8_t *known; /* one bit a block: it was verified */
    struct timespec changed;
    int64_t verified_since; /* monotonic seconds: when `known` was last empty */
};

struct local_store {
    struct store store;
    int directory, lock;
    struct records records;
    struct content_cache cache;
    uint8_t *scratch; /* CONTENT_BLOCK bytes: a block that is being verified */
};

static inline struct local_store *local_of(struct store *store)
{
    return (struct local_store *)store; /* the first member */
}

/* local.c */
/* Takes the lock of writers and begins a transaction. */
int local_begin(struct local_store *local);
void local_unlock(struct local_store *local);
/* Commits, or rolls back if `status` is negative, unlocks, and returns the status. */
int local_end(struct local_store *local, int status);
void local_content_name(const uint8_t *sha256, char name[LOCAL_NAME_SIZE]);

/* local_stage.c */
int local_stage_new(struct store *store, const char *id, struct stage **stage);
int local_stage_size(struct store *store, const char *id, uint64_t *size);
int local_stage_remove(struct store *store, const char *id);
int local_stage_add(struct stage *stage, struct span bytes);
int local_stage_save(struct stage *stage);
int local_stage_end(struct stage *stage);
void local_stage_free(struct stage *stage);
/* Has the bytes written to disk, before the transaction. */
int local_stage_flush(struct stage *stage);
/* Inside of the transaction: makes it a content in the database; gives its file, if it has one, its
 * name for good. A file of that name is replaced: it has the same bytes, or is damaged, or was left
 * behind by a crash. */
int local_stage_record(struct local_store *local, struct stage *stage);
int local_stage_move(struct local_store *local, struct stage *stage);
/* After the transaction. */
void local_stage_done(struct stage *stage);

/* local_content.c */
extern const struct content_kind local_content_kind;
int local_content_open(struct store *store, const uint8_t *sha256, struct content **content);
ssize_t local_content_read(struct content *content, uint64_t offset, uint8_t *buffer, size_t size);
void local_content_close(struct content *content);

/* local_care.c */
int local_collect(struct store *store, int64_t uploads_before, uint64_t *removed);
int local_check(struct store *store, store_problem_fn problem, void *context, uint64_t *contents);
