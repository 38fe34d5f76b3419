// SPDX-License-Identifier: Apache-2.0
#include "drawbridge/local.h"

#include "base/cleanup.h"
#include "codec/base64.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>

enum { SCHEMA_VERSION = 1, BUSY_MS = 10000, PATH_SIZE = 4096 };

static const char *const sql[LOCAL_STATEMENTS] = {
    [LOCAL_GET] = "SELECT value FROM record WHERE key = ?1",
    [LOCAL_LIST] = "SELECT key, value FROM record WHERE key > ?1 AND key >= ?2 AND key < ?3 "
                   "ORDER BY key",
    [LOCAL_INSERT] = "INSERT INTO record(key, value, content) VALUES(?1, ?2, ?3) "
                     "ON CONFLICT DO NOTHING",
    [LOCAL_REPLACE] = "INSERT INTO record(key, value, content) VALUES(?1, ?2, ?3) "
                      "ON CONFLICT DO UPDATE SET value = ?2, content = ?3",
    [LOCAL_UPDATE] = "UPDATE record SET value = ?2, content = ?3 WHERE key = ?1 AND value = ?4",
    [LOCAL_DELETE] = "DELETE FROM record WHERE key = ?1",
    [LOCAL_DELETE_SAME] = "DELETE FROM record WHERE key = ?1 AND value = ?4",
    [LOCAL_CONTENT_GET] = "SELECT size, data, sums FROM content WHERE sha256 = ?1",
    [LOCAL_CONTENT_HAS] = "SELECT 1 FROM content WHERE sha256 = ?1",
    [LOCAL_CONTENT_ADD] = "INSERT INTO content(sha256, size, data, sums) VALUES(?1, ?2, ?3, ?4) "
                          "ON CONFLICT DO NOTHING",
    [LOCAL_GARBAGE] = "SELECT sha256, data IS NULL FROM content WHERE NOT EXISTS "
                      "(SELECT 1 FROM record WHERE record.content = content.sha256) LIMIT 64",
    [LOCAL_CONTENT_NEXT] = "SELECT sha256 FROM content WHERE sha256 > ?1 ORDER BY sha256 LIMIT 1",
    [LOCAL_CONTENT_DELETE] = "DELETE FROM content WHERE sha256 = ?1",
    [LOCAL_VIEW] = "BEGIN",
    [LOCAL_BEGIN] = "BEGIN IMMEDIATE",
    [LOCAL_COMMIT] = "COMMIT",
    [LOCAL_ROLLBACK] = "ROLLBACK",
};

static const char schema[] =
    "CREATE TABLE IF NOT EXISTS record(key TEXT PRIMARY KEY, value BLOB NOT NULL, content BLOB) "
    "WITHOUT ROWID;"
    "CREATE INDEX IF NOT EXISTS record_content ON record(content) WHERE content IS NOT NULL;"
    "CREATE TABLE IF NOT EXISTS content(sha256 BLOB PRIMARY KEY, size INTEGER NOT NULL, data BLOB, "
    "sums BLOB);"
    "PRAGMA user_version = 1;";

int local_errno(int sqlite_status)
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

sqlite3_stmt *local_statement(struct local_store *local, enum local_statement which)
{
    sqlite3_stmt *statement = local->statements[which];
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
    return statement;
}

/* Runs a statement to its end: the number of rows that it changed, or -errno. */
static int step(struct local_store *local, sqlite3_stmt *statement)
{
    int status = local_errno(sqlite3_step(statement));
    int changed = sqlite3_changes(local->db);
    sqlite3_reset(statement);
    return status < 0 ? status : changed;
}

int local_run(struct local_store *local, enum local_statement which)
{
    int status = step(local, local_statement(local, which));
    return status < 0 ? status : 0;
}

int local_begin(struct local_store *local)
{
    while (flock(local->lock, LOCK_EX) < 0) {
        if (errno != EINTR)
            return -errno;
    }
    int status = local_run(local, LOCAL_BEGIN);
    if (status < 0)
        flock(local->lock, LOCK_UN);
    return status;
}

