// SPDX-License-Identifier: Apache-2.0
#include "drawbridge/records.h"

#include "base/cleanup.h"
#include "codec/base64.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { SCHEMA_VERSION = 1, BUSY_MS = 10000, PROBLEM_SIZE = 512 };

static const char *const sql[RECORDS_STATEMENTS] = {
    [RECORDS_GET] = "SELECT value FROM record WHERE key = ?1",
    [RECORDS_LIST] = "SELECT key, value FROM record WHERE key > ?1 AND key >= ?2 AND key < ?3 "
                     "ORDER BY key",
    [RECORDS_INSERT] = "INSERT INTO record(key, value, content) VALUES(?1, ?2, ?3) "
                       "ON CONFLICT DO NOTHING",
    [RECORDS_REPLACE] = "INSERT INTO record(key, value, content) VALUES(?1, ?2, ?3) "
                        "ON CONFLICT DO UPDATE SET value = ?2, content = ?3",
    [RECORDS_UPDATE] = "UPDATE record SET value = ?2, content = ?3 WHERE key = ?1 AND value = ?4",
    [RECORDS_DELETE] = "DELETE FROM record WHERE key = ?1",
    [RECORDS_DELETE_SAME] = "DELETE FROM record WHERE key = ?1 AND value = ?4",
    [RECORDS_CONTENT_GET] = "SELECT size, data, sums FROM content WHERE sha256 = ?1",
    [RECORDS_CONTENT_REPLACE] = "INSERT INTO content(sha256, size, data, sums) VALUES(?1, ?2, ?3, "
                                "?4) ON CONFLICT DO UPDATE SET size = ?2, data = ?3, sums = ?4",
    [RECORDS_CONTENT_HAS] = "SELECT 1 FROM content WHERE sha256 = ?1",
    [RECORDS_CONTENT_ADD] = "INSERT INTO content(sha256, size, data, sums) VALUES(?1, ?2, ?3, ?4) "
                            "ON CONFLICT DO NOTHING",
    [RECORDS_GARBAGE] = "SELECT sha256 FROM content WHERE NOT EXISTS "
                        "(SELECT 1 FROM record WHERE record.content = content.sha256) LIMIT 64",
    [RECORDS_CONTENT_NEXT] = "SELECT sha256 FROM content WHERE sha256 > ?1 ORDER BY sha256 LIMIT 1",
    [RECORDS_CONTENT_DELETE] = "DELETE FROM content WHERE sha256 = ?1",
    [RECORDS_VIEW] = "BEGIN",
    [RECORDS_BEGIN] = "BEGIN IMMEDIATE",
    [RECORDS_COMMIT] = "COMMIT",
    [RECORDS_ROLLBACK] = "ROLLBACK",
    [RECORDS_SAVE] = "SAVEPOINT one",
    [RECORDS_RELEASE] = "RELEASE one",
    [RECORDS_UNDO] = "ROLLBACK TO one",
};

static const char schema[] =
    "CREATE TABLE IF NOT EXISTS record(key TEXT PRIMARY KEY, value BLOB NOT NULL, content BLOB) "
    "WITHOUT ROWID;"
    "CREATE INDEX IF NOT EXISTS record_content ON record(content) WHERE content IS NOT NULL;"
    "CREATE TABLE IF NOT EXISTS content(sha256 BLOB PRIMARY KEY, size INTEGER NOT NULL, data BLOB, "
    "sums BLOB);"
    "PRAGMA user_version = 1;";

int records_errno(int sqlite_status)
{
    switch (sqlite_status & 0xFF) {
    case SQLITE_OK:
    case SQLITE_DONE:
    case SQLITE_ROW:
        return 0;
    case SQLITE_FULL:
        return -ENOSPC;
    case SQLITE_NOMEM:
        return -ENOMEM;
    case SQLITE_BUSY:
        return -EBUSY;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return -EBADMSG;
    default:
        return -EIO;
    }
}

sqlite3_stmt *records_statement(struct records *records, enum records_statement which)
{
    sqlite3_stmt *statement = records->statements[which];
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
    return statement;
}

