// SPDX-License-Identifier: Apache-2.0
#include "wick/text/parser.h"

#include "wick/text/number.h"
#include "wick/text/ops.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Words of the language that are neither instructions nor numbers; only used to tell "unknown
 * operator" from "unexpected token". */
static const char *const keywords[] = {
    // clang-format off
    "any", "anyref", "array", "arrayref", "binary", "catch_all_ref", "catch_ref", "data",
    "declare", "definition", "do", "elem", "eq", "eqref", "exn", "exnref", "export", "extern",
    "externref", "f32", "f32x4", "f64", "f64x2", "field", "final", "func", "funcref", "global",
    "i16", "i16x8", "i31", "i31ref", "i32", "i32x4", "i64", "i64x2", "i8", "i8x16", "import",
    "instance", "item", "local", "memory", "module", "mut", "nan:arithmetic", "nan:canonical",
    "noexn", "noextern", "nofunc", "none", "null", "nullexnref", "nullexternref", "nullfuncref",
    "nullref", "offset", "param", "quote", "rec", "ref", "result", "shared", "start", "struct",
    "structref", "sub", "table", "tag", "then", "type", "v128",
    // clang-format on
};

int parser_init(struct parser *parser, struct span text, struct err *err)
{
    *parser = (struct parser){.text = text, .err = err};
    return lexer_run(text, &parser->tokens, err);
}

void parser_fini(struct parser *parser)
{
    lexer_fini(&parser->tokens);
    text_arena_fini(&parser->arena);
}

/* ---- failure ---- */

static void give_up(struct parser *parser, int status)
{
    parser->failed = true;
    parser->status = status;
    parser->at = parser->tokens.count - 1;
}

__attribute__((format(printf, 3, 4))) void parser_fail_at(struct parser *parser, uint32_t token,
                                                          const char *format, ...)
{
    if (parser->failed)
        return;
    char message[512];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    struct text_position position =
        lexer_position(parser->text, parser->tokens.items[token].offset);
    give_up(parser, err_set(parser->err, ERR_MODULE, 0, "%u:%u: %s", position.line, position.column,
                            message));
}

void parser_out_of_memory(struct parser *parser)
{
    if (!parser->failed)
        give_up(parser, err_set(parser->err, ERR_LIMIT, ENOMEM, "parse the text"));
}

/* Such as `offset=8`. */
static bool is_setting(struct span text, const char *key)
{
    size_t size = strlen(key);
    if (text.size < size || memcmp(text.data, key, size) != 0)
        return false;
    uint64_t ignored;
    struct span number = span_of(text.data + size, text.size - size);
    return number_unsigned(number, 64, &ignored) != NUMBER_MALFORMED;
}

static bool is_known(const struct parser *parser, const struct token *token)
{
    struct span text = parser_token_text(parser, token);
    if (ops_find(text) || number_is_literal(text))
        return true;
    for (size_t i = 0; i < sizeof(keywords) / sizeof(keywords[0]); i++) {
        if (span_equal(text, span_of(keywords[i], strlen(keywords[i]))))
            return true;
    }
    return is_setting(text, "offset=") || is_setting(text, "align=");
}

void parser_unexpected(struct parser *parser, const char *expected)
{
    const struct token *token = parser_peek(parser, 0);
    if (token->kind == TOKEN_END) {
        parser_fail_at(parser, parser->at, "unexpected token: end of the text, expected %s",
                       expected);
        return;
    }
    struct span text = parser_token_text(parser, token);
    int shown = (int)(text.size < 64 ? text.size : 64);
    bool unknown = token->kind == TOKEN_WORD && !is_known(parser, token);
    if (unknown)
        parser_fail_at(parser, parser->at, "unknown operator %.*s", shown, (const char *)text.data);
    else
        parser_fail_at(parser, parser->at, "unexpected token %.*s, expected %s", shown,
                       (const char *)text.data, expected);
}

/* ---- memory ---- */

void *parser_alloc(struct parser *parser, size_t size)
{
    if (parser->failed)
        return NULL;
    void *result = text_arena_alloc(&parser->arena, size);
    if (!result)
        parser_out_of_memory(parser);
    return result;
}

void *parser_grow(struct parser *parser, void *items, uint32_t count, uint32_t *capacity,
                  size_t item_size)
{
    if (count < *capacity)
        return items;
    uint32_t larger = *capacity ? *capacity * 2 : 8;
    void *moved = parser_alloc(parser, (size_t)larger * item_size);
    if (!moved)
        return NULL;
    if (count > 0)
        memcpy(moved, items, (size_t)count * item_size);
    *capacity = larger;
    return moved;
}

/* ---- looking ---- */

const struct token *parser_peek(const struct parser *parser, uint32_t ahead)
{
    uint32_t last = parser->tokens.count - 1;
    uint32_t index = last - parser->at > ahead ? parser->at + ahead : last;
    return &parser->tokens.items[index];
}

struct span parser_token_text(const struct parser *parser, const struct token *token)
{
    return span_of(parser->text.data + token->offset, token->size);
}

bool parser_token_is(const struct parser *parser, const struct token *token, const char *word)
{
    return token->kind == TOKEN_WORD &&
           span_equal(parser_token_text(parser, token), span_of(word, strlen(word)));
}

bool parser_at_word(const struct parser *parser, const char *word)
{
    return parser_token_is(parser, parser_peek(parser, 0), word);
}

bool parser_at_open(const struct parser *parser, const char *word)
{
    return parser_at_form(parser) && parser_token_is(parser, parser_peek(parser, 1), word);
}

bool parser_at_form(const struct parser *parser)
{
    return parser_peek(parser, 0)->kind == TOKEN_OPEN;
}

