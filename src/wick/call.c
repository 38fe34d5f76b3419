/* SPDX-License-Identifier: Apache-2.0 */
/* The slow paths of calls and the entry into functions of either kind. */
#include "wick/activation.h"
#include "wick/compile/compile.h"

#include <time.h>

/* Loop iterations and calls between two looks at the clock. */
enum { SLICE = 4096 };

enum wick_trap_kind interp_interrupted(struct wasm_store_t *store)
{
    if (!atomic_load_explicit(&store->interrupt, memory_order_relaxed))
        return WICK_TRAP_NONE;
    return atomic_exchange(&store->interrupt, 0) ? WICK_TRAP_INTERRUPTED : WICK_TRAP_NONE;
}

bool interp_deadline_passed(const struct wasm_store_t *store)
{
    if (!store->deadline)
        return false;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec >= store->deadline;
}

void interp_settle(struct interp *interp, int64_t ticks)
{
    if (ticks < 0)
        ticks = 0;
    uint64_t used = (uint64_t)(interp->slice - ticks);
    interp->slice = ticks;
    if (interp->store->engine->config.fuel)
        interp->store->fuel -= used < interp->store->fuel ? used : interp->store->fuel;
}

enum wick_trap_kind interp_refill(struct interp *interp, int64_t *ticks)
{
    struct wasm_store_t *store = interp->store;
    interp_settle(interp, 0);
    *ticks = 0;
    interp->slice = 0;
    enum wick_trap_kind kind = interp_interrupted(store);
    if (kind)
        return kind;
    if (interp_deadline_passed(store))
        return WICK_TRAP_DEADLINE;
    interp->slice = SLICE;
    if (store->engine->config.fuel) {
        if (store->fuel == 0) {
            interp->slice = 0;
            return WICK_TRAP_FUEL;
        }
        if (store->fuel < SLICE)
            interp->slice = (int64_t)store->fuel;
    }
    *ticks = interp->slice - 1;
    return WICK_TRAP_NONE;
}

/* Publishes code to all instances of the module; the first translation wins. */
static enum wick_trap_kind make_code(struct module *module, uint32_t index, struct func_code **out)
{
    struct func_decl *decl = &module->funcs[index];
    *out = atomic_load_explicit(&decl->code, memory_order_acquire);
    if (*out)
        return WICK_TRAP_NONE;
    pthread_mutex_lock(&module->code_lock);
    *out = atomic_load_explicit(&decl->code, memory_order_acquire);
    if (!*out && translate(module, index, out) == 0)
        atomic_store_explicit(&decl->code, *out, memory_order_release);
    pthread_mutex_unlock(&module->code_lock);
    return *out ? WICK_TRAP_NONE : WICK_TRAP_NO_MEMORY;
}

enum wick_trap_kind interp_prepare(struct wasm_func_t *func)
{
    struct func_code *code;
    enum wick_trap_kind kind = make_code(func->instance->module, func->index, &code);
    func->code = code;
    return kind;
}

enum wick_trap_kind interp_indirect(const struct wasm_instance_t *instance, const wick_value_t *fp,
                                    const struct insn *insn, struct wasm_func_t **callee)
{
    const struct wasm_table_t *table = instance->tables[insn->x];
    uint64_t index = table->type.limits.index64 ? fp[insn->a].u64 : fp[insn->a].u32;
    if (index >= table->size)
        return WICK_TRAP_UNDEFINED_ELEMENT;
    const struct table_slot *slot = &table->slots[index];
    if (slot->type_id != insn->b)
        return slot->ref ? WICK_TRAP_SIGNATURE : WICK_TRAP_UNINITIALIZED;
    *callee = (struct wasm_func_t *)(uintptr_t)slot->ref;
    return WICK_TRAP_NONE;
}

enum wick_trap_kind interp_call_host(struct interp *interp, struct wasm_func_t *func,
                                     wick_value_t *slots, int64_t *ticks)
{
    struct wasm_store_t *store = interp->store;
    const struct functype *type = func->type;
    uint32_t room = type->param_slots > type->result_slots ? type->param_slots : type->result_slots;
    /* A host function may be the outermost one, so that no frame has made room. */
    if (room > (size_t)(store->stack_end - slots))
        return WICK_TRAP_STACK;
    interp_settle(interp, *ticks);
    wick_value_t *top = store->stack_top;
    store->stack_top = slots + room;
    struct wick_caller_t caller = {store, interp->instance};
    interp->trap = func->host(func->env, &caller, slots);
    store->stack_top = top;
    *ticks = 0; /* the fuel may have changed: begin a new slice */
    interp->slice = 0;
    return interp->trap ? WICK_TRAP_HOST : WICK_TRAP_NONE;
}

uint8_t *interp_reach(const struct interp *interp, uint32_t memory_index,
                      const wick_value_t *address, uint64_t offset, uint64_t bytes)
{
    const struct wasm_memory_t *memory = interp->instance->memories[memory_index];
    uint64_t start = memory->type.limits.index64 ? address->u64 : address->u32;
    if (__builtin_add_overflow(start, offset, &start))
        return NULL;
    if (start > memory->size || bytes > memory->size - start)
        return NULL;
    return memory->base + start;
}

struct wasm_trap_t *func_call(struct wasm_func_t *func, wick_value_t *slots)
{
    if (func->instance)
        return func->object.store->engine->compile ? compiled_call(func, slots)
                                                   : interp_call(func, slots);
    struct wick_caller_t caller = {func->object.store, NULL};
    return func->host(func->env, &caller, slots);
}
