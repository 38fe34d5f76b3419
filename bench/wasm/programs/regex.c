// SPDX-License-Identifier: Apache-2.0
/* A backtracking matcher of regular expressions (. * + ? ^ $ [a-z]) over generated text. */
#include "bench.h"

enum { SIZE = 1 << 16, ROUNDS = 8 };
static char text[SIZE + 1];

static const char *class_end(const char *pattern)
{
    if (*pattern != '[')
        return pattern + 1;
    while (*pattern != ']')
        pattern++;
    return pattern + 1;
}

static int fits(const char *pattern, char c)
{
    if (c == '\0' || c == '\n')
        return 0;
    if (*pattern == '.')
        return 1;
    if (*pattern != '[')
        return *pattern == c;
    for (pattern++; *pattern != ']'; pattern++) {
        if (pattern[1] == '-') {
            if (c >= pattern[0] && c <= pattern[2])
                return 1;
            pattern += 2;
        } else if (*pattern == c) {
            return 1;
        }
    }
    return 0;
}

static const char *match(const char *pattern, const char *at);

static NOINLINE const char *match_repeat(const char *item, const char *rest, const char *at,
                                         int least, int most)
{
    int count = 0;
    while (count < most && fits(item, at[count]))
        count++;
    for (; count >= least; count--) {
        const char *end = match(rest, at + count);
        if (end)
            return end;
    }
    return NULL;
}

static const char *match(const char *pattern, const char *at)
{
    for (;;) {
        if (*pattern == '\0')
            return at;
        if (*pattern == '$' && pattern[1] == '\0')
            return *at == '\n' || *at == '\0' ? at : NULL;
        const char *rest = class_end(pattern);
        switch (*rest) {
        case '*':
            return match_repeat(pattern, rest + 1, at, 0, SIZE);
        case '+':
            return match_repeat(pattern, rest + 1, at, 1, SIZE);
        case '?':
            return match_repeat(pattern, rest + 1, at, 0, 1);
        default:
            if (!fits(pattern, *at))
                return NULL;
            pattern = rest;
            at++;
        }
    }
}

static NOINLINE uint64_t count(const char *pattern)
{
    uint64_t found = 0;
    for (const char *at = text; *at;) {
        const char *end = match(pattern, at);
        if (end && end > at) {
            found += 65536 + (uint64_t)(end - at);
            at = end;
        } else {
            at++;
        }
    }
    return found;
}

uint64_t kernel(void)
{
    static const char *const patterns[] = {"[a-z]+ing",       "[a-e]*x[0-9]?",  ".*the.*end$",
                                           "[A-Za-z]+[0-9]+", "q[^u]?[aeiou]+", "a.?b.?c"};
    uint64_t random = 3, sum = 0;
    for (int i = 0; i < SIZE; i++)
        text[i] = "eeettaaoinshrdlucmfw ypvbgk jqxz  ingthe0123 end\n"[next_random(&random) % 49];
    for (int round = 0; round < ROUNDS; round++) {
        text[round * 31] = 'q'; /* so that no round repeats another */
        for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++)
            sum = sum * 31 + count(patterns[i]);
    }
    return sum;
}
