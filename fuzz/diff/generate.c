/* SPDX-License-Identifier: Apache-2.0 */
#include "diff/generator.h"

#include <string.h>

void choices_from_seed(uint64_t seed, uint8_t *choices, size_t size)
{
    uint64_t state = seed * 0x9e3779b97f4a7c15u + 0x2545f4914f6cdd1du;
    for (size_t i = 0; i < size; i++) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        choices[i] = (uint8_t)(state >> 32);
    }
}

/* ---- Functions --------------------------------------------------------------------------------
 */

static void put_body(struct generator *g, struct bytes *code)
{
    put(g, 0x0b);
    bytes_put_vector(code, bytes_span(&g->body));
    code->failed |= g->body.failed;
}

static void begin_body(struct generator *g, unsigned func, unsigned result)
{
    g->body.size = 0;
    g->func = func;
    g->result = result;
    g->label_count = g->depth = 0;
    g->size_most = FUNC_SIZE;
    memset(g->crowd_count, 0, sizeof(g->crowd_count));
}

/* Declares two of each type in place of parameters, if there are none, two others, the spare ones,
 * those for references, and many of some types. */
static void put_locals(struct generator *g, bool has_params)
{
    unsigned groups = has_params ? 2 : 3;
    bytes_put_unsigned(&g->body, (groups + 1) * TYPES + g->exceptions + g->objects);
    for (unsigned i = 0; i < groups * TYPES; i++) {
        put(g, i < (groups - 1) * TYPES ? 2 : 1);
        put(g, type_codes[i % TYPES]);
    }
    if (g->exceptions) {
        put(g, 1);
        put(g, CODE_EXNREF);
    }
    if (g->objects) {
        put(g, OBJECT_LOCALS);
        put(g, CODE_EQREF);
    }
    for (unsigned i = 0; i < TYPES; i++) {
        bytes_put_unsigned(&g->body, g->crowd_count[i]);
        put(g, type_codes[i]);
    }
}

static void put_function(struct generator *g, unsigned func, struct bytes *code)
{
    begin_body(g, func, func % TYPES);
    bool crowd = choose(g, 6) == 5;
    if (crowd)
        choose_crowd(g);
    put_locals(g, true);
    put_fuel_check(g);
    g->labels[g->label_count++] = g->result;
    if (crowd)
        put_crowd(g);
    for (unsigned i = 0; i < 4 && !crowd; i++)
        statements(g);
    expression(g, g->result);
    put_body(g, code);
}

static void put_start_function(struct generator *g, struct bytes *code)
{
    begin_body(g, FUNC_START, TYPES);
    put_locals(g, false);
    g->labels[g->label_count++] = g->result;
    g->keeps_locals = true;
    put_start(g);
    g->keeps_locals = false;
    put_body(g, code);
}

/* Calls one of the functions and keeps its result in the global of that type. */
static void put_run(struct generator *g, struct bytes *code)
{
    unsigned callee = choose(g, FUNCS + 1);
    begin_body(g, FUNC_RUNS, TYPES);
    put(g, 0);
    put_i32(g, FUEL);
    put_index(g, 0x24, GLOBAL_FUEL);
    for (unsigned i = 0; i < PARAMS && callee != FUNC_START; i++)
        put_constant(g, i / 2);
    put_index(g, 0x10, callee);
    if (callee != FUNC_START)
        put_index(g, 0x24, callee % TYPES);
    put_body(g, code);
}

/* Copies what cannot be read from outside to the memory. */
static void put_finish(struct generator *g, struct bytes *code)
{
    begin_body(g, FUNC_RUNS, TYPES);
    put(g, 0);
    put_address(g, 0, 0);
    put_index(g, 0x23, GLOBAL_V128);
    put_code(g, 0xFD0B);
    bytes_put(&g->body, "\x04\x00", 2);
    for (int32_t i = 0; i < TABLE_SIZE; i++) {
        put_address(g, 0, 16 + i);
        put_i32(g, i);
        put_index(g, 0x25, 0);
        put(g, 0xd1);
        put(g, 0x3a); /* i32.store8 */
        bytes_put(&g->body, "\x00\x00", 2);
    }
    if (g->objects)
        put_object_finish(g);
    put_body(g, code);
}

