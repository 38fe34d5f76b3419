// SPDX-License-Identifier: Apache-2.0
#include "drawbridge/s3.h"

#include "drawbridge/s3_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void s3_close(struct store *store)
{
    struct s3_store *s3 = s3_of(store);
    content_cache_clear(&s3->cache);
    records_close(&s3->records);
    s3_client_free(s3->client);
    free(s3);
}

static int s3_refresh(struct store *store)
{
    return s3_bucket_refresh(s3_of(store)->bucket);
}

static void s3_view(struct store *store, bool begins)
{
    records_view(&s3_of(store)->records, begins);
}

static int s3_get(struct store *store, const char *key, struct store_value *value)
{
    return records_get(&s3_of(store)->records, key, value);
}

static int s3_list_records(struct store *store, const char *prefix, const char *after,
                           store_list_fn each, void *context)
{
    return records_list(&s3_of(store)->records, prefix, after, each, context);
}

static int s3_write(struct store *store, struct stage *stage, const struct store_change *changes,
                    size_t count)
{
    struct s3_store *s3 = s3_of(store);
    struct s3_wish wish = {.changes = changes, .count = count};
    int status = stage ? s3_stage_upload(s3, stage, &wish) : 0;
    if (status == 0)
        status = s3_bucket_write(s3->bucket, &wish);
    if (status < 0)
        return status;
    if (stage)
        s3_stage_done(s3, stage);
    s3_bucket_compact(s3->bucket, s3->client, &s3->records, false);
    return 0;
}

static const struct store_ops s3_ops = {
    .close = s3_close,
    .refresh = s3_refresh,
    .view = s3_view,
    .get = s3_get,
    .list = s3_list_records,
    .write = s3_write,
    .stage = s3_stage_new,
    .stage_size = s3_stage_size,
    .stage_remove = s3_stage_remove,
    .stage_add = s3_stage_add,
    .stage_save = s3_stage_save,
    .stage_end = s3_stage_end,
    .stage_free = s3_stage_free,
    .content_open = s3_content_open,
    .content_read = s3_content_read,
    .content_close = s3_content_close,
    .collect = s3_collect,
    .check = s3_check,
};

int store_s3_open(struct s3_bucket *bucket, struct store **store, struct err *err)
{
    struct s3_store *s3 = calloc(1, sizeof(*s3));
    if (!s3)
        return err_set(err, ERR_IO, ENOMEM, "cannot open the store");
    s3->store.ops = &s3_ops;
    s3->bucket = bucket;
    s3->cache.kind = &s3_content_kind;
    s3->client = s3_client_new(&bucket->config);
    int status = s3->client ? records_open(&s3->records, bucket->file, false, false, err)
                            : err_set(err, ERR_IO, ENOMEM, "cannot open the store");
    if (status < 0)
        s3_close(&s3->store);
    else
        *store = &s3->store;
    return status;
}