/* Runs a statement to its end: the number of rows that it changed, or -errno. */
static int step(struct records *records, sqlite3_stmt *statement)
{
    int status = records_errno(sqlite3_step(statement));
    int changed = sqlite3_changes(records->db);
    sqlite3_reset(statement);
    return status < 0 ? status : changed;
}

int records_run(struct records *records, enum records_statement which)
{
    int status = step(records, records_statement(records, which));
    return status < 0 ? status : 0;
}

int records_end(struct records *records, int status)
{
    if (status == 0)
        status = records_run(records, RECORDS_COMMIT);
    if (status < 0 && !sqlite3_get_autocommit(records->db))
        (void)!records_run(records, RECORDS_ROLLBACK);
    return status;
}

/* If it cannot begin, each read is a view of its own. */
void records_view(struct records *records, bool begins)
{
    if (begins)
        (void)!records_run(records, RECORDS_VIEW);
    else if (!sqlite3_get_autocommit(records->db))
        (void)!records_run(records, RECORDS_COMMIT);
}

int records_get(struct records *records, const char *key, struct store_value *value)
{
    sqlite3_stmt *statement = records_statement(records, RECORDS_GET);
    sqlite3_bind_text(statement, 1, key, -1, SQLITE_STATIC);
    int status = sqlite3_step(statement);
    if (status != SQLITE_ROW) {
        sqlite3_reset(statement);
        return status == SQLITE_DONE ? -ENOENT : records_errno(status);
    }
    size_t size = (size_t)sqlite3_column_bytes(statement, 0);
    const void *data = sqlite3_column_blob(statement, 0);
    *value = (struct store_value){malloc(size + 1), size};
    if (value->data && size > 0)
        memcpy(value->data, data, size);
    sqlite3_reset(statement);
    return value->data ? 0 : -ENOMEM;
}

int records_list(struct records *records, const char *prefix, const char *after, store_list_fn each,
                 void *context)
{
    size_t size = strlen(prefix);
    autofree char *end = strdup(prefix);
    if (!end || size == 0)
        return -ENOMEM;
    end[size - 1]++; /* prefixes end with a character that has a next one */
    sqlite3_stmt *statement;
    /* The callback may get other records, or list others, so this is a statement of its own. */
    int status = sqlite3_prepare_v2(records->db, sql[RECORDS_LIST], -1, &statement, NULL);
    if (status != SQLITE_OK)
        return records_errno(status);
    sqlite3_bind_text(statement, 1, after, -1, SQLITE_STATIC);
    sqlite3_bind_text(statement, 2, prefix, -1, SQLITE_STATIC);
    sqlite3_bind_text(statement, 3, end, -1, SQLITE_STATIC);
    bool more = true;
    while (more && (status = sqlite3_step(statement)) == SQLITE_ROW)
        more = each(
            context, (const char *)sqlite3_column_text(statement, 0),
            span_of(sqlite3_column_blob(statement, 1), (size_t)sqlite3_column_bytes(statement, 1)));
    sqlite3_finalize(statement);
    return records_errno(status);
}

bool records_has_content(struct records *records, const uint8_t *sha256)
{
    sqlite3_stmt *statement = records_statement(records, RECORDS_CONTENT_HAS);
    sqlite3_bind_blob(statement, 1, sha256, STORE_SHA256, SQLITE_STATIC);
    bool has = sqlite3_step(statement) == SQLITE_ROW;
    sqlite3_reset(statement);
    return has;
}

static enum records_statement statement_for(const struct store_change *change)
{
    if (!change->value.data)
        return change->expect == STORE_SAME ? RECORDS_DELETE_SAME : RECORDS_DELETE;
    if (change->expect == STORE_ABSENT)
        return RECORDS_INSERT;
    return change->expect == STORE_SAME ? RECORDS_UPDATE : RECORDS_REPLACE;
}

static int check_same(struct records *records, const struct store_change *change)
{
    sqlite3_stmt *statement = records_statement(records, RECORDS_GET);
    sqlite3_bind_text(statement, 1, change->key, -1, SQLITE_STATIC);
    int status = sqlite3_step(statement);
    bool same = status == SQLITE_ROW &&
                span_equal(change->old, span_of(sqlite3_column_blob(statement, 0),
                                                (size_t)sqlite3_column_bytes(statement, 0)));
    sqlite3_reset(statement);
    return same ? 0 : records_errno(status) < 0 ? records_errno(status) : -ESTALE;
}

