/* SPDX-License-Identifier: Apache-2.0 */
/* What compressors and matchers get to read: words, the short and frequent ones first, in lines
 * with numbers and addresses between them. The same text on each machine. */
#pragma once

#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_WORDS = 4096 };

static size_t text_word(uint64_t *state, char *word)
{
    size_t length = 2 + next_random(state) % 8;
    for (size_t i = 0; i < length; i++) {
        uint32_t at = next_random(state) % 26;
        word[i] = "etaoinshrdlucmfwypvbgkjqxz"[at * (next_random(state) % 26) / 26];
    }
    return length;
}

/* One word, number or address, at most 64 bytes; returns how many. */
static size_t text_piece(uint64_t *state, char words[TEXT_WORDS][16], char *out)
{
    uint32_t kind = next_random(state) % 64;
    uint32_t number = next_random(state);
    uint32_t at = next_random(state) % TEXT_WORDS;
    at = at * (next_random(state) % TEXT_WORDS) / TEXT_WORDS;
    const char *word = words[at];
    if (kind == 0)
        return (size_t)snprintf(out, 64, "%u ", number);
    if (kind == 1)
        return (size_t)snprintf(out, 64, "%s.%s@%s.org ", word, words[at / 2], words[at / 3]);
    if (kind == 2)
        return (size_t)snprintf(out, 64, "2%03u-%02u-%02u\n", number % 1000, 1 + number / 1000 % 12,
                                1 + number / 12000 % 28);
    return (size_t)snprintf(out, 64, "%s%s", word, kind < 8 ? ",\n" : " ");
}

/* size bytes of text and a zero; the caller frees them. */
static inline char *text_new(size_t size)
{
    static char words[TEXT_WORDS][16];
    uint64_t state = 1;
    for (size_t i = 0; i < TEXT_WORDS; i++)
        words[i][text_word(&state, words[i])] = 0;
    char *text = malloc(size + 64);
    for (size_t used = 0; text && used < size;)
        used += text_piece(&state, words, text + used);
    if (text)
        text[size] = 0;
    return text;
}
