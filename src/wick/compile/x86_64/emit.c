/* SPDX-License-Identifier: Apache-2.0 */
#include "wick/compile/x86_64/emit.h"

#include "base/search.h"

#include "wick/compile/layout.h"

#include <string.h>

/* ---- Notes and constants ----------------------------------------------------------------------
 */

void note_offset(struct emit *e)
{
    struct emitted *out = e->out;
    arena_grow(e->code.arena, &out->offsets, out->offset_count + 1, &out->offset_capacity,
               sizeof(*out->offsets));
    out->offsets[out->offset_count++] =
        (struct code_offset){e->code.size, e->ins->offset, e->ins->site};
}

void note_return(struct emit *e)
{
    const struct machine *m = e->machine;
    struct emitted *out = e->out;
    note_offset(e);
    if (e->ins->scope) {
        arena_grow(e->code.arena, &out->catches, out->catch_count + 1, &out->catch_capacity,
                   sizeof(*out->catches));
        out->catches[out->catch_count++] = (struct code_catch){e->code.size, e->ins->scope};
    }
    while (e->next_root < m->root_count && &m->ins[m->roots[e->next_root].ins] <= e->ins) {
        const struct machine_root *root = &m->roots[e->next_root++];
        arena_grow(e->code.arena, &out->roots, out->root_count + 1, &out->root_capacity,
                   sizeof(*out->roots));
        out->roots[out->root_count++] = (struct code_root){e->code.size, root->slot - SLOT_FIRST};
    }
}

void call_stub(struct emit *e, enum code_stub stub)
{
    struct emitted *out = e->out;
    arena_grow(e->code.arena, &out->stubs, out->stub_count + 1, &out->stub_capacity,
               sizeof(*out->stubs));
    out->stubs[out->stub_count++] = (struct stub_fixup){asm_call(&e->code), stub};
    note_offset(e);
}

void add_cold(struct emit *e, struct cold cold)
{
    arena_grow(e->code.arena, &e->cold, e->cold_count + 1, &e->cold_capacity, sizeof(*e->cold));
    cold.offset = e->ins->offset;
    cold.site = e->ins->site;
    e->cold[e->cold_count++] = cold;
}

void trap_if(struct emit *e, uint8_t cc, enum wick_trap_kind kind)
{
    add_cold(
        e, (struct cold){.kind = COLD_TRAP, .trap = (uint8_t)kind, .jump = asm_jcc(&e->code, cc)});
}

uint32_t add_const(struct emit *e, const void *bytes, uint32_t size)
{
    uint32_t near = e->const_count > 64 ? e->const_count - 64 : 0;
    for (uint32_t i = e->const_count; i-- > near;) {
        if (e->consts[i].size == size && memcmp(e->consts[i].bytes, bytes, size) == 0)
            return i;
    }
    arena_grow(e->code.arena, &e->consts, e->const_count + 1, &e->const_capacity,
               sizeof(*e->consts));
    e->consts[e->const_count].size = size;
    memcpy(e->consts[e->const_count].bytes, bytes, size);
    return e->const_count++;
}

void const_operand(struct emit *e, uint32_t number)
{
    arena_grow(e->code.arena, &e->const_fixups, e->const_fixup_count + 1, &e->const_fixup_capacity,
               sizeof(*e->const_fixups));
    e->const_fixups[e->const_fixup_count++] = (struct const_fixup){e->code.size - 4, number};
}

struct mem access_mem(struct emit *e, const struct machine_ins *ins)
{
    if (ins->traps && ins->memory)
        note_offset(e);
    return mem_indexed(ins->base, ins->index, ins->scale, ins->disp);
}

bool last_mem(struct emit *e, const struct machine_ins *ins, int slot, struct mem *mem)
{
    if (ins->memory) {
        *mem = access_mem(e, ins);
        return true;
    }
    if (!is_slot(ins->src[slot]))
        return false;
    *mem = slot_mem(ins->src[slot]);
    return true;
}

/* ---- Vector instructions ----------------------------------------------------------------------
 */

void sse_move(struct emit *e, uint32_t dst, uint32_t src)
{
    if (dst == src)
        return;
    uint16_t movaps = 0x28 | MAP_0F;
    if (e->avx)
        asm_vex_rr(&e->code, movaps, dst, VEX_NONE, src);
    else
        asm_sse_rr(&e->code, movaps, dst, src);
}

