// SPDX-License-Identifier: Apache-2.0
#include "wick/text/immediates.h"

#include "wick/text/number.h"

#include <string.h>

void immediates_put_opcode(struct bytes *out, const struct op *op, uint16_t variant)
{
    unsigned code = op->code + variant;
    if (op->prefix) {
        bytes_put_u8(out, op->prefix);
        bytes_put_unsigned(out, code);
    } else {
        bytes_put_u8(out, (uint8_t)code);
    }
}

uint32_t immediates_label(struct encoder *encoder)
{
    struct parser *parser = encoder->parser;
    uint32_t token = parser->at;
    struct span name;
    if (!parser_accept_id(parser, &name))
        return (uint32_t)parser_unsigned(parser, 32, "a label");
    for (uint32_t depth = 0; depth < encoder->label_count; depth++) {
        if (span_equal(encoder->labels[encoder->label_count - 1 - depth].name, name))
            return depth;
    }
    parser_fail_at(parser, token, "unknown label $%.*s", (int)name.size, (const char *)name.data);
    return 0;
}

/* ---- vectors ---- */

static const struct vector_shape shapes[] = {
    {"i8x16", 16, 8, false}, {"i16x8", 8, 16, false}, {"i32x4", 4, 32, false},
    {"i64x2", 2, 64, false}, {"f32x4", 4, 32, true},  {"f64x2", 2, 64, true},
};

const struct vector_shape *immediates_parse_shape(struct parser *parser)
{
    for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
        if (parser_accept_word(parser, shapes[i].name))
            return &shapes[i];
    }
    parser_unexpected(parser, "a vector shape");
    return NULL;
}

static bool at_number(const struct parser *parser, uint32_t ahead)
{
    const struct token *token = parser_peek(parser, ahead);
    return token->kind == TOKEN_WORD && number_is_literal(parser_token_text(parser, token));
}

/* Fails unless just `lanes` numbers follow. Other words among them are left to who reads them. */
static void check_lane_count(struct parser *parser, unsigned lanes, const char *message)
{
    unsigned count = 0;
    while (count <= lanes && at_number(parser, count))
        count++;
    enum token_kind next = parser_peek(parser, count)->kind;
    if (count > lanes || (count < lanes && next != TOKEN_WORD && next != TOKEN_STRING))
        parser_fail_at(parser, parser->at, "%s", message);
}

void immediates_parse_v128(struct parser *parser, uint8_t out[static 16])
{
    const struct vector_shape *shape = immediates_parse_shape(parser);
    if (!shape)
        return;
    unsigned width = shape->bits / 8;
    check_lane_count(parser, shape->lanes, "wrong number of lane literals");
    for (unsigned lane = 0; lane < shape->lanes; lane++) {
        uint64_t value = shape->is_float ? parser_float(parser, shape->bits)
                                         : parser_integer(parser, shape->bits);
        for (unsigned i = 0; i < width; i++)
            out[lane * width + i] = (uint8_t)(value >> (8 * i));
    }
}

static void put_v128(struct encoder *encoder, struct bytes *out)
{
    uint8_t lanes[16] = {0};
    immediates_parse_v128(encoder->parser, lanes);
    bytes_put(out, lanes, sizeof(lanes));
}

static void put_lane(struct encoder *encoder, struct bytes *out)
{
    bytes_put_u8(out, (uint8_t)parser_unsigned(encoder->parser, 8, "a lane"));
}

static void put_shuffle(struct encoder *encoder, struct bytes *out)
{
    struct parser *parser = encoder->parser;
    check_lane_count(parser, 16, "invalid lane length: 16 lanes expected");
    for (unsigned lane = 0; lane < 16; lane++) {
        if (at_number(parser, 0) && !parser_at_index(parser, 0))
            parser_fail_at(parser, parser->at, "i8 constant out of range");
        put_lane(encoder, out);
    }
}

