/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Code that every region begins with, and the adapters between C and WebAssembly. See code.h for
 * what they are for and emit_call.c for the registers of a call.
 *
 * Compiled code runs on the store's stack; C is called on the host's, whose RSP the entry left in
 * the compiled_frame.
 */
#include "wick/compile/code.h"
#include "wick/compile/helpers.h"
#include "wick/compile/layout.h"
#include "wick/compile/x86_64/asm.h"

#define FRAME(field) ((int32_t)offsetof(struct compiled_frame, field))

static const uint8_t general_args[CALL_REGS] = {RAX, RCX, RDX, RBX, RSI, RDI, R8, R9};

/* ---- Small things -----------------------------------------------------------------------------
 */

static void push(struct code *code, uint32_t reg)
{
    if (reg >= R8)
        code_byte(code, 0x41);
    code_byte(code, 0x50 | (reg & 7));
}

static void pop(struct code *code, uint32_t reg)
{
    if (reg >= R8)
        code_byte(code, 0x41);
    code_byte(code, 0x58 | (reg & 7));
}

static void load(struct code *code, uint32_t to, uint32_t base, int64_t disp)
{
    asm_mov_rm(code, 8, to, mem_at(base, disp));
}

static void store(struct code *code, uint32_t base, int64_t disp, uint32_t from)
{
    asm_mov_mr(code, 8, mem_at(base, disp), from);
}

static void ret(struct code *code)
{
    code_byte(code, 0xC3);
}

static void call_c(struct code *code, uintptr_t function)
{
    asm_mov_ri(code, RAX, function);
    asm_ri(code, 4, 0xFF, 2, RAX);
}

static void jump_reg(struct code *code, uint32_t reg)
{
    asm_ri(code, 4, 0xFF, 4, reg);
}

/* to = the compiled_frame under way, by way of an instance. */
static void find_frame(struct code *code, uint32_t to, uint32_t instance)
{
    load(code, to, instance, LAYOUT_INSTANCE(object.store));
    load(code, to, to, LAYOUT_STORE(frame));
}

static void move_vector(struct code *code, bool to_memory, uint8_t size, bool avx, uint32_t reg,
                        struct mem mem)
{
    uint16_t encoding = (uint16_t)(0x10 | MAP_0F | (to_memory ? 1 : 0) |
                                   (size == 4   ? PREFIX_F3
                                    : size == 8 ? PREFIX_F2
                                                : 0));
    if (avx)
        asm_vex_rm(code, encoding, reg, VEX_NONE, mem);
    else
        asm_sse_rm(code, encoding, reg, mem);
}

/* ---- Leaving ----------------------------------------------------------------------------------
 */

static const uint8_t saved_by_c[] = {RBX, RBP, R12, R13, R14, R15};

/* Back to C with EAX as the answer; RCX is the compiled_frame. */
static void leave(struct code *code)
{
    load(code, RSP, RCX, FRAME(host_stack));
    asm_alu_ri(code, 8, 0, RSP, 8);
    for (int i = sizeof(saved_by_c) - 1; i >= 0; i--)
        pop(code, saved_by_c[i]);
    ret(code);
}

/* Ends with kind EDI at address RSI, RSP being that of the frame and R14 an instance; but an
 * exception that is caught goes on in the frame that does. */
static void leave_with_trap(struct code *code)
{
    find_frame(code, RCX, R14);
    store(code, RCX, FRAME(pc), RSI);
    store(code, RCX, FRAME(sp), RSP);
    store(code, RCX, FRAME(instance), R14);
    asm_mov_rr(code, 4, RBP, RDI);
    asm_mov_rr(code, 8, RBX, RCX);
    asm_alu_ri(code, 4, 7, RDI, WICK_TRAP_EXCEPTION);
    uint32_t other = asm_jcc(code, CC_NE);
    load(code, RSP, RBX, FRAME(host_stack));
    asm_mov_rr(code, 8, RDI, RBX);
    call_c(code, (uintptr_t)compiled_catch);
    asm_mov_rr(code, 8, RCX, RBX);
    asm_rr(code, 8, 0x85, RAX, RAX);
    uint32_t uncaught = asm_jcc(code, CC_E);
    load(code, RSP, RBX, FRAME(sp));
    load(code, R14, RBX, FRAME(instance));
    load(code, R15, R14, LAYOUT_INSTANCE(memory_base));
    jump_reg(code, RAX);
    asm_patch(code, other, code->size);
    asm_patch(code, uncaught, code->size);
    asm_mov_rr(code, 4, RAX, RBP);
    leave(code);
}

