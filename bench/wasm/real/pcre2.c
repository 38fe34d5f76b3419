// SPDX-License-Identifier: Apache-2.0
/* PCRE2 without its own compiler to machine code: patterns counted over text. */
#include "text.h"

#include <pcre2.h>

enum { SIZE = 1 << 20 };

static const char *const patterns[] = {
    "[a-z]+\\.[a-z]+@[a-z]+\\.org",
    "\\b(\\d{4})-(\\d\\d)-(\\d\\d)\\b",
    "(?i)\\b(the|and|ten|eat|tea)\\w*",
    "([a-z])\\1[a-z]*([a-z])\\2",
    "(?<=, )?\\w+(?=,\\n)",
    "\\b[^aeiou\\W]+\\b",
};

/* The places where the pattern matches, as a checksum of their borders. */
static uint64_t matches(const char *pattern, const char *text)
{
    int error;
    PCRE2_SIZE where;
    pcre2_code *code =
        pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED, 0, &error, &where, NULL);
    if (!code)
        abort();
    pcre2_match_data *data = pcre2_match_data_create_from_pattern(code, NULL);
    PCRE2_SIZE at = 0;
    uint64_t sum = 0;
    while (pcre2_match(code, (PCRE2_SPTR)text, SIZE, at, 0, data, NULL) > 0) {
        const PCRE2_SIZE *border = pcre2_get_ovector_pointer(data);
        sum = (sum ^ border[0] ^ ((uint64_t)border[1] << 24)) * 0x100000001b3u;
        at = border[1] > border[0] ? border[1] : border[1] + 1;
    }
    pcre2_match_data_free(data);
    pcre2_code_free(code);
    return sum;
}

uint64_t kernel(void)
{
    char *text = text_new(SIZE);
    if (!text)
        abort();
    uint64_t sum = 0;
    for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++)
        sum = sum * 31 + matches(patterns[i], text);
    return sum;
}
