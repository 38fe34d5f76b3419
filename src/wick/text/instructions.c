// SPDX-License-Identifier: Apache-2.0
/*
 * Instructions (specification 3.0, section 6.5), plain and folded.
 *
 * Flat blocks live on the label stack, so only folded instructions recurse. A folded instruction
 * is encoded into `pending` while its operands go to the output before it.
 */
#include "wick/text/encoder.h"

#include "wick/text/immediates.h"

static bool is_structure(const struct op *op)
{
    return op->immediate >= IMMEDIATE_BLOCK;
}

static const struct op *op_at(const struct parser *parser, uint32_t ahead)
{
    const struct token *token = parser_peek(parser, ahead);
    if (token->kind != TOKEN_WORD)
        return NULL;
    return ops_find(parser_token_text(parser, token));
}

/* ---- labels ---- */

static void push_label(struct encoder *encoder, struct span name, enum label_kind kind)
{
    struct label *labels = parser_grow(encoder->parser, encoder->labels, encoder->label_count,
                                       &encoder->label_capacity, sizeof(*labels));
    if (!labels)
        return;
    encoder->labels = labels;
    labels[encoder->label_count++] = (struct label){name, kind};
}

static void pop_label(struct encoder *encoder)
{
    if (encoder->label_count > 0)
        encoder->label_count--;
}

/* The name repeated after `else` and `end` must be that of the block. */
static void check_label(struct encoder *encoder)
{
    struct parser *parser = encoder->parser;
    uint32_t token = parser->at;
    struct span name;
    if (!parser_accept_id(parser, &name) || parser->failed)
        return;
    if (!span_equal(name, encoder->labels[encoder->label_count - 1].name))
        parser_fail_at(parser, token, "mismatching label $%.*s", (int)name.size,
                       (const char *)name.data);
}

/* ---- block headers ---- */

static void put_block_type(struct encoder *encoder, struct bytes *out)
{
    struct type_use use = types_parse_use(encoder, PARAM_NAMES_REFUSED);
    const struct func_type *type = &use.inlined;
    if (use.explicit || type->params.count > 0 || type->results.count > 1)
        bytes_put_signed(out, types_resolve_use(encoder, &use));
    else if (type->results.count == 1)
        types_put_value(out, type->results.items[0]);
    else
        bytes_put_u8(out, 0x40);
}

static const struct {
    const char *word;
    bool has_tag;
} catch_clauses[] = {
    {"catch", true},
    {"catch_ref", true},
    {"catch_all", false},
    {"catch_all_ref", false},
};

enum { CATCH_COUNT = sizeof(catch_clauses) / sizeof(catch_clauses[0]) };

static bool put_catch(struct encoder *encoder, struct bytes *out)
{
    for (int i = 0; i < CATCH_COUNT; i++) {
        if (!parser_accept_open(encoder->parser, catch_clauses[i].word))
            continue;
        bytes_put_u8(out, (uint8_t)i);
        if (catch_clauses[i].has_tag)
            bytes_put_unsigned(out, encoder_index(encoder, SPACE_TAG));
        bytes_put_unsigned(out, immediates_label(encoder));
        parser_expect_close(encoder->parser);
        return true;
    }
    return false;
}

/* The number of clauses comes first, so they wait in a buffer of their own. */
static void put_catches(struct encoder *encoder, struct bytes *out)
{
    struct bytes clauses = {0};
    uint32_t count = 0;
    while (put_catch(encoder, &clauses))
        count++;
    bytes_put_unsigned(out, count);
    bytes_put_span(out, bytes_span(&clauses));
    out->failed |= clauses.failed;
    bytes_fini(&clauses);
}

static enum label_kind label_kind_of(const struct op *op)
{
    if (op->immediate == IMMEDIATE_IF)
        return LABEL_IF;
    return op->immediate == IMMEDIATE_TRY ? LABEL_TRY : LABEL_BLOCK;
}

