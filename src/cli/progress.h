/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A line on stderr that says how far a transfer is: only on a terminal, and only for what takes
 * longer than PROGRESS_DELAY_MS. Begins as zeros.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum { PROGRESS_DELAY_MS = 300, PROGRESS_INTERVAL_MS = 100 };

struct progress {
    int64_t started, shown; /* milliseconds of the monotonic clock; 0: not yet */
    bool visible;
};

/* `name` has only characters that a terminal shows. */
void progress_show(struct progress *progress, const char *name, uint64_t done, uint64_t total);
/* Takes the line away. */
void progress_end(struct progress *progress);
