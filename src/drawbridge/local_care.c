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

enum { PROBLEM_SIZE = 512, CONTENT_DIRECTORIES = 256 };

static int delete_rows(struct local_store *local, const struct records_garbage *garbage)
{
    int status = 0;
    for (size_t i = 0; status == 0 && i < garbage->count; i++)
        status = records_delete_content(&local->records, garbage->sha256[i]);
    return status;
}

/* Rows first, then files, and nobody writes meanwhile. A crash in between leaves files without
 * rows, which are found by remove_strays. */
static int remove_some(struct local_store *local, struct records_garbage *garbage)
{
    char name[LOCAL_NAME_SIZE];
    int status = local_begin(local);
    if (status < 0)
        return status;
    status = records_find_garbage(&local->records, garbage);
    if (status == 0)
        status = delete_rows(local, garbage);
    status = records_end(&local->records, status);
    for (size_t i = 0; status == 0 && i < garbage->count; i++) {
        local_content_name(garbage->sha256[i], name);
        if (unlinkat(local->directory, name, 0) < 0 && errno != ENOENT)
            status = -errno; /* small ones have no file */
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
            !records_has_content(&local->records, sha256))
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
    autofree struct records_garbage *garbage = malloc(sizeof(*garbage));
    *removed = 0;
    if (!garbage)
        return -ENOMEM;
    int status;
    do {
        status = remove_some(local, garbage);
        *removed += status == 0 ? garbage->count : 0;
    } while (status == 0 && garbage->count == RECORDS_GARBAGE_MAX);
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

/* Others may write meanwhile: what is not there any more when it was found damaged was removed. */
static void check_contents(struct local_store *local, const struct checker *checker,
                           uint64_t *count)
{
    uint8_t sha256[STORE_SHA256];
    char digits[2 * STORE_SHA256 + 1];
    struct span at = span_of("", 0);
    content_cache_clear(&local->cache);
    while (records_next_content(&local->records, &at, sha256)) {
        const char *what = content_problem(&local->store, sha256);
        hex_encode(at, digits);
        if (what && records_has_content(&local->records, sha256))
            report(checker, what, digits);
        (*count)++;
    }
}

int local_check(struct store *store, store_problem_fn problem, void *context, uint64_t *contents)
{
    struct local_store *local = local_of(store);
    struct checker checker = {problem, context};
    *contents = 0;
    int status = records_check(&local->records, problem, context);
    if (status == 0)
        check_contents(local, &checker, contents);
    for (unsigned i = 0; status == 0 && i < CONTENT_DIRECTORIES; i++)
        status = each_stray(local, i, report_stray, &checker);
    return status;
}
