/* SPDX-License-Identifier: Apache-2.0 */
/* One request being answered: what the files of the service share. Internal to them. */
#pragma once

#include "drawbridge/keep.h"
#include "drawbridge/names.h"
#include "drawbridge/record.h"
#include "drawbridge/service.h"

enum { TIME_SIZE = 32, RECORD_MAX = 1 << 16, WRITE_TRIES = 32 };

struct exchange {
    const struct service *service;
    const struct service_request *request;
    struct service_response *response;
    struct route route;
    struct record repository, tag; /* of the route, once they were needed */
    struct identity identity;      /* of the bearer, once it was checked */
    bool identified;
    uint8_t *password; /* of "Authorization: Basic", decoded, behind the name */
    size_t password_size;
};

/* JSON that grows; for respond_json. */
struct listing {
    char *data;
    size_t size, capacity;
    bool failed; /* no memory */
};
void listing_add(struct listing *listing, struct span bytes);
void listing_print(struct listing *listing, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Answers with it, whole or 500. */
void respond_listing(struct exchange *exchange, struct listing *listing);

/* response.c: all return false, so that a caller can `return refuse(…)`. */
bool refuse(struct exchange *exchange, unsigned status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* For an errno of the store. */
bool refuse_errno(struct exchange *exchange, int error);

/* response.c */
void respond(struct exchange *exchange, unsigned status);
void add_header(struct exchange *exchange, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Answers 200 with metadata and a content that is in memory and is copied; without a body for HEAD.
 */
void respond_object(struct exchange *exchange, const struct entry *entry, struct span content);
/* The same with the content of the store that the metadata name. */
void respond_content(struct exchange *exchange, const struct entry *entry);
/* Answers with JSON, which is taken: `json` is of malloc. */
void respond_json(struct exchange *exchange, unsigned status, char *json, size_t size);

/* request.c: what the headers say. Refuse by themselves. */
const struct span *find_header(const struct exchange *exchange, const char *name);
bool method_is(const struct exchange *exchange, const char *method);
bool method_reads(const struct exchange *exchange); /* GET or HEAD */
/* Content-Length, Content-Type and Content-Digest of a PUT. */
struct put {
    struct digests digests;
    uint64_t length;
    struct span type;
};
bool read_put(struct exchange *exchange, bool digest_needed, struct put *put);
/* Whether what was received is what the headers said. */
bool check_put(struct exchange *exchange, const struct put *put, const struct digests *digests,
               uint64_t length);
/* The body as JSON of this type, which is an object. */
bool read_json(struct exchange *exchange, struct span *object);
/* A number of the query from `min` to `max`; `preset` if it is not there. */
bool read_number(struct exchange *exchange, const char *key, uint64_t min, uint64_t max,
                 uint64_t preset, uint64_t *number);

/* access.c: who may. Refuse by themselves. */
bool allow_user(struct exchange *exchange, unsigned levels);
bool allow_new_user(struct exchange *exchange, const char *subject);
bool allow_owner(struct exchange *exchange, unsigned levels, enum scope_context context);
bool allow_reader(struct exchange *exchange); /* of tags and trees; finds the tag if there is one */
bool allow_writer(struct exchange *exchange); /* likewise */
bool identify(struct exchange *exchange);     /* a person; refuses if it is none */
bool is_identified(struct exchange *exchange); /* the same without refusing */
bool refuse_token(struct exchange *exchange);  /* 401 */
/* Who has any valid token of the provider, or something that looks like a deployment token, which
 * can be judged only with a repository. */
bool allow_anybody_known(struct exchange *exchange);
/* Whether a repository of a search may be seen by who asks. */
bool may_see(struct exchange *exchange, struct span user, struct span repository,
             struct span record);

/* find.c */
bool find_repository(struct exchange *exchange); /* 404 */
bool find_tag(struct exchange *exchange);        /* 404, also if it is deleted */
bool tag_is_deleted(const struct record *tag);
/* The entry of the root of the tree that a tag names. */
bool tag_root(const struct record *tag, struct entry *root);
/* Replaces a member of the tag's record, or removes it (json empty). */
bool change_tag(struct exchange *exchange, const char *member, struct span json);
/* Adds to a user's usage: the change for store_write. `old` and `fresh` hold its values. -EDQUOT.
 */
int plan_usage(struct exchange *exchange, int64_t bytes, int64_t repositories,
               struct record_key *key, struct store_value *old, struct text *fresh,
               struct store_change *change);
/* store_write of changes, behind which there is room for one more, that adds so many bytes to the
 * user's usage; with `limited`, within the quota. */
int write_charged(struct exchange *exchange, struct stage *stage, struct store_change *changes,
                  size_t count, int64_t bytes, bool limited);
/* Removes a tag with its tree, and what it used from the usage. */
int purge_tag(struct store *store, struct span user, struct span repository, struct span tag);

/* The handlers of routes, a file each: users.c, repositories.c, tokens.c, tags.c, trees.c,
 * uploads.c. */
void answer_user(struct exchange *exchange);
void answer_usage(struct exchange *exchange);
void answer_search(struct exchange *exchange);
void answer_repository(struct exchange *exchange);
void answer_grants(struct exchange *exchange);
void answer_grant(struct exchange *exchange);
void answer_tokens(struct exchange *exchange);
void answer_token(struct exchange *exchange);
void answer_tags(struct exchange *exchange);
void answer_tag(struct exchange *exchange);
void answer_yank(struct exchange *exchange);
void answer_restore(struct exchange *exchange);
void answer_signatures(struct exchange *exchange);
void answer_meta(struct exchange *exchange);
void answer_tree(struct exchange *exchange);
void answer_uploads(struct exchange *exchange);
void answer_upload(struct exchange *exchange);

void answer_oci_base(struct exchange *exchange);
void answer_oci_tags(struct exchange *exchange);
void answer_oci_manifest(struct exchange *exchange);
void answer_oci_blob(struct exchange *exchange);
void answer_oci_uploads(struct exchange *exchange);
void answer_oci_upload(struct exchange *exchange);
void answer_oci_referrers(struct exchange *exchange);

/* trees.c, uploads.c: the beginning of bodies that are not collected. True if it may go on. */
struct service_upload *begin_tree_upload(struct exchange *exchange);
struct service_upload *begin_upload_patch(struct exchange *exchange);
struct service_upload *begin_oci_upload(struct exchange *exchange); /* oci_blobs.c */
/* Whether a body of this request goes to an upload. */
bool is_streamed(const struct exchange *exchange);

/* A deployment token that was presented. */
enum { TOKEN_READ = 1, TOKEN_WRITE = 2, TOKEN_ID_SIZE = 16, TOKEN_TEXT_MAX = 128 };
bool token_is_deployment(struct span bearer);
/* Whether it is one of the route's repository, valid now, for these scopes and this tag. */
bool token_allows(struct exchange *exchange, struct span bearer, unsigned scopes);
