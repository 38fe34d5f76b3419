// SPDX-License-Identifier: Apache-2.0
/* Functions, tables, memories, globals, tags, imports, exports (specification 3.0, 6.6). */
#include "wick/text/fields.h"

#include "wick/text/segments.h"

#include <string.h>

/* The kinds of things that cross a module's border, as the binary format numbers them. */
static const struct {
    const char *word;
    uint8_t code;
    enum space space;
} externs[] = {
    {"func", 0, SPACE_FUNC},     {"table", 1, SPACE_TABLE}, {"memory", 2, SPACE_MEMORY},
    {"global", 3, SPACE_GLOBAL}, {"tag", 4, SPACE_TAG},
};

enum { EXTERN_COUNT = sizeof(externs) / sizeof(externs[0]) };

/* ---- types of what can be imported ---- */

static bool parse_address_type(struct encoder *encoder)
{
    if (parser_accept_word(encoder->parser, "i64"))
        return true;
    parser_accept_word(encoder->parser, "i32");
    return false;
}

static void put_limits(struct encoder *encoder, bool index64, bool may_share, struct bytes *out)
{
    struct parser *parser = encoder->parser;
    uint64_t min = parser_unsigned(parser, 64, "a size"); /* validation checks the range */
    bool has_max = parser_at_index(parser, 0);
    uint64_t max = has_max ? parser_unsigned(parser, 64, "a size") : 0;
    bool shared = may_share && parser_accept_word(parser, "shared");
    bytes_put_u8(out, (uint8_t)((has_max ? 1 : 0) | (shared ? 2 : 0) | (index64 ? 4 : 0)));
    bytes_put_unsigned(out, min);
    if (has_max)
        bytes_put_unsigned(out, max);
}

static void put_memory_type(struct encoder *encoder, struct bytes *out)
{
    bool index64 = parse_address_type(encoder);
    put_limits(encoder, index64, true, out);
}

static void put_table_type(struct encoder *encoder, struct bytes *out)
{
    struct bytes limits = {0};
    bool index64 = parse_address_type(encoder);
    put_limits(encoder, index64, false, &limits);
    types_put_value(out, types_parse_ref(encoder));
    bytes_put_span(out, bytes_span(&limits));
    out->failed |= limits.failed;
    bytes_fini(&limits);
}

static void put_global_type(struct encoder *encoder, struct bytes *out)
{
    bool is_mutable = parser_accept_open(encoder->parser, "mut");
    types_put_value(out, types_parse_value(encoder));
    if (is_mutable)
        parser_expect_close(encoder->parser);
    bytes_put_u8(out, is_mutable);
}

static void put_func_type(struct encoder *encoder, struct bytes *out)
{
    struct type_use use = types_parse_use(encoder, PARAM_NAMES_IGNORED);
    bytes_put_unsigned(out, types_resolve_use(encoder, &use));
}

static void put_tag_type(struct encoder *encoder, struct bytes *out)
{
    bytes_put_u8(out, 0);
    put_func_type(encoder, out);
}

static void put_extern_type(struct encoder *encoder, enum space space, struct bytes *out)
{
    switch (space) {
    case SPACE_FUNC:
        put_func_type(encoder, out);
        break;
    case SPACE_TABLE:
        put_table_type(encoder, out);
        break;
    case SPACE_MEMORY:
        put_memory_type(encoder, out);
        break;
    case SPACE_GLOBAL:
        put_global_type(encoder, out);
        break;
    default:
        put_tag_type(encoder, out);
    }
}

/* ---- imports and exports ---- */

static void put_import(struct encoder *encoder, struct span module, struct span name, size_t kind)
{
    struct bytes *out = &encoder->sections[SECTION_IMPORT];
    encoder->entries[SECTION_IMPORT]++;
    encoder->next[externs[kind].space]++;
    bytes_put_vector(out, module);
    bytes_put_vector(out, name);
    bytes_put_u8(out, externs[kind].code);
    put_extern_type(encoder, externs[kind].space, out);
}

static size_t accept_extern(struct parser *parser)
{
    size_t kind = 0;
    while (kind < EXTERN_COUNT && !parser_accept_word(parser, externs[kind].word))
        kind++;
    return kind;
}

/* `(func`, `(table` …; EXTERN_COUNT and failed if there is none. */
static size_t expect_extern(struct parser *parser)
{
    if (!parser_at_form(parser)) {
        parser_unexpected(parser, "(");
        return EXTERN_COUNT;
    }
    parser_take(parser);
    size_t kind = accept_extern(parser);
    if (kind == EXTERN_COUNT)
        parser_unexpected(parser, "func, table, memory, global or tag");
    return kind;
}