/* Notes in the compiled_frame R9 that control leaves the code: the return address is at RSP +
 * above. Then goes to the host's stack; RBX keeps RSP. */
static void switch_to_host(struct code *code, int32_t above)
{
    load(code, R11, RSP, above);
    store(code, R9, FRAME(pc), R11);
    asm_lea(code, 8, R11, mem_at(RSP, above + 8));
    store(code, R9, FRAME(sp), R11);
    store(code, R9, FRAME(low), RSP);
    asm_mov_rr(code, 8, RBX, RSP);
    load(code, RSP, R9, FRAME(host_stack));
}

/* ---- Stubs ------------------------------------------------------------------------------------
 */

static void emit_traps(struct code *code, uint32_t stubs[STUB_COUNT])
{
    uint32_t jumps[WICK_TRAP_KIND_COUNT];
    for (uint32_t kind = 0; kind < WICK_TRAP_KIND_COUNT; kind++) {
        stubs[STUB_TRAP + kind] = code->size;
        asm_mov_ri(code, RDI, kind);
        jumps[kind] = asm_jmp(code);
    }
    for (uint32_t kind = 0; kind < WICK_TRAP_KIND_COUNT; kind++)
        asm_patch(code, jumps[kind], code->size);
    pop(code, RSI);
    stubs[STUB_FAULT] = code->size;
    leave_with_trap(code);
}

/* RAX helper, RSI indices, RDX RCX R8 operands. */
static void emit_helper(struct code *code, uint32_t stubs[STUB_COUNT])
{
    stubs[STUB_HELPER] = code->size;
    asm_mov_rr(code, 8, RDI, R14);
    find_frame(code, R9, R14);
    switch_to_host(code, 0);
    asm_mov_ri(code, R9, (uintptr_t)compile_helpers);
    asm_mi(code, 4, 0xFF, 2, mem_indexed(R9, RAX, 3, 0));
    asm_mov_rr(code, 8, RSP, RBX);
    asm_rr(code, 4, 0x85, RDX, RDX);
    uint32_t trapped = asm_skip(code, CC_NE);
    ret(code);
    asm_bind(code, trapped);
    asm_mov_rr(code, 4, RDI, RDX);
    pop(code, RSI);
    leave_with_trap(code);
}

enum { VECTOR_BYTES = 16 };

static void save_vectors(struct code *code, uint32_t count)
{
    asm_alu_ri(code, 8, 5, RSP, (int32_t)(count * VECTOR_BYTES));
    for (uint32_t i = 0; i < count; i++)
        move_vector(code, true, 16, false, XMM0 + i, mem_at(RSP, i * VECTOR_BYTES));
}

static void restore_vectors(struct code *code, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        move_vector(code, false, 16, false, XMM0 + i, mem_at(RSP, i * VECTOR_BYTES));
    asm_alu_ri(code, 8, 0, RSP, (int32_t)(count * VECTOR_BYTES));
}

/* In the middle of a function, with all registers in use. */
static void emit_interrupt(struct code *code, uint32_t stubs[STUB_COUNT])
{
    static const uint8_t regs[] = {RAX, RCX, RDX, RBX, RBP, RSI, RDI, R8, R9, R10, R11, R12, R13};
    int32_t bytes = (int32_t)sizeof(regs) * 8 + 16 * VECTOR_BYTES;
    stubs[STUB_INTERRUPT] = code->size;
    for (uint32_t i = 0; i < sizeof(regs); i++)
        push(code, regs[i]);
    save_vectors(code, 16);
    asm_mov_rr(code, 8, RDI, R14);
    find_frame(code, R9, R14);
    switch_to_host(code, bytes);
    call_c(code, (uintptr_t)compiled_interrupt);
    asm_mov_rr(code, 8, RSP, RBX);
    asm_rr(code, 4, 0x85, RAX, RAX);
    uint32_t trapped = asm_jcc(code, CC_NE);
    restore_vectors(code, 16);
    for (int i = sizeof(regs) - 1; i >= 0; i--)
        pop(code, regs[i]);
    ret(code);
    asm_patch(code, trapped, code->size);
    asm_mov_rr(code, 4, RDI, RAX);
    asm_alu_ri(code, 8, 0, RSP, bytes);
    pop(code, RSI);
    leave_with_trap(code);
}

