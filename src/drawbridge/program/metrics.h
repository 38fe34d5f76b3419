/* SPDX-License-Identifier: Apache-2.0 */
/* What a Drawbridge counts, in the text format of Prometheus. Nothing that a client chose is in it.
 * Written by the thread that has it, read by any. */
#pragma once

#include "base/text.h"
#include "drawbridge/program/provider.h"
#include "drawbridge/route.h"
#include "http/server.h"

enum { METRICS_STATUSES = 600, METRICS_TEXT_MAX = 64 * 1024 };

struct metrics {
    uint64_t answers[METRICS_STATUSES], routes[ROUTE_KINDS];
    uint64_t uploaded; /* bytes of bodies that went to the store */
    struct http_server_stats server;
};

struct care_stats {
    uint64_t runs, failed, removed;
};

void metrics_count(struct metrics *metrics, unsigned status, enum route_kind kind);
/* Adds what one thread counted to the sum of all. */
void metrics_add(struct metrics *sum, const struct metrics *metrics);
void metrics_write(const struct metrics *sum, const struct provider_stats *provider,
                   const struct care_stats *care, struct text *text);