int local_commit(struct local_store *local, int status)
{
    if (status == 0)
        status = local_run(local, LOCAL_COMMIT);
    if (status < 0 && !sqlite3_get_autocommit(local->db))
        (void)!local_run(local, LOCAL_ROLLBACK);
    return status;
}

void local_unlock(struct local_store *local)
{
    flock(local->lock, LOCK_UN);
}

int local_end(struct local_store *local, int status)
{
    status = local_commit(local, status);
    local_unlock(local);
    return status;
}

void local_content_name(const uint8_t *sha256, char name[LOCAL_NAME_SIZE])
{
    char digits[2 * STORE_SHA256 + 1];
    hex_encode(span_of(sha256, STORE_SHA256), digits);
    snprintf(name, LOCAL_NAME_SIZE, "contents/%.2s/%s", digits, digits + 2);
}

/* If it cannot begin, each read is a view of its own. */
static void local_view(struct store *store, bool begins)
{
    struct local_store *local = local_of(store);
    if (begins)
        (void)!local_run(local, LOCAL_VIEW);
    else if (!sqlite3_get_autocommit(local->db))
        (void)!local_run(local, LOCAL_COMMIT);
}

static int local_get(struct store *store, const char *key, struct store_value *value)
{
    struct local_store *local = local_of(store);
    sqlite3_stmt *statement = local_statement(local, LOCAL_GET);
    sqlite3_bind_text(statement, 1, key, -1, SQLITE_STATIC);
    int status = sqlite3_step(statement);
    if (status != SQLITE_ROW) {
        sqlite3_reset(statement);
        return status == SQLITE_DONE ? -ENOENT : local_errno(status);
    }
    size_t size = (size_t)sqlite3_column_bytes(statement, 0);
    const void *data = sqlite3_column_blob(statement, 0);
    *value = (struct store_value){malloc(size + 1), size};
    if (value->data && size > 0)
        memcpy(value->data, data, size);
    sqlite3_reset(statement);
    return value->data ? 0 : -ENOMEM;
}

static int local_list(struct store *store, const char *prefix, const char *after,
                      store_list_fn each, void *context)
{
    struct local_store *local = local_of(store);
    size_t size = strlen(prefix);
    autofree char *end = strdup(prefix);
    if (!end || size == 0)
        return -ENOMEM;
    end[size - 1]++; /* prefixes end with a character that has a next one */
    sqlite3_stmt *statement;
    /* The callback may get other records, or list others, so this is a statement of its own. */
    int status = sqlite3_prepare_v2(local->db, sql[LOCAL_LIST], -1, &statement, NULL);
    if (status != SQLITE_OK)
        return local_errno(status);
    sqlite3_bind_text(statement, 1, after, -1, SQLITE_STATIC);
    sqlite3_bind_text(statement, 2, prefix, -1, SQLITE_STATIC);
    sqlite3_bind_text(statement, 3, end, -1, SQLITE_STATIC);
    bool more = true;
    while (more && (status = sqlite3_step(statement)) == SQLITE_ROW)
        more = each(
            context, (const char *)sqlite3_column_text(statement, 0),
            span_of(sqlite3_column_blob(statement, 1), (size_t)sqlite3_column_bytes(statement, 1)));
    sqlite3_finalize(statement);
    return local_errno(status);
}

static bool has_content(struct local_store *local, const uint8_t *sha256)
{
    sqlite3_stmt *statement = local_statement(local, LOCAL_CONTENT_HAS);
    sqlite3_bind_blob(statement, 1, sha256, STORE_SHA256, SQLITE_STATIC);
    bool has = sqlite3_step(statement) == SQLITE_ROW;
    sqlite3_reset(statement);
    return has;
}

static enum local_statement statement_for(const struct store_change *change)
{
    if (!change->value.data)
        return change->expect == STORE_SAME ? LOCAL_DELETE_SAME : LOCAL_DELETE;
    if (change->expect == STORE_ABSENT)
        return LOCAL_INSERT;
    return change->expect == STORE_SAME ? LOCAL_UPDATE : LOCAL_REPLACE;
}

