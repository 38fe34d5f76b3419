/* SPDX-License-Identifier: Apache-2.0 */
/* Steps over a network that fail for reasons that may pass. Keep side. */
#pragma once

#include "base/err.h"

#include <stdbool.h>

/* Whether an answer of HTTP may be another one soon: 429, 502, 503, 504. Steps return -EBUSY for
 * it. */
bool again_is_worth_http(unsigned status);

/* Takes the step, up to four times, 1, 2 and 4 seconds apart, while it fails because somebody
 * cannot be reached, is too busy, or breaks off. Returns what the last attempt did. */
__attribute__((warn_unused_result)) int again(int (*step)(void *context, struct err *err),
                                              void *context, struct err *err);
