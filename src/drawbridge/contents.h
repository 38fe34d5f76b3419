/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the stores have in common in handling contents: hashes of blocks, and contents that stay
 * open. Internal to them.
 */
#pragma once

#include "crypto/crypto.h"
#include "drawbridge/store.h"

enum {
    CONTENT_BLOCK = 256 * 1024, /* bytes that one hash covers: what is verified at once */
    CONTENT_OPEN_MAX = 64,      /* contents that stay open after they were used */
};

size_t content_blocks(uint64_t length);
/* Whether bytes have a hash. */
bool content_has_hash(struct span bytes, const uint8_t *sha256);

/* Reads all of a range of a file: -EBADMSG if the file ends before. */
__attribute__((warn_unused_result)) int content_read_exactly(int fd, uint8_t *buffer, size_t size,
                                                             uint64_t offset);

/* Writes all of it. */
__attribute__((warn_unused_result)) int content_write_exactly(int fd, struct span bytes,
                                                              uint64_t offset);

/* Hashes of the blocks of bytes that come in pieces; begins as zeros. */
struct block_sums {
    struct crypto_hasher *hasher;
    size_t hashed; /* bytes of the block at hand */
    uint8_t *sums;
    size_t count, capacity;
};

__attribute__((warn_unused_result)) int block_sums_add(struct block_sums *sums, struct span bytes);
/* The last block is complete. */
__attribute__((warn_unused_result)) int block_sums_end(struct block_sums *sums);
void block_sums_fini(struct block_sums *sums);

/* A content that may stay open: the first member of what a store knows of it. */
struct cached_content {
    struct content content;
    uint8_t sha256[STORE_SHA256];
    unsigned users;
    uint64_t used; /* for the least recently used */
};

/* What a store does with its contents. */
struct content_kind {
    size_t size;                          /* of what it knows of one */
    int (*load)(struct cached_content *); /* fills one of zeros that has its store and its hash */
    void (*destroy)(struct cached_content *);
    bool (*refresh)(struct cached_content *); /* whether it may be used again as it is */
};

/* Contents that are open, or were. A store has one; it begins as zeros, with its kind. */
struct content_cache {
    const struct content_kind *kind;
    struct cached_content *open[CONTENT_OPEN_MAX];
    uint64_t clock;
};

/* Begins the use of a content, which is loaded if it is not open already, and stays open after it
 * instead of the one that was used the longest time ago. 0, what `load` returned, or -ENOMEM. */
__attribute__((warn_unused_result)) int content_cache_open(struct content_cache *cache,
                                                           struct store *store,
                                                           const uint8_t *sha256,
                                                           struct content **opened);
/* Ends the use of one. */
void content_cache_give(struct content_cache *cache, struct cached_content *content);
/* Closes those that nobody uses, and forgets all. */
void content_cache_clear(struct content_cache *cache);

/* Reads a content to its end and hashes it as a whole: NULL, or what is wrong with it. */
const char *content_problem(struct store *store, const uint8_t *sha256);
