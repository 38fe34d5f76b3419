/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs generated modules in libwick's engines and writes down what can be seen of them: a
 * transcript of a line for each exported function, for each exported global and for the memory.
 * v8.mjs writes the same.
 */
#pragma once

#include "base/span.h"

#include <wick.h>

enum { TRANSCRIPT_SIZE = 1024 };

/* False if this machine cannot run the engine. `guard` and
 * `baseline`: see wick_config_set_guard and wick_config_set_baseline. A module that is
 * refused is in the transcript too. */
bool transcript_write(enum wick_engine engine, bool guard, bool baseline, struct span module,
                      char transcript[static TRANSCRIPT_SIZE]);

/* Whether the interpreter and the compiler, with and without guards and newer
 * instruction sets, write the same, which is then
 * in `transcript`. */
bool engines_agree(struct span module, char transcript[static TRANSCRIPT_SIZE],
                   char other[static TRANSCRIPT_SIZE]);