static int check_same(struct local_store *local, const struct store_change *change)
{
    sqlite3_stmt *statement = local_statement(local, LOCAL_GET);
    sqlite3_bind_text(statement, 1, change->key, -1, SQLITE_STATIC);
    int status = sqlite3_step(statement);
    bool same = status == SQLITE_ROW &&
                span_equal(change->old, span_of(sqlite3_column_blob(statement, 0),
                                                (size_t)sqlite3_column_bytes(statement, 0)));
    sqlite3_reset(statement);
    return same ? 0 : local_errno(status) < 0 ? local_errno(status) : -ESTALE;
}

static int apply(struct local_store *local, const struct store_change *change)
{
    if (change->expect == STORE_CHECK)
        return check_same(local, change);
    if (change->content && !has_content(local, change->content))
        return -ENOENT;
    sqlite3_stmt *statement = local_statement(local, statement_for(change));
    sqlite3_bind_text(statement, 1, change->key, -1, SQLITE_STATIC);
    if (change->value.data) {
        sqlite3_bind_blob64(statement, 2, change->value.data, change->value.size, SQLITE_STATIC);
        if (change->content)
            sqlite3_bind_blob(statement, 3, change->content, STORE_SHA256, SQLITE_STATIC);
    }
    if (change->expect == STORE_SAME)
        sqlite3_bind_blob64(statement, 4, change->old.data, change->old.size, SQLITE_STATIC);
    int changed = step(local, statement);
    if (changed < 0)
        return changed;
    if (changed == 0 && change->expect != STORE_ANY)
        return change->expect == STORE_ABSENT ? -EEXIST : -ESTALE;
    return 0;
}

static int local_write(struct store *store, struct stage *stage, const struct store_change *changes,
                       size_t count)
{
    struct local_store *local = local_of(store);
    int status = stage ? local_stage_flush(stage) : 0;
    if (status == 0)
        status = local_begin(local);
    if (status < 0)
        return status;
    if (stage)
        status = local_stage_record(local, stage);
    for (size_t i = 0; status == 0 && i < count; i++)
        status = apply(local, &changes[i]);
    if (status == 0 && stage)
        status = local_stage_move(local, stage);
    status = local_end(local, status);
    if (status == 0 && stage)
        local_stage_done(stage);
    return status;
}

static void local_close(struct store *store)
{
    struct local_store *local = local_of(store);
    local_content_forget(local);
    for (size_t i = 0; i < LOCAL_STATEMENTS; i++)
        sqlite3_finalize(local->statements[i]);
    sqlite3_close(local->db);
    if (local->lock >= 0)
        close(local->lock);
    if (local->directory >= 0)
        close(local->directory);
    free(local->scratch);
    free(local);
}

static const struct store_ops local_ops = {
    .close = local_close,
    .view = local_view,
    .get = local_get,
    .list = local_list,
    .write = local_write,
    .stage = local_stage_new,
    .stage_size = local_stage_size,
    .stage_remove = local_stage_remove,
    .stage_add = local_stage_add,
    .stage_end = local_stage_end,
    .stage_free = local_stage_free,
    .content_open = local_content_open,
    .content_read = local_content_read,
    .content_close = local_content_close,
    .collect = local_collect,
    .check = local_check,
};

static bool make_directory(int directory, const char *name)
{
    return mkdirat(directory, name, 0700) == 0 || errno == EEXIST;
}