/* ---- memory accesses ---- */

/* The number after `key` in a word such as `offset=8`; false if the word is another one. */
static bool accept_setting(struct parser *parser, const char *key, uint64_t *out)
{
    const struct token *token = parser_peek(parser, 0);
    struct span text = parser_token_text(parser, token);
    size_t size = strlen(key);
    if (token->kind != TOKEN_WORD || text.size < size || memcmp(text.data, key, size) != 0)
        return false;
    switch (number_unsigned(span_of(text.data + size, text.size - size), 64, out)) {
    case NUMBER_OK:
        parser_take(parser);
        return true;
    case NUMBER_OUT_OF_RANGE:
        parser_fail_at(parser, parser->at, "i64 constant out of range");
        return false;
    default:
        parser_unexpected(parser, "an offset or alignment");
        return false;
    }
}

static void put_memarg(struct encoder *encoder, const struct op *op, uint32_t memory,
                       struct bytes *out)
{
    struct parser *parser = encoder->parser;
    uint64_t offset = 0;
    accept_setting(parser, "offset=", &offset);
    uint32_t token = parser->at;
    uint64_t align = (uint64_t)1 << op->align;
    accept_setting(parser, "align=", &align);
    if (align == 0 || (align & (align - 1)))
        parser_fail_at(parser, token, "alignment must be a power of two");
    unsigned flags = align ? (unsigned)__builtin_ctzll(align) : 0;
    bytes_put_unsigned(out, flags | (memory ? 0x40 : 0));
    if (memory)
        bytes_put_unsigned(out, memory);
    bytes_put_unsigned(out, offset);
}

/* A number before a lane is a memory only if another number or a setting follows. */
static void put_memarg_lane(struct encoder *encoder, const struct op *op, struct bytes *out)
{
    struct parser *parser = encoder->parser;
    const struct token *second = parser_peek(parser, 1);
    bool has_memory = parser_at_index(parser, 0) &&
                      (parser_peek(parser, 0)->kind == TOKEN_ID || parser_at_index(parser, 1) ||
                       (second->kind == TOKEN_WORD &&
                        memchr(parser->text.data + second->offset, '=', second->size)));
    uint32_t memory = has_memory ? encoder_index(encoder, SPACE_MEMORY) : 0;
    put_memarg(encoder, op, memory, out);
    put_lane(encoder, out);
}

/* ---- indices ---- */

static uint32_t optional_index(struct encoder *encoder, enum space space)
{
    return parser_at_index(encoder->parser, 0) ? encoder_index(encoder, space) : 0;
}

static void put_index(struct encoder *encoder, enum space space, struct bytes *out)
{
    if (space == SPACE_DATA)
        encoder->uses_data_count = true;
    bytes_put_unsigned(out, encoder_index(encoder, space));
}

/* Two indices of a space, or none: `table.copy 0 1`. */
static void put_copy(struct encoder *encoder, enum space space, struct bytes *out)
{
    bool given = parser_at_index(encoder->parser, 0);
    bytes_put_unsigned(out, given ? encoder_index(encoder, space) : 0);
    bytes_put_unsigned(out, given ? encoder_index(encoder, space) : 0);
}

/* `table.init $table? $elem` is encoded as segment, target. */
static void put_init(struct encoder *encoder, enum space target, enum space segment,
                     struct bytes *out)
{
    uint32_t index = parser_at_index(encoder->parser, 1) ? optional_index(encoder, target) : 0;
    put_index(encoder, segment, out);
    bytes_put_unsigned(out, index);
}

static void put_field(struct encoder *encoder, struct bytes *out)
{
    static const struct name_map no_names;
    uint32_t type = encoder_index(encoder, SPACE_TYPE);
    bool known = type < encoder->type_count;
    bytes_put_unsigned(out, type);
    bytes_put_unsigned(
        out, encoder_named_index(encoder, known ? &encoder->types[type].field_names : &no_names,
                                 "field"));
}

