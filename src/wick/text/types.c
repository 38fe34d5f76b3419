// SPDX-License-Identifier: Apache-2.0
/* Types, type definitions and type uses (specification 3.0, section 6.4). */
#include "wick/text/encoder.h"

#include <string.h>

/* Abstract heap types and the shorthand of the nullable reference to each. */
static const struct {
    const char *heap, *shorthand;
    uint8_t code;
} abstract_types[] = {
    {"func", "funcref", 0x70},       {"extern", "externref", 0x6f},
    {"any", "anyref", 0x6e},         {"eq", "eqref", 0x6d},
    {"i31", "i31ref", 0x6c},         {"struct", "structref", 0x6b},
    {"array", "arrayref", 0x6a},     {"exn", "exnref", 0x69},
    {"none", "nullref", 0x71},       {"noextern", "nullexternref", 0x72},
    {"nofunc", "nullfuncref", 0x73}, {"noexn", "nullexnref", 0x74},
};

enum { ABSTRACT_COUNT = sizeof(abstract_types) / sizeof(abstract_types[0]) };

static const struct {
    const char *name;
    uint8_t code;
} number_types[] = {
    {"i32", TYPE_I32}, {"i64", TYPE_I64}, {"f32", TYPE_F32}, {"f64", TYPE_F64}, {"v128", TYPE_V128},
};

enum { NUMBER_COUNT = sizeof(number_types) / sizeof(number_types[0]) };

/* The code of a shorthand at the cursor, or 0. */
static uint8_t shorthand(const struct encoder *encoder)
{
    for (size_t i = 0; i < ABSTRACT_COUNT; i++) {
        if (parser_at_word(encoder->parser, abstract_types[i].shorthand))
            return abstract_types[i].code;
    }
    return 0;
}

bool types_at_ref(const struct encoder *encoder)
{
    return parser_at_open(encoder->parser, "ref") || shorthand(encoder);
}

int64_t types_parse_heap(struct encoder *encoder)
{
    struct parser *parser = encoder->parser;
    if (parser_at_index(parser, 0))
        return encoder_index(encoder, SPACE_TYPE);
    for (size_t i = 0; i < ABSTRACT_COUNT; i++) {
        if (parser_accept_word(parser, abstract_types[i].heap))
            return (int64_t)abstract_types[i].code - 0x80;
    }
    parser_unexpected(parser, "a heap type");
    return 0;
}

struct value_type types_parse_ref(struct encoder *encoder)
{
    struct parser *parser = encoder->parser;
    uint8_t code = shorthand(encoder);
    if (code) {
        parser_take(parser);
        return (struct value_type){code, 0};
    }
    if (!parser_accept_open(parser, "ref")) {
        if (parser_at_form(parser))
            parser_take(parser);
        parser_unexpected(parser, "a reference type");
        return (struct value_type){TYPE_FUNCREF, 0};
    }
    bool nullable = parser_accept_word(parser, "null");
    int64_t heap = types_parse_heap(encoder);
    parser_expect_close(parser);
    if (nullable && heap < 0)
        return (struct value_type){(uint8_t)(heap + 0x80), 0};
    return (struct value_type){nullable ? TYPE_REF_NULL : TYPE_REF, heap};
}

struct value_type types_parse_value(struct encoder *encoder)
{
    for (size_t i = 0; i < NUMBER_COUNT; i++) {
        if (parser_accept_word(encoder->parser, number_types[i].name))
            return (struct value_type){number_types[i].code, 0};
    }
    if (!types_at_ref(encoder))
        parser_unexpected(encoder->parser, "a value type");
    return types_parse_ref(encoder);
}

int64_t types_heap_of(struct value_type type)
{
    bool is_long = type.code == TYPE_REF || type.code == TYPE_REF_NULL;
    return is_long ? type.heap : (int64_t)type.code - 0x80;
}

bool types_is_nullable(struct value_type type)
{
    return type.code != TYPE_REF;
}

void types_put_heap(struct bytes *out, int64_t heap)
{
    bytes_put_signed(out, heap);
}

void types_put_value(struct bytes *out, struct value_type type)
{
    bytes_put_u8(out, type.code);
    if (type.code == TYPE_REF || type.code == TYPE_REF_NULL)
        types_put_heap(out, type.heap);
}

void types_list_add(struct encoder *encoder, struct type_list *list, struct value_type type)
{
    struct value_type *items =
        parser_grow(encoder->parser, list->items, list->count, &list->capacity, sizeof(*items));
    if (!items)
        return;
    list->items = items;
    items[list->count++] = type;
}

static bool value_equal(struct value_type a, struct value_type b)
{
    return a.code == b.code && a.heap == b.heap;
}

static bool list_equal(const struct type_list *a, const struct type_list *b)
{
    if (a->count != b->count)
        return false;
    for (uint32_t i = 0; i < a->count; i++) {
        if (!value_equal(a->items[i], b->items[i]))
            return false;
    }
    return true;
}