/* The directories of contents exist from the beginning, so that nobody has to wait for one. */
static int make_layout(struct local_store *local, const char *path, struct err *err)
{
    char name[LOCAL_NAME_SIZE];
    bool good =
        make_directory(local->directory, "contents") && make_directory(local->directory, "uploads");
    for (unsigned i = 0; good && i < 256; i++) {
        snprintf(name, sizeof(name), "contents/%02x", i);
        good = make_directory(local->directory, name);
    }
    autoclose int contents =
        openat(local->directory, "contents", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    good = good && contents >= 0 && fsync(contents) == 0 && fsync(local->directory) == 0;
    return good ? 0 : err_set(err, ERR_IO, errno, "cannot prepare the store %s", path);
}

static int fail_db(struct local_store *local, const char *path, struct err *err)
{
    const char *why = local->db ? sqlite3_errmsg(local->db) : "no memory";
    return err_set(err, ERR_IO, 0, "cannot open %s/records.db: %s", path, why);
}

static bool set_pragmas(sqlite3 *db)
{
    static const char pragmas[] =
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA trusted_schema = OFF;"
        "PRAGMA cell_size_check = ON; PRAGMA cache_size = -4096; PRAGMA mmap_size = 0;"
        "PRAGMA wal_autocheckpoint = 2000; PRAGMA journal_size_limit = 67108864;";
    return sqlite3_exec(db, pragmas, NULL, NULL, NULL) == SQLITE_OK;
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

static int open_db(struct local_store *local, const char *path, bool create, struct err *err)
{
    char name[PATH_SIZE];
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | (create ? SQLITE_OPEN_CREATE : 0);
    snprintf(name, sizeof(name), "%s/records.db", path);
    if (sqlite3_open_v2(name, &local->db, flags, NULL) != SQLITE_OK)
        return fail_db(local, path, err);
    sqlite3_busy_timeout(local->db, BUSY_MS);
    if (!set_pragmas(local->db))
        return fail_db(local, path, err);
    int version = schema_version(local->db);
    if (version == 0 && create && sqlite3_exec(local->db, schema, NULL, NULL, NULL) != SQLITE_OK)
        return fail_db(local, path, err);
    if (version != SCHEMA_VERSION && !(version == 0 && create))
        return err_set(err, ERR_CONFIG, 0, "%s/records.db is not a store of this Drawbridge", path);
    for (size_t i = 0; i < LOCAL_STATEMENTS; i++) {
        if (sqlite3_prepare_v3(local->db, sql[i], -1, SQLITE_PREPARE_PERSISTENT,
                               &local->statements[i], NULL) != SQLITE_OK)
            return fail_db(local, path, err);
    }
    return 0;
}

static int open_store(struct local_store *local, const char *path, bool create, struct err *err)
{
    if (strlen(path) > PATH_SIZE - 32)
        return err_set(err, ERR_CONFIG, ENAMETOOLONG, "cannot open the store");
    if (create && mkdir(path, 0700) < 0 && errno != EEXIST)
        return err_set(err, ERR_IO, errno, "cannot make the store %s", path);
    local->directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (local->directory < 0)
        return err_set(err, ERR_IO, errno, "cannot open the store %s", path);
    local->lock =
        openat(local->directory, "lock", O_RDWR | O_CLOEXEC | (create ? O_CREAT : 0), 0600);
    if (local->lock < 0)
        return err_set(err, ERR_IO, errno, "cannot open %s/lock", path);
    if (!(local->scratch = malloc(LOCAL_BLOCK)))
        return err_set(err, ERR_IO, ENOMEM, "cannot open the store %s", path);
    flock(local->lock, LOCK_EX); /* one makes the tables, others find them */
    int status = create ? make_layout(local, path, err) : 0;
    if (status == 0)
        status = open_db(local, path, create, err);
    flock(local->lock, LOCK_UN);
    return status;
}

int store_local_open(const char *path, bool create, struct store **store, struct err *err)
{
    struct local_store *local = calloc(1, sizeof(*local));
    if (!local)
        return err_set(err, ERR_IO, ENOMEM, "cannot open the store %s", path);
    /* Statistics that nobody asks for would take a lock of all threads for each allocation. Does
     * nothing once SQLite is in use. */
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    *local = (struct local_store){.store.ops = &local_ops, .directory = -1, .lock = -1};
    int status = open_store(local, path, create, err);
    if (status < 0)
        local_close(&local->store);
    else
        *store = &local->store;
    return status;
}
