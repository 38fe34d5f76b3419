/* SPDX-License-Identifier: Apache-2.0 */
/* From the target of a request to what it names: docs/drawbridge-api.md. No I/O. */
#pragma once

#include "base/text.h"

enum route_kind {
    ROUTE_NONE,
    ROUTE_HEALTH,
    ROUTE_READY,
    ROUTE_SEARCH,
    ROUTE_USER,
    ROUTE_USAGE,
    ROUTE_REPOSITORY,
    ROUTE_GRANTS,
    ROUTE_GRANT,
    ROUTE_TOKENS,
    ROUTE_TOKEN,
    ROUTE_UPLOADS,
    ROUTE_UPLOAD,
    ROUTE_TAGS,
    ROUTE_TAG,
    ROUTE_TREE,
    ROUTE_YANK,
    ROUTE_RESTORE,
    ROUTE_SIGNATURES,
    ROUTE_META,
    ROUTE_OCI_BASE, /* the OCI distribution specification 1.1: docs/drawbridge-api.md */
    ROUTE_OCI_TAGS,
    ROUTE_OCI_MANIFEST,
    ROUTE_OCI_BLOB,
    ROUTE_OCI_UPLOADS,
    ROUTE_OCI_UPLOAD,
    ROUTE_OCI_REFERRERS,
    ROUTE_KINDS
};

enum { ROUTE_PROBLEM_SIZE = 400 };

struct route {
    enum route_kind kind;
    struct span user, repository, tag; /* valid where the kind has them, else empty */
    struct span path;                  /* of a node; empty for the root */
    struct span id;                    /* of a grant (a user), token or upload; of OCI a reference:
                                          a digest, or a tag, which is in `tag` if it is a version */
    struct span prefix;                /* the target before the query */
    struct span query;                 /* without the question mark */
};

static inline bool route_is_oci(enum route_kind kind)
{
    return kind >= ROUTE_OCI_BASE;
}

/* "user", "tree", … for logs and messages. */
const char *route_name(enum route_kind kind);

/* Returns 0, or the status of HTTP and a sentence. */
unsigned route_parse(struct span target, struct route *route, char problem[ROUTE_PROBLEM_SIZE]);

/* The value of a key of the query, decoded into `out`: 1; 0 if there is none; -EINVAL if it is
 * malformed or does not fit. */
__attribute__((warn_unused_result)) int route_query(const struct route *route, const char *key,
                                                    char *out, size_t capacity);
