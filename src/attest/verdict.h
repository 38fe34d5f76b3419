/* SPDX-License-Identifier: Apache-2.0 */
/* How the parts of libattest say what they found. Internal. */
#pragma once

#include "attest.h"
#include "base/span.h"

#define refuse(verdict, constant, ...) verdict_refuse(verdict, ATTEST_##constant, __VA_ARGS__)

/* Records a refusal with its sentence; returns -EACCES. */
__attribute__((format(printf, 3, 4))) int
verdict_refuse(struct attest_verdict *verdict, enum attest_code code, const char *format, ...);
__attribute__((format(printf, 2, 3))) void verdict_warn(struct attest_verdict *verdict,
                                                        const char *format, ...);

/* Texts contain what evidence says, and may end on a terminal: graphic ASCII and blanks only. */
void verdict_sanitise(char *text);

/* Something that is valid between two moments was used. */
void verdict_window(struct attest_verdict *verdict, int64_t from, int64_t until);

/* Hexadecimal text of bytes for a sentence, at most 64 bytes of them. */
struct hex {
    char text[130];
};
struct hex hex_of(const void *data, size_t size);

static inline struct span span_from(struct attest_bytes bytes)
{
    return span_of(bytes.data, bytes.size);
}

static inline bool is_zero(const uint8_t *bytes, size_t size)
{
    uint8_t any = 0;
    for (size_t i = 0; i < size; i++)
        any |= bytes[i];
    return any == 0;
}

/* Whether a list has this value of `size` bytes. */
bool list_has(const struct attest_list *list, const uint8_t *value, size_t size);
/* The same for a list that allows everything when empty. */
static inline bool list_allows(const struct attest_list *list, const uint8_t *value, size_t size)
{
    return list->count == 0 || list_has(list, value, size);
}
bool strings_have(const struct attest_strings *strings, struct span value);
