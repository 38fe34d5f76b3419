// SPDX-License-Identifier: Apache-2.0
#include "wick/text/segments.h"

/* The flags that begin an element segment (specification 3.0, section 5.5.12). */
enum {
    ELEM_PASSIVE = 1,     /* passive or declarative */
    ELEM_EXPLICIT = 2,    /* a table and a type follow; declarative if also passive */
    ELEM_EXPRESSIONS = 4, /* expressions instead of function indices */
};

/* What comes before the elements. */
struct segment_head {
    unsigned mode; /* ELEM_PASSIVE and ELEM_EXPLICIT */
    uint32_t target;
    struct bytes offset; /* an expression; active segments only */
};

/* `(offset expr)` or one folded instruction. */
static void parse_offset(struct encoder *encoder, struct bytes *out)
{
    if (parser_accept_open(encoder->parser, "offset")) {
        instructions_parse_expression(encoder, out);
        parser_expect_close(encoder->parser);
        return;
    }
    instructions_parse_folded_expression(encoder, out);
}

/* `(table $t)` or `(memory $m)`; WebAssembly 1.0 wrote a bare number. False if there is neither. */
static bool parse_target(struct encoder *encoder, const char *word, enum space space, uint32_t *out)
{
    struct parser *parser = encoder->parser;
    if (parser_at_index(parser, 0) && parser_peek(parser, 1)->kind == TOKEN_OPEN) {
        *out = encoder_index(encoder, space);
        return true;
    }
    if (!parser_accept_open(parser, word))
        return false;
    *out = encoder_index(encoder, space);
    parser_expect_close(parser);
    return true;
}

static void put_zero_offset(bool index64, struct bytes *out)
{
    bytes_put_u8(out, index64 ? 0x42 : 0x41);
    bytes_put(out, "\x00\x0b", 2);
}

/* ---- elements ---- */

static void parse_element(struct encoder *encoder, struct bytes *out)
{
    if (!parser_accept_open(encoder->parser, "item")) {
        instructions_parse_folded_expression(encoder, out);
        return;
    }
    instructions_parse_expression(encoder, out);
    parser_expect_close(encoder->parser);
}

/* Elements up to the closing parenthesis. Returns their number. */
static uint32_t parse_elements(struct encoder *encoder, bool expressions, struct bytes *out)
{
    struct parser *parser = encoder->parser;
    uint32_t count = 0;
    while (!parser->failed && parser_peek(parser, 0)->kind != TOKEN_CLOSE) {
        if (expressions)
            parse_element(encoder, out);
        else
            bytes_put_unsigned(out, encoder_index(encoder, SPACE_FUNC));
        count++;
    }
    return count;
}

static void put_elem_head(const struct segment_head *head, bool expressions, struct value_type type,
                          struct bytes *out)
{
    unsigned flags = head->mode | (expressions ? ELEM_EXPRESSIONS : 0);
    bool active = !(flags & ELEM_PASSIVE);
    if (active && (head->target > 0 || type.code != TYPE_FUNCREF))
        flags |= ELEM_EXPLICIT;
    bytes_put_unsigned(out, flags);
    if (active && (flags & ELEM_EXPLICIT))
        bytes_put_unsigned(out, head->target);
    if (active)
        bytes_put_span(out, bytes_span(&head->offset));
    if (!(flags & (ELEM_PASSIVE | ELEM_EXPLICIT)))
        return;
    if (expressions)
        types_put_value(out, type);
    else
        bytes_put_u8(out, 0); /* functions */
}

static void put_elem(struct encoder *encoder, struct segment_head *head, bool expressions,
                     struct value_type type, uint32_t count, const struct bytes *elements)
{
    struct bytes *out = &encoder->sections[SECTION_ELEM];
    encoder->entries[SECTION_ELEM]++;
    put_elem_head(head, expressions, type, out);
    bytes_put_unsigned(out, count);
    bytes_put_span(out, bytes_span(elements));
    out->failed |= elements->failed || head->offset.failed;
    bytes_fini(&head->offset);
}