/* Opcode, label and type of a block. The label is not in scope of the header itself. */
static struct span put_block_header(struct encoder *encoder, const struct op *op, struct bytes *out)
{
    struct span name;
    parser_accept_id(encoder->parser, &name);
    immediates_put_opcode(out, op, 0);
    put_block_type(encoder, out);
    if (op->immediate == IMMEDIATE_TRY_TABLE)
        put_catches(encoder, out);
    return name;
}

/* ---- plain instructions ---- */

static void parse_else(struct encoder *encoder, const struct op *op, struct bytes *out)
{
    immediates_put_opcode(out, op, 0);
    check_label(encoder);
    if (!encoder->parser->failed)
        encoder->labels[encoder->label_count - 1].kind = LABEL_ELSE;
}

static void parse_catch(struct encoder *encoder, const struct op *op, struct bytes *out)
{
    immediates_put_opcode(out, op, 0);
    if (op->immediate == IMMEDIATE_CATCH)
        bytes_put_unsigned(out, encoder_index(encoder, SPACE_TAG));
    else
        encoder->labels[encoder->label_count - 1].kind = LABEL_CATCH_ALL;
}

static void parse_delegate(struct encoder *encoder, const struct op *op, struct bytes *out)
{
    immediates_put_opcode(out, op, 0);
    pop_label(encoder);
    bytes_put_unsigned(out, immediates_label(encoder));
}

/* May the structural instruction stand here? `base` labels belong to the surrounding forms. */
static bool fits(const struct encoder *encoder, const struct op *op, uint32_t base)
{
    if (op->immediate == IMMEDIATE_BLOCK || op->immediate == IMMEDIATE_IF ||
        op->immediate == IMMEDIATE_TRY_TABLE || op->immediate == IMMEDIATE_TRY)
        return true;
    if (encoder->label_count <= base)
        return false;
    enum label_kind kind = encoder->labels[encoder->label_count - 1].kind;
    if (op->immediate == IMMEDIATE_END)
        return true;
    if (op->immediate == IMMEDIATE_ELSE)
        return kind == LABEL_IF;
    return kind == LABEL_TRY; /* catch, catch_all, delegate */
}

static void parse_structure(struct encoder *encoder, const struct op *op, struct bytes *out)
{
    switch (op->immediate) {
    case IMMEDIATE_ELSE:
        parse_else(encoder, op, out);
        break;
    case IMMEDIATE_END:
        immediates_put_opcode(out, op, 0);
        check_label(encoder);
        pop_label(encoder);
        break;
    case IMMEDIATE_CATCH:
    case IMMEDIATE_CATCH_ALL:
        parse_catch(encoder, op, out);
        break;
    case IMMEDIATE_DELEGATE:
        parse_delegate(encoder, op, out);
        break;
    default:
        push_label(encoder, put_block_header(encoder, op, out), label_kind_of(op));
    }
}

/* ---- folded instructions ---- */

static void parse_folded(struct encoder *encoder, struct bytes *out);

static void put_end(struct bytes *out)
{
    bytes_put_u8(out, 0x0b);
}

static void parse_folded_block(struct encoder *encoder, const struct op *op, struct bytes *out)
{
    push_label(encoder, put_block_header(encoder, op, out), LABEL_FOLDED);
    instructions_parse(encoder, out);
    pop_label(encoder);
    put_end(out);
}

/* Moves what was encoded since `mark` from the waiting instructions to the output. */
static void flush_pending(struct encoder *encoder, size_t mark, struct bytes *out)
{
    struct bytes *pending = &encoder->pending;
    bytes_put(out, pending->data + mark, pending->size - mark);
    pending->size = mark;
}

static void parse_folded_if(struct encoder *encoder, const struct op *op, struct bytes *out)
{
    struct parser *parser = encoder->parser;
    size_t mark = encoder->pending.size;
    struct span name = put_block_header(encoder, op, &encoder->pending);
    while (parser_at_form(parser) && !parser_at_open(parser, "then"))
        parse_folded(encoder, out);
    flush_pending(encoder, mark, out);

    push_label(encoder, name, LABEL_FOLDED);
    parser_expect_open(parser, "then");
    instructions_parse(encoder, out);
    parser_expect_close(parser);
    if (parser_accept_open(parser, "else")) {
        bytes_put_u8(out, 0x05);
        instructions_parse(encoder, out);
        parser_expect_close(parser);
    }
    pop_label(encoder);
    put_end(out);
}

