// SPDX-License-Identifier: Apache-2.0
#include "drawbridge/contents.h"

#include "base/cleanup.h"

#include <errno.h>
#include <string.h>

enum { READ_SIZE = 64 * 1024 };

size_t content_blocks(uint64_t length)
{
    return (size_t)((length + CONTENT_BLOCK - 1) / CONTENT_BLOCK);
}

bool content_has_hash(struct span bytes, const uint8_t *sha256)
{
    uint8_t actual[STORE_SHA256];
    return crypto_hash(CRYPTO_SHA256, &bytes, 1, actual) == 0 &&
           memcmp(actual, sha256, STORE_SHA256) == 0;
}

int content_read_exactly(int fd, uint8_t *buffer, size_t size, uint64_t offset)
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

int content_write_exactly(int fd, struct span bytes, uint64_t offset)
{
    while (bytes.size > 0) {
        ssize_t done = pwrite(fd, bytes.data, bytes.size, (off_t)offset);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return done < 0 ? -errno : -EIO;
        bytes = span_of(bytes.data + done, bytes.size - (size_t)done);
        offset += (uint64_t)done;
    }
    return 0;
}

int block_sums_end(struct block_sums *sums)
{
    if (sums->hashed == 0)
        return 0;
    if (sums->count == sums->capacity) {
        size_t capacity = sums->capacity * 2 + 8;
        uint8_t *larger = realloc(sums->sums, capacity * STORE_SHA256);
        if (!larger)
            return -ENOMEM;
        sums->sums = larger;
        sums->capacity = capacity;
    }
    sums->hashed = 0;
    return crypto_hasher_end(sums->hasher, sums->sums + STORE_SHA256 * sums->count++);
}

int block_sums_add(struct block_sums *sums, struct span bytes)
{
    int status = 0;
    if (!sums->hasher && !(sums->hasher = crypto_hasher_new(CRYPTO_SHA256)))
        return -ENOMEM;
    while (status == 0 && bytes.size > 0) {
        size_t room = CONTENT_BLOCK - sums->hashed;
        size_t size = bytes.size < room ? bytes.size : room;
        status = crypto_hasher_add(sums->hasher, span_of(bytes.data, size));
        sums->hashed += size;
        bytes = span_of(bytes.data + size, bytes.size - size);
        if (status == 0 && sums->hashed == CONTENT_BLOCK)
            status = block_sums_end(sums);
    }
    return status;
}

void block_sums_fini(struct block_sums *sums)
{
    crypto_hasher_free(sums->hasher);
    free(sums->sums);
    *sums = (struct block_sums){0};
}

static struct cached_content *find_cached(struct content_cache *cache, const uint8_t *sha256)
{
    for (size_t i = 0; i < CONTENT_OPEN_MAX; i++) {
        struct cached_content *each = cache->open[i];
        if (!each || memcmp(each->sha256, sha256, STORE_SHA256) != 0)
            continue;
        if (cache->kind->refresh(each))
            return each;
        if (each->users == 0)
            cache->kind->destroy(each);
        cache->open[i] = NULL; /* those who use it find out by themselves */
        return NULL;
    }
    return NULL;
}

static void add_cached(struct content_cache *cache, struct cached_content *content)
{
    size_t oldest = CONTENT_OPEN_MAX;
    for (size_t i = 0; i < CONTENT_OPEN_MAX; i++) {
        const struct cached_content *each = cache->open[i];
        if (!each) {
            oldest = i;
            break;
        }
        if (each->users == 0 &&
            (oldest == CONTENT_OPEN_MAX || each->used < cache->open[oldest]->used))
            oldest = i;
    }
    if (oldest == CONTENT_OPEN_MAX)
        return;
    if (cache->open[oldest])
        cache->kind->destroy(cache->open[oldest]);
    cache->open[oldest] = content;
}

static int load(const struct content_cache *cache, struct store *store, const uint8_t *sha256,
                struct cached_content **loaded)
{
    struct cached_content *content = calloc(1, cache->kind->size);
    if (!content)
        return -ENOMEM;
    content->content.store = store;
    memcpy(content->sha256, sha256, STORE_SHA256);
    int status = cache->kind->load(content);
    if (status < 0)
        cache->kind->destroy(content);
    else
        *loaded = content;
    return status;
}

int content_cache_open(struct content_cache *cache, struct store *store, const uint8_t *sha256,
                       struct content **opened)
{
    struct cached_content *content = find_cached(cache, sha256);
    if (!content) {
        int status = load(cache, store, sha256, &content);
        if (status < 0)
            return status;
        add_cached(cache, content);
    }
    content->users++;
    content->used = ++cache->clock;
    *opened = &content->content;
    return 0;
}

static bool is_kept(const struct content_cache *cache, const struct cached_content *content)
{
    for (size_t i = 0; i < CONTENT_OPEN_MAX; i++) {
        if (cache->open[i] == content)
            return true;
    }
    return false;
}

void content_cache_give(struct content_cache *cache, struct cached_content *content)
{
    if (--content->users == 0 && !is_kept(cache, content))
        cache->kind->destroy(content);
}

void content_cache_clear(struct content_cache *cache)
{
    for (size_t i = 0; i < CONTENT_OPEN_MAX; i++) {
        if (cache->open[i] && cache->open[i]->users == 0)
            cache->kind->destroy(cache->open[i]);
        cache->open[i] = NULL;
    }
}

/* Hashes a content that is open. 0, -EBADMSG or what content_read returned. */
static int verify(struct content *content, const uint8_t *sha256)
{
    struct digests digests = {0};
    autofree uint8_t *buffer = malloc(READ_SIZE);
    struct digester *digester = digester_new();
    ssize_t got = buffer && digester ? 0 : -ENOMEM;
    for (uint64_t at = 0; got >= 0 && at < content->length; at += (uint64_t)got) {
        got = content_read(content, at, buffer, READ_SIZE);
        if (got > 0 && digester_add(digester, span_of(buffer, (size_t)got)) < 0)
            got = -ENOMEM;
        if (got <= 0)
            break;
    }
    int status = got < 0 ? (int)got : digester_end(digester, &digests);
    digester_free(digester);
    if (status == 0 && memcmp(digests.value[DIGEST_SHA256], sha256, STORE_SHA256) != 0)
        status = -EBADMSG;
    return status;
}

const char *content_problem(struct store *store, const uint8_t *sha256)
{
    struct content *content;
    int status = store_content(store, sha256, &content);
    if (status == -EBADMSG)
        return "the content is damaged, or its file is missing";
    if (status < 0)
        return "the content cannot be opened";
    status = verify(content, sha256);
    content_close(content);
    return status == 0          ? NULL
           : status == -EBADMSG ? "the content is damaged"
                                : "the content cannot be read";
}
