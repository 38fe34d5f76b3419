/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies on their way into the store. Internal to the service. */
#pragma once

#include "drawbridge/exchange.h"

enum { UPLOAD_ID_SIZE = 32, UPLOADS_MAX = 64 /* of a repository at a time */ };

/*
 * An upload of a node, or of a part of one. It outlives the request's head, so it has copies of
 * what it needs from there.
 */
struct service_upload {
    struct exchange exchange;
    struct service_request request; /* copies: without head and body */
    struct http1_head head;         /* without headers */
    char target[RECORD_KEY_MAX], method[8], type[TYPE_MAX_SIZE + 1];
    struct put put;
    struct digests expected;
    struct stage *stage;
    uint64_t max; /* bytes that may come */
    enum upload_kind {
        UPLOAD_NODE,
        UPLOAD_PART,     /* of a resumable upload */
        UPLOAD_OCI_PART, /* the same by the rules of OCI */
        UPLOAD_OCI_BLOB, /* its end, which becomes a blob with the digest `wanted` */
    } kind;
    uint8_t wanted[STORE_SHA256];
    int status; /* of the store */
};

/* If the request names a resumable upload ("Drawbridge-Upload"), its body is what was uploaded:
 * puts its length into *put. Refuses if there is none. */
bool upload_resolve(struct exchange *exchange, struct put *put);

/* Takes over the exchange. NULL, refused, if it cannot begin. */
struct service_upload *upload_new(struct exchange *exchange, const struct put *put,
                                  const struct digests *expected);
/* Adds the body that was collected, if there is one, and ends it; `exchange` gets the answer. */
void upload_complete(struct service_upload *upload, struct exchange *exchange);

/* Goes on with the upload that the route names, at `offset`, or where it is (NULL). Refuses. */
struct service_upload *upload_continue(struct exchange *exchange, enum upload_kind kind,
                                       const uint64_t *offset);
void upload_release(struct service_upload *upload);
/* Makes one for the route's repository; its name in `id`, which the route refers to. 0 or -errno.
 */
int upload_create(struct exchange *exchange, char id[UPLOAD_ID_SIZE + 1]);
/* Whether the route's upload exists and is this repository's; its size. Refuses. */
bool upload_find(struct exchange *exchange, char id[STORE_ID_MAX + 1], uint64_t *size);
/* Removes it, and answers. */
void upload_delete(struct exchange *exchange, const char *id);
/* Removes its record when it has become something else. */
void upload_forget(struct exchange *exchange);

/* oci_blobs.c: a part has come, the blob is complete. */
void finish_oci_part(struct exchange *exchange, uint64_t size);
void finish_oci_blob(struct exchange *exchange, struct stage *stage, const uint8_t *wanted);

/* trees.c: the node is complete. */
void finish_tree(struct exchange *exchange, struct stage *stage, const struct put *put,
                 const struct digests *expected);