bool parser_at_string(const struct parser *parser)
{
    return parser_peek(parser, 0)->kind == TOKEN_STRING;
}

bool parser_at_index(const struct parser *parser, uint32_t ahead)
{
    const struct token *token = parser_peek(parser, ahead);
    if (token->kind == TOKEN_ID)
        return true;
    uint64_t ignored;
    return token->kind == TOKEN_WORD &&
           number_unsigned(parser_token_text(parser, token), 64, &ignored) != NUMBER_MALFORMED;
}

/* ---- taking ---- */

const struct token *parser_take(struct parser *parser)
{
    const struct token *token = parser_peek(parser, 0);
    if (token->kind != TOKEN_END)
        parser->at++;
    return token;
}

bool parser_accept_word(struct parser *parser, const char *word)
{
    if (!parser_at_word(parser, word))
        return false;
    parser->at++;
    return true;
}

bool parser_accept_open(struct parser *parser, const char *word)
{
    if (!parser_at_open(parser, word))
        return false;
    parser->at += 2;
    return true;
}

bool parser_accept_close(struct parser *parser)
{
    if (parser_peek(parser, 0)->kind != TOKEN_CLOSE)
        return false;
    parser->at++;
    return true;
}

void parser_expect_open(struct parser *parser, const char *word)
{
    if (parser_accept_open(parser, word))
        return;
    char expected[64];
    snprintf(expected, sizeof(expected), "(%s", word);
    if (parser_at_form(parser))
        parser->at++;
    parser_unexpected(parser, expected);
}

void parser_expect_close(struct parser *parser)
{
    if (!parser_accept_close(parser))
        parser_unexpected(parser, ")");
}

void parser_skip_form(struct parser *parser)
{
    const struct token *open = parser_peek(parser, 0);
    if (open->kind != TOKEN_OPEN) {
        parser_unexpected(parser, "(");
        return;
    }
    parser->at = open->close;
    parser_expect_close(parser);
}

static struct span decode_string(struct parser *parser, struct span quoted)
{
    if (!memchr(quoted.data, '\\', quoted.size))
        return span_of(quoted.data + 1, quoted.size - 2);
    uint8_t *out = parser_alloc(parser, quoted.size);
    return span_of(out, out ? lexer_decode_string(quoted, out) : 0);
}

bool parser_accept_id(struct parser *parser, struct span *out)
{
    *out = span_of(NULL, 0);
    const struct token *token = parser_peek(parser, 0);
    if (token->kind != TOKEN_ID)
        return false;
    parser->at++;
    struct span text = parser_token_text(parser, token);
    struct span name = span_of(text.data + 1, text.size - 1);
    *out = name.data[0] == '"' ? decode_string(parser, name) : name;
    return true;
}

struct span parser_string(struct parser *parser)
{
    if (!parser_at_string(parser)) {
        parser_unexpected(parser, "a string");
        return span_of(NULL, 0);
    }
    return decode_string(parser, parser_token_text(parser, parser_take(parser)));
}

struct span parser_name(struct parser *parser)
{
    uint32_t token = parser->at;
    struct span name = parser_string(parser);
    if (!utf8_valid(name))
        parser_fail_at(parser, token, "malformed UTF-8 encoding");
    return name;
}

struct span parser_strings(struct parser *parser)
{
    size_t size = 0;
    for (uint32_t i = 0; parser_peek(parser, i)->kind == TOKEN_STRING; i++)
        size += parser_peek(parser, i)->size;
    uint8_t *out = parser_alloc(parser, size);
    size_t used = 0;
    while (out && parser_at_string(parser)) {
        struct span quoted = parser_token_text(parser, parser_take(parser));
        used += lexer_decode_string(quoted, out + used);
    }
    return span_of(out, used);
}

/* Takes the word at the cursor if a number was found in it, else says what is wrong. */
static uint64_t finish_number(struct parser *parser, enum number_status status, uint64_t value,
                              const char *type, unsigned bits, const char *expected)
{
    if (status == NUMBER_OK) {
        parser->at++;
        return value;
    }
    if (status == NUMBER_OUT_OF_RANGE)
        parser_fail_at(parser, parser->at, "%s%u constant out of range", type, bits);
    else
        parser_unexpected(parser, expected);
    return 0;
}

/* The word at the cursor; empty, and so malformed, if the token is something else. */
static struct span word(const struct parser *parser)
{
    const struct token *token = parser_peek(parser, 0);
    return token->kind == TOKEN_WORD ? parser_token_text(parser, token) : span_of("", 0);
}

uint64_t parser_unsigned(struct parser *parser, unsigned bits, const char *expected)
{
    uint64_t value = 0;
    enum number_status status = number_unsigned(word(parser), bits, &value);
    return finish_number(parser, status, value, "i", bits, expected);
}

uint64_t parser_integer(struct parser *parser, unsigned bits)
{
    uint64_t value = 0;
    enum number_status status = number_integer(word(parser), bits, &value);
    return finish_number(parser, status, value, "i", bits, "an integer");
}

uint64_t parser_float(struct parser *parser, unsigned bits)
{
    uint64_t value = 0;
    enum number_status status = number_float(word(parser), bits, &value);
    return finish_number(parser, status, value, "f", bits, "a float");
}

/* ---- depth ---- */

bool parser_enter(struct parser *parser)
{
    if (parser->depth >= PARSER_DEPTH_LIMIT) {
        parser_fail_at(parser, parser->at, "nesting is too deep (limit %d)", PARSER_DEPTH_LIMIT);
        return false;
    }
    parser->depth++;
    return true;
}

void parser_leave(struct parser *parser)
{
    parser->depth--;
}
