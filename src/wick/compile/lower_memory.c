/* SPDX-License-Identifier: Apache-2.0 */
/* Loads and stores, globals, and what is known of memories, tables and functions. */
#include "wick/compile/layout.h"
#include "wick/compile/lower.h"

/* ---- Linear memory ----------------------------------------------------------------------------
 */

struct access {
    uint8_t bytes, size; /* in memory, in the register */
    bool is_signed;
};

static const struct access accesses[] = {
    [OPCODE_I32_LOAD - OPCODE_I32_LOAD] = {4, 4, false},
    [OPCODE_I64_LOAD - OPCODE_I32_LOAD] = {8, 8, false},
    [OPCODE_F32_LOAD - OPCODE_I32_LOAD] = {4, 4, false},
    [OPCODE_F64_LOAD - OPCODE_I32_LOAD] = {8, 8, false},
    [OPCODE_I32_LOAD8_S - OPCODE_I32_LOAD] = {1, 4, true},
    [OPCODE_I32_LOAD8_U - OPCODE_I32_LOAD] = {1, 4, false},
    [OPCODE_I32_LOAD16_S - OPCODE_I32_LOAD] = {2, 4, true},
    [OPCODE_I32_LOAD16_U - OPCODE_I32_LOAD] = {2, 4, false},
    [OPCODE_I64_LOAD8_S - OPCODE_I32_LOAD] = {1, 8, true},
    [OPCODE_I64_LOAD8_U - OPCODE_I32_LOAD] = {1, 8, false},
    [OPCODE_I64_LOAD16_S - OPCODE_I32_LOAD] = {2, 8, true},
    [OPCODE_I64_LOAD16_U - OPCODE_I32_LOAD] = {2, 8, false},
    [OPCODE_I64_LOAD32_S - OPCODE_I32_LOAD] = {4, 8, true},
    [OPCODE_I64_LOAD32_U - OPCODE_I32_LOAD] = {4, 8, false},
    [OPCODE_I32_STORE - OPCODE_I32_LOAD] = {4, 4, false},
    [OPCODE_I64_STORE - OPCODE_I32_LOAD] = {8, 8, false},
    [OPCODE_F32_STORE - OPCODE_I32_LOAD] = {4, 4, false},
    [OPCODE_F64_STORE - OPCODE_I32_LOAD] = {8, 8, false},
    [OPCODE_I32_STORE8 - OPCODE_I32_LOAD] = {1, 4, false},
    [OPCODE_I32_STORE16 - OPCODE_I32_LOAD] = {2, 4, false},
    [OPCODE_I64_STORE8 - OPCODE_I32_LOAD] = {1, 8, false},
    [OPCODE_I64_STORE16 - OPCODE_I32_LOAD] = {2, 8, false},
    [OPCODE_I64_STORE32 - OPCODE_I32_LOAD] = {4, 8, false},
};

static void lower_load(struct lower *l, uint32_t value, const struct ins *ins)
{
    const struct access *access = &accesses[ins->op - OPCODE_I32_LOAD];
    bool vector = is_vector_type(ins->type);
    struct machine_ins out = machine_ins_of(vector ? M_FLOAD : M_LOAD, access->size);
    out.access = access->bytes;
    out.is_signed = access->is_signed;
    set_address(l, &out, ins);
    out.dst = result_reg(l, value);
    emit_ins(l, &out);
}

/* A constant that a store can hold itself. */
static bool store_immediate(const struct lower *l, uint32_t value, uint8_t bytes, uint64_t *imm)
{
    if (!ssa_is_const(l->graph, value, imm))
        return false;
    return bytes <= 4 || (uint64_t)(int64_t)(int32_t)*imm == *imm;
}

static uint8_t update_op(uint16_t op)
{
    static const uint8_t ops[] = {[OPCODE_I32_ADD - OPCODE_I32_ADD] = M_ADD,
                                  [OPCODE_I32_SUB - OPCODE_I32_ADD] = M_SUB,
                                  [OPCODE_I32_AND - OPCODE_I32_ADD] = M_AND,
                                  [OPCODE_I32_OR - OPCODE_I32_ADD] = M_OR,
                                  [OPCODE_I32_XOR - OPCODE_I32_ADD] = M_XOR};
    return ops[op - (op >= OPCODE_I64_ADD ? OPCODE_I64_ADD : OPCODE_I32_ADD)];
}

/* A load, an operation and a store to the same place, as one instruction. */
static void lower_update(struct lower *l, const struct ins *store, uint32_t load)
{
    const struct ins *operation = value_at(l, store->b);
    uint32_t other = operation->a == load ? operation->b : operation->a;
    struct machine_ins out = machine_ins_of(M_UPDATE, store->op == OPCODE_I64_STORE ? 8 : 4);
    out.imm8 = update_op(operation->op);
    set_last(l, &out, 0, other);
    set_address(l, &out, store);
    emit_ins(l, &out);
}