static bool func_equal(const struct func_type *a, const struct func_type *b)
{
    return list_equal(&a->params, &b->params) && list_equal(&a->results, &b->results);
}

/* ---- function types ---- */

static void bind_param(struct encoder *encoder, enum param_names names, uint32_t index)
{
    struct parser *parser = encoder->parser;
    uint32_t token = parser->at;
    struct span name;
    if (names == PARAM_NAMES_REFUSED || !parser_accept_id(parser, &name))
        return;
    if (names == PARAM_NAMES_LOCALS && !name_map_add(parser, &encoder->locals, name, index))
        parser_fail_at(parser, token, "duplicate local $%.*s", (int)name.size,
                       (const char *)name.data);
}

static bool at_close(const struct parser *parser)
{
    return parser_peek(parser, 0)->kind == TOKEN_CLOSE;
}

static void parse_signature(struct encoder *encoder, enum param_names names, struct func_type *out)
{
    struct parser *parser = encoder->parser;
    while (parser_accept_open(parser, "param")) {
        bool named = parser_peek(parser, 0)->kind == TOKEN_ID;
        bind_param(encoder, names, out->params.count);
        if (named)
            types_list_add(encoder, &out->params, types_parse_value(encoder));
        while (!named && !parser->failed && !at_close(parser))
            types_list_add(encoder, &out->params, types_parse_value(encoder));
        parser_expect_close(parser);
    }
    while (parser_accept_open(parser, "result")) {
        while (!parser->failed && !at_close(parser))
            types_list_add(encoder, &out->results, types_parse_value(encoder));
        parser_expect_close(parser);
    }
}

static void put_list(struct bytes *out, const struct type_list *list)
{
    bytes_put_unsigned(out, list->count);
    for (uint32_t i = 0; i < list->count; i++)
        types_put_value(out, list->items[i]);
}

/* ---- definitions ---- */

static struct field_type parse_field_type(struct encoder *encoder)
{
    struct parser *parser = encoder->parser;
    struct field_type field = {.is_mutable = parser_accept_open(parser, "mut")};
    if (parser_accept_word(parser, "i8"))
        field.type.code = TYPE_I8;
    else if (parser_accept_word(parser, "i16"))
        field.type.code = TYPE_I16;
    else
        field.type = types_parse_value(encoder);
    if (field.is_mutable)
        parser_expect_close(parser);
    return field;
}

static void add_field(struct encoder *encoder, struct type_def *type)
{
    struct field_type field = parse_field_type(encoder);
    struct field_type *fields = parser_grow(encoder->parser, type->fields, type->field_count,
                                            &type->field_capacity, sizeof(*fields));
    if (!fields)
        return;
    type->fields = fields;
    fields[type->field_count++] = field;
}

static void parse_fields(struct encoder *encoder, struct type_def *type)
{
    struct parser *parser = encoder->parser;
    while (parser_accept_open(parser, "field")) {
        uint32_t token = parser->at;
        struct span name;
        bool named = parser_accept_id(parser, &name);
        if (named && !name_map_add(parser, &type->field_names, name, type->field_count))
            parser_fail_at(parser, token, "duplicate field $%.*s", (int)name.size,
                           (const char *)name.data);
        if (named)
            add_field(encoder, type);
        while (!named && !parser->failed && !at_close(parser))
            add_field(encoder, type);
        parser_expect_close(parser);
    }
}

static void parse_composite(struct encoder *encoder, struct type_def *type)
{
    struct parser *parser = encoder->parser;
    if (parser_accept_open(parser, "func")) {
        type->form = FORM_FUNC;
        parse_signature(encoder, PARAM_NAMES_IGNORED, &type->func);
    } else if (parser_accept_open(parser, "struct")) {
        type->form = FORM_STRUCT;
        parse_fields(encoder, type);
    } else if (parser_accept_open(parser, "array")) {
        type->form = FORM_ARRAY;
        add_field(encoder, type);
    } else {
        if (parser_at_form(parser))
            parser_take(parser);
        parser_unexpected(parser, "func, struct or array");
    }
    parser_expect_close(parser);
}

static void parse_subtype(struct encoder *encoder, struct type_def *type)
{
    struct parser *parser = encoder->parser;
    type->final = parser_accept_word(parser, "final");
    while (parser_at_index(parser, 0)) {
        uint32_t index = encoder_index(encoder, SPACE_TYPE);
        uint32_t *supers = parser_grow(parser, type->supers, type->super_count,
                                       &type->super_capacity, sizeof(*supers));
        if (!supers)
            return;
        type->supers = supers;
        supers[type->super_count++] = index;
    }
    parse_composite(encoder, type);
    parser_expect_close(parser);
}

