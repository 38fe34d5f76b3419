/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Valid WebAssembly modules from arbitrary bytes, for running the same program in several engines.
 *
 * Each byte is a choice; where they end, the simplest is taken, so that every string gives a
 * module. The programs always end: loops and calls use up a global, and trap when it is 0. Their
 * results do not depend on the engine: what could be a NaN of any bits becomes the canonical one,
 * and nothing that may fail for want of memory is asked for.
 *
 * A module exports "run0", "run1" …, functions without parameters or results, the memory "memory"
 * and the globals "i32", "i64", "f32" and "f64". Other state is copied to the memory by "finish".
 */
#pragma once

#include "wick/text/bytes.h"

enum { GENERATED_RUNS = 4 };

/* Appends a module to `out`. */
void module_generate(struct span choices, struct bytes *out);

/* Fills `choices` from a seed, always with the same bytes. */
void choices_from_seed(uint64_t seed, uint8_t *choices, size_t size);
