// SPDX-License-Identifier: Apache-2.0
/* Modules and their names (specification 3.0, section 6.6). */
#include "wick/text/module.h"

#include "wick/text/fields.h"

#include <string.h>

static const struct {
    const char *name, *section; /* in messages */
} spaces[SPACE_COUNT] = {
    [SPACE_TYPE] = {"type", "type"},         [SPACE_FUNC] = {"func", "function"},
    [SPACE_TABLE] = {"table", "table"},      [SPACE_MEMORY] = {"memory", "memory"},
    [SPACE_GLOBAL] = {"global", "global"},   [SPACE_TAG] = {"tag", "tag"},
    [SPACE_ELEM] = {"elem", "elem segment"}, [SPACE_DATA] = {"data", "data segment"},
};

const char *encoder_space_name(enum space space)
{
    return spaces[space].section;
}

uint32_t encoder_named_index(struct encoder *encoder, const struct name_map *map, const char *what)
{
    struct parser *parser = encoder->parser;
    uint32_t token = parser->at;
    struct span name;
    if (!parser_accept_id(parser, &name))
        return (uint32_t)parser_unsigned(parser, 32, "an index");
    uint32_t index = 0;
    if (!name_map_find(map, name, &index))
        parser_fail_at(parser, token, "unknown %s $%.*s", what, (int)name.size,
                       (const char *)name.data);
    return index;
}

uint32_t encoder_index(struct encoder *encoder, enum space space)
{
    return encoder_named_index(encoder, &encoder->names[space], spaces[space].section);
}

/* ---- first pass: names ---- */

/* The name section shows what an annotation says, or else the identifier. */
static void note_func_name(struct encoder *encoder, uint32_t index, struct span id)
{
    struct span name = annotations_take_name(encoder);
    if (name.size == 0)
        name = id;
    if (name.size == 0)
        return;
    struct name_entry *names =
        parser_grow(encoder->parser, encoder->func_names, encoder->func_name_count,
                    &encoder->func_name_capacity, sizeof(*names));
    if (!names)
        return;
    encoder->func_names = names;
    names[encoder->func_name_count++] = (struct name_entry){.name = name, .index = index};
}

static void declare(struct encoder *encoder, enum space space)
{
    struct parser *parser = encoder->parser;
    uint32_t token = parser->at;
    uint32_t index = encoder->counts[space]++;
    struct span name;
    if (parser_accept_id(parser, &name) &&
        !name_map_add(parser, &encoder->names[space], name, index))
        parser_fail_at(parser, token, "duplicate %s $%.*s", spaces[space].name, (int)name.size,
                       (const char *)name.data);
    if (space == SPACE_FUNC)
        note_func_name(encoder, index, name);
}

/* Does a form at the cursor's level, before the closing parenthesis `end`, begin with `word`? */
static bool has_child(struct parser *parser, uint32_t end, const char *word)
{
    uint32_t saved = parser->at;
    bool found = false;
    while (!found && parser->at < end) {
        found = parser_at_open(parser, word);
        if (parser_at_form(parser))
            parser_skip_form(parser);
        else
            parser_take(parser);
    }
    if (!parser->failed)
        parser->at = saved;
    return found;
}

static const struct {
    const char *word;
    enum space space;
    bool importable;
} declared[] = {
    {"func", SPACE_FUNC, true},     {"table", SPACE_TABLE, true}, {"memory", SPACE_MEMORY, true},
    {"global", SPACE_GLOBAL, true}, {"tag", SPACE_TAG, true},     {"elem", SPACE_ELEM, false},
    {"data", SPACE_DATA, false},    {"type", SPACE_TYPE, false},
};

enum { DECLARED_COUNT = sizeof(declared) / sizeof(declared[0]) };

/* The kind of thing that the word at the cursor declares, or SPACE_COUNT. */
static enum space accept_declared(struct parser *parser, bool *importable)
{
    for (size_t i = 0; i < DECLARED_COUNT; i++) {
        if (!parser_accept_word(parser, declared[i].word))
            continue;
        *importable = declared[i].importable;
        return declared[i].space;
    }
    return SPACE_COUNT;
}

/* `(import "m" "n" (func …))`; the cursor is behind the word. */
static void declare_import(struct encoder *encoder)
{
    struct parser *parser = encoder->parser;
    parser_name(parser);
    parser_name(parser);
    if (!parser_at_form(parser)) {
        parser_unexpected(parser, "(");
        return;
    }
    parser_take(parser);
    bool importable = false;
    enum space space = accept_declared(parser, &importable);
    if (!importable)
        parser_unexpected(parser, "func, table, memory, global or tag");
    else
        declare(encoder, space);
}

