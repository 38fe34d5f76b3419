/* SPDX-License-Identifier: Apache-2.0 */
/* Tags and exceptions of the API. */
#include "wick/api_types.h"

#include <stdlib.h>

wick_tag_t *wick_tag_new(wasm_store_t *store, const wasm_functype_t *type)
{
    const struct functype *resolved = functype_resolve(store->engine, type);
    return resolved && !resolved->result_count ? tag_new(store, resolved) : NULL;
}

wasm_functype_t *wick_tag_type(const wick_tag_t *tag)
{
    return functype_describe(tag->type);
}

wasm_extern_t *wick_tag_as_extern(wick_tag_t *tag)
{
    return (wasm_extern_t *)tag;
}

wick_tag_t *wick_extern_as_tag(wasm_extern_t *item)
{
    return item && wasm_extern_kind(item) == WICK_EXTERN_TAG ? (wick_tag_t *)item : NULL;
}

bool wick_trap_exception(const wasm_trap_t *trap, wick_val_t *out)
{
    if (!trap->exception)
        return false;
    wick_value_t slot = {.ref = trap->exception};
    return slot_read_held(trap->object.store, &slot, TYPE_EXNREF, out);
}

/* The exception that a value refers to, or NULL. */
static const struct heap_exception *exception_of(const wick_val_t *value)
{
    return value->kind == WICK_EXNREF && value->of.ref ? ref_exception(value->of.ref) : NULL;
}

wick_tag_t *wick_exception_tag(const wick_val_t *value)
{
    const struct heap_exception *exception = exception_of(value);
    return exception ? exception->tag : NULL;
}

size_t wick_exception_args(const wick_val_t *value, wick_val_t *args, size_t room)
{
    const struct heap_exception *exception = exception_of(value);
    if (!exception)
        return 0;
    const struct functype *type = exception->tag->type;
    const wick_value_t *slot = (const wick_value_t *)exception->args;
    for (uint32_t i = 0; i < type->param_count && i < room; i++) {
        if (!slot_read_held(exception->tag->object.store, slot, type->params[i], &args[i]))
            return i;
        slot += type_slots(type->params[i]);
    }
    return type->param_count;
}

static wasm_trap_t *throw_slots(wasm_store_t *store, wick_tag_t *tag, const wick_val_t *args,
                                wick_value_t *slots)
{
    const struct functype *type = tag->type;
    if (!slots_write(store, slots, type->params, type->param_count, args))
        return wick_trap_new_text(store, "throw: an argument has the wrong type");
    /* References among the arguments come from the API, which holds them. */
    uint64_t exception = heap_alloc_exception(store, tag, slots);
    return exception ? trap_new_exception(store, exception)
                     : trap_new(store, WICK_TRAP_NO_MEMORY, NULL);
}

wasm_trap_t *wick_trap_throw(wasm_store_t *store, wick_tag_t *tag, const wick_val_t *args,
                             size_t count)
{
    if (count != tag->type->param_count)
        return wick_trap_new_text(store, "throw: %zu arguments, the tag takes %u", count,
                                  tag->type->param_count);
    wick_value_t *slots = calloc(tag->type->param_slots + 1, sizeof(*slots));
    if (!slots)
        return trap_new(store, WICK_TRAP_NO_MEMORY, NULL);
    wasm_trap_t *trap = throw_slots(store, tag, args, slots);
    free(slots);
    return trap;
}

wasm_trap_t *wick_trap_throw_again(wasm_store_t *store, const wick_val_t *exception)
{
    if (!exception_of(exception))
        return trap_new(store, WICK_TRAP_NULL_EXCEPTION, NULL);
    return trap_new_exception(store, exception->of.ref);
}
