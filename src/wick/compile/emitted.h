/* SPDX-License-Identifier: Apache-2.0 */
/* A compiled function before it has an address. */
#pragma once

#include "wick/compile/machine.h"

/* Pieces of code that every region begins with; see x86_64/stubs.c. */
enum code_stub {
    STUB_TRAP, /* STUB_TRAP + kind: ends the program; the return address tells where */
    STUB_HELPER = STUB_TRAP + WICK_TRAP_KIND_COUNT,
    STUB_INTERRUPT,
    STUB_LAZY,      /* the target of a direct call that is not compiled yet */
    STUB_LAZY_REF,  /* the same through a reference */
    STUB_LAZY_HOST, /* the entry of a host function that has no adapter yet */
    STUB_FAULT,     /* where a memory fault goes on: RDI kind, RSI address of the instruction */
    STUB_COUNT,
};

struct stub_fixup {
    uint32_t place; /* of a 32-bit displacement */
    enum code_stub stub;
};

/* Where code came from: for what may fault at or shortly before the instruction that does, for a
 * call its return address. */
struct code_offset {
    uint32_t code;   /* bytes from the function's start */
    uint32_t module; /* bytes from the module's start */
    uint32_t site;   /* in the function's inline sites; 0: not inlined */
};

/* A slot of the frame that holds a traced reference during the call that returns to `code`. */
struct code_root {
    uint32_t code;
    uint32_t slot; /* bytes from RSP */
};

/* A call inside a try_table: what it throws may be caught, and control comes back to `code`. */
struct code_catch {
    uint32_t code;
    uint32_t scope; /* in the function's scopes */
};

struct emitted {
    uint8_t *bytes; /* in the compilation's arena, as is all here */
    uint32_t size;
    uint32_t entry;         /* for callers of the same instance; others enter at 0 */
    uint32_t frame, framed; /* and where it is there */
    uint32_t early;         /* this and the next: see struct code_func */
    bool saves_instance;
    bool interpreted;
    struct stub_fixup *stubs;
    uint32_t stub_count, stub_capacity;
    struct code_offset *offsets; /* ascending */
    uint32_t offset_count, offset_capacity;
    struct code_root *roots; /* ascending */
    uint32_t root_count, root_capacity;
    struct code_catch *catches; /* ascending */
    uint32_t catch_count, catch_capacity;
    const struct graph *graph; /* for its sites, scopes and catch_tags */
};

/* x86_64/emit.c: bytes for allocated instructions. */
void machine_emit(struct machine *machine, struct emitted *out);
