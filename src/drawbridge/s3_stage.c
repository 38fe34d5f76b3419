// SPDX-License-Identifier: Apache-2.0
/*
 * Uploads: collected in a scratch file. One with an id is also kept in the bucket, so that any
 * Drawbridge can go on with it:
 *
 *     uploads/ID/begin       it exists
 *     uploads/ID/OFFSET      bytes from there on; written once
 *
 * Two who add at the same offset find out when they save: one of them is refused.
 */
#include "base/cleanup.h"
#include "crypto/sign.h"
#include "drawbridge/s3_internal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

enum { CHUNK_MAX = 64 << 20 };

struct s3_stage {
    struct stage stage;
    struct digester *digester;
    struct block_sums blocks;
    int fd;                    /* scratch file */
    uint64_t saved;            /* of one with an id: bytes that are in the bucket, … */
    uint64_t fetched;          /* … of which so many are not in the file */
    char id[STORE_ID_MAX + 1]; /* or empty */
    struct s3_open_upload open;
    bool listed; /* among those that are open */
    uint8_t nonce[S3_NONCE];
    bool uploaded;
    uint8_t *small; /* its bytes, if they are few */
};

static struct s3_stage *stage_of(struct stage *stage)
{
    return (struct s3_stage *)stage; /* the first member */
}

