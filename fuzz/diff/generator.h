/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside the generator: program.c writes expressions and statements, generate.c the functions and
 * the module around them.
 */
#pragma once

#include "diff/generate.h"

enum {
    FUNCS = 6,        /* that compute; those behind them are exported */
    FUNC_SIZE = 3000, /* bytes after which only the simplest choices are taken */
    DEPTH_MAX = 6,
    LABELS_MAX = 24,
    FUEL = 300,
    TABLE_SIZE = 8,
    DATA_SIZE = 32,
    PAGES_MAX = 3,
};

/* Locals of each function: two parameters and two others of each type, then one for canonical
 * NaNs. */
enum { TYPES = 5, PARAMS = 2 * TYPES };

/* Behind them, with exceptions, one for what was caught. */
enum { LOCAL_EXCEPTION = PARAMS + 3 * TYPES };

/* Types of functions: with the parameters and result k, without anything; with exceptions also from
 * a value of each type to nothing, and from nothing to those. */
enum { FUNC_EMPTY = TYPES, FUNC_TAKES_ALL, FUNC_GIVES_ALL };

/* Tags: without arguments, and with a value of each type. */
enum { TAG_EMPTY, TAG_ALL };

/* i32, i64, f32, f64, v128: as in signatures (wick/opcodes.h) and as in the binary format. */
extern const char type_letters[TYPES + 1];
extern const uint8_t type_codes[TYPES];

enum global {
    GLOBAL_I32,
    GLOBAL_I64,
    GLOBAL_F32,
    GLOBAL_F64,
    GLOBAL_V128,
    GLOBAL_REF,
    GLOBAL_FUEL
};

struct generator {
    struct span choices;
    size_t next;
    struct bytes body;
    unsigned func;               /* the one at hand */
    unsigned result;             /* its type, as an index of type_letters; TYPES: none */
    unsigned labels[LABELS_MAX]; /* of what a branch takes: as result */
    unsigned label_count;
    unsigned depth;
    bool exceptions; /* the module throws and catches */
};

/* A number below `count`; 0 when the choices are used up. */
unsigned choose(struct generator *g, unsigned count);

/* To the body: a byte, an instruction with an index, an opcode with its prefix, i32.const, a
 * constant of a type. */
void put(struct generator *g, uint8_t value);
void put_index(struct generator *g, uint8_t opcode, uint32_t index);
void put_code(struct generator *g, uint16_t code);
void put_i32(struct generator *g, int32_t value);
void put_constant(struct generator *g, unsigned type);

/* A unit of fuel, or a trap. */
void put_fuel_check(struct generator *g);
/* Leaves a value of the type on the stack. */
void expression(struct generator *g, unsigned type);
/* Up to three, which leave nothing. */
void statements(struct generator *g);
