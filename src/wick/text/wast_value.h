/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values in scripts: arguments of actions, and the patterns that results are compared with.
 */
#pragma once

#include "wick.h"
#include "wick/text/parser.h"

/* `(i32.const 1)`, `(ref.null func)`, `(ref.extern 1)` …; the cursor is at the parenthesis. The
 * host reference N is represented as the pointer N + 1. */
wick_val_t wast_value_parse(struct parser *parser);

/* Compares a value with the pattern at the cursor, and steps over it. False for any pattern after a
 * failure of the parser. */
bool wast_value_matches(struct parser *parser, const wick_val_t *value);

/* Writes a value in the text format; as snprintf(). */
int wast_value_print(const wick_val_t *value, char *buffer, size_t size);