static bool is_id(const char *id)
{
    size_t size = strlen(id);
    return size > 0 && size <= STORE_ID_MAX &&
           strspn(id, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") == size;
}

static void chunk_name(const char *id, uint64_t offset, char name[S3_OBJECT_NAME_MAX])
{
    snprintf(name, S3_OBJECT_NAME_MAX, "uploads/%s/%016" PRIx64, id, offset);
}

/* The objects of an upload. They come in the order of their offsets, "begin" last. */
struct chunks {
    uint64_t size; /* without a gap */
    bool exists;
};

static int count_chunk(void *context, const struct s3_item *item)
{
    struct chunks *chunks = context;
    const char *last = strrchr(item->name, '/') + 1;
    char expected[S3_NAME_MAX];
    snprintf(expected, sizeof(expected), "%016" PRIx64, chunks->size);
    if (strcmp(last, "begin") == 0)
        chunks->exists = true;
    else if (strcmp(last, expected) == 0)
        chunks->size += item->size;
    return 0;
}

static int find_chunks(struct s3_store *s3, const char *id, struct chunks *chunks)
{
    char prefix[S3_OBJECT_NAME_MAX];
    *chunks = (struct chunks){0};
    if (!is_id(id))
        return -ENOENT;
    snprintf(prefix, sizeof(prefix), "uploads/%s/", id);
    int status = s3_list(s3->client, prefix, count_chunk, chunks);
    return status == 0 && !chunks->exists ? -ENOENT : status;
}

/* Only one thread of this program may have it open. */
static int claim(struct s3_bucket *bucket, struct s3_stage *stage)
{
    int status = 0;
    pthread_mutex_lock(&bucket->mutex);
    for (const struct s3_open_upload *each = bucket->uploads; each; each = each->next) {
        if (strcmp(each->id, stage->id) == 0)
            status = -EBUSY;
    }
    if (status == 0) {
        memcpy(stage->open.id, stage->id, sizeof(stage->id));
        stage->open.next = bucket->uploads;
        bucket->uploads = &stage->open;
        stage->listed = true;
    }
    pthread_mutex_unlock(&bucket->mutex);
    return status;
}

static void disclaim(struct s3_bucket *bucket, struct s3_stage *stage)
{
    pthread_mutex_lock(&bucket->mutex);
    struct s3_open_upload **link = &bucket->uploads;
    while (*link != &stage->open)
        link = &(*link)->next;
    *link = stage->open.next;
    stage->listed = false;
    pthread_mutex_unlock(&bucket->mutex);
}

static int open_upload(struct s3_store *s3, struct s3_stage *stage, const char *id)
{
    char name[S3_OBJECT_NAME_MAX];
    struct chunks chunks;
    if (!is_id(id))
        return -EINVAL;
    snprintf(stage->id, sizeof(stage->id), "%s", id);
    int status = claim(s3->bucket, stage);
    if (status == 0)
        status = find_chunks(s3, id, &chunks);
    if (status == -ENOENT) {
        snprintf(name, sizeof(name), "uploads/%s/begin", id);
        status = s3_put(s3->client, name, SPAN_LITERAL(""), S3_ALWAYS, NULL);
    }
    if (status == 0)
        stage->stage.length = stage->saved = stage->fetched = chunks.size;
    return status;
}

int s3_stage_new(struct store *store, const char *id, struct stage **made)
{
    struct s3_store *s3 = s3_of(store);
    struct s3_stage *stage = calloc(1, sizeof(*stage));
    if (!stage)
        return -ENOMEM;
    stage->stage.store = store;
    stage->digester = digester_new();
    stage->fd = s3_scratch_file(s3->bucket);
    int status = !stage->digester ? -ENOMEM : stage->fd < 0 ? stage->fd : 0;
    if (status == 0 && id)
        status = open_upload(s3, stage, id);
    if (status < 0) {
        stage->saved = stage->stage.length; /* nothing to be saved */
        s3_stage_free(&stage->stage);
    } else {
        *made = &stage->stage;
    }
    return status;
}

int s3_stage_size(struct store *store, const char *id, uint64_t *size)
{
    struct chunks chunks;
    int status = find_chunks(s3_of(store), id, &chunks);
    *size = chunks.size;
    return status;
}

struct names {
    char (*names)[S3_NAME_MAX];
    size_t count, capacity;
};

static int add_name(void *context, const struct s3_item *item)
{
    struct names *names = context;
    if (names->count == names->capacity) {
        size_t capacity = names->capacity * 2 + 16;
        void *larger = realloc(names->names, capacity * S3_NAME_MAX);
        if (!larger)
            return -ENOMEM;
        names->names = larger;
        names->capacity = capacity;
    }
    memcpy(names->names[names->count++], item->name, S3_NAME_MAX);
    return 0;
}

/* The last ones first, so that what is left is without a gap, and "begin" at the end. */
static int remove_chunks(struct s3_store *s3, const char *id)
{
    char name[S3_OBJECT_NAME_MAX];
    struct names names = {0};
    snprintf(name, sizeof(name), "uploads/%s/", id);
    int status = s3_list(s3->client, name, add_name, &names);
    for (size_t i = names.count; status == 0 && i-- > 0;) {
        if (strcmp(strrchr(names.names[i], '/'), "/begin") != 0)
            status = s3_delete(s3->client, names.names[i]);
    }
    snprintf(name, sizeof(name), "uploads/%s/begin", id);
    if (status == 0)
        status = s3_delete(s3->client, name);
    free(names.names);
    return status;
}

int s3_stage_remove(struct store *store, const char *id)
{
    struct chunks chunks;
    int status = find_chunks(s3_of(store), id, &chunks);
    return status == 0 ? remove_chunks(s3_of(store), id) : status;
}

static int hash(struct s3_stage *stage, struct span bytes)
{
    int status = digester_add(stage->digester, bytes);
    return status == 0 ? block_sums_add(&stage->blocks, bytes) : status;
}

int s3_stage_add(struct stage *base, struct span bytes)
{
    struct s3_stage *stage = stage_of(base);
    int status = content_write_exactly(stage->fd, bytes, base->length);
    /* One with an id is hashed when it is complete: before, its beginning may be elsewhere. */
    if (status == 0 && !stage->id[0])
        status = hash(stage, bytes);
    if (status == 0)
        base->length += bytes.size;
    return status;
}

/* Calls with a range of the file as bytes in memory. */
static int with_bytes(int fd, uint64_t offset, uint64_t size, void *context,
                      int (*call)(void *context, uint64_t offset, struct span bytes))
{
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), begin = offset / page * page;
    size_t whole = (size_t)(offset + size - begin);
    uint8_t *bytes = mmap(NULL, whole, PROT_READ, MAP_SHARED, fd, (off_t)begin);
    if (bytes == MAP_FAILED)
        return -errno;
    int status = call(context, offset, span_of(bytes + (offset - begin), (size_t)size));
    munmap(bytes, whole);
    return status;
}

