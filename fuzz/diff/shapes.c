/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What large programs have and short random ones do not: functions with many more values than
 * registers, ends of many blocks with nothing between, loops at the start of a function.
 */
#include "diff/generator.h"

#include <string.h>

enum {
    CROWD_LEAST = 20, /* locals beyond the usual ones */
    CROWD_MOST = 60,
    CROWD_SIZE = 3000, /* bytes of such a function: this, and at most as much again */
    CROWD_SIZE_LONG = 14000,
    CROWD_DEPTH = 4,
    ARMS_MOST = 7, /* of a switch */
    CHAIN_MOST = 124,
    START_ROUNDS = 40,
};

static void put_fuel(struct generator *g)
{
    put_index(g, 0x23, GLOBAL_FUEL);
}

/* ---- Ends of blocks, one behind the other -----------------------------------------------------
 */

/* A local that is below `count`, and another one each time that fuel was used. */
static uint32_t put_case_index(struct generator *g, unsigned count)
{
    uint32_t index = some_local(g, type_of('i'));
    expression(g, type_of('i'));
    put_fuel(g);
    put_i32(g, 13);
    put(g, 0x6c); /* mul */
    put(g, 0x6a); /* add */
    put_i32(g, (int32_t)count);
    put(g, 0x70); /* rem_u */
    put_index(g, 0x21, index);
    return index;
}

/* br_table to the blocks around it from inside to outside, the last of which is the default. */
static void put_cases(struct generator *g, uint32_t index, unsigned count)
{
    put_index(g, 0x20, index);
    put(g, 0x0e);
    bytes_put_unsigned(&g->body, count);
    for (unsigned i = 0; i <= count; i++)
        bytes_put_unsigned(&g->body, i);
}

/* Counts in a global that can be seen. */
static void put_count(struct generator *g)
{
    put_index(g, 0x23, GLOBAL_I32);
    put_i32(g, 5);
    put(g, 0x6c); /* mul */
    put_fuel(g);
    put(g, 0x6a); /* add */
    put_index(g, 0x24, GLOBAL_I32);
}

void put_chain(struct generator *g)
{
    unsigned count = choose(g, 2) ? 2 + choose(g, 16) : 40 + choose(g, CHAIN_MOST - 40);
    if (g->label_count + 2 > LABELS_MAX)
        return;
    bytes_put(&g->body, "\x03\x40", 2); /* loop */
    push_label(g, TYPES);
    put_fuel_check(g);
    put_count(g);
    statements(g);
    uint32_t index = put_case_index(g, count + 2 + choose(g, 32));
    for (unsigned i = 0; i <= count; i++)
        bytes_put(&g->body, "\x02\x40", 2); /* block */
    put_cases(g, index, count);
    for (unsigned i = 0; i < count; i++)
        put(g, 0x0b);
    push_label(g, TYPES);
    unsigned depth = choose(g, 3) == 2 ? find_label(g, TYPES) : 1;
    put_index(g, 0x0c, depth); /* there is at least the label of the loop */
    g->label_count--;
    put(g, 0x0b);
    statements(g);
    g->label_count--;
    put(g, 0x0b);
}

/* ---- Loops at the start -----------------------------------------------------------------------
 */

/* Changes what can be seen, each time in another way. */
static void put_progress(struct generator *g)
{
    bool wide = choose(g, 2);
    unsigned global = wide ? GLOBAL_I64 : GLOBAL_I32;
    put_index(g, 0x23, global);
    put_constant(g, global);
    put(g, wide ? 0x7c : 0x6a); /* add */
    put_index(g, 0x23, global);
    if (wide)
        put(g, 0x42);
    else
        put(g, 0x41);
    bytes_put_signed(&g->body, 1 + (int32_t)choose(g, 31));
    put(g, wide ? 0x89 : 0x77); /* rotl */
    put(g, wide ? 0x85 : 0x73); /* xor */
    put_index(g, 0x24, global);
}

static void put_some_progress(struct generator *g)
{
    for (unsigned i = choose(g, 3) + 1; i-- > 0;)
        put_progress(g);
    if (choose(g, 4) == 3)
        statements(g);
}