static void lower_store(struct lower *l, const struct ins *ins)
{
    uint32_t load = updated_load(l, ins->b);
    if (load) {
        lower_update(l, ins, load);
        return;
    }
    const struct access *access = &accesses[ins->op - OPCODE_I32_LOAD];
    bool vector = is_vector_type(value_at(l, ins->b)->type);
    struct machine_ins out = machine_ins_of(M_STORE, access->size);
    out.access = access->bytes;
    if (store_immediate(l, ins->b, access->bytes, &out.imm)) {
        out.immediate = true;
    } else {
        out.op = vector ? M_FSTORE : M_STORE;
        out.src[0] = access->bytes <= 4 && !vector ? use_low32(l, ins->b) : use_reg(l, ins->b);
    }
    set_address(l, &out, ins);
    emit_ins(l, &out);
}

/* ---- The instance -----------------------------------------------------------------------------
 */

/* Loads 8 bytes from base + disp. */
static uint32_t load_word(struct lower *l, uint32_t base, int64_t disp)
{
    struct machine_ins load = machine_ins_of(M_LOAD, 8);
    load.access = 8;
    load.memory = true;
    load.base = base;
    load.disp = (int32_t)disp;
    load.dst = new_reg(l, false, 8);
    emit_ins(l, &load);
    return load.dst;
}

/* Loads the result of the instruction that is being lowered. */
static void load_result(struct lower *l, uint32_t value, uint32_t base, int64_t disp)
{
    const struct ins *ins = value_at(l, value);
    bool vector = is_vector_type(ins->type);
    struct machine_ins load = machine_ins_of(vector ? M_FLOAD : M_LOAD, type_size(ins->type));
    load.access = load.size;
    load.memory = true;
    load.base = base;
    load.disp = (int32_t)disp;
    load.dst = result_reg(l, value);
    emit_ins(l, &load);
}

static uint32_t global_place(struct lower *l, uint32_t global, int32_t *disp)
{
    const struct module *module = l->graph->module;
    if (global >= module->imported_globals) {
        *disp = (int32_t)layout_global(module, global);
        return REG_INSTANCE;
    }
    uint32_t globals = load_word(l, REG_INSTANCE, LAYOUT_INSTANCE(globals));
    *disp = 0;
    return load_word(l, load_word(l, globals, (int64_t)global * 8), LAYOUT_GLOBAL(value));
}

static void lower_global_set(struct lower *l, const struct ins *ins)
{
    uint8_t type = value_at(l, ins->a)->type;
    struct machine_ins store =
        machine_ins_of(is_vector_type(type) ? M_FSTORE : M_STORE, type_size(type));
    store.access = store.size;
    store.src[0] = use_reg(l, ins->a);
    store.memory = true;
    store.base = global_place(l, (uint32_t)ins->imm, &store.disp);
    emit_ins(l, &store);
}

static uint32_t memory_object(struct lower *l, uint64_t memory)
{
    uint32_t memories = load_word(l, REG_INSTANCE, LAYOUT_INSTANCE(memories));
    return load_word(l, memories, (int64_t)memory * 8);
}

static void lower_ref_func(struct lower *l, uint32_t value, const struct ins *ins)
{
    uint32_t funcs = load_word(l, REG_INSTANCE, LAYOUT_INSTANCE(funcs));
    load_result(l, value, funcs, (int64_t)ins->imm * 8);
}

static void lower_bounds(struct lower *l, const struct ins *ins)
{
    struct machine_ins out = machine_ins_of(M_BOUNDS, 8);
    out.src[0] = use_reg(l, ins->a);
    out.src[1] = use_reg(l, ins->b);
    out.imm = ins->imm;
    out.tmp = new_reg(l, false, 8);
    out.traps = true;
    emit_ins(l, &out);
}

void lower_memory(struct lower *l, uint32_t value)
{
    const struct ins *ins = value_at(l, value);
    int32_t disp;
    switch (ins->op) {
    case SSA_GLOBAL_GET: {
        uint32_t base = global_place(l, (uint32_t)ins->imm, &disp);
        load_result(l, value, base, disp);
        break;
    }
    case SSA_GLOBAL_SET:
        lower_global_set(l, ins);
        break;
    case SSA_MEMORY_BASE:
        load_result(l, value, memory_object(l, ins->imm), LAYOUT_MEMORY(base));
        break;
    case SSA_MEMORY_BYTES:
        load_result(l, value, memory_object(l, ins->imm), LAYOUT_MEMORY(size));
        break;
    case SSA_BOUNDS:
        lower_bounds(l, ins);
        break;
    case SSA_CAUGHT:
        load_result(l, value, load_word(l, REG_INSTANCE, LAYOUT_INSTANCE(object.store)),
                    LAYOUT_STORE(caught));
        break;
    case SSA_REF_FUNC:
        lower_ref_func(l, value, ins);
        break;
    default:
        if (ins->type)
            lower_load(l, value, ins);
        else
            lower_store(l, ins);
    }
}
