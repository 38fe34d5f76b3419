/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where packages are kept: records, which are small texts under keys, and contents, which are bytes
 * of any size under their SHA-256. An implementation is a `struct store_ops`.
 *
 *     struct stage *stage;
 *     if (store_stage(store, NULL, &stage) == 0 && stage_add(stage, bytes) == 0 &&
 *         stage_end(stage) == 0) {
 *         struct store_change change = {.key = "n/user/repo/1.0.0/", .value = record,
 *                                       .content = stage_sha256(stage), .expect = STORE_ABSENT};
 *         status = store_write(store, stage, &change, 1);      durable when it returns 0
 *     }
 *     stage_free(stage);
 *
 * A handle belongs to one thread; several handles, of several processes as well, may have the same
 * store open. What store_write wrote is there completely or not at all, whatever happens. Contents
 * that no record refers to are garbage, which store_collect removes. Host side.
 */
#pragma once

#include "base/err.h"
#include "drawbridge/digest.h"

#include <sys/types.h>

enum { STORE_KEY_MAX = 8192, STORE_VALUE_MAX = 4 << 20, STORE_SHA256 = 32, STORE_ID_MAX = 64 };

struct store {
    const struct store_ops *ops;
};

/* Bytes that the caller frees. */
struct store_value {
    uint8_t *data;
    size_t size;
};

enum store_expect {
    STORE_ANY,    /* whatever is there is replaced */
    STORE_ABSENT, /* else -EEXIST */
    STORE_SAME,   /* the record is still `old`, else -ESTALE */
    STORE_CHECK,  /* likewise, and nothing is changed */
};

struct store_change {
    const char *key;
    struct span value; /* data NULL: the record is removed */
    enum store_expect expect;
    struct span old;
    const uint8_t *content; /* SHA-256 of the content that it refers to; NULL: to none */
};

/* What is being uploaded: digests, and the bytes wherever the store has put them. */
struct stage {
    struct store *store;
    uint64_t length;
    struct digests digests; /* after stage_end */
};

/* What can be read. */
struct content {
    struct store *store;
    uint64_t length;
};

/* Called for each record; false ends the list. */
typedef bool (*store_list_fn)(void *context, const char *key, struct span value);

/* Told of each problem that store_check finds. */
typedef void (*store_problem_fn)(void *context, const char *problem);

struct store_ops {
    void (*close)(struct store *);
    int (*refresh)(struct store *); /* NULL: what others write is seen by itself */
    void (*view)(struct store *, bool begins);
    int (*get)(struct store *, const char *key, struct store_value *);
    int (*list)(struct store *, const char *prefix, const char *after, store_list_fn, void *);
    int (*write)(struct store *, struct stage *, const struct store_change *, size_t count);
    int (*stage)(struct store *, const char *id, struct stage **);
    int (*stage_size)(struct store *, const char *id, uint64_t *size);
    int (*stage_remove)(struct store *, const char *id);
    int (*stage_add)(struct stage *, struct span bytes);
    int (*stage_save)(struct stage *);
    int (*stage_end)(struct stage *);
    void (*stage_free)(struct stage *);
    int (*content_open)(struct store *, const uint8_t *sha256, struct content **);
    ssize_t (*content_read)(struct content *, uint64_t offset, uint8_t *buffer, size_t size);
    void (*content_close)(struct content *);
    int (*collect)(struct store *, int64_t uploads_before, uint64_t *removed);
    int (*check)(struct store *, store_problem_fn, void *, uint64_t *contents);
};

static inline void store_close(struct store *store)
{
    if (store)
        store->ops->close(store);
}

/* What others had written, with whatever handle, before this call is seen after it. Without it,
 * what is read may be older, but store_write still judges by what is there. 0; -EIO if the store
 * cannot be reached. */
__attribute__((warn_unused_result)) static inline int store_refresh(struct store *store)
{
    return store->ops->refresh ? store->ops->refresh(store) : 0;
}

/* Whether each call can take as long as a network does. */
static inline bool store_is_remote(const struct store *store)
{
    return store->ops->refresh != NULL;
}

/* Between these two, nothing is written with this handle, and what is read is of one moment: faster
 * than several reads by themselves. */
static inline void store_view_begin(struct store *store)
{
    store->ops->view(store, true);
}

static inline void store_view_end(struct store *store)
{
    store->ops->view(store, false);
}

