/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tokens of the WebAssembly text format (specification 3.0, section 6.3).
 *
 * The whole text is cut into tokens at once. White space, comments and annotations leave none; the
 * annotations that mean something to the module parser are listed apart.
 * Tokens point into the text, which must outlive them; literals are interpreted by whoever knows
 * what is expected (number.h). An opening parenthesis knows its closing one, so that a parser can
 * step over a form.
 */
#pragma once

#include "base/err.h"
#include "base/span.h"

enum token_kind {
    TOKEN_END, /* the last token, always present */
    TOKEN_OPEN,
    TOKEN_CLOSE,
    TOKEN_STRING, /* with its quotes; escapes are valid */
    TOKEN_ID,     /* with its dollar sign, perhaps quoted; not empty */
    TOKEN_WORD,   /* keyword, number or anything reserved */
};

struct token {
    enum token_kind kind;
    uint32_t offset; /* of the first byte in the text */
    uint32_t size;
    uint32_t close; /* TOKEN_OPEN: index of the matching TOKEN_CLOSE, or of TOKEN_END */
};

/* `(@custom …)`, `(@name …)` or `(@metadata.code.branch_hint …)` */
struct annotation {
    struct span name;    /* without the at sign */
    struct span content; /* between name and closing parenthesis */
    uint32_t token;      /* index of the token that comes next */
};

struct token_list {
    struct token *items;            /* owned */
    uint32_t count;                 /* including TOKEN_END */
    struct annotation *annotations; /* owned, in the order of the text */
    uint32_t annotation_count;
};

/* Cuts `text` (UTF-8, below 1 GiB) into tokens. Returns 0 or -errno with `err` filled:
 * "LINE:COLUMN: malformed UTF-8 encoding", "illegal character", "unclosed string", "empty
 * identifier" … On success release the list with lexer_fini(). */
__attribute__((warn_unused_result)) int lexer_run(struct span text, struct token_list *list,
                                                  struct err *err);
void lexer_fini(struct token_list *list);

/* Decodes the escapes of a valid string token (with its quotes) into `out`, which has room for
 * `string.size` bytes. Returns the number of bytes. */
size_t lexer_decode_string(struct span string, uint8_t *out);

/* One-based line and column (in bytes) of an offset. */
struct text_position {
    unsigned line, column;
};
struct text_position lexer_position(struct span text, size_t offset);

/* Is it well-formed UTF-8 (Unicode scalar values only)? */
bool utf8_valid(struct span text);