/* Has a C function make the code of the callee, with all arguments in place, then goes on there.
 * `instance` holds that of the caller or, unless the host is called, of the callee. */
static void emit_lazy(struct code *code, uint32_t *stub, uintptr_t function, uint32_t instance)
{
    bool by_ref = function != (uintptr_t)compiled_lazy;
    int32_t bytes = (CALL_REGS + 2) * 8 + CALL_REGS * VECTOR_BYTES;
    *stub = code->size;
    for (uint32_t i = 0; i < CALL_REGS; i++)
        push(code, general_args[i]);
    push(code, R10);
    push(code, R12);
    save_vectors(code, CALL_REGS);
    asm_mov_rr(code, 8, RDI, by_ref ? R10 : R14);
    if (!by_ref) { /* the call's displacement is the place of the entry */
        load(code, RSI, RSP, bytes);
        asm_mov_rm(code, 4, RSI, mem_at(RSI, -4));
    }
    find_frame(code, R9, instance);
    switch_to_host(code, bytes);
    call_c(code, function);
    asm_mov_rr(code, 8, RSP, RBX);
    asm_mov_rr(code, 8, R11, RAX);
    asm_rr(code, 4, 0x85, RDX, RDX);
    uint32_t trapped = asm_jcc(code, CC_NE);
    restore_vectors(code, CALL_REGS);
    pop(code, R12);
    pop(code, R10);
    for (int i = CALL_REGS - 1; i >= 0; i--)
        pop(code, general_args[i]);
    jump_reg(code, R11);
    asm_patch(code, trapped, code->size);
    asm_mov_rr(code, 4, RDI, RDX);
    if (instance != R14)
        asm_mov_rr(code, 8, R14, instance);
    asm_alu_ri(code, 8, 0, RSP, bytes);
    pop(code, RSI);
    leave_with_trap(code);
}

void stubs_emit(struct code *code, uint32_t stubs[STUB_COUNT])
{
    emit_traps(code, stubs);
    emit_helper(code, stubs);
    emit_interrupt(code, stubs);
    emit_lazy(code, &stubs[STUB_LAZY], (uintptr_t)compiled_lazy, R14);
    emit_lazy(code, &stubs[STUB_LAZY_REF], (uintptr_t)compiled_lazy_ref, R14);
    emit_lazy(code, &stubs[STUB_LAZY_HOST], (uintptr_t)compiled_lazy_host, R12);
}

/* ---- Adapters ---------------------------------------------------------------------------------
 */

/* The way of one value between its call_place and its slot in memory. */
struct way {
    struct code *code;
    bool avx, to_slots;
    uint32_t slots, store; /* registers that hold them; R13 is free */
};

static uint8_t kind_of(uint32_t type)
{
    return type_is_ref(type) ? TYPE_I64 : (uint8_t)type_kind(type);
}

static void move_register(const struct way *way, uint8_t kind, uint32_t reg, struct mem slot)
{
    static const uint8_t sizes[] = {
        [TYPE_I32] = 4, [TYPE_I64] = 8, [TYPE_F32] = 4, [TYPE_F64] = 8, [TYPE_V128] = 16};
    if (reg_is_vector(reg))
        move_vector(way->code, way->to_slots, sizes[kind], way->avx, reg, slot);
    else if (way->to_slots)
        asm_mov_mr(way->code, 8, slot, reg);
    else
        asm_mov_rm(way->code, sizes[kind], reg, slot);
}

static void move_overflow(const struct way *way, uint8_t kind, uint32_t offset, struct mem slot)
{
    uint32_t words = kind == TYPE_V128 ? 2 : 1;
    for (uint32_t i = 0; i < words; i++) {
        struct mem area = mem_at(way->store, LAYOUT_STORE(overflow) + (int64_t)offset + 8 * i);
        struct mem word = slot;
        word.disp += (int32_t)(8 * i);
        uint8_t size = kind == TYPE_I32 && !way->to_slots ? 4 : 8; /* clears the upper half */
        asm_mov_rm(way->code, size, R13, way->to_slots ? area : word);
        asm_mov_mr(way->code, 8, way->to_slots ? word : area, R13);
    }
}

