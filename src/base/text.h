/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text built piece by piece in a caller's buffer, with one check at the end.
 *
 *     char buffer[256];
 *     struct text text = text_init(buffer, sizeof(buffer));
 *     text_printf(&text, "%d files", count);
 *     text_add_quoted(&text, name);
 *     if (text.overflow)
 *         …
 *
 * What does not fit is cut and remembered in `overflow`. The buffer is always NUL-terminated.
 */
#pragma once

#include "base/span.h"

struct text {
    char *data;
    size_t capacity; /* bytes of the buffer, at least 1 */
    size_t size;     /* bytes used, without the NUL */
    bool overflow;
};

struct text text_init(char *buffer, size_t capacity);
void text_add(struct text *text, const char *string);
void text_add_span(struct text *text, struct span span);
__attribute__((format(printf, 2, 3))) void text_printf(struct text *text, const char *format, ...);

/* A quoted string that both JSON (RFC 8259) and TOML 1.0 read back unchanged. `string` is UTF-8; a
 * byte that is not becomes U+FFFD. */
void text_add_quoted(struct text *text, const char *string);

/* The text as bytes; borrowed. */
static inline struct span text_span(const struct text *text)
{
    return span_of(text->data, text->size);
}