static void put_br_table(struct encoder *encoder, struct bytes *out)
{
    uint32_t count = 0;
    while (parser_at_index(encoder->parser, count))
        count++;
    if (count == 0)
        parser_unexpected(encoder->parser, "a label");
    bytes_put_unsigned(out, count ? count - 1 : 0);
    for (uint32_t i = 0; i < count && !encoder->parser->failed; i++)
        bytes_put_unsigned(out, immediates_label(encoder));
}

static void put_call_indirect(struct encoder *encoder, struct bytes *out)
{
    uint32_t table = optional_index(encoder, SPACE_TABLE);
    struct type_use use = types_parse_use(encoder, PARAM_NAMES_REFUSED);
    bytes_put_unsigned(out, types_resolve_use(encoder, &use));
    bytes_put_unsigned(out, table);
}

/* ---- types ---- */

static void put_select(struct encoder *encoder, const struct op *op, struct bytes *out)
{
    struct parser *parser = encoder->parser;
    struct type_list types = {0};
    bool typed = false;
    while (parser_accept_open(parser, "result")) {
        typed = true;
        while (!parser->failed && parser_peek(parser, 0)->kind != TOKEN_CLOSE)
            types_list_add(encoder, &types, types_parse_value(encoder));
        parser_expect_close(parser);
    }
    immediates_put_opcode(out, op, typed ? 1 : 0);
    if (!typed)
        return;
    bytes_put_unsigned(out, types.count);
    for (uint32_t i = 0; i < types.count; i++)
        types_put_value(out, types.items[i]);
}

static void put_ref_type(struct encoder *encoder, const struct op *op, struct bytes *out)
{
    struct value_type type = types_parse_ref(encoder);
    immediates_put_opcode(out, op, types_is_nullable(type) ? 1 : 0);
    types_put_heap(out, types_heap_of(type));
}

static void put_br_on_cast(struct encoder *encoder, struct bytes *out)
{
    uint32_t label = immediates_label(encoder);
    struct value_type from = types_parse_ref(encoder);
    struct value_type to = types_parse_ref(encoder);
    bytes_put_u8(out,
                 (uint8_t)((types_is_nullable(from) ? 1 : 0) | (types_is_nullable(to) ? 2 : 0)));
    bytes_put_unsigned(out, label);
    types_put_heap(out, types_heap_of(from));
    types_put_heap(out, types_heap_of(to));
}

/* ---- the table's kinds ---- */

static void put_constant(struct encoder *encoder, const struct op *op, struct bytes *out)
{
    struct parser *parser = encoder->parser;
    switch (op->immediate) {
    case IMMEDIATE_I32:
        bytes_put_signed(out, (int32_t)parser_integer(parser, 32));
        break;
    case IMMEDIATE_I64:
        bytes_put_signed(out, (int64_t)parser_integer(parser, 64));
        break;
    case IMMEDIATE_F32:
        bytes_put_le(out, parser_float(parser, 32), 4);
        break;
    case IMMEDIATE_F64:
        bytes_put_le(out, parser_float(parser, 64), 8);
        break;
    default:
        put_v128(encoder, out);
    }
}

static void put_one_index(struct encoder *encoder, const struct op *op, struct bytes *out)
{
    switch (op->immediate) {
    case IMMEDIATE_LOCAL:
        bytes_put_unsigned(out, encoder_named_index(encoder, &encoder->locals, "local"));
        break;
    case IMMEDIATE_GLOBAL:
        put_index(encoder, SPACE_GLOBAL, out);
        break;
    case IMMEDIATE_FUNC:
        put_index(encoder, SPACE_FUNC, out);
        break;
    case IMMEDIATE_TYPE:
        put_index(encoder, SPACE_TYPE, out);
        break;
    case IMMEDIATE_TAG:
        put_index(encoder, SPACE_TAG, out);
        break;
    case IMMEDIATE_LABEL:
        bytes_put_unsigned(out, immediates_label(encoder));
        break;
    case IMMEDIATE_DATA:
        put_index(encoder, SPACE_DATA, out);
        break;
    case IMMEDIATE_ELEM:
        put_index(encoder, SPACE_ELEM, out);
        break;
    case IMMEDIATE_TABLE:
        bytes_put_unsigned(out, optional_index(encoder, SPACE_TABLE));
        break;
    default:
        bytes_put_unsigned(out, optional_index(encoder, SPACE_MEMORY));
    }
}