void put_start(struct generator *g)
{
    bytes_put(&g->body, "\x03\x40", 2); /* loop */
    push_label(g, TYPES);
    put_fuel_check(g);
    put_fuel(g);
    put_i32(g, FUEL - 2 - (int32_t)choose(g, START_ROUNDS));
    put(g, 0x48); /* lt_s */
    bytes_put(&g->body, "\x04\x40\x0f\x0b", 4);
    put_some_progress(g);
    for (unsigned i = choose(g, 3); i-- > 0;) {
        put_index(g, 0x23, choose(g, 2) ? GLOBAL_I32 : GLOBAL_FUEL);
        put_i32(g, 1 << choose(g, 4));
        put(g, 0x71); /* and */
        bytes_put(&g->body, "\x04\x40", 2);
        push_label(g, TYPES);
        put_some_progress(g);
        if (choose(g, 2))
            put_index(g, 0x0c, 1);
        g->label_count--;
        put(g, 0x0b);
    }
    put_some_progress(g);
    put_index(g, 0x0c, 0);
    g->label_count--;
    put(g, 0x0b);
    put(g, 0x00); /* the loop is left by return alone */
}

/* ---- Many values ------------------------------------------------------------------------------
 */

void choose_crowd(struct generator *g)
{
    static const char *const classes[] = {"il", "fdv", "i", "l", "d", "v"};
    const char *letters = classes[choose(g, sizeof(classes) / sizeof(classes[0]))];
    unsigned count = CROWD_LEAST + choose(g, CROWD_MOST - CROWD_LEAST + 1);
    bool is_long = choose(g, 8) == 7;
    uint32_t local = LOCAL_EXCEPTION + g->exceptions + (g->objects ? OBJECT_LOCALS : 0);
    for (unsigned type = 0; type < TYPES; type++) {
        g->crowd_first[type] = local;
        g->crowd_count[type] =
            strchr(letters, type_letters[type]) ? count / (unsigned)strlen(letters) : 0;
        local += g->crowd_count[type];
    }
    g->size_most = is_long ? CROWD_SIZE_LONG : CROWD_SIZE;
    g->size_most += choose(g, 256) * g->size_most / 256;
}

/* A type of which there are many locals. */
static unsigned crowd_type(struct generator *g)
{
    unsigned type = choose(g, TYPES);
    while (!g->crowd_count[type])
        type = (type + 1) % TYPES;
    return type;
}

/* A value of its own for each, which comes from the parameters. */
static void put_first_value(struct generator *g, unsigned type, unsigned number)
{
    bool wide = type_letters[type] == 'l' || type_letters[type] == 'v';
    put_index(g, 0x20, 2 * type_of(wide ? 'l' : 'i') + number % 2);
    put(g, wide ? 0x42 : 0x41);
    bytes_put_signed(&g->body, (int32_t)(number * 0x10021 + 3));
    put(g, wide ? 0x7c : 0x6a); /* add */
    if (type_letters[type] == 'f')
        put(g, 0xb2); /* f32.convert_i32_s */
    else if (type_letters[type] == 'd')
        put(g, 0xb7); /* f64.convert_i32_s */
    else if (type_letters[type] == 'v')
        put_code(g, 0xFD12); /* i64x2.splat */
    put_index(g, 0x21, g->crowd_first[type] + number);
}

/* The i32 or i64 on the stack with a local of the type in it. */
static void put_mixed(struct generator *g, unsigned type, uint32_t local, unsigned lane)
{
    put_index(g, 0x20, local);
    if (type_letters[type] == 'f')
        put(g, 0xbc); /* i32.reinterpret_f32 */
    else if (type_letters[type] == 'd')
        put(g, 0xbd); /* i64.reinterpret_f64 */
    if (type_letters[type] == 'v') {
        put_code(g, 0xFD1D); /* i64x2.extract_lane */
        put(g, (uint8_t)lane);
    }
    bool wide = type_letters[type] != 'i' && type_letters[type] != 'f';
    put(g, wide ? 0x85 : 0x73); /* xor */
    put(g, wide ? 0x42 : 0x41);
    put(g, 7);
    put(g, wide ? 0x89 : 0x77); /* rotl */
}