void sse_op(struct emit *e, uint16_t encoding, uint32_t dst, uint32_t a, uint32_t b)
{
    if (e->avx) {
        asm_vex_rr(&e->code, encoding, dst, a, b);
    } else if (dst == a) {
        asm_sse_rr(&e->code, encoding, dst, b);
    } else if (dst != b) {
        sse_move(e, dst, a);
        asm_sse_rr(&e->code, encoding, dst, b);
    } else if (encoding & COMMUTES) {
        asm_sse_rr(&e->code, encoding, dst, a);
    } else {
        sse_move(e, REG_VECTOR_SCRATCH, b);
        sse_move(e, dst, a);
        asm_sse_rr(&e->code, encoding, dst, REG_VECTOR_SCRATCH);
    }
}

void sse_op_mem(struct emit *e, uint16_t encoding, uint32_t dst, uint32_t a, struct mem mem)
{
    if (e->avx) {
        asm_vex_rm(&e->code, encoding, dst, a, mem);
        return;
    }
    sse_move(e, dst, a);
    asm_sse_rm(&e->code, encoding, dst, mem);
}

/* Scalar forms merge the upper part of a second source, which VEX names. */
static bool merges_source(uint16_t encoding)
{
    uint8_t opcode = SSE_OPCODE(encoding);
    if (SSE_MAP(encoding) == 3)
        return opcode == 0x0A || opcode == 0x0B;
    return SSE_MAP(encoding) == 1 && SSE_PREFIX(encoding) >= 2 &&
           (opcode == 0x51 || opcode == 0x5A);
}

void sse_unary(struct emit *e, uint16_t encoding, uint32_t dst, uint32_t a)
{
    if (e->avx)
        asm_vex_rr(&e->code, encoding, dst, merges_source(encoding) ? a : VEX_NONE, a);
    else
        asm_sse_rr(&e->code, encoding, dst, a);
}

void sse_unary_mem(struct emit *e, uint16_t encoding, uint32_t dst, struct mem mem)
{
    if (e->avx)
        asm_vex_rm(&e->code, encoding, dst, merges_source(encoding) ? dst : VEX_NONE, mem);
    else
        asm_sse_rm(&e->code, encoding, dst, mem);
}

static uint16_t move_encoding(uint8_t size)
{
    return size == 4   ? 0x10 | MAP_0F | PREFIX_F3
           : size == 8 ? 0x10 | MAP_0F | PREFIX_F2
                       : 0x10 | MAP_0F;
}

void sse_load(struct emit *e, uint8_t size, uint32_t dst, struct mem mem)
{
    if (e->avx)
        asm_vex_rm(&e->code, move_encoding(size), dst, VEX_NONE, mem);
    else
        asm_sse_rm(&e->code, move_encoding(size), dst, mem);
}

void sse_store(struct emit *e, uint8_t size, struct mem mem, uint32_t src)
{
    uint16_t encoding = move_encoding(size) | 1;
    if (e->avx)
        asm_vex_rm(&e->code, encoding, src, VEX_NONE, mem);
    else
        asm_sse_rm(&e->code, encoding, src, mem);
}

void sse_zero(struct emit *e, uint32_t dst)
{
    uint16_t xorps = SSE_XOR | MAP_0F;
    if (e->avx)
        asm_vex_rr(&e->code, xorps, dst, dst, dst);
    else
        asm_sse_rr(&e->code, xorps, dst, dst);
}

void sse_ucomis(struct emit *e, uint8_t size, uint32_t a, uint32_t b)
{
    uint16_t encoding = (uint16_t)SSE_PACKED(0x2E, size);
    if (e->avx)
        asm_vex_rr(&e->code, encoding, a, VEX_NONE, b);
    else
        asm_sse_rr(&e->code, encoding, a, b);
}

void load_const(struct emit *e, uint8_t size, uint32_t dst, const void *bytes)
{
    static const uint8_t zero[16];
    if (memcmp(bytes, zero, size) == 0) {
        sse_zero(e, dst);
        return;
    }
    uint32_t number = add_const(e, bytes, size);
    sse_load(e, size, dst, mem_rip());
    const_operand(e, number);
}

void move_to_general(struct emit *e, uint8_t size, uint32_t dst, uint32_t src)
{
    uint16_t encoding = (uint16_t)(SSE_INT(0x7E) | (size == 8 ? WIDE : 0));
    if (e->avx)
        asm_vex_rr(&e->code, encoding, src, VEX_NONE, dst);
    else
        asm_sse_rr(&e->code, encoding, src, dst);
}