/* 0, -ENOENT, -EIO, -ENOMEM. */
__attribute__((warn_unused_result)) static inline int
store_get(struct store *store, const char *key, struct store_value *value)
{
    return store->ops->get(store, key, value);
}

/* Lists records whose keys begin with `prefix` and come behind `after` ("" or a key), in the order
 * of bytes. The callback may not write. */
__attribute__((warn_unused_result)) static inline int store_list(struct store *store,
                                                                 const char *prefix,
                                                                 const char *after,
                                                                 store_list_fn each, void *context)
{
    return store->ops->list(store, prefix, after, each, context);
}

/* Makes all changes, and keeps the content of `stage` (or NULL), which was ended, if it is not
 * there yet. 0; -EEXIST, -ESTALE; -ENOENT if a change refers to a content that is not there;
 * -ENOSPC; -EIO. */
__attribute__((warn_unused_result)) static inline int
store_write(struct store *store, struct stage *stage, const struct store_change *changes,
            size_t count)
{
    return store->ops->write(store, stage, changes, count);
}

/* Begins an upload. With an id (letters and digits) it can be taken up again: what was added before
 * is still there, after a crash at least what was added before the last stage_save. 0; -EBUSY if
 * somebody has this one; or -errno. */
__attribute__((warn_unused_result)) static inline int
store_stage(struct store *store, const char *id, struct stage **stage)
{
    return store->ops->stage(store, id, stage);
}

/* Bytes that an upload with an id has; -ENOENT. */
__attribute__((warn_unused_result)) static inline int
store_stage_size(struct store *store, const char *id, uint64_t *size)
{
    return store->ops->stage_size(store, id, size);
}

/* Throws an upload with an id away. 0 or -ENOENT. */
__attribute__((warn_unused_result)) static inline int store_stage_remove(struct store *store,
                                                                         const char *id)
{
    return store->ops->stage_remove(store, id);
}

__attribute__((warn_unused_result)) static inline int stage_add(struct stage *stage,
                                                                struct span bytes)
{
    return stage->store->ops->stage_add(stage, bytes);
}

/* What was added to an upload with an id survives from now on. 0; -EBUSY if somebody else added to
 * it meanwhile; -errno. */
__attribute__((warn_unused_result)) static inline int stage_save(struct stage *stage)
{
    return stage->store->ops->stage_save(stage);
}

/* Computes stage->digests: the upload is complete. 0 or -errno. */
__attribute__((warn_unused_result)) static inline int stage_end(struct stage *stage)
{
    return stage->store->ops->stage_end(stage);
}

static inline const uint8_t *stage_sha256(const struct stage *stage)
{
    return stage->digests.value[DIGEST_SHA256];
}

/* Without an id, what store_write did not keep is gone; with one it stays. */
static inline void stage_free(struct stage *stage)
{
    if (stage)
        stage->store->ops->stage_free(stage);
}

/* 0, -ENOENT, -EIO, -ENOMEM; -EBADMSG if it is damaged. */
__attribute__((warn_unused_result)) static inline int
store_content(struct store *store, const uint8_t *sha256, struct content **content)
{
    return store->ops->content_open(store, sha256, content);
}

/* Reads at most `size` bytes, of which every one was checked; less than asked for is usual, 0 is
 * the end. -EBADMSG if the content is damaged, -EIO. */
static inline ssize_t content_read(struct content *content, uint64_t offset, uint8_t *buffer,
                                   size_t size)
{
    return content->store->ops->content_read(content, offset, buffer, size);
}

static inline void content_close(struct content *content)
{
    if (content)
        content->store->ops->content_close(content);
}

/* Removes contents that nothing refers to, and uploads that nobody touched since a moment. Others
 * may use the store meanwhile. `removed` counts contents. 0 or -errno. */
__attribute__((warn_unused_result)) static inline int
store_collect(struct store *store, int64_t uploads_before, uint64_t *removed)
{
    return store->ops->collect(store, uploads_before, removed);
}

/* Reads everything and compares it with its digests. 0, also with problems, or -errno. */
__attribute__((warn_unused_result)) static inline int
store_check(struct store *store, store_problem_fn problem, void *context, uint64_t *contents)
{
    return store->ops->check(store, problem, context, contents);
}

/* A store in a directory; drawbridge/local.c. With `create`, an empty or new directory becomes one.
 */
__attribute__((warn_unused_result)) int store_local_open(const char *path, bool create,
                                                         struct store **store, struct err *err);