/* `(try (do …) (catch $e …)* (catch_all …)?)` or `(try (do …) (delegate $l))` */
static void parse_folded_try(struct encoder *encoder, const struct op *op, struct bytes *out)
{
    struct parser *parser = encoder->parser;
    push_label(encoder, put_block_header(encoder, op, out), LABEL_FOLDED);
    parser_expect_open(parser, "do");
    instructions_parse(encoder, out);
    parser_expect_close(parser);
    if (parser_accept_open(parser, "delegate")) {
        bytes_put_u8(out, 0x18);
        pop_label(encoder);
        bytes_put_unsigned(out, immediates_label(encoder));
        parser_expect_close(parser);
        return;
    }
    while (parser_accept_open(parser, "catch")) {
        bytes_put_u8(out, 0x07);
        bytes_put_unsigned(out, encoder_index(encoder, SPACE_TAG));
        instructions_parse(encoder, out);
        parser_expect_close(parser);
    }
    if (parser_accept_open(parser, "catch_all")) {
        bytes_put_u8(out, 0x19);
        instructions_parse(encoder, out);
        parser_expect_close(parser);
    }
    pop_label(encoder);
    put_end(out);
}

static void parse_folded_plain(struct encoder *encoder, const struct op *op, struct bytes *out)
{
    size_t mark = encoder->pending.size;
    immediates_put_instruction(encoder, op, &encoder->pending);
    while (parser_at_form(encoder->parser))
        parse_folded(encoder, out);
    flush_pending(encoder, mark, out);
}

static void parse_folded(struct encoder *encoder, struct bytes *out)
{
    struct parser *parser = encoder->parser;
    if (!parser_enter(parser))
        return;
    parser_take(parser); /* ( */
    const struct op *op = op_at(parser, 0);
    if (!op) {
        parser_unexpected(parser, "an instruction");
        parser_leave(parser);
        return;
    }
    switch (op->immediate) {
    case IMMEDIATE_BLOCK:
    case IMMEDIATE_TRY_TABLE:
        parser_take(parser);
        parse_folded_block(encoder, op, out);
        break;
    case IMMEDIATE_IF:
        parser_take(parser);
        parse_folded_if(encoder, op, out);
        break;
    case IMMEDIATE_TRY:
        parser_take(parser);
        parse_folded_try(encoder, op, out);
        break;
    default:
        if (is_structure(op)) {
            parser_unexpected(parser, "an instruction");
            break;
        }
        parser_take(parser);
        parse_folded_plain(encoder, op, out);
    }
    parser_expect_close(parser);
    parser_leave(parser);
}

/* ---- sequences ---- */

void instructions_parse(struct encoder *encoder, struct bytes *out)
{
    struct parser *parser = encoder->parser;
    uint32_t base = encoder->label_count;
    while (!parser->failed) {
        if (parser_at_form(parser)) {
            parse_folded(encoder, out);
            continue;
        }
        const struct op *op = op_at(parser, 0);
        if (!op || (is_structure(op) && !fits(encoder, op, base)))
            break;
        parser_take(parser);
        if (is_structure(op))
            parse_structure(encoder, op, out);
        else
            immediates_put_instruction(encoder, op, out);
    }
    if (encoder->label_count > base)
        parser_unexpected(parser, "end");
}

void instructions_parse_folded_expression(struct encoder *encoder, struct bytes *out)
{
    if (parser_at_form(encoder->parser))
        parse_folded(encoder, out);
    else
        parser_unexpected(encoder->parser, "(");
    put_end(out);
}

void instructions_parse_expression(struct encoder *encoder, struct bytes *out)
{
    instructions_parse(encoder, out);
    put_end(out);
}
