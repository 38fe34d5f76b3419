/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reference interpreter's code: what translate.c makes and interp.c runs.
 *
 * A frame is an array of 8-byte slots on the store's stack:
 *
 *     parameters | other locals | record (3 slots) | operands
 *
 * Every operand has a home slot that is known when the function is translated. Instructions name
 * slots, so local.get costs nothing and a result may go straight to a local. Arguments of a call
 * are the caller's topmost operands and become the callee's first locals in place; results come
 * back to the same slots.
 */
#pragma once

#include "wick/frame_map.h"
#include "wick/interp_ops.h"
#include "wick/runtime.h"

/* An instruction, or the second half of one ("ext"). Unless the operation says otherwise dst is the
 * result's slot and a and b are operands' slots; branches have their distance in dst. */
struct insn {
    uint16_t op;
    uint16_t x;
    uint32_t dst, a, b;
};

enum op {
    OP_UNREACHABLE,
    OP_CONST,         /* a, b: the low and high half */
    OP_CONST128,      /* ext: the value */
    OP_MOVE,          /* one slot */
    OP_MOVE2,         /* two slots */
    OP_MOVE_N,        /* from a to dst, b slots, upwards */
    OP_BR,            /* */
    OP_BR_IF,         /* if a is not 0 */
    OP_BR_UNLESS,     /* if a is 0 */
    OP_BR_TABLE,      /* a: index, b: count; count + 1 branches follow */
    OP_RETURN0,       /* dst: the record's slot, here and below */
    OP_RETURN1,       /* result a */
    OP_RETURN_N,      /* results a …, b slots */
    OP_CALL,          /* a: function index; dst: first argument, here and below */
    OP_CALL_INDIRECT, /* x: table, a: index, b: type id */
    OP_CALL_REF,      /* a: reference */
    OP_TAIL_CALL,     /* as above */
    OP_TAIL_CALL_INDIRECT,
    OP_TAIL_CALL_REF,
    OP_SELECT, /* ext a: condition */
    OP_SELECT2,
    OP_GLOBAL_GET, /* a: index */
    OP_GLOBAL_GET2,
    OP_GLOBAL_SET, /* a: index, b: value */
    OP_GLOBAL_SET2,
    OP_REF_FUNC,        /* a: function index */
    OP_REF_AS_NON_NULL, /* a: reference */
    OP_HELPER,          /* x: enum helper_id; always with ext */
    OP_ALLOC,           /* the same, of those that may collect */
    OP_SIMD,            /* x: opcode - 0xFD00; always with ext */
/* Operand b of the second form is an immediate. */
#define BINARY(opcode, ...) OP_##opcode, OP_##opcode##_RI,
    BINARY_OPS(BINARY)
#undef BINARY
#define DIVIDE(opcode, ...) OP_##opcode, OP_##opcode##_RI,
        DIVIDE_OPS(DIVIDE)
#undef DIVIDE
/* As a value, and as a branch if it holds and unless it holds. */
#define COMPARE(opcode, ...)                                                                       \
    OP_##opcode, OP_##opcode##_RI, OP_##opcode##_IF, OP_##opcode##_IF_RI, OP_##opcode##_UNLESS,    \
        OP_##opcode##_UNLESS_RI,
            COMPARE_OPS(COMPARE)
#undef COMPARE
#define UNARY(opcode, ...) OP_##opcode,
                UNARY_OPS(UNARY)
#undef UNARY
#define TRUNCATE(opcode, ...) OP_##opcode,
                    TRUNCATE_OPS(TRUNCATE)
#undef TRUNCATE
/* a: address, b: offset. The second form takes any memory (x), the first a 32-bit memory 0. */
#define LOAD(opcode, ...) OP_##opcode, OP_##opcode##_ANY,
                        LOAD_OPS(LOAD)
#undef LOAD
/* a: address, b: value, dst: offset. */
#define STORE(opcode, ...) OP_##opcode, OP_##opcode##_ANY,
                            STORE_OPS(STORE)
#undef STORE
                                OP_COUNT,
    OP_COMPARE_FIRST = OP_I32_EQ,
    OP_COMPARE_LAST = OP_F64_GE_UNLESS_RI,
};

enum compare_form {
    FORM_VALUE = 0,
    FORM_IMMEDIATE = 1, /* added to the others */
    FORM_IF = 2,
    FORM_UNLESS = 4,
    FORM_COUNT = 6,
};

static_assert(sizeof(struct insn) == 16, "instructions are 16 bytes");
static_assert(OP_COUNT < UINT16_MAX, "operations fit their field");

struct func_code {
    uint32_t param_slots, local_slots; /* locals include the parameters */
    uint32_t record_slot;
    uint32_t frame_slots;
    uint32_t insn_count;
    struct insn *insns;
    uint32_t *offsets;     /* for each instruction the module offset that it came from */
    struct frame_map *map; /* NULL: nothing is traced, nothing caught */
};

