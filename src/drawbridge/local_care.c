// SPDX-License-Identifier: Apache-2.0
/* What keeps a store in order: garbage is removed, everything is compared with its digests. */
#include "base/cleanup.h"
#include "codec/base64.h"
#include "drawbridge/local.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

enum {
    GARBAGE_MAX = 64 /* in one transaction */,
    PROBLEM_SIZE = 512,
    READ_SIZE = 64 * 1024,
    CONTENT_DIRECTORIES = 256
};

struct garbage {
    uint8_t sha256[GARBAGE_MAX][STORE_SHA256];
    bool in_file[GARBAGE_MAX];
    size_t count;
};

static int find_garbage(struct local_store *local, struct garbage *garbage)
{
    sqlite3_stmt *row = local_statement(local, LOCAL_GARBAGE);
    int status;
    garbage->count = 0;
    while ((status = sqlite3_step(row)) == SQLITE_ROW && garbage->count < GARBAGE_MAX) {
        if (sqlite3_column_bytes(row, 0) != STORE_SHA256)
            continue;
        memcpy(garbage->sha256[garbage->count], sqlite3_column_blob(row, 0), STORE_SHA256);
        garbage->in_file[garbage->count++] = sqlite3_column_int(row, 1) != 0;
    }
    sqlite3_reset(row);
    return local_errno(status);
}

static int delete_rows(struct local_store *local, const struct garbage *garbage)
{
    int status = 0;
    for (size_t i = 0; status == 0 && i < garbage->count; i++) {
        sqlite3_stmt *statement = local_statement(local, LOCAL_CONTENT_DELETE);
        sqlite3_bind_blob(statement, 1, garbage->sha256[i], STORE_SHA256, SQLITE_STATIC);
        status = local_errno(sqlite3_step(statement));
        sqlite3_reset(statement);
    }
    return status;
}

/* Rows first, then files, and nobody writes meanwhile. A crash in between leaves files without
 * rows, which are found by remove_strays. */
static int remove_some(struct local_store *local, struct garbage *garbage)
{
    char name[LOCAL_NAME_SIZE];
    int status = local_begin(local);
    if (status < 0)
        return status;
    status = find_garbage(local, garbage);
    if (status == 0)
        status = delete_rows(local, garbage);
    status = local_commit(local, status);
    for (size_t i = 0; status == 0 && i < garbage->count; i++) {
        local_content_name(garbage->sha256[i], name);
        if (garbage->in_file[i] && unlinkat(local->directory, name, 0) < 0 && errno != ENOENT)
            status = -errno;
    }
    local_unlock(local);
    return status;
}