/* ---- The module -------------------------------------------------------------------------------
 */

static void put_section(struct bytes *out, uint8_t id, struct bytes *content)
{
    bytes_put_u8(out, id);
    bytes_put_vector(out, bytes_span(content));
    out->failed |= content->failed;
    content->size = 0;
}

/* Type k < TYPES: all parameters, result k. The next: nothing. */
static void put_types(const struct generator *g, struct bytes *out, struct bytes *content)
{
    unsigned objects = g->objects ? OBJECT_TYPES : 0;
    bytes_put_unsigned(content, TYPES + 1 + (g->exceptions ? 2 : 0) + objects);
    for (unsigned result = 0; result <= TYPES; result++) {
        bytes_put_u8(content, 0x60);
        bytes_put_unsigned(content, result < TYPES ? PARAMS : 0);
        for (unsigned i = 0; i < PARAMS && result < TYPES; i++)
            bytes_put_u8(content, type_codes[i / 2]);
        bytes_put_unsigned(content, result < TYPES ? 1 : 0);
        if (result < TYPES)
            bytes_put_u8(content, type_codes[result]);
    }
    for (unsigned i = 0; i < 2 && g->exceptions; i++) { /* FUNC_TAKES_ALL, FUNC_GIVES_ALL */
        bytes_put_u8(content, 0x60);
        if (i == 1)
            bytes_put_unsigned(content, 0);
        bytes_put_vector(content, span_of(type_codes, TYPES));
        if (i == 0)
            bytes_put_unsigned(content, 0);
    }
    if (g->objects)
        put_object_types(g, content);
    put_section(out, 1, content);
    bytes_put_unsigned(content, FUNC_RUNS + GENERATED_RUNS + 1);
    for (unsigned i = 0; i < FUNC_RUNS + GENERATED_RUNS + 1; i++)
        bytes_put_unsigned(content, i < FUNCS ? i % TYPES : TYPES);
    put_section(out, 3, content);
}

static void put_memories(const struct generator *g, struct bytes *out, struct bytes *content)
{
    enum { HAS_MAX = 1, WIDE = 4 };
    bytes_put_unsigned(content, g->memories);
    for (unsigned i = 0; i < g->memories; i++) {
        bytes_put_u8(content, g->wide[i] ? HAS_MAX | WIDE : HAS_MAX);
        bytes_put_unsigned(content, 1);
        bytes_put_unsigned(content, PAGES_MAX);
    }
    put_section(out, 5, content);
}

static void put_state(const struct generator *g, struct bytes *out, struct bytes *content)
{
    static const uint8_t tags[] = {2, 0, FUNC_EMPTY, 0, FUNC_TAKES_ALL};
    static const uint8_t table[] = {1, 0x70, 1, TABLE_SIZE, TABLE_SIZE};
    static const uint8_t globals[] = {
        0x7f, 1, 0x41, 0,    0x0b, 0x7e, 1, 0x42, 0,    0x0b,          /* i32, i64 */
        0x7d, 1, 0x43, 0,    0,    0,    0, 0x0b,                      /* f32 */
        0x7c, 1, 0x44, 0,    0,    0,    0, 0,    0,    0,    0, 0x0b, /* f64 */
        0x7b, 1, 0xfd, 0x0c, 0,    0,    0, 0,    0,    0,    0, 0,
        0,    0, 0,    0,    0,    0,    0, 0,    0x0b,       /* v128 */
        0x70, 1, 0xd0, 0x70, 0x0b, 0x7f, 1, 0x41, 0,    0x0b, /* funcref, fuel */
    };
    bytes_put(content, table, sizeof(table));
    put_section(out, 4, content);
    put_memories(g, out, content);
    if (g->exceptions) {
        bytes_put(content, tags, sizeof(tags));
        put_section(out, 13, content);
    }
    bytes_put_unsigned(content, GLOBAL_FUEL + 1 + g->objects);
    bytes_put(content, globals, sizeof(globals));
    if (g->objects) {
        bytes_put_u8(content, CODE_EQREF);
        bytes_put(content, "\x01\xd0\x71\x0b", 4); /* mutable, ref.null none */
    }
    put_section(out, 6, content);
}