/* Bytes of an object beside those that it should have. */
struct comparison {
    struct span wanted;
    size_t at;
    bool same;
};

static void begin_comparison(void *context)
{
    struct comparison *comparison = context;
    comparison->at = 0;
    comparison->same = true;
}

static int compare_piece(void *context, struct span piece, struct err *err)
{
    struct comparison *comparison = context;
    size_t left = comparison->wanted.size - comparison->at;
    (void)err;
    if (piece.size > left ||
        memcmp(piece.data, comparison->wanted.data + comparison->at, piece.size) != 0)
        comparison->same = false;
    else
        comparison->at += piece.size;
    return 0;
}

/* Whether an object has these bytes: then it was written after all, and the answer was lost. */
static int compare(struct s3_store *s3, const char *name, struct span bytes)
{
    struct comparison comparison = {.wanted = bytes};
    struct http_reply reply;
    struct s3_call call = {.method = "GET",
                           .name = name,
                           .take = compare_piece,
                           .begin = begin_comparison,
                           .context = &comparison};
    int status = s3_do(s3->client, &call, &reply);
    if (status < 0)
        return status;
    http_reply_free(&reply);
    return comparison.same && comparison.at == bytes.size ? 0 : -EBUSY;
}

static int save_chunk(void *context, uint64_t offset, struct span bytes)
{
    char name[S3_OBJECT_NAME_MAX];
    struct s3_stage *stage = context;
    struct s3_store *s3 = s3_of(stage->stage.store);
    chunk_name(stage->id, offset, name);
    int status = s3_put(s3->client, name, bytes, S3_IF_ABSENT, NULL);
    return status == -EEXIST ? compare(s3, name, bytes) : status;
}

int s3_stage_save(struct stage *base)
{
    struct s3_stage *stage = stage_of(base);
    int status = 0;
    while (stage->id[0] && status == 0 && stage->saved < base->length) {
        uint64_t size = base->length - stage->saved;
        size = size < CHUNK_MAX ? size : CHUNK_MAX;
        status = with_bytes(stage->fd, stage->saved, size, stage, save_chunk);
        if (status == 0)
            stage->saved += size;
    }
    return status;
}

/* Bytes of the bucket on their way into the file. */
struct filling {
    struct s3_stage *stage;
    uint64_t at, begun; /* where the next one goes; where the object begins */
    char name[S3_NAME_MAX];
};

static void begin_filling(void *context)
{
    struct filling *filling = context;
    filling->at = filling->begun;
}

static int take_piece(void *context, struct span piece, struct err *err)
{
    struct filling *filling = context;
    if (piece.size > filling->stage->fetched - filling->at)
        return err_set(err, ERR_IO, EMSGSIZE, "an upload has become longer");
    int status = content_write_exactly(filling->stage->fd, piece, filling->at);
    filling->at += piece.size;
    return status < 0 ? err_set(err, ERR_IO, -status, "cannot write a scratch file") : 0;
}