int records_apply(struct records *records, const struct store_change *change)
{
    if (change->expect == STORE_CHECK)
        return check_same(records, change);
    if (change->content && !records_has_content(records, change->content))
        return -ENOENT;
    sqlite3_stmt *statement = records_statement(records, statement_for(change));
    sqlite3_bind_text(statement, 1, change->key, -1, SQLITE_STATIC);
    if (change->value.data) {
        sqlite3_bind_blob64(statement, 2, change->value.data, change->value.size, SQLITE_STATIC);
        if (change->content)
            sqlite3_bind_blob(statement, 3, change->content, STORE_SHA256, SQLITE_STATIC);
    }
    if (change->expect == STORE_SAME)
        sqlite3_bind_blob64(statement, 4, change->old.data, change->old.size, SQLITE_STATIC);
    int changed = step(records, statement);
    if (changed < 0)
        return changed;
    if (changed == 0 && change->expect != STORE_ANY)
        return change->expect == STORE_ABSENT ? -EEXIST : -ESTALE;
    return 0;
}

int records_add_content(struct records *records, const uint8_t *sha256, uint64_t length,
                        struct span data, struct span sums, bool replace)
{
    sqlite3_stmt *statement =
        records_statement(records, replace ? RECORDS_CONTENT_REPLACE : RECORDS_CONTENT_ADD);
    sqlite3_bind_blob(statement, 1, sha256, STORE_SHA256, SQLITE_STATIC);
    sqlite3_bind_int64(statement, 2, (sqlite3_int64)length);
    if (data.data)
        sqlite3_bind_blob64(statement, 3, data.data, data.size, SQLITE_STATIC);
    else
        sqlite3_bind_blob64(statement, 4, sums.data, sums.size, SQLITE_STATIC);
    int status = step(records, statement);
    return status < 0 ? status : 0;
}

int records_delete_content(struct records *records, const uint8_t *sha256)
{
    sqlite3_stmt *statement = records_statement(records, RECORDS_CONTENT_DELETE);
    sqlite3_bind_blob(statement, 1, sha256, STORE_SHA256, SQLITE_STATIC);
    int status = step(records, statement);
    return status < 0 ? status : 0;
}

int records_find_garbage(struct records *records, struct records_garbage *garbage)
{
    sqlite3_stmt *row = records_statement(records, RECORDS_GARBAGE);
    int status;
    garbage->count = 0;
    while ((status = sqlite3_step(row)) == SQLITE_ROW && garbage->count < RECORDS_GARBAGE_MAX) {
        if (sqlite3_column_bytes(row, 0) != STORE_SHA256)
            continue;
        memcpy(garbage->sha256[garbage->count++], sqlite3_column_blob(row, 0), STORE_SHA256);
    }
    sqlite3_reset(row);
    return records_errno(status);
}

uint8_t *records_copy_column(sqlite3_stmt *row, int column, size_t *size)
{
    *size = (size_t)sqlite3_column_bytes(row, column);
    uint8_t *copy = malloc(*size + 1);
    if (copy && *size > 0)
        memcpy(copy, sqlite3_column_blob(row, column), *size);
    return copy;
}

bool records_next_content(struct records *records, struct span *sha256,
                          uint8_t buffer[STORE_SHA256])
{
    sqlite3_stmt *row = records_statement(records, RECORDS_CONTENT_NEXT);
    sqlite3_bind_blob64(row, 1, sha256->size > 0 ? sha256->data : (const uint8_t *)"", sha256->size,
                        SQLITE_STATIC);
    bool more = sqlite3_step(row) == SQLITE_ROW && sqlite3_column_bytes(row, 0) == STORE_SHA256;
    if (more)
        memcpy(buffer, sqlite3_column_blob(row, 0), STORE_SHA256);
    *sha256 = span_of(buffer, STORE_SHA256);
    sqlite3_reset(row);
    return more;
}

static void report(store_problem_fn problem, void *context, const char *name, const char *what)
{
    char text[PROBLEM_SIZE];
    snprintf(text, sizeof(text), "%s: %s", name, what);
    problem(context, text);
}

