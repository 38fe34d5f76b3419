/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The interpreter's main loop: one block per operation, each of which jumps straight to the next.
 *
 * `ip`, `fp`, `base` and `size` are the state of the machine; everything else is reached through
 * them. `base` and `size` mirror memory 0 of the running instance and are read again after anything
 * that may have changed them.
 */
#include "wick/interp.h"

#include "wick/activation.h"
#include "wick/float_ops.h"

#include <string.h>

#define IMMEDIATE_u32(bits) (bits)
#define IMMEDIATE_i32(bits) ((int32_t)(bits))
#define IMMEDIATE_u64(bits) ((uint64_t)(int64_t)(int32_t)(bits))
#define IMMEDIATE_i64(bits) ((int64_t)(int32_t)(bits))
#define IMMEDIATE_f32(bits) (float_of(bits))
#define IMMEDIATE_f64(bits) ((double)float_of(bits))

static inline float float_of(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof(value));
    return value;
}

#define LIKELY(condition)   __builtin_expect(!!(condition), 1)
#define UNLIKELY(condition) __builtin_expect(!!(condition), 0)

#define DISPATCH() goto *labels[ip->op]
#define NEXT(length)                                                                               \
    do {                                                                                           \
        ip += (length);                                                                            \
        DISPATCH();                                                                                \
    } while (0)

/* Takes a branch; going back costs one unit of fuel. */
#define BRANCH()                                                                                   \
    do {                                                                                           \
        int32_t distance = (int32_t)ip->dst;                                                       \
        if (distance <= 0 && UNLIKELY(--ticks < 0)) {                                              \
            if ((kind = interp_refill(interp, &ticks)))                                            \
                goto trap;                                                                         \
        }                                                                                          \
        ip += distance;                                                                            \
        DISPATCH();                                                                                \
    } while (0)

#define RELOAD_MEMORY()                                                                            \
    do {                                                                                           \
        struct wasm_instance_t *running = func->instance;                                          \
        if (running->module->memory_count) {                                                       \
            base = running->memories[0]->base;                                                     \
            size = running->memories[0]->size;                                                     \
        }                                                                                          \
    } while (0)

#define ENTER_INSTANCE()                                                                           \
    do {                                                                                           \
        interp->instance = func->instance;                                                         \
        globals = func->instance->globals;                                                         \
        base = NULL;                                                                               \
        size = 0;                                                                                  \
        RELOAD_MEMORY();                                                                           \
    } while (0)

#define TRAP(which)                                                                                \
    do {                                                                                           \
        kind = (which);                                                                            \
        goto trap;                                                                                 \
    } while (0)

/* Before anything that looks at frames: collections, exceptions, backtraces. */
#define SAVE_STATE()                                                                               \
    do {                                                                                           \
        activation->ip = ip;                                                                       \
        activation->fp = fp;                                                                       \
        activation->func = func;                                                                   \
    } while (0)

#define TYPE_OF(member) __typeof__(((wick_value_t *)0)->member)

static const struct insn halt; /* the return address of the outermost frame; never executed */

