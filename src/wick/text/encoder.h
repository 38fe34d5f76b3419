/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the parts of the module parser share: the module under construction.
 *
 * A module is parsed in passes over the same tokens: declare every name (module.c), read the type
 * definitions (types.c), then encode the other fields in order, each into the buffer of its
 * section (module.c, instructions.c). Function types that are only implied are appended on the way.
 */
#pragma once

#include "wick/text/bytes.h"
#include "wick/text/names.h"

enum space {
    SPACE_TYPE,
    SPACE_FUNC,
    SPACE_TABLE,
    SPACE_MEMORY,
    SPACE_GLOBAL,
    SPACE_TAG,
    SPACE_ELEM,
    SPACE_DATA,
    SPACE_COUNT,
};

/* Section numbers of the binary format (specification 3.0, section 5.5.2). */
enum section {
    SECTION_CUSTOM,
    SECTION_TYPE,
    SECTION_IMPORT,
    SECTION_FUNC,
    SECTION_TABLE,
    SECTION_MEMORY,
    SECTION_GLOBAL,
    SECTION_EXPORT,
    SECTION_START,
    SECTION_ELEM,
    SECTION_CODE,
    SECTION_DATA,
    SECTION_DATA_COUNT,
    SECTION_TAG,
    SECTION_COUNT,
};

/* ---- types ---- */

enum {
    TYPE_I32 = 0x7f,
    TYPE_I64 = 0x7e,
    TYPE_F32 = 0x7d,
    TYPE_F64 = 0x7c,
    TYPE_V128 = 0x7b,
    TYPE_I8 = 0x78,
    TYPE_I16 = 0x77,
    TYPE_FUNCREF = 0x70,
    TYPE_REF = 0x64,
    TYPE_REF_NULL = 0x63,
};

/* As in the binary format; the short code is used wherever there is one, so equal types are equal
 * here. `heap` counts with TYPE_REF and TYPE_REF_NULL only: a type index, or negative. */
struct value_type {
    uint8_t code;
    int64_t heap;
};

struct type_list {
    struct value_type *items;
    uint32_t count, capacity;
};

struct func_type {
    struct type_list params, results;
};

struct field_type {
    struct value_type type;
    bool is_mutable;
};

enum type_form { FORM_FUNC = 0x60, FORM_STRUCT = 0x5f, FORM_ARRAY = 0x5e };

struct type_def {
    enum type_form form;
    bool final;
    bool alone; /* the only type of its recursion group */
    uint32_t *supers;
    uint32_t super_count, super_capacity;
    struct func_type func;     /* FORM_FUNC */
    struct field_type *fields; /* FORM_STRUCT; FORM_ARRAY has one */
    uint32_t field_count, field_capacity;
    struct name_map field_names;
};

/* ---- the module ---- */

enum label_kind {
    LABEL_FOLDED,
    LABEL_BLOCK,
    LABEL_IF,
    LABEL_ELSE,
    LABEL_TRY,
    LABEL_CATCH_ALL,
};

struct label {
    struct span name; /* empty if it has none */
    enum label_kind kind;
};

struct encoder {
    struct parser *parser;
    struct span id; /* the module's own name, may be empty */
    struct name_map names[SPACE_COUNT];
    uint32_t counts[SPACE_COUNT]; /* of the whole module, from the first pass */
    uint32_t next[SPACE_COUNT];   /* while encoding: the index of the next definition */
    struct type_def *types;       /* counts[SPACE_TYPE] of them once pass 2 is done */
    uint32_t type_count, type_capacity;

    struct bytes sections[SECTION_COUNT]; /* without the number of entries */
    uint32_t entries[SECTION_COUNT];
    struct bytes body;    /* of the function under construction */
    struct bytes pending; /* instructions whose folded operands come first */

    struct name_map locals;
    uint32_t local_count;
    struct label *labels;
    uint32_t label_count, label_capacity;
    bool uses_data_count;

    struct name_entry *func_names; /* for the name section, in order */
    uint32_t func_name_count, func_name_capacity;
    uint32_t next_annotation; /* of the first pass */
    struct custom_section *customs;
};

/* What an annotation asks for: a custom section and its place. */
struct custom_section {
    struct custom_section *next;
    enum section anchor; /* SECTION_CUSTOM: the beginning or end of the module */
    bool after;
    struct span name, content;
};

/* An index into a space: a number, or a name that must be bound. */
uint32_t encoder_index(struct encoder *encoder, enum space space);
/* A name or number in a map such as the locals; `what` words the failure. */
uint32_t encoder_named_index(struct encoder *encoder, const struct name_map *map, const char *what);
const char *encoder_space_name(enum space space);

/* ---- types.c ---- */

struct value_type types_parse_value(struct encoder *encoder);
struct value_type types_parse_ref(struct encoder *encoder);
int64_t types_parse_heap(struct encoder *encoder);
bool types_at_ref(const struct encoder *encoder);
void types_list_add(struct encoder *encoder, struct type_list *list, struct value_type type);
void types_put_value(struct bytes *out, struct value_type type);
void types_put_heap(struct bytes *out, int64_t heap);
/* The heap type and nullability of a reference type. */
int64_t types_heap_of(struct value_type type);
bool types_is_nullable(struct value_type type);
/* `(type …)` and `(rec …)`; the cursor is at the parenthesis. */
void types_parse_definition(struct encoder *encoder);
void types_parse_recursion(struct encoder *encoder);

/* Whether parameters of a type use may have names, and where these go. */
enum param_names { PARAM_NAMES_REFUSED, PARAM_NAMES_IGNORED, PARAM_NAMES_LOCALS };

/* `(type x)? (param …)* (result …)*` */
struct type_use {
    bool explicit;
    uint32_t index; /* if explicit; else set by types_resolve_use() */
    uint32_t token; /* where it begins */
    struct func_type inlined;
};
struct type_use types_parse_use(struct encoder *encoder, enum param_names names);
/* Checks an explicit use, finds or appends the type of an implicit one. Returns the index. */
uint32_t types_resolve_use(struct encoder *encoder, struct type_use *use);

/* ---- annotations.c ---- */

/* The name that an annotation at the cursor gives; empty if there is none. In the first pass. */
struct span annotations_take_name(struct encoder *encoder);
/* Interprets and checks the annotations of the fields from token `start` to `end`. */
void annotations_parse(struct encoder *encoder, uint32_t start, uint32_t end);

/* ---- instructions.c ---- */

/* Instructions up to a token that starts none; without the final `end`. */
void instructions_parse(struct encoder *encoder, struct bytes *out);
/* One folded instruction, as in `(elem (i32.const 0) …)`; with the final `end`. */
void instructions_parse_folded_expression(struct encoder *encoder, struct bytes *out);
/* Instructions up to the closing parenthesis, with the final `end`. */
void instructions_parse_expression(struct encoder *encoder, struct bytes *out);
