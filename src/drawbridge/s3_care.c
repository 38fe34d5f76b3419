// SPDX-License-Identifier: Apache-2.0
/* What keeps a bucket in order: objects that nothing refers to are removed, everything is compared
 * with its digests. */
#include "base/cleanup.h"
#include "codec/base64.h"
#include "drawbridge/s3_internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { PROBLEM_SIZE = 512, NONCE_DIGITS = 2 * S3_NONCE, HASH_DIGITS = 2 * STORE_SHA256 };

/* Contents that no record refers to: out of the list, then out of the bucket. Who reads one at this
 * moment is cut off. */
static int remove_some(struct s3_store *s3, struct records_garbage *garbage,
                       uint8_t (*nonces)[S3_NONCE])
{
    static const uint8_t none[S3_NONCE];
    char name[S3_OBJECT_NAME_MAX];
    struct s3_wish wish = {.garbage = garbage, .garbage_nonces = nonces};
    int status = s3_bucket_write(s3->bucket, &wish);
    for (size_t i = 0; status == 0 && i < garbage->count; i++) {
        s3_content_name(garbage->sha256[i], nonces[i], name);
        if (memcmp(nonces[i], none, S3_NONCE) != 0)
            status = s3_delete(s3->client, name);
    }
    return status;
}

static int remove_garbage(struct s3_store *s3, uint64_t *removed)
{
    struct {
        struct records_garbage garbage;
        uint8_t nonces[RECORDS_GARBAGE_MAX][S3_NONCE];
    } *found = malloc(sizeof(*found));
    if (!found)
        return -ENOMEM;
    int status;
    do {
        status = remove_some(s3, &found->garbage, found->nonces);
        *removed += status == 0 ? found->garbage.count : 0;
    } while (status == 0 && found->garbage.count == RECORDS_GARBAGE_MAX);
    free(found);
    return status;
}

/* Names of objects that are old enough to be of nobody who is just writing them. */
struct strays {
    int64_t before;
    char (*names)[S3_NAME_MAX];
    size_t count, capacity;
};

static int add_stray(void *context, const struct s3_item *item)
{
    struct strays *strays = context;
    if (item->changed >= strays->before)
        return 0;
    if (strays->count == strays->capacity) {
        size_t capacity = strays->capacity * 2 + 64;
        void *larger = realloc(strays->names, capacity * S3_NAME_MAX);
        if (!larger)
            return -ENOMEM;
        strays->names = larger;
        strays->capacity = capacity;
    }
    memcpy(strays->names[strays->count++], item->name, S3_NAME_MAX);
    return 0;
}

static bool is_content(struct s3_store *s3, const char *name)
{
    const char *digits = name + strlen("contents/");
    uint8_t sha256[STORE_SHA256], nonce[S3_NONCE];
    if (strlen(digits) != HASH_DIGITS + 1 + NONCE_DIGITS ||
        hex_decode(span_of(digits, HASH_DIGITS), sha256, sizeof(sha256)) < 0 ||
        hex_decode(span_of(digits + HASH_DIGITS + 1, NONCE_DIGITS), nonce, sizeof(nonce)) < 0)
        return false;
    sqlite3_stmt *row = records_statement(&s3->records, RECORDS_CONTENT_GET);
    sqlite3_bind_blob(row, 1, sha256, sizeof(sha256), SQLITE_STATIC);
    bool same = sqlite3_step(row) == SQLITE_ROW && sqlite3_column_bytes(row, 2) >= S3_NONCE &&
                memcmp(sqlite3_column_blob(row, 2), nonce, S3_NONCE) == 0;
    sqlite3_reset(row);
    return same;
}

static bool is_part(const struct s3_head *head, const char *name)
{
    char known[S3_OBJECT_NAME_MAX];
    for (size_t i = 0; i < head->part_count; i++) {
        s3_part_name("log", &head->parts[i], known);
        if (strcmp(known, name) == 0)
            return true;
    }
    s3_part_name("snapshots", &head->snapshot, known);
    return strcmp(known, name) == 0;
}

static bool has_prefix(const char *name, const char *prefix)
{
    return strncmp(name, prefix, strlen(prefix)) == 0;
}

/* Whether the store, as it is after the names were listed, needs an object. */
static bool is_needed(struct s3_store *s3, const struct s3_head *head, const char *name)
{
    if (has_prefix(name, "contents/"))
        return is_content(s3, name);
    return has_prefix(name, "log/") || has_prefix(name, "snapshots/") ? is_part(head, name) : false;
}

/* What crashes left, and uploads that nobody goes on with. */
static int remove_strays(struct s3_store *s3, int64_t before, uint64_t *removed)
{
    static const char *const folders[] = {"contents/", "log/", "snapshots/", "uploads/", "probe/"};
    struct strays strays = {.before = before};
    int status = 0;
    for (size_t i = 0; status == 0 && i < sizeof(folders) / sizeof(folders[0]); i++)
        status = s3_list(s3->client, folders[i], add_stray, &strays);
    if (status == 0)
        status = s3_bucket_refresh(s3->bucket);
    autofree struct s3_head *head = status == 0 ? s3_bucket_head(s3->bucket) : NULL;
    if (status == 0 && !head)
        status = -ENOMEM;
    for (size_t i = 0; status == 0 && i < strays.count; i++) {
        if (is_needed(s3, head, strays.names[i]))
            continue;
        status = s3_delete(s3->client, strays.names[i]);
        *removed += status == 0 && has_prefix(strays.names[i], "contents/");
    }
    free(strays.names);
    return status;
}

int s3_collect(struct store *store, int64_t uploads_before, uint64_t *removed)
{
    struct s3_store *s3 = s3_of(store);
    *removed = 0;
    int status = remove_garbage(s3, removed);
    if (status == 0)
        s3_bucket_compact(s3->bucket, s3->client, &s3->records, true);
    if (status == 0)
        status = s3_abort_uploads(s3->client, uploads_before);
    return status == 0 ? remove_strays(s3, uploads_before, removed) : status;
}

int s3_check(struct store *store, store_problem_fn problem, void *context, uint64_t *contents)
{
    struct s3_store *s3 = s3_of(store);
    uint8_t sha256[STORE_SHA256];
    char text[PROBLEM_SIZE], digits[HASH_DIGITS + 1];
    struct span at = span_of("", 0);
    *contents = 0;
    content_cache_clear(&s3->cache);
    int status = s3_bucket_refresh(s3->bucket);
    if (status == 0)
        status = records_check(&s3->records, problem, context);
    while (status == 0 && records_next_content(&s3->records, &at, sha256)) {
        const char *what = content_problem(store, sha256);
        hex_encode(at, digits);
        snprintf(text, sizeof(text), "%s: %s", digits, what ? what : "");
        /* Others may write meanwhile: what is not there any more was removed. */
        if (what)
            status = s3_bucket_refresh(s3->bucket);
        if (what && records_has_content(&s3->records, sha256))
            problem(context, text);
        ++*contents;
    }
    return status;
}