/* Runs `func` with its arguments at `fp` until it returns or traps. */
static enum wick_trap_kind run(struct interp *interp, struct activation *activation,
                               struct wasm_func_t *func, wick_value_t *fp)
{
    static const void *const labels[OP_COUNT] = {[OP_UNREACHABLE] = &&op_unreachable,
                                                 [OP_CONST] = &&op_const,
                                                 [OP_CONST128] = &&op_const128,
                                                 [OP_MOVE] = &&op_move,
                                                 [OP_MOVE2] = &&op_move2,
                                                 [OP_MOVE_N] = &&op_move_n,
                                                 [OP_BR] = &&op_br,
                                                 [OP_BR_IF] = &&op_br_if,
                                                 [OP_BR_UNLESS] = &&op_br_unless,
                                                 [OP_BR_TABLE] = &&op_br_table,
                                                 [OP_RETURN0] = &&op_return0,
                                                 [OP_RETURN1] = &&op_return1,
                                                 [OP_RETURN_N] = &&op_return_n,
                                                 [OP_CALL] = &&op_call,
                                                 [OP_CALL_INDIRECT] = &&op_call_indirect,
                                                 [OP_CALL_REF] = &&op_call_ref,
                                                 [OP_TAIL_CALL] = &&op_tail_call,
                                                 [OP_TAIL_CALL_INDIRECT] = &&op_tail_call_indirect,
                                                 [OP_TAIL_CALL_REF] = &&op_tail_call_ref,
                                                 [OP_SELECT] = &&op_select,
                                                 [OP_SELECT2] = &&op_select2,
                                                 [OP_GLOBAL_GET] = &&op_global_get,
                                                 [OP_GLOBAL_GET2] = &&op_global_get2,
                                                 [OP_GLOBAL_SET] = &&op_global_set,
                                                 [OP_GLOBAL_SET2] = &&op_global_set2,
                                                 [OP_REF_FUNC] = &&op_ref_func,
                                                 [OP_REF_AS_NON_NULL] = &&op_ref_as_non_null,
                                                 [OP_ALLOC] = &&op_alloc,
                                                 [OP_HELPER] = &&op_helper,
                                                 [OP_SIMD] = &&op_simd,
#define BINARY(opcode, ...) [OP_##opcode] = &&op_##opcode, [OP_##opcode##_RI] = &&op_##opcode##_RI,
                                                 BINARY_OPS(BINARY) DIVIDE_OPS(BINARY)
#undef BINARY
#define COMPARE(opcode, ...)                                                                       \
    [OP_##opcode] = &&op_##opcode, [OP_##opcode##_RI] = &&op_##opcode##_RI,                        \
    [OP_##opcode##_IF] = &&op_##opcode##_IF, [OP_##opcode##_IF_RI] = &&op_##opcode##_IF_RI,        \
    [OP_##opcode##_UNLESS] = &&op_##opcode##_UNLESS,                                               \
    [OP_##opcode##_UNLESS_RI] = &&op_##opcode##_UNLESS_RI,
                                                     COMPARE_OPS(COMPARE)
#undef COMPARE
#define UNARY(opcode, ...) [OP_##opcode] = &&op_##opcode,
                                                         UNARY_OPS(UNARY) TRUNCATE_OPS(UNARY)
#undef UNARY
#define MEMORY(opcode, ...)                                                                        \
    [OP_##opcode] = &&op_##opcode, [OP_##opcode##_ANY] = &&op_##opcode##_ANY,
                                                             LOAD_OPS(MEMORY) STORE_OPS(MEMORY)
#undef MEMORY
    };
    struct wasm_store_t *store = interp->store;
    const struct insn *ip = &halt;
    struct wasm_global_t **globals = NULL;
    struct wasm_func_t *callee;
    wick_value_t *next_fp, *record;
    uint8_t *base = NULL;
    uint64_t size = 0;
    int64_t ticks = 0;
    enum wick_trap_kind kind;

    callee = func;
    next_fp = fp;
    func = NULL;
    goto call;

    /* ---- Control ------------------------------------------------------------------------------
     */

op_unreachable:
    TRAP(WICK_TRAP_UNREACHABLE);
op_br:
    BRANCH();
op_br_if:
    if (fp[ip->a].u32)
        BRANCH();
    NEXT(1);
op_br_unless:
    if (!fp[ip->a].u32)
        BRANCH();
    NEXT(1);
op_br_table : {
    uint32_t index = fp[ip->a].u32, count = ip->b;
    NEXT(1 + (index < count ? index : count));
}
op_select:
    fp[ip->dst] = fp[ip[1].a].u32 ? fp[ip->a] : fp[ip->b];
    NEXT(2);
op_select2 : {
    const wick_value_t *from = &fp[fp[ip[1].a].u32 ? ip->a : ip->b];
    memmove(&fp[ip->dst], from, 16);
    NEXT(2);
}

    /* ---- Calls --------------------------------------------------------------------------------
     */

op_call:
    callee = func->instance->funcs[ip->a];
    next_fp = fp + ip->dst;
    goto call;
op_call_ref:
    callee = (struct wasm_func_t *)fp[ip->a].func;
    if (UNLIKELY(!callee))
        TRAP(WICK_TRAP_NULL_FUNCTION);
    next_fp = fp + ip->dst;
    goto call;
op_call_indirect:
    if (UNLIKELY((kind = interp_indirect(func->instance, fp, ip, &callee))))
        goto trap;
    next_fp = fp + ip->dst;
call:
    if (UNLIKELY(!callee->code)) {
        if (!callee->instance)
            goto call_host;
        if ((kind = interp_prepare(callee)))
            goto trap;
    }
    if (UNLIKELY(--ticks < 0) && (kind = interp_refill(interp, &ticks)))
        goto trap;
    if (UNLIKELY(callee->code->frame_slots > (size_t)(store->stack_end - next_fp)))
        TRAP(WICK_TRAP_STACK);
    record = next_fp + callee->code->record_slot;
    record[0].ref = (uintptr_t)(ip + 1);
    record[1].ref = (uintptr_t)fp;
    record[2].func = func;
    fp = next_fp;
enter : {
    struct wasm_instance_t *from = func ? func->instance : NULL;
    const struct func_code *code = callee->code;
    func = callee;
    for (uint32_t i = code->param_slots; i < code->local_slots; i++)
        fp[i].u64 = 0;
    ip = code->insns;
    if (func->instance != from)
        ENTER_INSTANCE();
    DISPATCH();
}
call_host:
    SAVE_STATE();
    kind = interp_call_host(interp, callee, next_fp, &ticks);
    if (UNLIKELY(kind))
        goto trap;
    RELOAD_MEMORY();
    NEXT(1);

op_tail_call:
    callee = func->instance->funcs[ip->a];
    goto tail_call;
op_tail_call_ref:
    callee = (struct wasm_func_t *)fp[ip->a].func;
    if (UNLIKELY(!callee))
        TRAP(WICK_TRAP_NULL_FUNCTION);
    goto tail_call;
op_tail_call_indirect:
    if (UNLIKELY((kind = interp_indirect(func->instance, fp, ip, &callee))))
        goto trap;
tail_call:
    if (!callee->instance) {
        SAVE_STATE();
        next_fp = fp + ip->dst;
        if ((kind = interp_call_host(interp, callee, next_fp, &ticks)))
            goto trap;
        RELOAD_MEMORY();
        record = fp + func->code->record_slot;
        ip = (const struct insn *)(uintptr_t)record[0].ref;
        wick_value_t *outer_fp = (wick_value_t *)(uintptr_t)record[1].ref;
        struct wasm_func_t *outer = record[2].func;
        memmove(fp, next_fp, callee->type->result_slots * sizeof(*fp));
        callee = func;
        func = outer;
        next_fp = outer_fp;
        goto left;
    }
    if (!callee->code && (kind = interp_prepare(callee)))
        goto trap;
    if (UNLIKELY(--ticks < 0) && (kind = interp_refill(interp, &ticks)))
        goto trap;
    if (UNLIKELY(callee->code->frame_slots > (size_t)(store->stack_end - fp)))
        TRAP(WICK_TRAP_STACK);
    {
        record = fp + func->code->record_slot;
        wick_value_t saved[RECORD_SLOTS] = {record[0], record[1], record[2]};
        memmove(fp, fp + ip->dst, callee->code->param_slots * sizeof(*fp));
        memcpy(fp + callee->code->record_slot, saved, sizeof(saved));
    }
    goto enter;

op_return1:
    record = fp + ip->dst;
    {
        wick_value_t result = fp[ip->a];
        ip = (const struct insn *)(uintptr_t)record[0].ref;
        callee = func;
        func = record[2].func;
        next_fp = (wick_value_t *)(uintptr_t)record[1].ref;
        fp[0] = result;
    }
    goto left;
op_return_n : {
    record = fp + ip->dst;
    wick_value_t saved[RECORD_SLOTS] = {record[0], record[1], record[2]};
    memmove(fp, fp + ip->a, ip->b * sizeof(*fp));
    ip = (const struct insn *)(uintptr_t)saved[0].ref;
    callee = func;
    func = saved[2].func;
    next_fp = (wick_value_t *)(uintptr_t)saved[1].ref;
    goto left;
}
op_return0:
    record = fp + ip->dst;
    ip = (const struct insn *)(uintptr_t)record[0].ref;
    callee = func;
    func = record[2].func;
    next_fp = (wick_value_t *)(uintptr_t)record[1].ref;
left:
    if (UNLIKELY(!func)) {
        interp_settle(interp, ticks);
        return WICK_TRAP_NONE;
    }
    fp = next_fp;
    if (UNLIKELY(func->instance != callee->instance))
        ENTER_INSTANCE();
    DISPATCH();

    /* ---- Constants, moves, variables -----------------------------------------------------------
     */

op_const:
    fp[ip->dst].u64 = ip->a | (uint64_t)ip->b << 32;
    NEXT(1);
op_const128:
    memcpy(&fp[ip->dst], &ip[1], 16);
    NEXT(2);
op_move:
    fp[ip->dst] = fp[ip->a];
    NEXT(1);
op_move2:
    memmove(&fp[ip->dst], &fp[ip->a], 16);
    NEXT(1);
op_move_n:
    memmove(&fp[ip->dst], &fp[ip->a], ip->b * sizeof(*fp));
    NEXT(1);
op_global_get:
    fp[ip->dst] = globals[ip->a]->value[0];
    NEXT(1);
op_global_get2:
    memcpy(&fp[ip->dst], globals[ip->a]->value, 16);
    NEXT(1);
op_global_set:
    globals[ip->a]->value[0] = fp[ip->b];
    NEXT(1);
op_global_set2:
    memcpy(globals[ip->a]->value, &fp[ip->b], 16);
    NEXT(1);
op_ref_func:
    fp[ip->dst].func = func->instance->funcs[ip->a];
    NEXT(1);
op_ref_as_non_null:
    if (UNLIKELY(!fp[ip->a].u64))
        TRAP(WICK_TRAP_NULL_REFERENCE);
    NEXT(1);

    /* ---- Numbers -------------------------------------------------------------------------------
     */

#define BINARY(opcode, out, in, expression)                                                        \
    op_##opcode:                                                                                   \
    {                                                                                              \
        TYPE_OF(in) a = fp[ip->a].in, b = fp[ip->b].in;                                            \
        fp[ip->dst].out = (expression);                                                            \
        NEXT(1);                                                                                   \
    }                                                                                              \
    op_##opcode##_RI:                                                                              \
    {                                                                                              \
        TYPE_OF(in) a = fp[ip->a].in, b = IMMEDIATE_##in(ip->b);                                   \
        fp[ip->dst].out = (expression);                                                            \
        NEXT(1);                                                                                   \
    }
    BINARY_OPS(BINARY)
#undef BINARY

#define DIVIDE(opcode, in, trapping, expression)                                                   \
    op_##opcode:                                                                                   \
    {                                                                                              \
        TYPE_OF(in) a = fp[ip->a].in, b = fp[ip->b].in;                                            \
        if (UNLIKELY((kind = (trapping))))                                                         \
            goto trap;                                                                             \
        fp[ip->dst].in = (expression);                                                             \
        NEXT(1);                                                                                   \
    }                                                                                              \
    op_##opcode##_RI:                                                                              \
    {                                                                                              \
        TYPE_OF(in) a = fp[ip->a].in, b = IMMEDIATE_##in(ip->b);                                   \
        if (UNLIKELY((kind = (trapping))))                                                         \
            goto trap;                                                                             \
        fp[ip->dst].in = (expression);                                                             \
        NEXT(1);                                                                                   \
    }
    DIVIDE_OPS(DIVIDE)
#undef DIVIDE

#define COMPARE_FORM(label, in, right, expression, action)                                         \
    label : {                                                                                      \
        TYPE_OF(in) a = fp[ip->a].in, b = right;                                                   \
        bool holds = (expression);                                                                 \
        action;                                                                                    \
        NEXT(1);                                                                                   \
    }
#define COMPARE(opcode, in, expression)                                                            \
    COMPARE_FORM(op_##opcode, in, fp[ip->b].in, expression, fp[ip->dst].u32 = holds)               \
    COMPARE_FORM(op_##opcode##_RI, in, IMMEDIATE_##in(ip->b), expression, fp[ip->dst].u32 = holds) \
    COMPARE_FORM(op_##opcode##_IF, in, fp[ip->b].in, expression, if (holds) BRANCH())              \
    COMPARE_FORM(op_##opcode##_IF_RI, in, IMMEDIATE_##in(ip->b), expression, if (holds) BRANCH())  \
    COMPARE_FORM(op_##opcode##_UNLESS, in, fp[ip->b].in, expression, if (!holds) BRANCH())         \
    COMPARE_FORM(op_##opcode##_UNLESS_RI, in, IMMEDIATE_##in(ip->b), expression,                   \
                 if (!holds) BRANCH())
    COMPARE_OPS(COMPARE)
#undef COMPARE

#define UNARY(opcode, out, in, expression)                                                         \
    op_##opcode:                                                                                   \
    {                                                                                              \
        TYPE_OF(in) a = fp[ip->a].in;                                                              \
        fp[ip->dst].out = (expression);                                                            \
        NEXT(1);                                                                                   \
    }
    UNARY_OPS(UNARY)
#undef UNARY

#define TRUNCATE(opcode, out, in, low, high)                                                       \
    op_##opcode:                                                                                   \
    {                                                                                              \
        TYPE_OF(in) a = fp[ip->a].in;                                                              \
        if (UNLIKELY(!(a > (low) && a < (high))))                                                  \
            TRAP(a != a ? WICK_TRAP_CONVERSION : WICK_TRAP_OVERFLOW);                              \
        fp[ip->dst].out = (TYPE_OF(out))a;                                                         \
        NEXT(1);                                                                                   \
    }
    TRUNCATE_OPS(TRUNCATE)
#undef TRUNCATE

    /* ---- Memory --------------------------------------------------------------------------------
     */

#define LOAD(opcode, type, out)                                                                    \
    op_##opcode:                                                                                   \
    {                                                                                              \
        uint64_t address = (uint64_t)fp[ip->a].u32 + ip->b;                                        \
        type value;                                                                                \
        if (UNLIKELY(address + sizeof(value) > size))                                              \
            TRAP(WICK_TRAP_MEMORY);                                                                \
        memcpy(&value, base + address, sizeof(value));                                             \
        fp[ip->dst].out = (TYPE_OF(out))value;                                                     \
        NEXT(1);                                                                                   \
    }                                                                                              \
    op_##opcode##_ANY:                                                                             \
    {                                                                                              \
        type value;                                                                                \
        const uint8_t *from = interp_reach(interp, ip->x, &fp[ip->a], ip->b, sizeof(value));       \
        if (UNLIKELY(!from))                                                                       \
            TRAP(WICK_TRAP_MEMORY);                                                                \
        memcpy(&value, from, sizeof(value));                                                       \
        fp[ip->dst].out = (TYPE_OF(out))value;                                                     \
        NEXT(1);                                                                                   \
    }
    LOAD_OPS(LOAD)
#undef LOAD

#define STORE(opcode, type, in)                                                                    \
    op_##opcode:                                                                                   \
    {                                                                                              \
        uint64_t address = (uint64_t)fp[ip->a].u32 + ip->dst;                                      \
        type value = (type)fp[ip->b].in;                                                           \
        if (UNLIKELY(address + sizeof(value) > size))                                              \
            TRAP(WICK_TRAP_MEMORY);                                                                \
        memcpy(base + address, &value, sizeof(value));                                             \
        NEXT(1);                                                                                   \
    }                                                                                              \
    op_##opcode##_ANY:                                                                             \
    {                                                                                              \
        type value = (type)fp[ip->b].in;                                                           \
        uint8_t *to = interp_reach(interp, ip->x, &fp[ip->a], ip->dst, sizeof(value));             \
        if (UNLIKELY(!to))                                                                         \
            TRAP(WICK_TRAP_MEMORY);                                                                \
        memcpy(to, &value, sizeof(value));                                                         \
        NEXT(1);                                                                                   \
    }
    STORE_OPS(STORE)
#undef STORE

    /* ---- The rest ------------------------------------------------------------------------------
     */

op_helper:
    kind = interp_helpers[ip->x](interp, fp, ip);
    if (UNLIKELY(kind))
        goto trap;
    RELOAD_MEMORY();
    NEXT(2);
op_alloc:
    SAVE_STATE();
    kind = interp_helpers[ip->x](interp, fp, ip);
    if (UNLIKELY(kind))
        goto trap;
    NEXT(2);
op_simd:
    kind = interp_simd[ip->x](interp, fp, ip);
    if (UNLIKELY(kind))
        goto trap;
    NEXT(2);

trap:
    SAVE_STATE();
    if (kind == WICK_TRAP_EXCEPTION && interp_catch(interp, activation)) {
        ip = activation->ip;
        fp = activation->fp;
        func = activation->func;
        ENTER_INSTANCE();
        DISPATCH();
    }
    interp_settle(interp, ticks);
    return kind;
}

/* Adds the frames of one activation, innermost first. */
static void add_frames(struct wasm_trap_t *trap, const struct activation *activation)
{
    const struct insn *ip = activation->ip;
    const wick_value_t *fp = activation->fp;
    struct wasm_func_t *func = activation->func;
    bool innermost = true;
    while (func) {
        const struct func_code *code = func->code;
        /* A return address is behind its call. */
        size_t at = (size_t)(ip - code->insns) - (innermost ? 0 : 1);
        trap_add_frame(trap, func->instance, func->index, code->offsets[at]);
        const wick_value_t *record = fp + code->record_slot;
        ip = (const struct insn *)(uintptr_t)record[0].ref;
        fp = (wick_value_t *)(uintptr_t)record[1].ref;
        func = record[2].func;
        innermost = false;
    }
}

struct wasm_trap_t *interp_call(struct wasm_func_t *func, wick_value_t *slots)
{
    struct wasm_store_t *store = func->object.store;
    if (store->depth >= ACTIVATIONS_MAX)
        return trap_new(store, WICK_TRAP_STACK, NULL);
    struct interp interp = {.store = store};
    struct activation activation = {.roots.visit = activation_visit, .outer = store->activation};
    wick_value_t *top = store->stack_top;
    const struct functype *type = func->type;
    uint32_t room = type->param_slots > type->result_slots ? type->param_slots : type->result_slots;
    if (room > (size_t)(store->stack_end - top))
        return trap_new(store, WICK_TRAP_STACK, NULL);
    memcpy(top, slots, type->param_slots * sizeof(*slots));
    store->activation = &activation;
    store->depth++;
    root_push(store, &activation.roots);
    enum wick_trap_kind kind = interp_interrupted(store);
    if (!kind)
        kind = run(&interp, &activation, func, top);
    root_pop(store, &activation.roots);
    store->depth--;
    store->activation = activation.outer;
    store->stack_top = top;
    if (!kind) {
        memcpy(slots, top, type->result_slots * sizeof(*slots));
        return NULL;
    }
    /* A host function's trap already has the frames that were below it. */
    struct wasm_trap_t *trap = interp.trap;
    if (!trap)
        trap = kind == WICK_TRAP_EXCEPTION ? trap_new_exception(store, interp.exception)
                                           : trap_new(store, kind, NULL);
    add_frames(trap, &activation);
    return trap;
}
