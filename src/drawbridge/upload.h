/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies on their way into the store. Internal to the service. */
#pragma once

#include "drawbridge/exchange.h"

enum { UPLOAD_ID_SIZE = 32 };

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
    bool patch;   /* a part of a resumable upload */
    int status;   /* of the store */
};

/* If the request names a resumable upload ("Drawbridge-Upload"), its body is what was uploaded:
 * puts its length into *put. Refuses if there is none. */
bool upload_resolve(struct exchange *exchange, struct put *put);

/* Takes over the exchange. NULL, refused, if it cannot begin. */
struct service_upload *upload_new(struct exchange *exchange, const struct put *put,
                                  const struct digests *expected);
/* Adds the body that was collected, if there is one, and ends it; `exchange` gets the answer. */
void upload_complete(struct service_upload *upload, struct exchange *exchange);

/* trees.c: the node is complete. */
void finish_tree(struct exchange *exchange, struct stage *stage, const struct put *put,
                 const struct digests *expected);