static void put_export(struct bytes *content, const char *name, uint8_t kind, uint32_t index)
{
    bytes_put_vector(content, span_of(name, strlen(name)));
    bytes_put_u8(content, kind);
    bytes_put_unsigned(content, index);
}

static void put_exports(const struct generator *g, struct bytes *out, struct bytes *content)
{
    char run[] = "run0";
    bytes_put_unsigned(content, GENERATED_RUNS + 5 + g->memories);
    for (unsigned i = 0; i < GENERATED_RUNS; i++, run[3]++)
        put_export(content, run, 0, FUNC_RUNS + i);
    put_export(content, "finish", 0, FUNC_RUNS + GENERATED_RUNS);
    put_export(content, "memory", 2, 0);
    if (g->memories > 1)
        put_export(content, "memory2", 2, 1);
    put_export(content, "i32", 3, GLOBAL_I32);
    put_export(content, "i64", 3, GLOBAL_I64);
    put_export(content, "f32", 3, GLOBAL_F32);
    put_export(content, "f64", 3, GLOBAL_F64);
    put_section(out, 7, content);
    /* The first three functions, in the table from its second element on and in a segment. */
    static const uint8_t elems[] = {2, 1, 0, 4, 0, 1, 2, 0, 0, 0x41, 1, 0x0b, 3, 0, 1, 2};
    bytes_put(content, elems, sizeof(elems));
    put_section(out, 9, content);
    bytes_put_u8(content, 1);
    put_section(out, 12, content);
}

/* Says in a custom section what the module needs beyond WebAssembly 2.0 and threads. */
static void put_features(const struct generator *g, struct bytes *out, struct bytes *content)
{
    static const char *const names[] = {"exceptions", "objects", "memory64", "memories"};
    const bool used[] = {g->exceptions, g->objects, g->wide[0] || g->wide[1], g->memories > 1};
    bytes_put_vector(content, SPAN_LITERAL("features"));
    for (unsigned i = 0; i < sizeof(used) / sizeof(used[0]); i++) {
        if (!used[i])
            continue;
        bytes_put(content, names[i], strlen(names[i]));
        bytes_put_u8(content, ' ');
    }
    put_section(out, 0, content);
}

static void choose_features(struct generator *g)
{
    g->exceptions = choose(g, 3) == 2;
    g->objects = choose(g, 3) == 2;
    g->memories = choose(g, 5) == 4 ? MEMORIES_MAX : 1;
    g->wide[0] = choose(g, 4) == 3;
    g->wide[1] = g->memories > 1 && choose(g, 2);
}

void module_generate(struct span choices, struct bytes *out)
{
    struct generator g = {.choices = choices};
    struct bytes content = {0};
    bytes_put(out, "\0asm\1\0\0\0", 8);
    choose_features(&g);
    put_features(&g, out, &content);
    put_types(&g, out, &content);
    put_state(&g, out, &content);
    put_exports(&g, out, &content);
    bytes_put_unsigned(&content, FUNC_RUNS + GENERATED_RUNS + 1);
    for (unsigned i = 0; i < FUNCS; i++)
        put_function(&g, i, &content);
    put_start_function(&g, &content);
    for (unsigned i = 0; i < GENERATED_RUNS; i++)
        put_run(&g, &content);
    put_finish(&g, &content);
    put_section(out, 10, &content);
    bytes_put(&content, "\x01\x01\x20", 3); /* one passive segment */
    for (unsigned i = 0; i < DATA_SIZE; i++)
        bytes_put_u8(&content, (uint8_t)(i * 37));
    put_section(out, 11, &content);
    bytes_fini(&content);
    bytes_fini(&g.body);
}