/* Fetches what was added by others, or before. */
static int fill(struct s3_stage *stage)
{
    struct s3_store *s3 = s3_of(stage->stage.store);
    struct filling filling = {.stage = stage};
    int status = 0;
    while (status == 0 && filling.at < stage->fetched) {
        struct http_reply reply;
        struct s3_call call = {.method = "GET",
                               .name = filling.name,
                               .take = take_piece,
                               .begin = begin_filling,
                               .context = &filling};
        filling.begun = filling.at;
        chunk_name(stage->id, filling.at, filling.name);
        status = s3_do(s3->client, &call, &reply);
        if (status == 0)
            http_reply_free(&reply);
        if (status == 0 && filling.at == filling.begun)
            status = -EIO;
    }
    if (status == 0)
        stage->fetched = 0;
    return status == -ENOENT ? -EIO : status;
}

static int hash_range(void *context, uint64_t offset, struct span bytes)
{
    (void)offset;
    return hash(context, bytes);
}

static int hash_file(struct s3_stage *stage)
{
    int status = 0;
    for (uint64_t at = 0; status == 0 && at < stage->stage.length;) {
        uint64_t size = stage->stage.length - at;
        size = size < CHUNK_MAX ? size : CHUNK_MAX;
        status = with_bytes(stage->fd, at, size, stage, hash_range);
        at += size;
    }
    return status;
}

int s3_stage_end(struct stage *base)
{
    struct s3_stage *stage = stage_of(base);
    int status = stage->id[0] ? fill(stage) : 0;
    if (status == 0 && stage->id[0])
        status = hash_file(stage);
    if (status == 0)
        status = block_sums_end(&stage->blocks);
    return status == 0 ? digester_end(stage->digester, &base->digests) : status;
}

/* Where it is found: its nonce, and the hashes of its blocks. */
static int make_place(struct s3_stage *stage, struct s3_wish *wish)
{
    size_t sums = stage->blocks.count * STORE_SHA256;
    free(stage->small);
    stage->small = malloc(S3_NONCE + sums);
    if (!stage->small)
        return -ENOMEM;
    memcpy(stage->small, stage->nonce, S3_NONCE);
    memcpy(stage->small + S3_NONCE, stage->blocks.sums, sums);
    wish->place = span_of(stage->small, S3_NONCE + sums);
    return 0;
}

static int upload(struct s3_store *s3, struct s3_stage *stage)
{
    char name[S3_OBJECT_NAME_MAX];
    int status = crypto_random(stage->nonce, sizeof(stage->nonce));
    s3_content_name(stage_sha256(&stage->stage), stage->nonce, name);
    if (status == 0)
        status = s3_put_file(s3->client, name, stage->fd, stage->stage.length,
                             stage_sha256(&stage->stage));
    stage->uploaded = status == 0;
    return status;
}

int s3_stage_upload(struct s3_store *s3, struct stage *base, struct s3_wish *wish)
{
    struct s3_stage *stage = stage_of(base);
    wish->sha256 = stage_sha256(base);
    wish->length = base->length;
    if (base->length > S3_INLINE_MAX) {
        int status = stage->uploaded ? 0 : upload(s3, stage);
        return status == 0 ? make_place(stage, wish) : status;
    }
    size_t size = (size_t)base->length;
    free(stage->small);
    stage->small = malloc(size + 1);
    if (!stage->small)
        return -ENOMEM;
    wish->data = span_of(stage->small, size);
    return pread(stage->fd, stage->small, size, 0) == (ssize_t)size ? 0 : -EIO;
}

void s3_stage_done(struct s3_store *s3, struct stage *base)
{
    struct s3_stage *stage = stage_of(base);
    stage->saved = base->length;
    if (stage->id[0])
        (void)!remove_chunks(s3, stage->id); /* what stays is removed with the garbage */
}

void s3_stage_free(struct stage *base)
{
    struct s3_stage *stage = stage_of(base);
    struct s3_bucket *bucket = s3_of(base->store)->bucket;
    (void)!s3_stage_save(base); /* who comes back will see how far it came */
    if (stage->listed)
        disclaim(bucket, stage);
    if (stage->fd >= 0)
        close(stage->fd);
    digester_free(stage->digester);
    block_sums_fini(&stage->blocks);
    free(stage->small);
    free(stage);
}
