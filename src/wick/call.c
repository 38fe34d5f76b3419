/* SPDX-License-Identifier: Apache-2.0 */
/* The slow paths of calls and the entry into functions of either kind. */
#include "wick/compile/compile.h"
#include "wick/helpers.h"
#include "wick/shared.h"

#include <stdlib.h>
#include <string.h>
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
    *callee = (struct wasm_func_t *)(uintptr_t)slot->ref;
    if (slot->type_id == insn->b)
        return WICK_TRAP_NONE;
    if (!slot->ref)
        return WICK_TRAP_UNINITIALIZED;
    return func_has_type(*callee, insn->b) ? WICK_TRAP_NONE : WICK_TRAP_SIGNATURE;
}

/* ---- Exceptions -------------------------------------------------------------------------------
 */

enum wick_trap_kind do_throw(struct interp *interp, wick_value_t *fp, const struct insn *insn)
{
    struct wick_tag_t *tag = interp->instance->tags[insn[1].b];
    interp->exception = heap_alloc_exception(interp->store, tag, &fp[insn->a]);
    return interp->exception ? WICK_TRAP_EXCEPTION : WICK_TRAP_NO_MEMORY;
}

enum wick_trap_kind do_throw_ref(struct interp *interp, wick_value_t *fp, const struct insn *insn)
{
    interp->exception = fp[insn->a].ref;
    return interp->exception ? WICK_TRAP_EXCEPTION : WICK_TRAP_NULL_EXCEPTION;
}

/* Puts what the clause's label takes into its slots. */
static void put_caught(wick_value_t *slots, const struct catch_clause *clause, uint64_t exception)
{
    const struct heap_exception *object = ref_exception(exception);
    uint32_t count = catch_has_tag(clause->kind) ? object->tag->type->param_slots : 0;
    memcpy(slots, object->args, count * sizeof(*slots));
    if (catch_has_ref(clause->kind))
        slots[count].ref = exception;
}

bool interp_catch(const struct interp *interp, struct activation *activation)
{
    const struct insn *ip = activation->ip;
    wick_value_t *fp = activation->fp;
    struct wasm_func_t *func = activation->func;
    uint32_t back = 0; /* a return address is behind its call */
    while (func) {
        const struct func_code *code = func->code;
        const struct try_clause *found = NULL;
        if (code->map)
            found = frame_map_catch(code->map, func->instance, ref_exception(interp->exception),
                                    (uint32_t)(ip - code->insns) - back);
        if (found) {
            put_caught(&fp[found->slot], &found->clause, interp->exception);
            activation->ip = code->insns + found->landing;
            activation->fp = fp;
            activation->func = func;
            return true;
        }
        const wick_value_t *record = fp + code->record_slot;
        ip = (const struct insn *)(uintptr_t)record[0].ref;
        fp = (wick_value_t *)(uintptr_t)record[1].ref;
        func = record[2].func;
        back = 1;
    }
    return false;
}

void activation_visit(const struct root_frame *frame, struct heap *heap)
{
    const struct activation *activation = (const struct activation *)frame;
    const struct insn *ip = activation->ip;
    const wick_value_t *fp = activation->fp;
    const struct wasm_func_t *func = activation->func;
    uint32_t back = 0;
    while (func) {
        const struct func_code *code = func->code;
        if (code->map)
            frame_map_visit(code->map, heap, fp, (uint32_t)(ip - code->insns) - back);
        const wick_value_t *record = fp + code->record_slot;
        ip = (const struct insn *)(uintptr_t)record[0].ref;
        fp = (const wick_value_t *)(uintptr_t)record[1].ref;
        func = record[2].func;
        back = 1;
    }
}

/* ---- Host functions ---------------------------------------------------------------------------
 */

/* The arguments of a host function that are traced: it may overwrite their slots. */
struct arg_roots {
    struct root_words words;
    uint64_t few[8];
    uint64_t *many;
};

static bool arg_roots_push(struct wasm_store_t *store, struct arg_roots *roots,
                           const struct functype *type, const wick_value_t *slots)
{
    uint64_t *words = roots->few;
    roots->many = NULL;
    if (type->param_count > sizeof(roots->few) / sizeof(roots->few[0]))
        words = roots->many = malloc(type->param_count * sizeof(*words));
    if (!words)
        return false;
    roots->words = (struct root_words){.head.visit = root_words_visit, .words = words};
    for (uint32_t i = 0; i < type->param_count; i++) {
        if (type_is_traced(type->params[i]))
            words[roots->words.count++] = slots->ref;
        slots += type_slots(type->params[i]);
    }
    root_push(store, &roots->words.head);
    return true;
}

static void arg_roots_pop(struct wasm_store_t *store, struct arg_roots *roots)
{
    root_pop(store, &roots->words.head);
    free(roots->many);
}

struct wasm_trap_t *call_host(struct wasm_func_t *func, struct wick_caller_t *caller,
                              wick_value_t *slots)
{
    struct arg_roots roots;
    if (!func->type->traced_params)
        return func->host(func->env, caller, slots);
    if (!arg_roots_push(caller->store, &roots, func->type, slots))
        return trap_new(caller->store, WICK_TRAP_NO_MEMORY, NULL);
    struct wasm_trap_t *trap = func->host(func->env, caller, slots);
    arg_roots_pop(caller->store, &roots);
    return trap;
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
    struct wasm_trap_t *trap = call_host(func, &caller, slots);
    store->stack_top = top;
    *ticks = 0; /* the fuel may have changed: begin a new slice */
    interp->slice = 0;
    if (!trap)
        return WICK_TRAP_NONE;
    if (trap->kind == WICK_TRAP_EXCEPTION && trap->exception) { /* it goes on its way */
        interp->exception = trap->exception;
        wasm_trap_delete(trap);
        return WICK_TRAP_EXCEPTION;
    }
    interp->trap = trap;
    return WICK_TRAP_HOST;
}

uint8_t *interp_reach(const struct interp *interp, uint32_t memory_index,
                      const wick_value_t *address, uint64_t offset, uint64_t bytes)
{
    struct wasm_memory_t *memory = interp->instance->memories[memory_index];
    uint64_t start = memory->type.limits.index64 ? address->u64 : address->u32;
    if (__builtin_add_overflow(start, offset, &start))
        return NULL;
    if (start > memory->size || bytes > memory->size - start)
        memory_refresh(memory);
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
    return call_host(func, &caller, slots);
}