void move_to_vector(struct emit *e, uint8_t size, uint32_t dst, uint32_t src)
{
    uint16_t encoding = (uint16_t)(SSE_INT(0x6E) | (size == 8 ? WIDE : 0));
    if (e->avx)
        asm_vex_rr(&e->code, encoding, dst, VEX_NONE, src);
    else
        asm_sse_rr(&e->code, encoding, dst, src);
}

/* ---- Branches ---------------------------------------------------------------------------------
 */

static void jump_to(struct emit *e, uint32_t block)
{
    if (block != following(e))
        add_jump(e, asm_jmp(&e->code), block);
}

static void jump_if(struct emit *e, uint8_t cc, uint32_t block)
{
    add_jump(e, asm_jcc(&e->code, cc), block);
}

/* Of the float conditions, which look at two flags. */
static void branch_on_float(struct emit *e, uint8_t cc, uint32_t yes, uint32_t no)
{
    if (cc == CC_FEQ) {
        jump_if(e, CC_P, no);
        jump_if(e, CC_NE, no);
        jump_to(e, yes);
    } else {
        jump_if(e, CC_P, yes);
        jump_if(e, CC_NE, yes);
        jump_to(e, no);
    }
}

static void emit_branch(struct emit *e, const struct machine_ins *ins)
{
    const struct block *block = &e->graph->blocks[e->order[e->current]];
    uint32_t yes = final_target(e, block->succs[0]), no = final_target(e, block->succs[1]);
    if (ins->cc >= CC_FEQ) {
        branch_on_float(e, ins->cc, yes, no);
    } else if (yes == following(e)) {
        jump_if(e, cc_opposite(ins->cc), no);
    } else {
        jump_if(e, ins->cc, yes);
        jump_to(e, no);
    }
}

static void emit_switch(struct emit *e, const struct machine_ins *ins)
{
    struct code *code = &e->code;
    uint32_t at = e->order[e->current];
    const struct block *block = &e->graph->blocks[at];
    asm_alu_ri(code, 4, 7, ins->src[0], (int32_t)ins->imm);
    jump_if(e, CC_AE, final_target(e, block->succs[ins->imm]));
    asm_lea(code, 8, REG_SCRATCH, mem_rip());
    arena_grow(code->arena, &e->tables, e->table_count + 1, &e->table_capacity, sizeof(*e->tables));
    e->tables[e->table_count++] = (struct emit_table){code->size - 4, at};
    asm_rm(code, 8, 0x63, ins->tmp, mem_indexed(REG_SCRATCH, ins->src[0], 2, 0));
    asm_alu_rr(code, 8, 0, ins->tmp, REG_SCRATCH);
    asm_ri(code, 4, 0xFF, 4, ins->tmp);
}

/* ---- Simple instructions ----------------------------------------------------------------------
 */

static void emit_load(struct emit *e, const struct machine_ins *ins)
{
    static const uint32_t unsigned_ops[] = {
        [1] = 0xB6 | OP_0F, [2] = 0xB7 | OP_0F, [4] = 0x8B, [8] = 0x8B};
    static const uint32_t signed_ops[] = {[1] = 0xBE | OP_0F, [2] = 0xBF | OP_0F, [4] = 0x63};
    bool extends = ins->is_signed && ins->access < 8;
    uint8_t size = extends ? ins->size : ins->access == 8 ? 8 : 4;
    struct mem mem = access_mem(e, ins);
    asm_rm(&e->code, size, extends ? signed_ops[ins->access] : unsigned_ops[ins->access], ins->dst,
           mem);
}

static void emit_store(struct emit *e, const struct machine_ins *ins)
{
    struct mem mem = access_mem(e, ins);
    if (!ins->immediate) {
        asm_mov_mr(&e->code, ins->access, mem, ins->src[0]);
        return;
    }
    uint32_t opcode = ins->access == 1 ? 0xC6 : ins->access == 2 ? 0xC7 | OP_66 : 0xC7;
    asm_mi(&e->code, ins->access == 8 ? 8 : 4, opcode, 0, mem);
    for (uint32_t i = 0; i < (ins->access == 8 ? 4u : ins->access); i++)
        code_byte(&e->code, (uint8_t)(ins->imm >> 8 * i));
}

