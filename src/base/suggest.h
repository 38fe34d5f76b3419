/* SPDX-License-Identifier: Apache-2.0 */
/* "Did you mean …?": the known word that a mistyped one most resembles. No allocation. */
#pragma once

#include <stddef.h>

/*
 * The word of words[0…count) nearest to `typed` (NUL-terminated; NULL entries are skipped),
 * counting insertions, deletions, replacements and swaps of neighbours. NULL if none is near enough
 * to be meant: at most one edit for each three characters. Words longer than 63 bytes match
 * nothing.
 */
const char *suggest(const char *typed, const char *const *words, size_t count);
