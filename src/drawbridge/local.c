// SPDX-License-Identifier: Apache-2.0
#include "drawbridge/local.h"

#include "base/cleanup.h"
#include "codec/base64.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>

enum { PATH_SIZE = 4096 };

int local_begin(struct local_store *local)
{
    while (flock(local->lock, LOCK_EX) < 0) {
        if (errno != EINTR)
            return -errno;
    }
    int status = records_run(&local->records, RECORDS_BEGIN);
    if (status < 0)
        flock(local->lock, LOCK_UN);
    return status;
}

void local_unlock(struct local_store *local)
{
    flock(local->lock, LOCK_UN);
}

void local_content_name(const uint8_t *sha256, char name[LOCAL_NAME_SIZE])
{
    char digits[2 * STORE_SHA256 + 1];
    hex_encode(span_of(sha256, STORE_SHA256), digits);
    snprintf(name, LOCAL_NAME_SIZE, "contents/%.2s/%s", digits, digits + 2);
}

int local_end(struct local_store *local, int status)
{
    status = records_end(&local->records, status);
    local_unlock(local);
    return status;
}

static void local_view(struct store *store, bool begins)
{
    records_view(&local_of(store)->records, begins);
}

static int local_get(struct store *store, const char *key, struct store_value *value)
{
    return records_get(&local_of(store)->records, key, value);
}

static int local_list(struct store *store, const char *prefix, const char *after,
                      store_list_fn each, void *context)
{
    return records_list(&local_of(store)->records, prefix, after, each, context);
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
        status = records_apply(&local->records, &changes[i]);
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
    content_cache_clear(&local->cache);
    records_close(&local->records);
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
    .stage_save = local_stage_save,
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

static int open_store(struct local_store *local, const char *path, bool create, struct err *err)
{
    char name[PATH_SIZE];
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
    if (!(local->scratch = malloc(CONTENT_BLOCK)))
        return err_set(err, ERR_IO, ENOMEM, "cannot open the store %s", path);
    snprintf(name, sizeof(name), "%s/records.db", path);
    flock(local->lock, LOCK_EX); /* one makes the tables, others find them */
    int status = create ? make_layout(local, path, err) : 0;
    if (status == 0)
        status = records_open(&local->records, name, create, true, err);
    flock(local->lock, LOCK_UN);
    return status;
}

int store_local_open(const char *path, bool create, struct store **store, struct err *err)
{
    struct local_store *local = calloc(1, sizeof(*local));
    if (!local)
        return err_set(err, ERR_IO, ENOMEM, "cannot open the store %s", path);
    *local = (struct local_store){.store.ops = &local_ops,
                                  .cache = {.kind = &local_content_kind},
                                  .directory = -1,
                                  .lock = -1};
    int status = open_store(local, path, create, err);
    if (status < 0)
        local_close(&local->store);
    else
        *store = &local->store;
    return status;
}
