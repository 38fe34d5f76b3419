/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Instructions of x86-64 over virtual registers, in the order of the code.
 *
 * An operand is a number: below REG_COUNT a machine register, from there on a virtual one. After
 * register allocation it is a machine register or a spill slot (SLOT_FIRST + offset in the frame).
 *
 * Fixed registers: R14 holds the instance, R15 the base of memory 0 where guards catch every
 * address, RSP the frame; R11 and XMM15 are free for what stands for an instruction to use. No
 * register survives a call but R14 and R15.
 */
#pragma once

#include "wick/compile/ssa.h"

enum reg {
    RAX,
    RCX,
    RDX,
    RBX,
    RSP,
    RBP,
    RSI,
    RDI,
    R8,
    R9,
    R10,
    R11,
    R12,
    R13,
    R14,
    R15,
    XMM0,
    XMM15 = XMM0 + 15,
    REG_COUNT,
};

enum {
    REG_SCRATCH = R11,
    REG_INSTANCE = R14,
    REG_MEMORY = R15,
    REG_VECTOR_SCRATCH = XMM15,
    SLOT_FIRST = 0x40000000,
    SOURCE_CONST = 0x20000000, /* of a phi: SOURCE_CONST + the SSA value of a constant */
};

#define NO_OPERAND UINT32_MAX

static inline bool reg_is_vector(uint32_t reg)
{
    return reg >= XMM0;
}

enum condition_code {
    CC_O,
    CC_NO,
    CC_B,
    CC_AE,
    CC_E,
    CC_NE,
    CC_BE,
    CC_A,
    CC_S,
    CC_NS,
    CC_P,
    CC_NP,
    CC_L,
    CC_GE,
    CC_LE,
    CC_G,
    /* Of floats, after UCOMIS: two flags. The second is the opposite of the first. */
    CC_FEQ,
    CC_FNE,
};

static inline uint8_t cc_opposite(uint8_t cc)
{
    return cc ^ 1;
}

/*
 * Operands are dst, src[0], src[1] and, where `memory` is set, base + (index << scale) + disp
 * instead of the last source; `immediate`: imm instead of the last source. `size` is that of the
 * operation in bytes.
 */
enum machine_op {
    M_PARAMS, /* defs: the function's parameters, where they arrive */
    M_MOV,    /* general register */
    M_MOVI,   /* dst: imm */
    M_FMOV,   /* vector register */
    M_FCONST, /* dst: imm, of 4 or 8 bytes */
    M_VCONST, /* dst: 16 bytes */
    M_LOAD,   /* `access` bytes, sign-extended to `size` if `is_signed`, else to 8 */
    M_FLOAD,  /* 4, 8 or 16 bytes */
    M_STORE,  /* src[0] or imm; `access` bytes */
    M_FSTORE,
    M_LEA,
    M_UPDATE, /* memory = memory op src[0] or imm; imm8: the op, M_ADD to M_XOR */
    M_ADD,
    M_OR,
    M_AND,
    M_SUB,
    M_XOR,
    M_CMP, /* dst = src[0] op last; CMP and TEST without dst */
    M_TEST,
    M_IMUL,
    M_MULHI, /* dst: the upper half of the product; is_signed; uses RAX and RDX */
    M_NEG,
    M_NOT,
    M_SHL,
    M_SHR,
    M_SAR,
    M_ROL,
    M_ROR, /* by imm, or by src[1] */
    M_DIV, /* src[0] / src[1]; is_signed; `access`: 1 answers the remainder. RAX and RDX. */
    M_CLZ,
    M_CTZ,
    M_POPCNT,
    M_EXTEND,        /* `access` low bytes of src[0], is_signed, to `size` */
    M_SETCC,         /* dst: whether cc */
    M_REF_TEST,      /* dst: whether src[0] is of imm; see SSA_REF_TEST */
    M_CMOV,          /* dst: src[1] if cc, else src[0] */
    M_FSELECT,       /* the same with vector registers */
    M_JUMP,          /* to `target`, with moves for its phis */
    M_BRANCH,        /* to succs[0] if cc, else to succs[1] */
    M_SWITCH,        /* src[0], below imm cases; tmp */
    M_TRAP,          /* imm: kind */
    M_TRAP_IF,       /* if cc */
    M_RETURN,        /* args */
    M_CALL,          /* imm: function; args, defs */
    M_CALL_INDIRECT, /* src[0]: index; imm: table | type id << 32; tmp */
    M_CALL_REF,      /* src[0] */
    M_CALL_HELPER,   /* imm: indices; access: helper; args */
    M_CALL_INTERP,   /* imm: of graph->interp_calls; args */
    M_CALL_VECTOR,   /* the same for a vector instruction */
    M_TAIL_CALL,
    M_TAIL_CALL_INDIRECT,
    M_TAIL_CALL_REF,
    M_LOOP, /* look for interrupts */
    M_FUEL,
    M_ATOMIC,       /* imm8: enum atomic_operation, of `access` bytes; src[0], src[1] */
    M_BOUNDS,       /* trap unless src[0] + imm <= src[1]; tmp */
    M_SSE,          /* dst = src[0] op last; vex: see sse.h */
    M_SSE_UNARY,    /* dst = op last */
    M_SSE_SHIFT,    /* dst = src[0] shifted by imm8; imm: the opcode's extension */
    M_UCOMIS,       /* flags of src[0] and last; size 4 or 8 */
    M_CVT_TO_FLOAT, /* integer of `access` bytes to float of `size`; always signed */
    M_CVT_U64,      /* unsigned 64-bit integer; tmp */
    M_TRUNC,        /* float of `access` bytes to integer of `size`; traps; tmp */
    M_TRUNC_SAT,    /* the same, saturating; tmp */
    M_MOVE_CLASS,   /* between general and vector registers, `size` bytes */
    M_FMIN,
    M_FMAX,
    M_OP_COUNT,
};

