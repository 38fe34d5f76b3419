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

/* How a module is run; see the functions of <wick.h> by the same names. */
struct way {
    enum wick_engine engine;
    bool guard, baseline, heap_stress;
};

/* False if this machine cannot run the engine. A module that is refused is in the transcript too.
 */
bool transcript_write(struct way way, struct span module, char transcript[static TRANSCRIPT_SIZE]);

/* Whether the interpreter and the compiler in its ways write the same, which is then in
 * `transcript`; what another one wrote in `other`. */
bool engines_agree(struct span module, char transcript[static TRANSCRIPT_SIZE],
                   char other[static TRANSCRIPT_SIZE]);
