// SPDX-License-Identifier: Apache-2.0
#include "wick/text/wast_value.h"

#include "wick/text/immediates.h"

#include <stdio.h>
#include <string.h>

/* ---- bits of floats ---- */

static uint32_t f32_bits(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof(bits));
    return bits;
}

static uint64_t f64_bits(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof(bits));
    return bits;
}

static uint64_t load_le(const uint8_t *bytes, unsigned width)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < width; i++)
        value |= (uint64_t)bytes[i] << (8 * i);
    return value;
}

/* ---- arguments ---- */

/* The abstract heap types, by the kind of a reference that the API knows. */
static const struct {
    const char *word;
    wasm_valkind_t kind;
} heap_kinds[] = {
    {"func", WASM_FUNCREF},       {"nofunc", WASM_FUNCREF}, {"extern", WASM_EXTERNREF},
    {"noextern", WASM_EXTERNREF}, {"exn", WICK_EXNREF},     {"noexn", WICK_EXNREF},
    {"any", WICK_ANYREF},         {"eq", WICK_ANYREF},      {"i31", WICK_ANYREF},
    {"struct", WICK_ANYREF},      {"array", WICK_ANYREF},   {"none", WICK_ANYREF},
};

/* Takes a heap type, if there is one. False if it does not tell the kind. */
static bool accept_heap_type(struct parser *parser, wasm_valkind_t *kind)
{
    for (size_t i = 0; i < sizeof(heap_kinds) / sizeof(heap_kinds[0]); i++) {
        if (parser_accept_word(parser, heap_kinds[i].word)) {
            *kind = heap_kinds[i].kind;
            return true;
        }
    }
    if (parser_peek(parser, 0)->kind != TOKEN_CLOSE)
        parser_take(parser);
    return false;
}

static wick_val_t parse_reference(struct parser *parser)
{
    wick_val_t value = {.kind = WASM_EXTERNREF};
    if (parser_accept_word(parser, "ref.null")) {
        value.of.externref = NULL;
        accept_heap_type(parser, &value.kind);
    } else if (parser_accept_word(parser, "ref.extern") || parser_accept_word(parser, "ref.host")) {
        uint64_t number = parser_unsigned(parser, 32, "the number of a host reference");
        value.of.externref = (void *)(uintptr_t)(number + 1);
    } else {
        parser_unexpected(parser, "a constant");
    }
    return value;
}

wick_val_t wast_value_parse(struct parser *parser)
{
    wick_val_t value = {.kind = WASM_I32};
    if (!parser_at_form(parser))
        parser_unexpected(parser, "(");
    else
        parser_take(parser);
    if (parser_accept_word(parser, "i32.const")) {
        value.of.i32 = (int32_t)parser_integer(parser, 32);
    } else if (parser_accept_word(parser, "i64.const")) {
        value.kind = WASM_I64;
        value.of.i64 = (int64_t)parser_integer(parser, 64);
    } else if (parser_accept_word(parser, "f32.const")) {
        uint32_t bits = (uint32_t)parser_float(parser, 32);
        value.kind = WASM_F32;
        memcpy(&value.of.f32, &bits, sizeof(bits));
    } else if (parser_accept_word(parser, "f64.const")) {
        uint64_t bits = parser_float(parser, 64);
        value.kind = WASM_F64;
        memcpy(&value.of.f64, &bits, sizeof(bits));
    } else if (parser_accept_word(parser, "v128.const")) {
        value.kind = WASM_V128;
        immediates_parse_v128(parser, value.of.v128);
    } else {
        value = parse_reference(parser);
    }
    parser_expect_close(parser);
    return value;
}

/* ---- patterns ---- */

/* A NaN is canonical if only the top bit of its fraction is set, arithmetic if at least that. */
static bool float_matches(struct parser *parser, uint64_t actual, unsigned bits)
{
    const uint64_t quiet = bits == 32 ? 0x7fc00000 : 0x7ff8000000000000;
    const uint64_t sign = (uint64_t)1 << (bits - 1);
    if (parser_accept_word(parser, "nan:canonical"))
        return (actual & ~sign) == quiet;
    if (parser_accept_word(parser, "nan:arithmetic"))
        return (actual & quiet) == quiet;
    return parser_float(parser, bits) == actual;
}

static bool vector_matches(struct parser *parser, const wick_val_t *value)
{
    const struct vector_shape *shape = immediates_parse_shape(parser);
    if (!shape)
        return false;
    bool matches = value->kind == WASM_V128;
    unsigned width = shape->bits / 8;
    for (unsigned lane = 0; lane < shape->lanes; lane++) {
        uint64_t actual = matches ? load_le(value->of.v128 + lane * width, width) : 0;
        bool equal = shape->is_float ? float_matches(parser, actual, shape->bits)
                                     : parser_integer(parser, shape->bits) == actual;
        matches = matches && equal;
    }
    return matches;
}

static bool is_null(const wick_val_t *value)
{
    return value->kind == WASM_FUNCREF ? !value->of.func : !value->of.externref;
}

static bool number_matches(struct parser *parser, const wick_val_t *value, bool *is_number)
{
    *is_number = true;
    if (parser_accept_word(parser, "i32.const")) {
        uint64_t expected = parser_integer(parser, 32);
        return value->kind == WASM_I32 && (uint32_t)value->of.i32 == expected;
    }
    if (parser_accept_word(parser, "i64.const")) {
        uint64_t expected = parser_integer(parser, 64);
        return value->kind == WASM_I64 && (uint64_t)value->of.i64 == expected;
    }
    if (parser_accept_word(parser, "f32.const")) {
        bool kind = value->kind == WASM_F32;
        return float_matches(parser, kind ? f32_bits(value->of.f32) : 0, 32) && kind;
    }
    if (parser_accept_word(parser, "f64.const")) {
        bool kind = value->kind == WASM_F64;
        return float_matches(parser, kind ? f64_bits(value->of.f64) : 0, 64) && kind;
    }
    if (parser_accept_word(parser, "v128.const"))
        return vector_matches(parser, value);
    *is_number = false;
    return false;
}