static void emit_mov(struct emit *e, const struct machine_ins *ins)
{
    if (is_slot(ins->src[0]))
        asm_mov_rm(&e->code, ins->size, ins->dst, slot_mem(ins->src[0]));
    else if (ins->dst != ins->src[0] || ins->size == 4)
        asm_mov_rr(&e->code, ins->size, ins->dst, ins->src[0]);
}

/* No condition is open here: lowering makes operands before it compares. */
static void emit_movi(struct emit *e, const struct machine_ins *ins)
{
    if (ins->imm == 0)
        asm_alu_rr(&e->code, 4, 6, ins->dst, ins->dst);
    else
        asm_mov_ri(&e->code, ins->dst, ins->imm);
}

static void emit_loop(struct emit *e)
{
    uint32_t back = e->code.size;
    asm_alu_rm(&e->code, 8, 7, RSP, mem_at(REG_INSTANCE, LAYOUT_INSTANCE(stack_limit)));
    uint32_t jump = asm_jcc(&e->code, CC_B);
    add_cold(e, (struct cold){.kind = COLD_INTERRUPT, .jump = jump, .back = back});
}

static void emit_jump(struct emit *e, const struct machine_ins *ins)
{
    bool checks = false;
    uint32_t target = threaded_target(e, ins, &checks);
    if (target && checks)
        emit_loop(e);
    jump_to(e, target ? target : final_target(e, e->graph->blocks[e->order[e->current]].succs[0]));
}

static void emit_fuel(struct emit *e)
{
    asm_mov_rm(&e->code, 8, REG_SCRATCH, mem_at(REG_INSTANCE, LAYOUT_INSTANCE(object.store)));
    asm_alu_mi(&e->code, 8, 5, mem_at(REG_SCRATCH, LAYOUT_STORE(fuel)), 1);
    trap_if(e, CC_B, WICK_TRAP_FUEL);
}

static void emit_bounds(struct emit *e, const struct machine_ins *ins)
{
    asm_mov_rr(&e->code, 8, ins->tmp, ins->src[1]);
    if (ins->imm <= INT32_MAX) {
        asm_alu_ri(&e->code, 8, 5, ins->tmp, (int32_t)ins->imm);
    } else {
        asm_mov_ri(&e->code, REG_SCRATCH, ins->imm);
        asm_alu_rr(&e->code, 8, 5, ins->tmp, REG_SCRATCH);
    }
    trap_if(e, CC_B, WICK_TRAP_MEMORY);
    asm_alu_rr(&e->code, 8, 7, ins->src[0], ins->tmp);
    trap_if(e, CC_A, WICK_TRAP_MEMORY);
}

static void emit_ins(struct emit *e, const struct machine_ins *ins)
{
    switch ((enum machine_op)ins->op) {
    case M_MOV:
        emit_mov(e, ins);
        break;
    case M_MOVI:
        emit_movi(e, ins);
        break;
    case M_LOAD:
        emit_load(e, ins);
        break;
    case M_STORE:
        emit_store(e, ins);
        break;
    case M_JUMP:
        emit_jump(e, ins);
        break;
    case M_BRANCH:
        emit_branch(e, ins);
        break;
    case M_SWITCH:
        emit_switch(e, ins);
        break;
    case M_TRAP:
        call_stub(e, (enum code_stub)(STUB_TRAP + ins->imm));
        break;
    case M_TRAP_IF:
        trap_if(e, ins->cc, (enum wick_trap_kind)ins->imm);
        break;
    case M_LOOP:
        emit_loop(e);
        break;
    case M_FUEL:
        emit_fuel(e);
        break;
    case M_ATOMIC:
        emit_atomic(e, ins);
        break;
    case M_BOUNDS:
        emit_bounds(e, ins);
        break;
    default:
        if (ins->op == M_PARAMS || (ins->op >= M_RETURN && ins->op <= M_TAIL_CALL_REF))
            emit_call(e, ins);
        else if (ins->op >= M_LEA && ins->op <= M_CMOV)
            emit_number(e, ins);
        else
            emit_float(e, ins);
    }
}

/* ---- Functions --------------------------------------------------------------------------------
 */

enum {
    LEAF_FRAME = 512,   /* a function without calls may use this much without a look */
    LARGE_FRAME = 4096, /* behind the stack's limit there is no room for more without a look */
};