static void move_values(const struct way *way, const uint32_t *types, uint32_t count)
{
    struct call_places places = {0};
    int64_t slot = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint8_t kind = kind_of(types[i]);
        bool vector = kind == TYPE_F32 || kind == TYPE_F64 || kind == TYPE_V128;
        struct call_place place = call_place_next(&places, vector);
        struct mem mem = mem_at(way->slots, 8 * slot);
        if (place.in_register)
            move_register(way, kind, place.reg, mem);
        else
            move_overflow(way, kind, place.offset, mem);
        slot += kind == TYPE_V128 ? 2 : 1;
    }
}

/* RDI function, RSI slots, RDX stack, RCX compiled_frame. */
void adapter_emit_enter(struct code *code, const struct functype *type, bool avx)
{
    for (uint32_t i = 0; i < sizeof(saved_by_c); i++)
        push(code, saved_by_c[i]);
    asm_alu_ri(code, 8, 5, RSP, 8); /* a multiple of 16 */
    store(code, RCX, FRAME(host_stack), RSP);
    asm_mov_rr(code, 8, RSP, RDX);
    push(code, RSI);
    asm_mov_rr(code, 8, R11, RSI);
    asm_mov_rr(code, 8, R10, RDI);
    load(code, R14, R10, LAYOUT_FUNC(instance));
    load(code, R12, R14, LAYOUT_INSTANCE(object.store));
    struct way way = {code, avx, false, R11, R12};
    move_values(&way, type->params, type->param_count);
    asm_mov_rr(code, 8, R12, R14);
    asm_mi(code, 4, 0xFF, 2, mem_at(R10, LAYOUT_FUNC(entry)));
    pop(code, R11);
    load(code, R12, R14, LAYOUT_INSTANCE(object.store));
    way.to_slots = true;
    move_values(&way, type->results, type->result_count);
    load(code, RCX, R12, LAYOUT_STORE(frame));
    asm_alu_rr(code, 4, 6, RAX, RAX);
    leave(code);
}

void adapter_emit_own(struct code *code, uint32_t number)
{
    load(code, R10, R14, LAYOUT_INSTANCE(own_funcs));
    asm_alu_ri(code, 8, 0, R10, (int32_t)(number * sizeof(struct wasm_func_t)));
    asm_mov_rr(code, 8, R12, R14);
}

/* R10 function, R12 calling instance. */
void adapter_emit_host(struct code *code, const struct functype *type, bool avx)
{
    uint32_t slots =
        type->param_slots > type->result_slots ? type->param_slots : type->result_slots;
    int32_t room = (int32_t)(slots + 1) * 8;
    asm_alu_ri(code, 8, 5, RSP, room);
    load(code, R11, R12, LAYOUT_INSTANCE(object.store));
    struct way way = {code, avx, true, RSP, R11};
    move_values(&way, type->params, type->param_count);
    load(code, R9, R11, LAYOUT_STORE(frame));
    asm_mov_rr(code, 8, RDI, R12);
    asm_mov_rr(code, 8, RSI, R10);
    asm_mov_rr(code, 8, RDX, RSP);
    switch_to_host(code, room);
    call_c(code, (uintptr_t)compiled_host_call);
    asm_mov_rr(code, 8, RSP, RBX);
    asm_rr(code, 4, 0x85, RAX, RAX);
    uint32_t trapped = asm_jcc(code, CC_NE);
    load(code, R11, R12, LAYOUT_INSTANCE(object.store));
    way.to_slots = false;
    move_values(&way, type->results, type->result_count);
    asm_alu_ri(code, 8, 0, RSP, room);
    ret(code);
    asm_patch(code, trapped, code->size);
    asm_mov_rr(code, 4, RDI, RAX);
    asm_mov_rr(code, 8, R14, R12);
    asm_alu_ri(code, 8, 0, RSP, room);
    pop(code, RSI);
    leave_with_trap(code);
}