/* The words for what is not null, with the kinds that they match. */
static const struct {
    const char *word;
    unsigned kinds;
} ref_words[] = {
    {"ref.i31", 1 << WICK_REF_I31},
    {"ref.struct", 1 << WICK_REF_STRUCT},
    {"ref.array", 1 << WICK_REF_ARRAY},
    {"ref.exn", 1 << WICK_REF_EXCEPTION},
    {"ref.eq", 1 << WICK_REF_I31 | 1 << WICK_REF_STRUCT | 1 << WICK_REF_ARRAY},
    {"ref.any",
     1 << WICK_REF_HOST | 1 << WICK_REF_I31 | 1 << WICK_REF_STRUCT | 1 << WICK_REF_ARRAY},
};

static bool reference_matches(struct parser *parser, const wick_val_t *value)
{
    bool is_ref = wasm_valkind_is_ref(value->kind);
    wasm_valkind_t kind = value->kind;
    if (parser_accept_word(parser, "ref.null")) {
        bool known = accept_heap_type(parser, &kind);
        return is_ref && is_null(value) && (!known || kind == value->kind);
    }
    if (parser_accept_word(parser, "ref.func")) {
        accept_heap_type(parser, &kind);
        return value->kind == WASM_FUNCREF && !is_null(value);
    }
    if (parser_accept_word(parser, "ref.extern") || parser_accept_word(parser, "ref.host")) {
        if (parser_peek(parser, 0)->kind == TOKEN_CLOSE) /* or an object that became external */
            return (kind == WASM_EXTERNREF || kind == WICK_ANYREF) && !is_null(value);
        uint64_t number = parser_unsigned(parser, 32, "the number of a host reference");
        return kind == WASM_EXTERNREF && value->of.externref == (void *)(uintptr_t)(number + 1);
    }
    for (size_t i = 0; i < sizeof(ref_words) / sizeof(ref_words[0]); i++) {
        if (parser_accept_word(parser, ref_words[i].word))
            return is_ref && kind != WASM_FUNCREF &&
                   (ref_words[i].kinds >> wick_ref_kind(value) & 1);
    }
    parser_unexpected(parser, "a result");
    return false;
}

/* One of several patterns. */
static bool either_matches(struct parser *parser, const wick_val_t *value)
{
    bool matches = false;
    while (parser_at_form(parser)) {
        if (!parser_enter(parser))
            return false;
        if (wast_value_matches(parser, value))
            matches = true;
        parser_leave(parser);
    }
    return matches;
}

bool wast_value_matches(struct parser *parser, const wick_val_t *value)
{
    if (!parser_at_form(parser)) {
        parser_unexpected(parser, "a result");
        return false;
    }
    parser_take(parser);
    bool matches, is_number = false;
    if (parser_accept_word(parser, "either")) {
        matches = either_matches(parser, value);
    } else {
        matches = number_matches(parser, value, &is_number);
        if (!is_number)
            matches = reference_matches(parser, value);
    }
    parser_expect_close(parser);
    return matches && !parser->failed;
}

/* ---- output ---- */

static int print_vector(const wick_val_t *value, char *buffer, size_t size)
{
    const uint8_t *lanes = value->of.v128;
    return snprintf(buffer, size, "(v128.const i32x4 0x%08x 0x%08x 0x%08x 0x%08x)",
                    (unsigned)load_le(lanes, 4), (unsigned)load_le(lanes + 4, 4),
                    (unsigned)load_le(lanes + 8, 4), (unsigned)load_le(lanes + 12, 4));
}

static int print_ref(const wick_val_t *value, char *buffer, size_t size)
{
    static const char *const words[] = {
        [WICK_REF_NULL] = "(ref.null any)", [WICK_REF_FUNC] = "(ref.func)",
        [WICK_REF_HOST] = "(ref.host)",     [WICK_REF_I31] = "(ref.i31)",
        [WICK_REF_STRUCT] = "(ref.struct)", [WICK_REF_ARRAY] = "(ref.array)",
        [WICK_REF_EXCEPTION] = "(ref.exn)",
    };
    return snprintf(buffer, size, "%s", words[wick_ref_kind(value)]);
}

int wast_value_print(const wick_val_t *value, char *buffer, size_t size)
{
    switch (value->kind) {
    case WASM_I32:
        return snprintf(buffer, size, "(i32.const %d)", value->of.i32);
    case WASM_I64:
        return snprintf(buffer, size, "(i64.const %lld)", (long long)value->of.i64);
    case WASM_F32:
        return snprintf(buffer, size, "(f32.const %a [0x%08x])", (double)value->of.f32,
                        f32_bits(value->of.f32));
    case WASM_F64:
        return snprintf(buffer, size, "(f64.const %a [0x%016llx])", value->of.f64,
                        (unsigned long long)f64_bits(value->of.f64));
    case WASM_V128:
        return print_vector(value, buffer, size);
    case WASM_FUNCREF:
        return snprintf(buffer, size, is_null(value) ? "(ref.null func)" : "(ref.func)");
    case WICK_ANYREF:
    case WICK_EXNREF:
        return print_ref(value, buffer, size);
    default:
        if (is_null(value))
            return snprintf(buffer, size, "(ref.null extern)");
        return snprintf(buffer, size, "(ref.extern %llu)",
                        (unsigned long long)(uintptr_t)value->of.externref - 1);
    }
}
