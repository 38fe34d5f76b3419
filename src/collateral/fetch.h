/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Collateral from the vendors' services, or from a mirror, into a directory. Host side; blocks.
 *
 * A request that fails, or is answered with 429 or 5xx, is made again: after the time that
 * Retry-After says, else after pauses that double. Requests follow each other with an interval in
 * between, because the services limit who asks often.
 */
#pragma once

#include "collateral/store.h"
#include "http/client.h"

enum {
    COLLATERAL_BODY_MAX = 1 << 20,
    COLLATERAL_SECONDS = 30,
    COLLATERAL_ATTEMPTS = 5,
    COLLATERAL_PAUSE_MS = 1000,
    COLLATERAL_INTERVAL_MS = 500,
    COLLATERAL_RETRY_AFTER_MAX = 120, /* seconds; who asks for more is not waited for */
};

struct collateral_source {
    struct http_client *client;
    const char *base; /* NULL: the vendors' services */
    const char *directory;
    int64_t time; /* as of which answers are judged */
    unsigned attempts, pause_ms, interval_ms;
    int64_t last; /* milliseconds of the monotonic clock: the last request; internal */
};

/* Fetches an item and keeps it. -ENOENT if the service does not have it; otherwise errors of the
 * connection, and of collateral_store. */
__attribute__((warn_unused_result)) int collateral_fetch(struct collateral_source *source,
                                                         const struct collateral_item *item,
                                                         struct err *err);

/* Fetches again whatever of the directory changes with time, the list of Intel's root first. Goes
 * on after failures, which are logged; returns the first. *fetched is how many are fresh. */
__attribute__((warn_unused_result)) int collateral_refresh(struct collateral_source *source,
                                                           unsigned *fetched, struct err *err);

/* Opens a client for the services, with the roots of a PEM file, or of the system if `bundle` is
 * NULL. */
struct collateral_connection {
    struct crypto_tls_context *tls;
    struct http_client *client;
};
__attribute__((warn_unused_result)) int
collateral_connect(const char *bundle, struct collateral_connection *connection, struct err *err);
void collateral_disconnect(struct collateral_connection *connection);
