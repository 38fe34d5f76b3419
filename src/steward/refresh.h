/* SPDX-License-Identifier: Apache-2.0 */
/* Fetches a Steward's collateral again from time to time, in a process of its own, because it has
 * to wait for services. Host side. */
#pragma once

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct refresh {
    unsigned hours; /* between two rounds; 0: never */
    const char *directory;
    const char *service; /* or NULL */
    const char *bundle;  /* or NULL */
    int64_t fixed_time;  /* as of which to judge; 0: now */
    int64_t next;        /* seconds of the monotonic clock; internal */
    pid_t child;         /* 0: none; internal */
};

/* Begins a round when it is time, and looks whether one has ended: true if something is fresh.
 * `now` is in seconds of the monotonic clock. */
bool refresh_step(struct refresh *refresh, int64_t now);
/* Ends a round that is going on. */
void refresh_end(struct refresh *refresh);
