/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file that the host keeps: records one after the other, which only this Keep's key opens.
 *
 *     header    magic[8] generation[8] version[8] store[16] key_name[16] zero[8]
 *     segment   word[4] check[4] salt[32] tag[16]                word: JOURNAL_SEGMENT
 *     record    word[4] check[4] ciphertext[word - 16] tag[16]   word: bytes that follow
 *
 * Numbers are little-endian. Keys, all by HKDF: the log's of the store's key and the header; a
 * segment's of the log's key, its salt, the tag before it and its offset. A segment begins whenever
 * a Keep begins to write, and after a write that failed, so that no key is ever used twice at one
 * offset: the nonce of AES-256-GCM is the offset. Bound are the word, its check and the salt.
 * Thereby each record is valid at one place only, behind exactly what was before it. The check is a
 * hash of the word and the offset: without it a word that rotted could pass for the torn end of the
 * file.
 *
 * The plaintext of a record is flags[1] kind[1] and its contents. JOURNAL_LAST ends a transaction:
 * what follows the last of them is the torn end of a write, and is cut. Internal to src/sealed.
 */
#pragma once

#include "crypto/seal.h"
#include "sealed/sealed.h"

enum {
    JOURNAL_HEADER_SIZE = 64,
    JOURNAL_HEAD_SIZE = 8,
    JOURNAL_SEGMENT_SIZE = JOURNAL_HEAD_SIZE + 32 + SEAL_TAG_SIZE,
    JOURNAL_CONTENTS_MAX = 60000,
    JOURNAL_RECORD_MAX = JOURNAL_HEAD_SIZE + 2 + JOURNAL_CONTENTS_MAX + SEAL_TAG_SIZE,
    JOURNAL_BUFFER_SIZE = 256 * 1024,
    JOURNAL_SEGMENTS_MAX = 1024, /* then the log is written anew */
};

enum { JOURNAL_LAST = 1 };
/* Operations of the tree; or a block: inode[8] number[8] and bytes. */
enum journal_kind { JOURNAL_OPS = 1, JOURNAL_BLOCK = 2 };
enum { JOURNAL_BLOCK_HEAD = 16 };

struct journal_segment {
    uint64_t begin;
    uint8_t key[SEAL_KEY_SIZE];
};

struct journal {
    int fd;
    uint64_t generation, version; /* version: of the last transaction */
    uint64_t end;                 /* of the last transaction */
    uint8_t chain[SEAL_TAG_SIZE]; /* its last tag */
    uint8_t store[16];
    uint8_t key[SEAL_KEY_SIZE]; /* of this log */
    struct journal_segment *segments;
    size_t segment_count, segment_room;
    bool writing; /* the last segment is ours */
    struct sealer *writer, *reader;
    size_t reader_segment;
    /* The transaction that is being written: */
    uint64_t at;
    uint8_t tag[SEAL_TAG_SIZE];
    size_t buffered, segments_before;
    uint8_t *buffer; /* JOURNAL_BUFFER_SIZE */
};

/* An empty one, without a file. 0 or -ENOMEM. */
__attribute__((warn_unused_result)) int journal_init(struct journal *journal);
/* Closes the file, wipes the keys. */
void journal_fini(struct journal *journal);

/* ---- Writing ----------------------------------------------------------------------------------
 */

/* Makes the header of a new log in an empty file, which is taken: the next generation of `old`, or
 * the first one of a new store if that is NULL. */
__attribute__((warn_unused_result)) int journal_create(struct journal *journal, int fd,
                                                       const uint8_t key[SEALED_KEY_SIZE],
                                                       const struct journal *old);
/* Adds a record to the transaction; *at is where it will be. After a failure: journal_cancel. */
__attribute__((warn_unused_result)) int journal_add(struct journal *journal, enum journal_kind kind,
                                                    bool last, struct span head,
                                                    struct span contents, uint64_t *at);
/* Hands all of the transaction to the host, and counts it. After a failure: journal_cancel. */
__attribute__((warn_unused_result)) int journal_commit(struct journal *journal);
/* Takes back what was added, or read, since the last transaction, and cuts the file there. 0, or
 * -EIO if the host does not. */
__attribute__((warn_unused_result)) int journal_cancel(struct journal *journal);

/* ---- Reading ----------------------------------------------------------------------------------
 */

/* Takes the file and checks its header: -EKEYREJECTED, -EBADMSG. */
__attribute__((warn_unused_result)) int journal_open(struct journal *journal, int fd,
                                                     const uint8_t key[SEALED_KEY_SIZE]);

struct journal_record {
    enum journal_kind kind;
    bool last;
    uint64_t at;
    struct span contents; /* until the next one is read */
};

/* Goes through the file. */
struct journal_cursor {
    uint64_t at;   /* of what is read next */
    uint8_t *data; /* JOURNAL_BUFFER_SIZE */
    uint64_t from; /* where the data are in the file */
    size_t size;   /* of the data */
    uint8_t plain[JOURNAL_RECORD_MAX];
};

/* 1 and a record; 0 at the end, be it torn; -EBADMSG, -EIO, -ENOMEM. A record that is last makes
 * what was read so far a transaction. */
__attribute__((warn_unused_result)) int
journal_next(struct journal *journal, struct journal_cursor *cursor, struct journal_record *record);

/* Reads one block again, from where it was written: -EBADMSG if that is not what is there. */
__attribute__((warn_unused_result)) int journal_read_block(struct journal *journal, uint64_t at,
                                                           uint64_t inode, uint64_t block,
                                                           uint8_t data[SEALED_BLOCK]);
