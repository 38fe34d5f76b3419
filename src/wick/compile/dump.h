/* SPDX-License-Identifier: Apache-2.0 */
/* The compiler's forms as text, for people: `wick dump`. */
#pragma once

#include "wick/compile/emitted.h"

#include <stdio.h>

/* One line an instruction: "  v12 = i32.add v3, v4". */
void dump_graph(const struct graph *graph, FILE *stream);
/* One line for each place that leads back to WebAssembly, with the bytes before the next. */
void dump_code(const struct graph *graph, const struct emitted *emitted, FILE *stream);