enum { RECORD_SLOTS = 3 }; /* return address, caller's frame, caller's function */

/* What the interpreter shares with its helpers. */
struct interp {
    struct wasm_store_t *store;
    struct wasm_instance_t *instance; /* of the running function */
    int64_t slice;                    /* fuel taken from the store for `ticks` */
    struct wasm_trap_t *trap;         /* that a host function returned */
    uint64_t exception;               /* on its way, of WICK_TRAP_EXCEPTION */
};

/* Instructions that are too rare or too large for the main loop. The result is the trap kind. */
enum helper_id {
    HELPER_MEMORY_SIZE, /* x of ext: memory, here and below */
    HELPER_MEMORY_GROW, /* a: pages */
    HELPER_MEMORY_FILL, /* operands a, b, ext a; for fill to, value, count; here and below */
    HELPER_MEMORY_COPY, /* to, from, count; ext x: to memory, ext b: from memory */
    HELPER_MEMORY_INIT, /* to, from, count; ext b: segment */
    HELPER_DATA_DROP,   /* ext b: segment */
    HELPER_TABLE_GET,   /* ext x: table; a: index */
    HELPER_TABLE_SET,   /* a: index, b: reference */
    HELPER_TABLE_SIZE,
    HELPER_TABLE_GROW, /* a: reference, b: delta */
    HELPER_TABLE_FILL, /* to, reference, count */
    HELPER_TABLE_COPY, /* ext b: from table */
    HELPER_TABLE_INIT, /* ext b: segment */
    HELPER_ELEM_DROP,
    HELPER_STRUCT_NEW, /* OP_ALLOC; a: first of the operands; ext b: type index; here and below */
    HELPER_STRUCT_NEW_DEFAULT,
    HELPER_ARRAY_NEW,         /* value, length */
    HELPER_ARRAY_NEW_DEFAULT, /* length */
    HELPER_ARRAY_NEW_FIXED,   /* values; ext a: length */
    HELPER_ARRAY_NEW_DATA,    /* from, length; ext a: segment */
    HELPER_ARRAY_NEW_ELEM,
    HELPER_THROW,      /* ext b: tag */
    HELPER_STRUCT_GET, /* OP_HELPER from here on; a: struct; ext a: field; ext x: with a sign */
    HELPER_STRUCT_SET, /* b: value */
    HELPER_ARRAY_GET,  /* a: array, b: index; ext x: with a sign */
    HELPER_ARRAY_SET,  /* array, index, value (ext a) */
    HELPER_ARRAY_LEN,
    HELPER_ARRAY_FILL,      /* a: first of the operands array, to, value, count */
    HELPER_ARRAY_COPY,      /* a: first of the operands array, to, array, from, count */
    HELPER_ARRAY_INIT_DATA, /* a: first of the operands array, to, from, count; ext a: segment */
    HELPER_ARRAY_INIT_ELEM,
    HELPER_REF_TEST, /* a: reference; ext a: the type */
    HELPER_REF_CAST,
    HELPER_REF_I31,
    HELPER_I31_GET_S,
    HELPER_I31_GET_U,
    HELPER_THROW_REF, /* a: exception */
    HELPER_ATOMIC, /* a: address, b: offset; ext a: first of the other operands, ext b: opcode less
                    * 0xFF00, ext x: memory */
    HELPER_ATOMIC_WAIT,
    HELPER_ATOMIC_NOTIFY,
    HELPER_ATOMIC_FENCE,
    HELPER_ADD_OFFSET, /* a: address; ext a, b: a 64-bit offset; traps when it overflows */
    HELPER_COUNT,
};

typedef enum wick_trap_kind (*helper_fn)(struct interp *interp, wick_value_t *fp,
                                         const struct insn *insn);

extern const helper_fn interp_helpers[HELPER_COUNT];

/* The helper for an atomic instruction. */
enum helper_id atomic_helper(uint16_t opcode);

/* Address of `size` bytes at operand a plus offset b, in memory x of the ext; NULL: out of bounds.
 */
uint8_t *interp_address(struct interp *interp, const wick_value_t *fp, const struct insn *insn,
                        uint64_t size);

enum { SIMD_COUNT = 0x114 };

/* By opcode - 0xFD00. Operands in a, b and ext a; lane in ext b; memory in ext x. */
extern const helper_fn interp_simd[SIMD_COUNT];

/* Translates a function of a validated module. 0 or -ENOMEM. */
int translate(const struct module *module, uint32_t func_index, struct func_code **out);

/* Runs a function that WebAssembly defines; arguments in slots[0 …], results to the same place. */
struct wasm_trap_t *interp_call(struct wasm_func_t *func, wick_value_t *slots);
