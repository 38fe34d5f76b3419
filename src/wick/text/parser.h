/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A cursor over the tokens of a text, shared by the parsers of modules (module.h) and of scripts
 * (wast.h).
 *
 * The first failure fills `err`, sets `failed` and moves the cursor to the end. From then on every
 * function returns a neutral value (0, false, an empty span), so that callers need to look at
 * `failed` only where they finish; a loop must end at a token that it does not expect.
 */
#pragma once

#include "wick/text/arena.h"
#include "wick/text/lexer.h"

/* Nesting deeper than this (folded instructions) is refused. */
enum { PARSER_DEPTH_LIMIT = 3000 };

struct parser {
    struct span text;
    struct token_list tokens;
    uint32_t at;
    bool failed;
    int status; /* 0, or the -errno that a failed parse returns */
    unsigned depth;
    struct text_arena arena;
    struct err *err;
};

/* Cuts the text into tokens and puts the cursor on the first. `text` and `err` must outlive the
 * parser. Returns 0 or -errno with `err` filled; release with parser_fini() in either case. */
__attribute__((warn_unused_result)) int parser_init(struct parser *parser, struct span text,
                                                    struct err *err);
void parser_fini(struct parser *parser);

/* ---- failure ---- */

/* "LINE:COLUMN: message" at the given token. */
__attribute__((format(printf, 3, 4))) void parser_fail_at(struct parser *parser, uint32_t token,
                                                          const char *format, ...);
/* The current token does not fit: `unknown operator "x"` if it is not a word of the language, else
 * `unexpected token "x", expected …`. */
void parser_unexpected(struct parser *parser, const char *expected);
void parser_out_of_memory(struct parser *parser);

/* ---- memory ---- */

/* Zeroed memory that lives as long as the parser; NULL after a failure. */
void *parser_alloc(struct parser *parser, size_t size);
/* Makes room for one more item in an array on the arena. Returns the array, perhaps moved; NULL
 * after a failure (the old one stays valid). */
void *parser_grow(struct parser *parser, void *items, uint32_t count, uint32_t *capacity,
                  size_t item_size);

/* ---- looking ---- */

const struct token *parser_peek(const struct parser *parser, uint32_t ahead);
struct span parser_token_text(const struct parser *parser, const struct token *token);
bool parser_token_is(const struct parser *parser, const struct token *token, const char *word);
bool parser_at_word(const struct parser *parser, const char *word);
/* At `(word`? */
bool parser_at_open(const struct parser *parser, const char *word);
/* At `(`, whatever follows? */
bool parser_at_form(const struct parser *parser);
bool parser_at_string(const struct parser *parser);
/* Is the token `ahead` an identifier or a number without a sign? */
bool parser_at_index(const struct parser *parser, uint32_t ahead);

/* ---- taking ---- */

const struct token *parser_take(struct parser *parser);
bool parser_accept_word(struct parser *parser, const char *word);
bool parser_accept_open(struct parser *parser, const char *word);
bool parser_accept_close(struct parser *parser);
void parser_expect_open(struct parser *parser, const char *word);
void parser_expect_close(struct parser *parser);
/* Steps over a whole form; the cursor is at its opening parenthesis. */
void parser_skip_form(struct parser *parser);

/* An identifier without its dollar sign, escapes decoded; false and an empty span if there is
 * none. */
bool parser_accept_id(struct parser *parser, struct span *out);
/* A string's bytes. A name is a string of well-formed UTF-8. */
struct span parser_string(struct parser *parser);
struct span parser_name(struct parser *parser);
/* All strings up to the next other token, joined. */
struct span parser_strings(struct parser *parser);

/* Numbers: see number.h. `expected` words the failure. */
uint64_t parser_unsigned(struct parser *parser, unsigned bits, const char *expected);
uint64_t parser_integer(struct parser *parser, unsigned bits);
uint64_t parser_float(struct parser *parser, unsigned bits);

/* ---- depth ---- */

/* Enters a nested form; false (failed) beyond the limit. Pair with parser_leave(). */
bool parser_enter(struct parser *parser);
void parser_leave(struct parser *parser);
