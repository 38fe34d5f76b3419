/* SPDX-License-Identifier: Apache-2.0 */
/* What --timings prints: how long each phase of a run took. Host side. */
#pragma once

#include "exec/message.h"
#include "keep/backend.h"

struct timings {
    uint64_t began; /* the command began */
    struct keep_times keep;
    struct message_report exec; /* as the Keep says: not trusted, only printed */
    uint64_t ended;
};

/* CLOCK_MONOTONIC in nanoseconds. */
uint64_t timings_now(void);

/* Prints one line a phase on stderr, in microseconds; or a JSON object. */
void timings_print(const struct timings *timings, const char *backend, bool json);