static void put_field(struct bytes *out, const struct field_type *field)
{
    types_put_value(out, field->type);
    bytes_put_u8(out, field->is_mutable);
}

static void put_definition(struct bytes *out, const struct type_def *type)
{
    if (!type->final || type->super_count > 0) {
        bytes_put_u8(out, type->final ? 0x4f : 0x50);
        bytes_put_unsigned(out, type->super_count);
        for (uint32_t i = 0; i < type->super_count; i++)
            bytes_put_unsigned(out, type->supers[i]);
    }
    bytes_put_u8(out, (uint8_t)type->form);
    if (type->form == FORM_FUNC) {
        put_list(out, &type->func.params);
        put_list(out, &type->func.results);
        return;
    }
    if (type->form == FORM_STRUCT)
        bytes_put_unsigned(out, type->field_count);
    for (uint32_t i = 0; i < type->field_count; i++)
        put_field(out, &type->fields[i]);
}

static struct type_def *add_type(struct encoder *encoder)
{
    struct type_def *types = parser_grow(encoder->parser, encoder->types, encoder->type_count,
                                         &encoder->type_capacity, sizeof(*types));
    if (!types)
        return NULL;
    encoder->types = types;
    struct type_def *type = &types[encoder->type_count++];
    *type = (struct type_def){.form = FORM_FUNC, .final = true};
    return type;
}

/* `(type $name? …)` without its group. */
static struct type_def *parse_type_field(struct encoder *encoder)
{
    struct parser *parser = encoder->parser;
    struct type_def *type = add_type(encoder);
    if (!type)
        return NULL;
    struct span name;
    parser_expect_open(parser, "type");
    parser_accept_id(parser, &name);
    if (parser_accept_open(parser, "sub"))
        parse_subtype(encoder, type);
    else
        parse_composite(encoder, type);
    parser_expect_close(parser);
    return type;
}

void types_parse_definition(struct encoder *encoder)
{
    struct type_def *type = parse_type_field(encoder);
    if (!type)
        return;
    type->alone = true;
    encoder->entries[SECTION_TYPE]++;
    put_definition(&encoder->sections[SECTION_TYPE], type);
}

void types_parse_recursion(struct encoder *encoder)
{
    struct parser *parser = encoder->parser;
    uint32_t first = encoder->type_count;
    parser_expect_open(parser, "rec");
    while (parser_at_open(parser, "type"))
        parse_type_field(encoder);
    parser_expect_close(parser);

    struct bytes *out = &encoder->sections[SECTION_TYPE];
    encoder->entries[SECTION_TYPE]++;
    bytes_put_u8(out, 0x4e);
    bytes_put_unsigned(out, encoder->type_count - first);
    for (uint32_t i = first; i < encoder->type_count; i++)
        put_definition(out, &encoder->types[i]);
    if (encoder->type_count - first == 1)
        encoder->types[first].alone = true;
}

/* ---- uses ---- */

struct type_use types_parse_use(struct encoder *encoder, enum param_names names)
{
    struct parser *parser = encoder->parser;
    struct type_use use = {.token = parser->at};
    if (parser_accept_open(parser, "type")) {
        use.explicit = true;
        use.index = encoder_index(encoder, SPACE_TYPE);
        parser_expect_close(parser);
    }
    parse_signature(encoder, names, &use.inlined);
    return use;
}

static uint32_t resolve_implicit(struct encoder *encoder, const struct func_type *wanted)
{
    for (uint32_t i = 0; i < encoder->type_count; i++) {
        const struct type_def *type = &encoder->types[i];
        if (type->alone && type->final && type->super_count == 0 && type->form == FORM_FUNC &&
            func_equal(&type->func, wanted))
            return i;
    }
    struct type_def *type = add_type(encoder);
    if (!type)
        return 0;
    type->alone = true;
    type->func = *wanted;
    encoder->entries[SECTION_TYPE]++;
    put_definition(&encoder->sections[SECTION_TYPE], type);
    return encoder->type_count - 1;
}

uint32_t types_resolve_use(struct encoder *encoder, struct type_use *use)
{
    if (!use->explicit) {
        use->index = resolve_implicit(encoder, &use->inlined);
        return use->index;
    }
    bool known = use->index < encoder->type_count;
    const struct type_def *type = known ? &encoder->types[use->index] : NULL;
    if (use->inlined.params.count + use->inlined.results.count > 0) {
        if (!known)
            parser_fail_at(encoder->parser, use->token, "unknown type %u", use->index);
        else if (parser_at_open(encoder->parser, "param"))
            parser_unexpected(encoder->parser, "parameters before results");
        else if (type->form != FORM_FUNC || !func_equal(&type->func, &use->inlined))
            parser_fail_at(encoder->parser, use->token,
                           "inline function type differs from that of type %u", use->index);
    } else if (known && type->form == FORM_FUNC) {
        use->inlined = type->func;
    }
    return use->index;
}
