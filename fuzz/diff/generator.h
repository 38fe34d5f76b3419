/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside the generator: program.c writes expressions and statements, objects.c those with collected
 * objects, shapes.c what large programs have, generate.c the functions and the module around them.
 */
#pragma once

#include "diff/generate.h"

enum {
    FUNCS = 6,          /* that compute, from parameters */
    FUNC_START = FUNCS, /* begins with a loop; neither parameters nor a result */
    FUNC_RUNS,          /* the first that is exported */
    FUNC_SIZE = 3000,   /* bytes after which only the simplest choices are taken */
    DEPTH_MAX = 6,
    LABELS_MAX = 24,
    FUEL = 300,
    TABLE_SIZE = 8,
    DATA_SIZE = 32,
    PAGES_MAX = 3,
    MEMORIES_MAX = 2,
};

/* Locals of each function: two parameters and two others of each type, then one for canonical
 * NaNs. */
enum { TYPES = 5, PARAMS = 2 * TYPES };

/* Behind them, with exceptions, one for what was caught; with objects two for those; in some
 * functions many of one class of registers. */
enum { LOCAL_EXCEPTION = PARAMS + 3 * TYPES, OBJECT_LOCALS = 2 };

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
    GLOBAL_FUEL,
    GLOBAL_OBJECT, /* with objects */
};

/* Types of objects, behind those of functions: a structure, one below it, and arrays. */
enum object_type { OBJECT_BASE, OBJECT_MORE, OBJECT_I16S, OBJECT_I64S, OBJECT_REFS, OBJECT_TYPES };

/* Types in the binary format. */
enum { CODE_EQREF = 0x6d, CODE_EXNREF = 0x69 };

struct generator {
    struct span choices;
    size_t next;
    struct bytes body;
    unsigned func;               /* the one at hand */
    unsigned result;             /* its type, as an index of type_letters; TYPES: none */
    unsigned labels[LABELS_MAX]; /* of what a branch takes: as result */
    unsigned label_count;
    unsigned depth;
    size_t size_most;                                /* of the body: see is_tired */
    uint32_t crowd_first[TYPES], crowd_count[TYPES]; /* the locals of which there are many */
    bool keeps_locals; /* statements do not write locals, so that few loops have phis */
    bool exceptions;   /* the module throws and catches */
    bool objects;      /* it makes structures and arrays */
    unsigned memories;
    bool wide[MEMORIES_MAX]; /* the memory's addresses are i64 */
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
/* A constant that is an address in the memory. */
void put_address(struct generator *g, unsigned memory, int32_t value);

unsigned type_of(char letter);
/* Whether to take the simplest way out. */
bool is_tired(const struct generator *g);
/* Notes that labels count from inside of one more block, whose label takes a value of the type;
 * UINT32_MAX: nobody branches there. False if there are too many. */
bool push_label(struct generator *g, unsigned type);
/* The depth of a label that takes a value of the type, or nothing; UINT32_MAX if there is none. */
unsigned find_label(struct generator *g, unsigned type);
/* One of the locals of the type. */
uint32_t some_local(struct generator *g, unsigned type);
/* An i32 of which only the bits of the mask may be set. */
void small(struct generator *g, int32_t mask);

/* A unit of fuel, or a trap. */
void put_fuel_check(struct generator *g);
/* Leaves a value of the type on the stack. */
void expression(struct generator *g, unsigned type);
/* Up to three, which leave nothing. */
void statements(struct generator *g);

/* Calls a function before this one for a value of the type; false, and nothing, if there is none.
 */
bool put_call(struct generator *g, unsigned type);
/* Gives a local of the type a value that is computed from others by an instruction that hardly
 * ever traps. */
void put_calm_assignment(struct generator *g, unsigned type);

/* A br_table to the ends of blocks that have nothing between them. */
void put_chain(struct generator *g);
/* The body of FUNC_START. */
void put_start(struct generator *g);
/* Whether a function has many locals is decided before they are declared; put_crowd writes what it
 * does with them. */
void choose_crowd(struct generator *g);
void put_crowd(struct generator *g);

/* Appends the types of objects to the vector of a type section. */
void put_object_types(const struct generator *g, struct bytes *content);
/* Leaves an eqref on the stack. */
void object(struct generator *g);
/* Leaves a value of the type that comes from an object. False, and nothing, if none has the type.
 */
bool object_value(struct generator *g, unsigned type);
/* Changes an object, or keeps one. */
void object_statement(struct generator *g);
/* Copies what the global holds to the memory. */
void put_object_finish(struct generator *g);