static void check_file(struct records *records, store_problem_fn problem, void *context)
{
    sqlite3_stmt *row;
    if (sqlite3_prepare_v2(records->db, "PRAGMA integrity_check", -1, &row, NULL) != SQLITE_OK) {
        report(problem, context, "records.db", sqlite3_errmsg(records->db));
        return;
    }
    while (sqlite3_step(row) == SQLITE_ROW) {
        const char *text = (const char *)sqlite3_column_text(row, 0);
        if (text && strcmp(text, "ok") != 0)
            report(problem, context, "records.db", text);
    }
    sqlite3_finalize(row);
}

int records_check(struct records *records, store_problem_fn problem, void *context)
{
    sqlite3_stmt *row;
    check_file(records, problem, context);
    int status = sqlite3_prepare_v2(records->db,
                                    "SELECT key FROM record WHERE content IS NOT NULL AND "
                                    "NOT EXISTS (SELECT 1 FROM content WHERE "
                                    "content.sha256 = record.content)",
                                    -1, &row, NULL);
    if (status != SQLITE_OK)
        return records_errno(status);
    while ((status = sqlite3_step(row)) == SQLITE_ROW)
        report(problem, context, (const char *)sqlite3_column_text(row, 0),
               "the content that it refers to is not there");
    sqlite3_finalize(row);
    return records_errno(status);
}

static int fail(struct records *records, const char *file, struct err *err)
{
    const char *why = records->db ? sqlite3_errmsg(records->db) : "no memory";
    return err_set(err, ERR_IO, 0, "cannot open %s: %s", file, why);
}

static bool set_pragmas(sqlite3 *db, bool durable)
{
    static const char pragmas[] =
        "PRAGMA journal_mode = WAL; PRAGMA trusted_schema = OFF;"
        "PRAGMA cell_size_check = ON; PRAGMA cache_size = -4096; PRAGMA mmap_size = 0;"
        "PRAGMA wal_autocheckpoint = 2000; PRAGMA journal_size_limit = 67108864;";
    return sqlite3_exec(db, pragmas, NULL, NULL, NULL) == SQLITE_OK &&
           sqlite3_exec(db, durable ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = OFF",
                        NULL, NULL, NULL) == SQLITE_OK;
}

static int schema_version(sqlite3 *db)
{
    sqlite3_stmt *statement;
    int version = -1;
    if (sqlite3_prepare_v2(db, "PRAGMA user_version", -1, &statement, NULL) != SQLITE_OK)
        return -1;
    if (sqlite3_step(statement) == SQLITE_ROW)
        version = sqlite3_column_int(statement, 0);
    sqlite3_finalize(statement);
    return version;
}

int records_open(struct records *records, const char *file, bool create, bool durable,
                 struct err *err)
{
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | (create ? SQLITE_OPEN_CREATE : 0);
    *records = (struct records){0};
    /* Statistics that nobody asks for would take a lock of all threads for each allocation. Does
     * nothing once SQLite is in use. */
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    if (sqlite3_open_v2(file, &records->db, flags, NULL) != SQLITE_OK)
        return fail(records, file, err);
    sqlite3_busy_timeout(records->db, BUSY_MS);
    if (!set_pragmas(records->db, durable))
        return fail(records, file, err);
    int version = schema_version(records->db);
    if (version == 0 && create && sqlite3_exec(records->db, schema, NULL, NULL, NULL) != SQLITE_OK)
        return fail(records, file, err);
    if (version != SCHEMA_VERSION && !(version == 0 && create))
        return err_set(err, ERR_CONFIG, 0, "%s is not a store of this Drawbridge", file);
    for (size_t i = 0; i < RECORDS_STATEMENTS; i++) {
        if (sqlite3_prepare_v3(records->db, sql[i], -1, SQLITE_PREPARE_PERSISTENT,
                               &records->statements[i], NULL) != SQLITE_OK)
            return fail(records, file, err);
    }
    return 0;
}

void records_close(struct records *records)
{
    for (size_t i = 0; i < RECORDS_STATEMENTS; i++)
        sqlite3_finalize(records->statements[i]);
    sqlite3_close(records->db);
    *records = (struct records){0};
}