static void put_indices(struct encoder *encoder, const struct op *op, struct bytes *out)
{
    switch (op->immediate) {
    case IMMEDIATE_BR_TABLE:
        put_br_table(encoder, out);
        return;
    case IMMEDIATE_CALL_INDIRECT:
        put_call_indirect(encoder, out);
        return;
    case IMMEDIATE_TABLE_COPY:
        put_copy(encoder, SPACE_TABLE, out);
        return;
    case IMMEDIATE_TABLE_INIT:
        put_init(encoder, SPACE_TABLE, SPACE_ELEM, out);
        return;
    case IMMEDIATE_MEMORY_COPY:
        put_copy(encoder, SPACE_MEMORY, out);
        return;
    case IMMEDIATE_MEMORY_INIT:
        put_init(encoder, SPACE_MEMORY, SPACE_DATA, out);
        return;
    case IMMEDIATE_FIELD:
        put_field(encoder, out);
        return;
    default:
        break;
    }
    put_index(encoder, SPACE_TYPE, out);
    if (op->immediate == IMMEDIATE_TYPE_TYPE)
        put_index(encoder, SPACE_TYPE, out);
    else if (op->immediate == IMMEDIATE_TYPE_DATA)
        put_index(encoder, SPACE_DATA, out);
    else if (op->immediate == IMMEDIATE_TYPE_ELEM)
        put_index(encoder, SPACE_ELEM, out);
    else
        bytes_put_unsigned(out, parser_unsigned(encoder->parser, 32, "a number of elements"));
}

static void put_access(struct encoder *encoder, const struct op *op, struct bytes *out)
{
    switch (op->immediate) {
    case IMMEDIATE_MEMARG:
        put_memarg(encoder, op, optional_index(encoder, SPACE_MEMORY), out);
        break;
    case IMMEDIATE_MEMARG_LANE:
        put_memarg_lane(encoder, op, out);
        break;
    case IMMEDIATE_LANE:
        put_lane(encoder, out);
        break;
    case IMMEDIATE_SHUFFLE:
        put_shuffle(encoder, out);
        break;
    default: /* atomic.fence has one reserved byte */
        bytes_put_u8(out, 0);
    }
}

void immediates_put_instruction(struct encoder *encoder, const struct op *op, struct bytes *out)
{
    if (op->immediate == IMMEDIATE_SELECT) {
        put_select(encoder, op, out);
        return;
    }
    if (op->immediate == IMMEDIATE_REF_TYPE) {
        put_ref_type(encoder, op, out);
        return;
    }
    immediates_put_opcode(out, op, 0);
    if (op->immediate == IMMEDIATE_NONE)
        return;
    if (op->immediate <= IMMEDIATE_V128)
        put_constant(encoder, op, out);
    else if (op->immediate <= IMMEDIATE_MEMORY)
        put_one_index(encoder, op, out);
    else if (op->immediate <= IMMEDIATE_TYPE_ELEM)
        put_indices(encoder, op, out);
    else if (op->immediate == IMMEDIATE_HEAP_TYPE)
        types_put_heap(out, types_parse_heap(encoder));
    else if (op->immediate == IMMEDIATE_BR_ON_CAST)
        put_br_on_cast(encoder, out);
    else
        put_access(encoder, op, out);
}