struct machine_ins {
    uint8_t op; /* enum machine_op */
    uint8_t size, access;
    uint8_t cc;
    uint8_t scale;
    uint8_t imm8; /* of M_SSE, M_UPDATE and M_ATOMIC */
    bool memory : 1, immediate : 1, is_signed : 1, traps : 1, has_imm8 : 1;
    uint16_t vex; /* of M_SSE: the encoding */
    uint16_t site;
    uint16_t def_count; /* results or parameters, of which there are FUNC_PARAMS_MAX at most */
    uint32_t dst, src[2], base, index, tmp;
    int32_t disp;
    uint32_t args, arg_count; /* in machine->pool: operands; for M_JUMP pairs of phi and source */
    uint32_t defs;
    uint32_t offset; /* of the WebAssembly instruction in the module */
    uint32_t scope;  /* of a call: see struct ins */
    uint64_t imm;
    union {
        const uint8_t *bytes;     /* of M_VCONST, or the last operand of M_SSE: `size` of them */
        const uint8_t *arg_types; /* of M_CALL_INTERP: enum type_kind, the result's last */
    };
};

struct virtual_reg {
    bool is_vector, is_traced;
    uint8_t size; /* bytes: 4, 8 or 16 */
    uint8_t hint; /* machine register, or REG_COUNT */
    bool is_phi;
    uint32_t location, slot; /* after allocation: at its definition; NO_OPERAND: none */
    uint32_t like;           /* would best have the same register as this virtual one; 0: none */
    uint32_t like_depth;     /* of loops, where that matters: of the jump to a phi */
};

struct machine_block {
    uint32_t first, end; /* instructions */
    uint32_t depth;
};

struct machine {
    struct arena *arena;
    const struct graph *graph;
    struct machine_ins *ins;
    uint32_t ins_count, ins_capacity;
    struct virtual_reg *regs; /* by operand; the first REG_COUNT are the machine's */
    uint32_t reg_count, reg_capacity;
    uint32_t *pool;
    uint32_t pool_count, pool_capacity;
    struct machine_block *blocks; /* by number of the SSA block */
    uint32_t frame_size;          /* bytes of spill slots, after allocation */
    bool has_calls;
    bool calls_elsewhere; /* also by reference: the callee may be of another instance */
    /* After allocation. */
    struct machine_move *moves; /* sorted by place */
    uint32_t move_count, move_capacity;
    struct machine_root *roots; /* by instruction */
    uint32_t root_count, root_capacity;
};

/* A slot that holds a traced reference while a call is under way. */
struct machine_root {
    uint32_t ins, slot;
};

/* Copies from -> to: registers, slots or, as source, constants. Those of one place are parallel.
 * place: 2 × number of an instruction, before which it happens; + 1: on the edge of a jump, with
 * the phis' moves. */
struct machine_move {
    uint32_t place;
    uint32_t from, to;
    uint8_t size;
    bool is_vector;
};

/* Where values travel between functions. In the overflow area of the store every value has 16
 * bytes; arguments and results are numbered by class. */
struct call_place {
    bool in_register;
    uint32_t reg;    /* if in a register */
    uint32_t offset; /* else in the overflow area */
};

struct call_places {
    uint32_t general, vector, overflow; /* how many of each have been given */
};

/* The place of the next argument or result of a class. */
struct call_place call_place_next(struct call_places *places, bool is_vector);

enum { CALL_REGS = 8 };

/* lower.c: machine instructions for a graph that was swept and placed. */
void machine_lower(struct machine *machine, const struct graph *graph);

/* regalloc.c: replaces virtual registers. */
void machine_allocate(struct machine *machine);

/* Effects on machine registers besides operands: the set that an instruction overwrites. */
uint32_t machine_clobbers(const struct machine *machine, const struct machine_ins *ins);
