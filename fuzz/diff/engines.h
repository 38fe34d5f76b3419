/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs generated modules in libwick's engines and writes down what can be seen of them: a
 * transcript of a line for each exported function, for each exported global and for the memory.
 * v8.mjs writes the same.
 */
#pragma once

#include "base/span.h"

#include <wick.h>

enum { TRANSCRIPT_SIZE = 1024, ENGINES_MAX = 8 };

/* False if this build has no such engine. A module that is refused is in the transcript too. */
bool transcript_write(enum wick_engine engine, struct span module,
                      char transcript[static TRANSCRIPT_SIZE]);

/* Whether all engines that this build has write the same, which is then in `transcript`. */
bool engines_agree(struct span module, char transcript[static TRANSCRIPT_SIZE],
                   char other[static TRANSCRIPT_SIZE]);
