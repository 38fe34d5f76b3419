/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records and the list of contents in a database of SQLite: what the stores have in common.
 * Internal to them.
 *
 *     record     key, value, the content that it refers to
 *     content    SHA-256, size; and `data`, the bytes themselves, or `sums`, which the store needs
 *                to find and to check what is kept elsewhere
 *
 * A handle belongs to one thread at a time; several may have the same database open.
 */
#pragma once

#include "drawbridge/store.h"

#include <sqlite3.h>

enum records_statement {
    RECORDS_GET,
    RECORDS_LIST,
    RECORDS_INSERT,
    RECORDS_REPLACE,
    RECORDS_UPDATE,
    RECORDS_DELETE,
    RECORDS_DELETE_SAME,
    RECORDS_CONTENT_GET,
    RECORDS_CONTENT_ADD,
    RECORDS_CONTENT_REPLACE,
    RECORDS_CONTENT_HAS,
    RECORDS_GARBAGE,
    RECORDS_CONTENT_NEXT,
    RECORDS_CONTENT_DELETE,
    RECORDS_VIEW,
    RECORDS_BEGIN,
    RECORDS_COMMIT,
    RECORDS_ROLLBACK,
    RECORDS_SAVE,    /* a savepoint inside of a transaction, … */
    RECORDS_RELEASE, /* … which is kept, … */
    RECORDS_UNDO,    /* … or undone, and then released */
    RECORDS_STATEMENTS
};

struct records {
    sqlite3 *db;
    sqlite3_stmt *statements[RECORDS_STATEMENTS];
};

/* Opens a database; with `create` makes one. `durable`: what was committed survives a crash of the
 * machine. 0 or -errno; then records_close is still to be called. */
__attribute__((warn_unused_result)) int records_open(struct records *records, const char *file,
                                                     bool create, bool durable, struct err *err);
void records_close(struct records *records);

/* What a status of SQLite means. */
int records_errno(int sqlite_status);
/* A statement without bindings, ready to be used. */
sqlite3_stmt *records_statement(struct records *records, enum records_statement which);
/* Runs a statement without parameters. 0 or -errno. */
int records_run(struct records *records, enum records_statement which);
/* Ends a transaction: commits, or rolls back if `status` is negative, and returns the status. */
int records_end(struct records *records, int status);

/* The operations of store_ops. */
int records_get(struct records *records, const char *key, struct store_value *value);
int records_list(struct records *records, const char *prefix, const char *after, store_list_fn each,
                 void *context);
void records_view(struct records *records, bool begins);

/* Makes a change inside of a transaction. 0; -EEXIST, -ESTALE, -ENOENT as store_write; -errno. */
int records_apply(struct records *records, const struct store_change *change);

bool records_has_content(struct records *records, const uint8_t *sha256);
/* Adds a content, or if `replace`, puts it in the place of one that is there. Exactly one of `data`
 * and `sums` has data. */
int records_add_content(struct records *records, const uint8_t *sha256, uint64_t length,
                        struct span data, struct span sums, bool replace);
int records_delete_content(struct records *records, const uint8_t *sha256);

enum { RECORDS_GARBAGE_MAX = 64 };
struct records_garbage {
    uint8_t sha256[RECORDS_GARBAGE_MAX][STORE_SHA256];
    size_t count;
};
/* Contents that no record refers to, as many as fit. */
int records_find_garbage(struct records *records, struct records_garbage *garbage);

/* A column of bytes: the caller's copy, or NULL without memory. */
uint8_t *records_copy_column(sqlite3_stmt *row, int column, size_t *size);

/* The content behind this one, or the first (size 0), which it replaces; false at the end. */
bool records_next_content(struct records *records, struct span *sha256,
                          uint8_t buffer[STORE_SHA256]);
/* Tells of what SQLite says about the file, and of records whose content is not there. 0 or -errno.
 */
int records_check(struct records *records, store_problem_fn problem, void *context);
