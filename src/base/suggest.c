// SPDX-License-Identifier: Apache-2.0
#include "base/suggest.h"

#include <stdint.h>
#include <string.h>

enum { WORD_MAX = 63 };

static unsigned minimum(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

/* Optimal string alignment distance, three rows at a time. */
static unsigned distance(const char *a, size_t a_size, const char *b, size_t b_size)
{
    uint8_t rows[3][WORD_MAX + 1];
    for (size_t j = 0; j <= b_size; j++)
        rows[0][j] = (uint8_t)j;
    for (size_t i = 1; i <= a_size; i++) {
        uint8_t *row = rows[i % 3], *up = rows[(i + 2) % 3], *up2 = rows[(i + 1) % 3];
        row[0] = (uint8_t)i;
        for (size_t j = 1; j <= b_size; j++) {
            unsigned cost = a[i - 1] != b[j - 1];
            unsigned best = minimum(up[j] + 1U, row[j - 1] + 1U);
            best = minimum(best, up[j - 1] + cost);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                best = minimum(best, up2[j - 2] + 1U);
            row[j] = (uint8_t)best;
        }
    }
    return rows[a_size % 3][b_size];
}

const char *suggest(const char *typed, const char *const *words, size_t count)
{
    size_t size = strnlen(typed, WORD_MAX + 1);
    if (size > WORD_MAX)
        return NULL;
    const char *nearest = NULL;
    unsigned best = (unsigned)(size + 2) / 3 + 1;
    for (size_t i = 0; i < count; i++) {
        size_t word_size = words[i] ? strnlen(words[i], WORD_MAX + 1) : WORD_MAX + 1;
        if (word_size > WORD_MAX)
            continue;
        unsigned edits = distance(typed, size, words[i], word_size);
        if (edits < best && edits < word_size) {
            best = edits;
            nearest = words[i];
        }
    }
    return nearest;
}