/* Looks before RSP is moved, which would leave no stack to call from. */
static void check_large_frame(struct emit *e)
{
    uint32_t back = e->code.size;
    asm_lea(&e->code, 8, REG_SCRATCH, mem_at(RSP, -(int64_t)e->frame));
    asm_alu_rm(&e->code, 8, 7, REG_SCRATCH, mem_at(REG_INSTANCE, LAYOUT_INSTANCE(stack_limit)));
    uint32_t jump = asm_jcc(&e->code, CC_B);
    add_cold(e, (struct cold){.kind = COLD_EARLY, .jump = jump, .back = back});
}

static void emit_prologue(struct emit *e)
{
    struct code *code = &e->code;
    if (e->graph->options->guard)
        asm_mov_rm(code, 8, REG_MEMORY, mem_at(REG_INSTANCE, LAYOUT_INSTANCE(memory_base)));
    e->out->entry = code->size;
    if (e->frame > LARGE_FRAME)
        check_large_frame(e);
    if (e->frame)
        asm_alu_ri(code, 8, 5, RSP, (int32_t)e->frame);
    e->out->framed = code->size;
    if (e->saved != NO_OPERAND)
        asm_mov_mr(code, 8, mem_at(RSP, e->saved), REG_INSTANCE);
    if (e->frame <= LARGE_FRAME && (e->machine->has_calls || e->frame > LEAF_FRAME))
        emit_loop(e);
}

void emit_epilogue(struct emit *e)
{
    if (e->frame)
        asm_alu_ri(&e->code, 8, 0, RSP, (int32_t)e->frame);
}

/* The first reference that a call at or behind an instruction keeps alive. */
static uint32_t roots_from(const struct machine *m, uint32_t ins)
{
    return SEARCH_FIRST(m->roots, 0, m->root_count, ins, ins);
}

/* Moves and references are in the order of the instructions, blocks may be in another. */
static void seek_block(struct emit *e, uint32_t first)
{
    if (first == e->next_ins)
        return;
    seek_move(e, moves_from(e->machine, 2 * first));
    e->next_root = roots_from(e->machine, first);
}

static void emit_block(struct emit *e, uint32_t at)
{
    const struct machine_block *block = &e->machine->blocks[at];
    if (e->begins_loop[at])
        add_gap(e);
    e->block_at[at] = e->code.size;
    seek_block(e, block->first);
    e->next_ins = block->end;
    for (uint32_t i = block->first; i < block->end; i++) {
        e->ins = &e->machine->ins[i];
        moves_at(e, 2 * i);
        if (e->ins->op == M_JUMP)
            moves_at(e, 2 * i + 1);
        emit_ins(e, e->ins);
        moves_at(e, 2 * i + 1);
    }
}

#define LAYOUT_DEFTYPE(field)                                                                      \
    ((int32_t)offsetof(struct deftype, field) - (int32_t)offsetof(struct deftype, func))

/* Flags: equal if the type that R11 points to (struct functype) is `type` or declared below it. */
static void compare_supertype(struct emit *e, const struct deftype *type)
{
    struct code *code = &e->code;
    asm_mov_rm(code, 8, REG_SCRATCH, mem_at(REG_SCRATCH, LAYOUT_DEFTYPE(display)));
    asm_mi(code, 4, 0x81, 7, mem_at(REG_SCRATCH, 4 * type->depth));
    code_u32(code, type->id);
}

static void emit_cold_signature(struct emit *e, const struct cold *cold)
{
    struct code *code = &e->code;
    asm_mov_rm(code, 8, cold->reg, mem_indexed(REG_SCRATCH, cold->reg, 3, LAYOUT_SLOT(ref)));
    asm_rr(code, 8, 0x85, cold->reg, cold->reg);
    uint32_t empty = asm_skip(code, CC_E);
    if (!cold->type->is_final) {
        asm_mov_rm(code, 8, REG_SCRATCH, mem_at(cold->reg, LAYOUT_FUNC(type)));
        uint32_t shallow = 0;
        if (cold->type->depth >= TYPE_DISPLAY_MIN) {
            asm_mi(code, 1, 0x80, 7, mem_at(REG_SCRATCH, LAYOUT_DEFTYPE(depth)));
            code_byte(code, cold->type->depth);
            shallow = asm_skip(code, CC_B);
        }
        compare_supertype(e, cold->type);
        asm_patch(code, asm_jcc(code, CC_E), cold->back);
        if (shallow)
            asm_bind(code, shallow);
    }
    call_stub(e, (enum code_stub)(STUB_TRAP + WICK_TRAP_SIGNATURE));
    asm_bind(code, empty);
    call_stub(e, (enum code_stub)(STUB_TRAP + WICK_TRAP_UNINITIALIZED));
}