/* Imports come before all definitions of what can be imported. `last` is the latest definition. */
static void check_import_order(struct parser *parser, uint32_t token, enum space last)
{
    if (last != SPACE_COUNT)
        parser_fail_at(parser, token, "import after %s", spaces[last].section);
}

/* Declares one field; the cursor is at its parenthesis and may stay anywhere within. */
static void declare_field(struct encoder *encoder, uint32_t end, enum space *last)
{
    struct parser *parser = encoder->parser;
    uint32_t token = parser->at;
    parser_take(parser);
    if (parser_accept_word(parser, "import")) {
        check_import_order(parser, token, *last);
        declare_import(encoder);
        return;
    }
    if (parser_accept_word(parser, "rec")) {
        while (parser_at_open(parser, "type") && !parser->failed) {
            uint32_t inner_end = parser_peek(parser, 0)->close;
            declare_field(encoder, inner_end, last);
            if (!parser->failed)
                parser->at = inner_end;
            parser_accept_close(parser);
        }
        return;
    }
    bool importable = false;
    enum space space = accept_declared(parser, &importable);
    if (space == SPACE_COUNT)
        return;
    declare(encoder, space);
    if (space == SPACE_TABLE && has_child(parser, end, "elem"))
        encoder->counts[SPACE_ELEM]++;
    if (space == SPACE_MEMORY && has_child(parser, end, "data"))
        encoder->counts[SPACE_DATA]++;
    if (!importable)
        return;
    if (has_child(parser, end, "import"))
        check_import_order(parser, token, *last);
    else
        *last = space;
}

static void for_each_field(struct encoder *encoder, void (*visit)(struct encoder *, uint32_t))
{
    struct parser *parser = encoder->parser;
    while (parser_at_form(parser)) {
        uint32_t end = parser_peek(parser, 0)->close;
        visit(encoder, end);
        if (parser->failed)
            return;
        parser->at = end;
        parser_expect_close(parser);
    }
}

static void declare_fields(struct encoder *encoder)
{
    struct parser *parser = encoder->parser;
    enum space last = SPACE_COUNT;
    while (parser_at_form(parser)) {
        uint32_t end = parser_peek(parser, 0)->close;
        declare_field(encoder, end, &last);
        if (parser->failed)
            return;
        parser->at = end;
        parser_expect_close(parser);
    }
}

/* ---- second pass: types ---- */

static void visit_types(struct encoder *encoder, uint32_t end)
{
    struct parser *parser = encoder->parser;
    bool is_type = parser_at_open(parser, "type");
    if (!is_type && !parser_at_open(parser, "rec"))
        return;
    if (is_type)
        types_parse_definition(encoder);
    else
        types_parse_recursion(encoder);
    if (!parser->failed)
        parser->at = end;
}

/* ---- third pass: everything else ---- */

static void visit_field(struct encoder *encoder, uint32_t end)
{
    struct parser *parser = encoder->parser;
    if (parser_at_open(parser, "type") || parser_at_open(parser, "rec"))
        return;
    parser_take(parser);
    fields_encode(encoder);
    if (!parser->failed && parser->at != end)
        parser_unexpected(parser, ")");
}

/* ---- output ---- */

static void put_section(struct bytes *out, uint8_t id, uint64_t entries, struct span content)
{
    struct bytes count = {0};
    bytes_put_unsigned(&count, entries);
    bytes_put_u8(out, id);
    bytes_put_unsigned(out, count.size + content.size);
    bytes_put_span(out, bytes_span(&count));
    bytes_put_span(out, content);
    out->failed |= count.failed;
    bytes_fini(&count);
}

static void put_subsection(struct bytes *out, uint8_t id, const struct bytes *content)
{
    bytes_put_u8(out, id);
    bytes_put_vector(out, bytes_span(content));
    out->failed |= content->failed;
}

