/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A line on stderr that says how far a transfer is: only on a terminal, and only for what takes
 * longer than PROGRESS_DELAY_MS. Begins as zeros.
 */
#pragma once

#include "drawbridge/client/local_tree.h"

enum { PROGRESS_DELAY_MS = 300, PROGRESS_INTERVAL_MS = 100 };

struct progress {
    int64_t started, shown; /* milliseconds of the monotonic clock; 0: not yet */
    bool visible;
};

/* What feeds it. */
struct package_watch progress_watch(struct progress *progress);
/* Takes the line away. */
void progress_end(struct progress *progress);