static DIR *open_directory(const struct local_store *local, const char *name)
{
    int fd = openat(local->directory, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *directory = fd >= 0 ? fdopendir(fd) : NULL;
    if (!directory && fd >= 0)
        close(fd);
    return directory;
}

/* Uploads that nobody has touched for a while: of a process that was killed, or of clients that
 * gave up. */
static int remove_uploads(struct local_store *local, int64_t before)
{
    DIR *directory = open_directory(local, "uploads");
    if (!directory)
        return -errno;
    struct stat status;
    for (struct dirent *entry; (entry = readdir(directory));) {
        if (entry->d_name[0] != '.' &&
            fstatat(dirfd(directory), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
            status.st_mtim.tv_sec < before)
            unlinkat(dirfd(directory), entry->d_name, 0);
    }
    closedir(directory);
    return 0;
}

static bool has_row(struct local_store *local, const uint8_t *sha256)
{
    sqlite3_stmt *statement = local_statement(local, LOCAL_CONTENT_HAS);
    sqlite3_bind_blob(statement, 1, sha256, STORE_SHA256, SQLITE_STATIC);
    bool has = sqlite3_step(statement) == SQLITE_ROW;
    sqlite3_reset(statement);
    return has;
}

typedef void (*file_fn)(DIR *directory, const char *name, void *context);

/* Calls for each file in contents/XX whose content is not in the database, while nobody else
 * writes: then such a file is one that a crash left. */
static int each_stray(struct local_store *local, unsigned number, file_fn call, void *context)
{
    char name[LOCAL_NAME_SIZE];
    uint8_t sha256[STORE_SHA256];
    snprintf(name, sizeof(name), "contents/%02x", number);
    DIR *directory = open_directory(local, name);
    if (!directory)
        return -errno;
    int status = local_begin(local);
    for (struct dirent *entry; status == 0 && (entry = readdir(directory));) {
        if (entry->d_name[0] == '.')
            continue;
        snprintf(name, sizeof(name), "%02x%.80s", number, entry->d_name);
        if (strlen(name) != 2 * STORE_SHA256 ||
            hex_decode(span_of(name, strlen(name)), sha256, STORE_SHA256) < 0 ||
            !has_row(local, sha256))
            call(directory, entry->d_name, context);
    }
    closedir(directory);
    return status < 0 ? status : local_end(local, 0);
}

static void remove_stray(DIR *directory, const char *name, void *context)
{
    uint64_t *removed = context;
    *removed += unlinkat(dirfd(directory), name, 0) == 0;
}

int local_collect(struct store *store, int64_t uploads_before, uint64_t *removed)
{
    struct local_store *local = local_of(store);
    autofree struct garbage *garbage = malloc(sizeof(*garbage));
    *removed = 0;
    if (!garbage)
        return -ENOMEM;
    int status;
    do {
        status = remove_some(local, garbage);
        *removed += status == 0 ? garbage->count : 0;
    } while (status == 0 && garbage->count == GARBAGE_MAX);
    if (status == 0)
        status = remove_uploads(local, uploads_before);
    for (unsigned i = 0; status == 0 && i < CONTENT_DIRECTORIES; i++)
        status = each_stray(local, i, remove_stray, removed);
    return status;
}

struct checker {
    store_problem_fn problem;
    void *context;
};

static void report(const struct checker *checker, const char *what, const char *name)
{
    char text[PROBLEM_SIZE];
    snprintf(text, sizeof(text), "%s: %s", name, what);
    checker->problem(checker->context, text);
}

static void report_stray(DIR *directory, const char *name, void *context)
{
    (void)directory;
    report(context, "the file belongs to no content; it is removed with the garbage", name);
}

static void check_database(struct local_store *local, const struct checker *checker)
{
    sqlite3_stmt *row;
    if (sqlite3_prepare_v2(local->db, "PRAGMA integrity_check", -1, &row, NULL) != SQLITE_OK) {
        report(checker, sqlite3_errmsg(local->db), "records.db");
        return;
    }
    while (sqlite3_step(row) == SQLITE_ROW) {
        const char *text = (const char *)sqlite3_column_text(row, 0);
        if (text && strcmp(text, "ok") != 0)
            report(checker, text, "records.db");
    }
    sqlite3_finalize(row);
}

/* Reads a content to its end and hashes it as a whole. */
static const char *check_content(struct local_store *local, const uint8_t *sha256)
{
    struct content *content;
    int status = local_content_open(&local->store, sha256, &content);
    if (status < 0)
        return status == -EBADMSG ? "the content is damaged or its file is missing"
                                  : "the content cannot be opened";
    autofree uint8_t *buffer = malloc(READ_SIZE);
    struct digester *digester = digester_new();
    struct digests digests = {0};
    ssize_t got = buffer && digester ? 0 : -ENOMEM;
    for (uint64_t at = 0; got >= 0 && at < content->length; at += (uint64_t)got) {
        got = local_content_read(content, at, buffer, READ_SIZE);
        if (got > 0 && digester_add(digester, span_of(buffer, (size_t)got)) < 0)
            got = -ENOMEM;
        if (got <= 0)
            break;
    }
    bool good = got >= 0 && digester && digester_end(digester, &digests) == 0 &&
                memcmp(digests.value[DIGEST_SHA256], sha256, STORE_SHA256) == 0;
    digester_free(digester);
    local_content_close(content);
    return good ? NULL : got == -EIO ? "the content cannot be read" : "the content is damaged";
}

/* The content behind this one, which it replaces; false at the end. */
static bool next_content(struct local_store *local, struct span *sha256, uint8_t *buffer)
{
    sqlite3_stmt *row = local_statement(local, LOCAL_CONTENT_NEXT);
    sqlite3_bind_blob64(row, 1, sha256->data, sha256->size, SQLITE_STATIC);
    bool more = sqlite3_step(row) == SQLITE_ROW && sqlite3_column_bytes(row, 0) == STORE_SHA256;
    if (more)
        memcpy(buffer, sqlite3_column_blob(row, 0), STORE_SHA256);
    *sha256 = span_of(buffer, STORE_SHA256);
    sqlite3_reset(row);
    return more;
}

/* Others may write meanwhile: what is not there any more when it was found damaged was removed. */
static void check_contents(struct local_store *local, const struct checker *checker,
                           uint64_t *count)
{
    uint8_t sha256[STORE_SHA256];
    char digits[2 * STORE_SHA256 + 1];
    struct span at = span_of("", 0);
    local_content_forget(local);
    while (next_content(local, &at, sha256)) {
        const char *what = check_content(local, sha256);
        hex_encode(at, digits);
        if (what && has_row(local, sha256))
            report(checker, what, digits);
        (*count)++;
    }
}

static int check_references(struct local_store *local, const struct checker *checker)
{
    sqlite3_stmt *row;
    int status = sqlite3_prepare_v2(local->db,
                                    "SELECT key FROM record WHERE content IS NOT NULL AND "
                                    "NOT EXISTS (SELECT 1 FROM content WHERE "
                                    "content.sha256 = record.content)",
                                    -1, &row, NULL);
    if (status != SQLITE_OK)
        return local_errno(status);
    while ((status = sqlite3_step(row)) == SQLITE_ROW)
        report(checker, "the content that it refers to is not there",
               (const char *)sqlite3_column_text(row, 0));
    sqlite3_finalize(row);
    return local_errno(status);
}

int local_check(struct store *store, store_problem_fn problem, void *context, uint64_t *contents)
{
    struct local_store *local = local_of(store);
    struct checker checker = {problem, context};
    *contents = 0;
    check_database(local, &checker);
    int status = check_references(local, &checker);
    if (status == 0)
        check_contents(local, &checker, contents);
    for (unsigned i = 0; status == 0 && i < CONTENT_DIRECTORIES; i++)
        status = each_stray(local, i, report_stray, &checker);
    return status;
}
