/* SPDX-License-Identifier: Apache-2.0 */
/* Compiled functions as perf(1) and gdb(1) find them. */
#pragma once

#include "wick/compile/code.h"

/* Adds a line to /tmp/perf-PID.map. Who cannot write it does without. */
void debug_write_perf_map(const struct module *module, const struct code_region *region,
                          const struct code_func *func);

struct debug_object;

/* Tells gdb of a function by its JIT interface: an object file in memory with its name and how to
 * unwind it. NULL without memory. Thread-safe, also below. */
struct debug_object *debug_register(const struct module *module, const struct code_region *region,
                                    const struct code_func *func);
/* The same for a region of adapters, where backtraces end: C is on another stack. */
struct debug_object *debug_register_adapters(const struct code_region *region);
/* NULL is accepted. */
void debug_unregister(struct debug_object *object);