static void emit_cold(struct emit *e, const struct cold *cold)
{
    struct machine_ins origin = {.offset = cold->offset, .site = cold->site};
    e->ins = &origin;
    asm_patch(&e->code, cold->jump, e->code.size);
    switch ((enum cold_kind)cold->kind) {
    case COLD_TRAP:
        call_stub(e, (enum code_stub)(STUB_TRAP + cold->trap));
        break;
    case COLD_CONVERSION: {
        sse_ucomis(e, cold->size, cold->reg, cold->reg);
        uint32_t nan = asm_skip(&e->code, CC_P);
        call_stub(e, (enum code_stub)(STUB_TRAP + WICK_TRAP_OVERFLOW));
        asm_bind(&e->code, nan);
        call_stub(e, (enum code_stub)(STUB_TRAP + WICK_TRAP_CONVERSION));
        break;
    }
    case COLD_SIGNATURE:
        emit_cold_signature(e, cold);
        break;
    case COLD_INTERRUPT:
    case COLD_EARLY:
        call_stub(e, STUB_INTERRUPT);
        if (cold->kind == COLD_EARLY)
            e->out->early = e->code.size;
        asm_patch(&e->code, asm_jmp(&e->code), cold->back);
        break;
    }
    e->ins = NULL;
}

static void emit_tables(struct emit *e)
{
    for (uint32_t i = 0; i < e->table_count; i++) {
        code_align(&e->code, 4);
        uint32_t start = e->code.size;
        asm_patch(&e->code, e->tables[i].place, start);
        const struct block *block = &e->graph->blocks[e->tables[i].block];
        for (uint32_t s = 0; s + 1 < block->succ_count; s++)
            code_u32(&e->code, e->block_at[final_target(e, block->succs[s])] - start);
    }
}

static void emit_consts(struct emit *e)
{
    uint32_t *at = arena_alloc(e->code.arena, (e->const_count + 1) * sizeof(*at));
    for (uint32_t size = 16; size >= 4; size /= 2) { /* the widest first: each is aligned */
        for (uint32_t i = 0; i < e->const_count; i++) {
            if (e->consts[i].size != size)
                continue;
            code_align(&e->code, size);
            at[i] = e->code.size;
            for (uint32_t b = 0; b < size; b++)
                code_byte(&e->code, e->consts[i].bytes[b]);
        }
    }
    for (uint32_t i = 0; i < e->const_fixup_count; i++)
        asm_patch(&e->code, e->const_fixups[i].place, at[e->const_fixups[i].number]);
}

static void emit_body(struct emit *e)
{
    struct machine_ins start = {.offset = e->machine->ins_count ? e->machine->ins[0].offset : 0};
    e->ins = &start;
    seek_move(e, 0);
    emit_prologue(e);
    for (e->current = 0; e->current < e->order_count; e->current++)
        emit_block(e, e->order[e->current]);
    e->ins = NULL;
}

void machine_emit(struct machine *machine, struct emitted *out)
{
    *out = (struct emitted){0};
    struct emit e = {.machine = machine,
                     .graph = machine->graph,
                     .code = code_new(machine->arena, 8 * machine->ins_count),
                     .avx = machine->graph->options->cpu.avx,
                     .frame = machine->frame_size,
                     .saved = NO_OPERAND,
                     .out = out};
    if (machine->calls_elsewhere) {
        e.saved = e.frame;
        e.frame += 8;
    }
    e.locations =
        arena_alloc(machine->arena, (REG_COUNT + machine->frame_size / 8) * sizeof(*e.locations));
    e.block_at = arena_alloc(machine->arena, machine->graph->block_count * sizeof(*e.block_at));
    order_blocks(&e);
    emit_body(&e);
    shorten_jumps(&e);
    for (uint32_t i = 0; i < e.cold_count; i++)
        emit_cold(&e, &e.cold[i]);
    patch_jumps(&e);
    emit_tables(&e);
    emit_consts(&e);
    out->bytes = e.code.bytes;
    out->size = e.code.size;
    out->frame = e.frame;
    out->graph = machine->graph;
    out->saves_instance = e.saved != NO_OPERAND;
}