static struct segment_head parse_elem_head(struct encoder *encoder)
{
    struct parser *parser = encoder->parser;
    struct segment_head head = {0};
    struct span id;
    parser_accept_id(parser, &id);
    if (parser_accept_word(parser, "declare")) {
        head.mode = ELEM_PASSIVE | ELEM_EXPLICIT;
        return head;
    }
    bool has_table = parse_target(encoder, "table", SPACE_TABLE, &head.target);
    bool active = has_table || (parser_at_form(parser) && !types_at_ref(encoder));
    if (active)
        parse_offset(encoder, &head.offset);
    else
        head.mode = ELEM_PASSIVE;
    return head;
}

void segments_encode_elem(struct encoder *encoder)
{
    struct parser *parser = encoder->parser;
    struct bytes elements = {0};
    struct segment_head head = parse_elem_head(encoder);
    struct value_type type = {TYPE_FUNCREF, 0};
    bool active = !(head.mode & ELEM_PASSIVE);
    bool expressions = false;
    if (!parser_accept_word(parser, "func")) {
        /* For active segments of functions the word may be left out. */
        expressions = types_at_ref(encoder);
        bool bare =
            active && (parser_at_index(parser, 0) || parser_peek(parser, 0)->kind == TOKEN_CLOSE);
        if (!bare)
            type = types_parse_ref(encoder);
    }
    uint32_t count = parse_elements(encoder, expressions, &elements);
    put_elem(encoder, &head, expressions, type, count, &elements);
    bytes_fini(&elements);
}

/* Function indices of a table whose type is not funcref become `ref.func` expressions. */
static uint32_t parse_func_expressions(struct encoder *encoder, struct bytes *out)
{
    struct parser *parser = encoder->parser;
    uint32_t count = 0;
    while (parser_at_index(parser, 0)) {
        bytes_put_u8(out, 0xd2);
        bytes_put_unsigned(out, encoder_index(encoder, SPACE_FUNC));
        bytes_put_u8(out, 0x0b);
        count++;
    }
    return count;
}

uint32_t segments_put_inline_elem(struct encoder *encoder, uint32_t table, bool index64,
                                  struct value_type type)
{
    struct parser *parser = encoder->parser;
    struct segment_head head = {.target = table};
    struct bytes elements = {0};
    put_zero_offset(index64, &head.offset);
    bool indices = parser_at_index(parser, 0);
    bool typed = type.code != TYPE_FUNCREF;
    uint32_t count = indices && typed ? parse_func_expressions(encoder, &elements)
                                      : parse_elements(encoder, !indices, &elements);
    put_elem(encoder, &head, !indices || typed, type, count, &elements);
    bytes_fini(&elements);
    return count;
}

/* ---- data ---- */

static void put_data(struct encoder *encoder, bool active, uint32_t memory,
                     const struct bytes *offset, struct span data)
{
    struct bytes *out = &encoder->sections[SECTION_DATA];
    encoder->entries[SECTION_DATA]++;
    bytes_put_unsigned(out, !active ? 1 : memory ? 2 : 0);
    if (active && memory)
        bytes_put_unsigned(out, memory);
    if (active)
        bytes_put_span(out, bytes_span(offset));
    bytes_put_vector(out, data);
    out->failed |= offset->failed;
}

void segments_put_inline_data(struct encoder *encoder, uint32_t memory, bool index64,
                              struct span data)
{
    struct bytes offset = {0};
    put_zero_offset(index64, &offset);
    put_data(encoder, true, memory, &offset, data);
    bytes_fini(&offset);
}

void segments_encode_data(struct encoder *encoder)
{
    struct parser *parser = encoder->parser;
    struct bytes offset = {0};
    struct span id;
    uint32_t memory = 0;
    parser_accept_id(parser, &id);
    bool has_memory = parse_target(encoder, "memory", SPACE_MEMORY, &memory);
    bool active = has_memory || parser_at_form(parser);
    if (active)
        parse_offset(encoder, &offset);
    struct span data = parser_strings(parser);
    put_data(encoder, active, memory, &offset, data);
    bytes_fini(&offset);
}
