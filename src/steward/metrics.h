/* SPDX-License-Identifier: Apache-2.0 */
/* What a Steward counts, in the text format of Prometheus. Nothing that a client chose is in it. */
#pragma once

#include "attest.h"
#include "base/text.h"
#include "http/server.h"

enum { METRICS_STATUSES = 600, METRICS_TEXT_MAX = 32 * 1024 };

struct metrics {
    uint64_t answers[METRICS_STATUSES]; /* by status of HTTP */
    uint64_t decisions[ATTEST_CODE_COUNT];
    struct http_server_stats server;
    int64_t certificate_end; /* of the authority: seconds since 1970 */
};

void metrics_count_answer(struct metrics *metrics, unsigned status);
void metrics_count_decision(struct metrics *metrics, enum attest_code code);
/* Writes all that is not zero. */
void metrics_write(const struct metrics *metrics, struct text *text);