/* The custom section "name" (specification 3.0, appendix 7.6.1): module and functions. */
static void put_names(const struct encoder *encoder, struct bytes *out)
{
    if (encoder->id.size == 0 && encoder->func_name_count == 0)
        return;
    struct bytes section = {0}, content = {0};
    bytes_put_vector(&section, SPAN_LITERAL("name"));
    if (encoder->id.size > 0) {
        bytes_put_vector(&content, encoder->id);
        put_subsection(&section, 0, &content);
        content.size = 0;
    }
    if (encoder->func_name_count > 0) {
        bytes_put_unsigned(&content, encoder->func_name_count);
        for (uint32_t i = 0; i < encoder->func_name_count; i++) {
            bytes_put_unsigned(&content, encoder->func_names[i].index);
            bytes_put_vector(&content, encoder->func_names[i].name);
        }
        put_subsection(&section, 1, &content);
    }
    put_subsection(out, SECTION_CUSTOM, &section);
    bytes_fini(&section);
    bytes_fini(&content);
}

/* The custom sections that annotations put before or after a section. */
static void put_customs(const struct encoder *encoder, enum section anchor, bool after,
                        struct bytes *out)
{
    for (const struct custom_section *custom = encoder->customs; custom; custom = custom->next) {
        if (custom->anchor != anchor || custom->after != after)
            continue;
        struct bytes section = {0};
        bytes_put_vector(&section, custom->name);
        bytes_put_span(&section, custom->content);
        put_subsection(out, SECTION_CUSTOM, &section);
        bytes_fini(&section);
    }
}

static void put_module(const struct encoder *encoder, struct bytes *out)
{
    static const enum section order[] = {
        SECTION_TYPE,       SECTION_IMPORT, SECTION_FUNC,   SECTION_TABLE, SECTION_MEMORY,
        SECTION_TAG,        SECTION_GLOBAL, SECTION_EXPORT, SECTION_START, SECTION_ELEM,
        SECTION_DATA_COUNT, SECTION_CODE,   SECTION_DATA,
    };
    bytes_put(out, "\0asm\1\0\0\0", 8);
    put_customs(encoder, SECTION_CUSTOM, false, out);
    for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
        enum section id = order[i];
        const struct bytes *content = &encoder->sections[id];
        out->failed |= content->failed;
        put_customs(encoder, id, false, out);
        if (id == SECTION_DATA_COUNT && encoder->uses_data_count)
            put_section(out, SECTION_DATA_COUNT, encoder->counts[SPACE_DATA], span_of("", 0));
        else if (id == SECTION_START && encoder->entries[id] > 0)
            put_subsection(out, SECTION_START, content); /* an index, not a vector */
        else if (encoder->entries[id] > 0)
            put_section(out, (uint8_t)id, encoder->entries[id], bytes_span(content));
        put_customs(encoder, id, true, out);
    }
    put_customs(encoder, SECTION_CUSTOM, true, out);
    put_names(encoder, out);
}

static void encoder_fini(struct encoder *encoder)
{
    for (int i = 0; i < SECTION_COUNT; i++)
        bytes_fini(&encoder->sections[i]);
    bytes_fini(&encoder->body);
    bytes_fini(&encoder->pending);
}

void module_encode_fields(struct parser *parser, struct span id, struct bytes *out)
{
    struct encoder encoder = {.parser = parser, .id = id};
    uint32_t start = parser->at;
    struct span name = annotations_take_name(&encoder);
    if (name.size > 0)
        encoder.id = name;
    declare_fields(&encoder);
    if (!parser->failed)
        annotations_parse(&encoder, start, parser->at);
    if (!parser->failed)
        parser->at = start;
    for_each_field(&encoder, visit_types);
    if (!parser->failed)
        parser->at = start;
    for_each_field(&encoder, visit_field);
    if (!parser->failed)
        put_module(&encoder, out);
    if (out->failed || encoder.body.failed || encoder.pending.failed)
        parser_out_of_memory(parser);
    encoder_fini(&encoder);
}

struct module_head module_parse_head(struct parser *parser)
{
    struct module_head head = {0};
    parser_expect_open(parser, "module");
    head.is_definition = parser_accept_word(parser, "definition");
    parser_accept_id(parser, &head.id);
    if (parser_accept_word(parser, "binary"))
        head.kind = MODULE_BINARY;
    else if (parser_accept_word(parser, "quote"))
        head.kind = MODULE_QUOTE;
    return head;
}

bool module_at_field(const struct parser *parser)
{
    static const char *const others[] = {"import", "export", "start", "rec"};
    if (!parser_at_form(parser))
        return false;
    const struct token *word = parser_peek(parser, 1);
    for (size_t i = 0; i < DECLARED_COUNT; i++) {
        if (parser_token_is(parser, word, declared[i].word))
            return true;
    }
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        if (parser_token_is(parser, word, others[i]))
            return true;
    }
    return false;
}