static void encode_import(struct encoder *encoder)
{
    struct parser *parser = encoder->parser;
    struct span module = parser_name(parser);
    struct span name = parser_name(parser);
    size_t kind = expect_extern(parser);
    struct span id;
    parser_accept_id(parser, &id);
    if (kind < EXTERN_COUNT)
        put_import(encoder, module, name, kind);
    parser_expect_close(parser);
}

static void put_export(struct encoder *encoder, struct span name, uint8_t code, uint32_t index)
{
    struct bytes *out = &encoder->sections[SECTION_EXPORT];
    encoder->entries[SECTION_EXPORT]++;
    bytes_put_vector(out, name);
    bytes_put_u8(out, code);
    bytes_put_unsigned(out, index);
}

static void encode_export(struct encoder *encoder)
{
    struct parser *parser = encoder->parser;
    struct span name = parser_name(parser);
    size_t kind = expect_extern(parser);
    if (kind < EXTERN_COUNT)
        put_export(encoder, name, externs[kind].code, encoder_index(encoder, externs[kind].space));
    parser_expect_close(parser);
}

/* What definitions have in common: identifier, inline exports, inline import. True if it was an
 * import, and so is done. */
static bool encode_common(struct encoder *encoder, size_t kind)
{
    struct parser *parser = encoder->parser;
    struct span id;
    parser_accept_id(parser, &id);
    while (parser_accept_open(parser, "export")) {
        struct span name = parser_name(parser);
        put_export(encoder, name, externs[kind].code, encoder->next[externs[kind].space]);
        parser_expect_close(parser);
    }
    if (!parser_accept_open(parser, "import"))
        return false;
    struct span module = parser_name(parser);
    struct span name = parser_name(parser);
    parser_expect_close(parser);
    put_import(encoder, module, name, kind);
    return true;
}

/* ---- definitions ---- */

static void add_local(struct encoder *encoder, struct type_list *locals)
{
    types_list_add(encoder, locals, types_parse_value(encoder));
    encoder->local_count++;
}

static void parse_locals(struct encoder *encoder, struct type_list *locals)
{
    struct parser *parser = encoder->parser;
    while (parser_accept_open(parser, "local")) {
        uint32_t token = parser->at;
        struct span name;
        bool named = parser_accept_id(parser, &name);
        if (named && !name_map_add(parser, &encoder->locals, name, encoder->local_count))
            parser_fail_at(parser, token, "duplicate local $%.*s", (int)name.size,
                           (const char *)name.data);
        if (named)
            add_local(encoder, locals);
        while (!named && !parser->failed && parser_peek(parser, 0)->kind != TOKEN_CLOSE)
            add_local(encoder, locals);
        parser_expect_close(parser);
    }
}

/* The length of the run of equal types that begins at `start`. */
static uint32_t run_length(const struct type_list *list, uint32_t start)
{
    const struct value_type *first = &list->items[start];
    uint32_t end = start + 1;
    while (end < list->count && list->items[end].code == first->code &&
           list->items[end].heap == first->heap)
        end++;
    return end - start;
}

static void put_locals(const struct type_list *locals, struct bytes *out)
{
    uint32_t runs = 0;
    for (uint32_t i = 0; i < locals->count; i += run_length(locals, i))
        runs++;
    bytes_put_unsigned(out, runs);
    for (uint32_t i = 0; i < locals->count;) {
        uint32_t length = run_length(locals, i);
        bytes_put_unsigned(out, length);
        types_put_value(out, locals->items[i]);
        i += length;
    }
}

static void encode_func(struct encoder *encoder)
{
    name_map_clear(&encoder->locals);
    struct type_use use = types_parse_use(encoder, PARAM_NAMES_LOCALS);
    uint32_t type = types_resolve_use(encoder, &use);
    encoder->next[SPACE_FUNC]++;
    encoder->entries[SECTION_FUNC]++;
    bytes_put_unsigned(&encoder->sections[SECTION_FUNC], type);

    struct type_list locals = {0};
    encoder->local_count = use.inlined.params.count;
    encoder->label_count = 0;
    encoder->body.size = 0;
    parse_locals(encoder, &locals);
    put_locals(&locals, &encoder->body);
    instructions_parse_expression(encoder, &encoder->body);
    name_map_clear(&encoder->locals);
    encoder->entries[SECTION_CODE]++;
    bytes_put_vector(&encoder->sections[SECTION_CODE], bytes_span(&encoder->body));
}

