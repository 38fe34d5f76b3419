/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests to object storage that speaks the protocol of S3. Internal to the store.
 *
 * Names are those of objects behind the configured prefix; they are made of letters, digits, "-",
 * "." and "/", so nothing in them has to be encoded. What fails for a while (no connection, 500,
 * 502, 503, 504, 429, time-outs) is repeated with growing pauses. A client belongs to one thread at
 * a time, keeps one connection, and blocks.
 */
#pragma once

#include "base/err.h"
#include "drawbridge/s3.h"
#include "drawbridge/s3_sign.h"
#include "http/client.h"

#include <sys/types.h>

enum {
    S3_NAME_MAX = 256,
    S3_ETAG_MAX = 128,
    S3_BODY_MAX = 8 << 20, /* of answers in memory */
    S3_PART = 16 << 20,    /* bytes of a part, unless more are needed */
};

struct s3_client;

/* The configuration is borrowed. NULL without memory. */
struct s3_client *s3_client_new(const struct s3_config *config);
void s3_client_free(struct s3_client *client);
/* Why the last call returned an errno; a sentence. */
const struct err *s3_client_err(const struct s3_client *client);

struct s3_call {
    const char *method;
    const char *name;  /* NULL: the bucket itself */
    const char *query; /* NULL: none; encoded, in order, each with "=" */
    const char *if_match, *if_none_match, *range;
    struct span body;      /* data NULL: none */
    const char *body_hash; /* its SHA-256 in digits; NULL: computed */
    /* As of http_call. `begin` is called before each attempt, so that `take` begins anew. */
    int (*take)(void *context, struct span piece, struct err *err);
    void (*begin)(void *context);
    void *context;
};

/* Asks, and waits: the status, or a negative errno. The reply is to be released if it was a status.
 */
__attribute__((warn_unused_result)) int
s3_call(struct s3_client *client, const struct s3_call *call, struct http_reply *reply);
/* The same for who only wants one of two statuses: 0; -ENOENT for 404, -EEXIST for 409 and 412,
 * else -EIO. */
__attribute__((warn_unused_result)) int s3_do(struct s3_client *client, const struct s3_call *call,
                                              struct http_reply *reply);

enum s3_condition { S3_ALWAYS, S3_IF_ABSENT, S3_IF_MATCH };

/* Writes an object. `etag` is the one that it must have (S3_IF_MATCH), and NULL or gets its new
 * one. 0; -EEXIST if the condition is not met; -errno: then it may have been written or not. */
__attribute__((warn_unused_result)) int s3_put(struct s3_client *client, const char *name,
                                               struct span body, enum s3_condition condition,
                                               char etag[S3_ETAG_MAX]);
/* Writes an object out of a file, in parts if it is large. `sha256` is that of all of it. */
__attribute__((warn_unused_result)) int s3_put_file(struct s3_client *client, const char *name,
                                                    int fd, uint64_t length, const uint8_t *sha256);
/* Removes an object; there may be none. */
__attribute__((warn_unused_result)) int s3_delete(struct s3_client *client, const char *name);
/* The ETag of an answer; false if it has none that could be sent back. */
bool s3_reply_etag(const struct http_reply *reply, char etag[S3_ETAG_MAX]);

/* Something that a list has. */
struct s3_item {
    char name[S3_NAME_MAX]; /* behind the prefix */
    uint64_t size;
    int64_t changed; /* seconds since 1970, by the clock of the server */
    char upload[S3_NAME_MAX];
};
typedef int (*s3_item_fn)(void *context, const struct s3_item *item);

/* Calls for each object whose name begins with a prefix, in order of names. A negative errno of the
 * callback ends it. Objects with names that no Drawbridge gives are left out. */
__attribute__((warn_unused_result)) int s3_list(struct s3_client *client, const char *prefix,
                                                s3_item_fn each, void *context);
/* Abandons uploads in parts that were begun before a moment and never completed. */
__attribute__((warn_unused_result)) int s3_abort_uploads(struct s3_client *client, int64_t before);