/* What became of all of them, to the globals. */
static void put_last_values(struct generator *g, unsigned type)
{
    bool wide = type_letters[type] != 'i' && type_letters[type] != 'f';
    unsigned global = wide ? GLOBAL_I64 : GLOBAL_I32;
    put_index(g, 0x23, global);
    for (unsigned i = 0; i < g->crowd_count[type]; i++) {
        for (unsigned lane = 0; lane < (type_letters[type] == 'v' ? 2 : 1); lane++)
            put_mixed(g, type, g->crowd_first[type] + i, lane);
    }
    put_index(g, 0x24, global);
}

static void crowd_steps(struct generator *g, unsigned depth);

static bool is_full(const struct generator *g)
{
    return g->body.size > g->size_most || g->next >= g->choices.size;
}

/* if and else */
static void put_two_ways(struct generator *g, unsigned depth)
{
    expression(g, type_of('i'));
    if (!push_label(g, TYPES)) {
        put(g, 0x1a); /* drop */
        return;
    }
    bytes_put(&g->body, "\x04\x40", 2);
    crowd_steps(g, depth + 1);
    if (choose(g, 4)) {
        put(g, 0x05);
        crowd_steps(g, depth + 1);
    }
    g->label_count--;
    put(g, 0x0b);
}

static void put_round(struct generator *g, unsigned depth)
{
    if (!push_label(g, TYPES))
        return;
    bytes_put(&g->body, "\x03\x40", 2);
    put_fuel_check(g);
    crowd_steps(g, depth + 1);
    put_fuel(g);
    put_i32(g, 3);
    put(g, 0x71); /* and */
    put_index(g, 0x0d, 0);
    g->label_count--;
    put(g, 0x0b);
}

/* A br_table of which each case has its steps, and most go on behind it. */
static void put_switch(struct generator *g, unsigned depth)
{
    unsigned count = 2 + choose(g, ARMS_MOST - 1);
    if (g->label_count + count + 1 > LABELS_MAX)
        return;
    uint32_t index = put_case_index(g, count + choose(g, 2));
    for (unsigned i = 0; i <= count; i++) {
        bytes_put(&g->body, "\x02\x40", 2);
        push_label(g, TYPES);
    }
    put_cases(g, index, count);
    for (unsigned i = count; i > 0; i--) {
        g->label_count--;
        put(g, 0x0b);
        crowd_steps(g, depth + 1);
        if (choose(g, 4))
            put_index(g, 0x0c, i - 1);
    }
    g->label_count--;
    put(g, 0x0b);
}

static void put_call_step(struct generator *g)
{
    unsigned type = choose(g, TYPES);
    if (put_call(g, type))
        put_index(g, 0x21, some_local(g, type));
}

static void crowd_step(struct generator *g, unsigned depth)
{
    unsigned kind = choose(g, 30);
    if (kind < 6 && kind > 0 && depth == CROWD_DEPTH)
        kind = 0;
    switch (kind) {
    case 1:
    case 2:
        put_two_ways(g, depth);
        break;
    case 3:
    case 4:
        put_switch(g, depth);
        break;
    case 5:
        put_round(g, depth);
        break;
    case 6:
    case 7:
        put_call_step(g);
        break;
    case 8:
        g->depth -= 2;
        statements(g);
        g->depth += 2;
        break;
    default:
        put_calm_assignment(g, crowd_type(g));
    }
}

static void crowd_steps(struct generator *g, unsigned depth)
{
    for (unsigned i = choose(g, 12); i-- > 0 && !is_full(g);)
        crowd_step(g, depth);
}

void put_crowd(struct generator *g)
{
    g->depth = DEPTH_MAX; /* whose expressions are short */
    for (unsigned type = 0; type < TYPES; type++) {
        for (unsigned i = 0; i < g->crowd_count[type]; i++)
            put_first_value(g, type, i);
    }
    while (!is_full(g))
        crowd_step(g, 0);
    for (unsigned type = 0; type < TYPES; type++) {
        if (g->crowd_count[type])
            put_last_values(g, type);
    }
    g->depth = 0;
}