static void encode_memory(struct encoder *encoder)
{
    struct parser *parser = encoder->parser;
    struct bytes *out = &encoder->sections[SECTION_MEMORY];
    uint32_t index = encoder->next[SPACE_MEMORY]++;
    encoder->entries[SECTION_MEMORY]++;
    bool index64 = parse_address_type(encoder);
    if (!parser_accept_open(parser, "data")) {
        put_limits(encoder, index64, true, out);
        return;
    }
    struct span data = parser_strings(parser);
    parser_expect_close(parser);
    uint64_t pages = (data.size + 0xffff) / 0x10000;
    bytes_put_u8(out, index64 ? 5 : 1);
    bytes_put_unsigned(out, pages);
    bytes_put_unsigned(out, pages);
    segments_put_inline_data(encoder, index, index64, data);
}

/* `(table reftype (elem …))`: as large as its elements. */
static void encode_filled_table(struct encoder *encoder, uint32_t index, bool index64)
{
    struct bytes *out = &encoder->sections[SECTION_TABLE];
    struct value_type type = types_parse_ref(encoder);
    parser_expect_open(encoder->parser, "elem");
    uint32_t size = segments_put_inline_elem(encoder, index, index64, type);
    parser_expect_close(encoder->parser);
    types_put_value(out, type);
    bytes_put_u8(out, index64 ? 5 : 1);
    bytes_put_unsigned(out, size);
    bytes_put_unsigned(out, size);
}

static void encode_table(struct encoder *encoder)
{
    struct parser *parser = encoder->parser;
    struct bytes *out = &encoder->sections[SECTION_TABLE];
    uint32_t index = encoder->next[SPACE_TABLE]++;
    encoder->entries[SECTION_TABLE]++;
    uint32_t start = parser->at;
    bool index64 = parse_address_type(encoder);
    if (types_at_ref(encoder)) {
        encode_filled_table(encoder, index, index64);
        return;
    }
    parser->at = parser->failed ? parser->at : start;
    struct bytes type = {0};
    put_table_type(encoder, &type);
    bool has_value = parser_peek(parser, 0)->kind != TOKEN_CLOSE && !parser->failed;
    if (has_value)
        bytes_put(out, "\x40\x00", 2);
    bytes_put_span(out, bytes_span(&type));
    if (has_value)
        instructions_parse_expression(encoder, out);
    out->failed |= type.failed;
    bytes_fini(&type);
}

static void encode_global(struct encoder *encoder)
{
    struct bytes *out = &encoder->sections[SECTION_GLOBAL];
    encoder->next[SPACE_GLOBAL]++;
    encoder->entries[SECTION_GLOBAL]++;
    put_global_type(encoder, out);
    instructions_parse_expression(encoder, out);
}

static void encode_tag(struct encoder *encoder)
{
    encoder->next[SPACE_TAG]++;
    encoder->entries[SECTION_TAG]++;
    put_tag_type(encoder, &encoder->sections[SECTION_TAG]);
}

static void encode_start(struct encoder *encoder)
{
    if (encoder->entries[SECTION_START]++ > 0)
        parser_fail_at(encoder->parser, encoder->parser->at - 1, "multiple start sections");
    bytes_put_unsigned(&encoder->sections[SECTION_START], encoder_index(encoder, SPACE_FUNC));
}

static void encode_definition(struct encoder *encoder, size_t kind)
{
    if (encode_common(encoder, kind))
        return;
    switch (externs[kind].space) {
    case SPACE_FUNC:
        encode_func(encoder);
        break;
    case SPACE_TABLE:
        encode_table(encoder);
        break;
    case SPACE_MEMORY:
        encode_memory(encoder);
        break;
    case SPACE_GLOBAL:
        encode_global(encoder);
        break;
    default:
        encode_tag(encoder);
    }
}

void fields_encode(struct encoder *encoder)
{
    struct parser *parser = encoder->parser;
    size_t kind = accept_extern(parser);
    if (kind < EXTERN_COUNT)
        encode_definition(encoder, kind);
    else if (parser_accept_word(parser, "import"))
        encode_import(encoder);
    else if (parser_accept_word(parser, "export"))
        encode_export(encoder);
    else if (parser_accept_word(parser, "start"))
        encode_start(encoder);
    else if (parser_accept_word(parser, "elem"))
        segments_encode_elem(encoder);
    else if (parser_accept_word(parser, "data"))
        segments_encode_data(encoder);
    else
        parser_unexpected(parser, "a module field");
}
