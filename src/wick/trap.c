/* SPDX-License-Identifier: Apache-2.0 */
#include "wick/runtime.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const texts[WICK_TRAP_KIND_COUNT] = {
    [WICK_TRAP_NONE] = "no trap",
    [WICK_TRAP_UNREACHABLE] = "unreachable",
    [WICK_TRAP_MEMORY] = "out of bounds memory access",
    [WICK_TRAP_TABLE] = "out of bounds table access",
    [WICK_TRAP_UNDEFINED_ELEMENT] = "undefined element",
    [WICK_TRAP_UNINITIALIZED] = "uninitialized element",
    [WICK_TRAP_SIGNATURE] = "indirect call type mismatch",
    [WICK_TRAP_NULL_REFERENCE] = "null reference",
    [WICK_TRAP_NULL_FUNCTION] = "null function reference",
    [WICK_TRAP_DIVIDE_BY_ZERO] = "integer divide by zero",
    [WICK_TRAP_OVERFLOW] = "integer overflow",
    [WICK_TRAP_CONVERSION] = "invalid conversion to integer",
    [WICK_TRAP_STACK] = "call stack exhausted",
    [WICK_TRAP_FUEL] = "all fuel consumed",
    [WICK_TRAP_DEADLINE] = "deadline exceeded",
    [WICK_TRAP_INTERRUPTED] = "interrupted",
    [WICK_TRAP_NO_MEMORY] = "out of memory",
    [WICK_TRAP_UNSUPPORTED] = "function exceeds an implementation limit",
    [WICK_TRAP_HOST] = "host function failed",
    [WICK_TRAP_EXIT] = "exit",
    [WICK_TRAP_CAST] = "cast failure",
    [WICK_TRAP_NULL_STRUCT] = "null structure reference",
    [WICK_TRAP_NULL_ARRAY] = "null array reference",
    [WICK_TRAP_NULL_I31] = "null i31 reference",
    [WICK_TRAP_NULL_EXCEPTION] = "null exception reference",
    [WICK_TRAP_ARRAY] = "out of bounds array access",
    [WICK_TRAP_EXCEPTION] = "uncaught exception",
    [WICK_TRAP_UNALIGNED] = "unaligned atomic",
    [WICK_TRAP_NOT_SHARED] = "expected shared memory",
};

/* Stands for any trap that there was no memory for. Never written to, hence const below. */
static const struct wasm_trap_t no_memory_trap = {
    .object = {.kind = OBJECT_TRAP},
    .kind = WICK_TRAP_NO_MEMORY,
    .text = (char *)"out of memory",
};

static struct wasm_trap_t *static_trap(void)
{
    return (struct wasm_trap_t *)(uintptr_t)&no_memory_trap;
}

struct wasm_trap_t *trap_new(struct wasm_store_t *store, enum wick_trap_kind kind, const char *text)
{
    struct wasm_trap_t *trap = calloc(1, sizeof(*trap));
    char *copy = strdup(text ? text : texts[kind]);
    if (!trap || !copy) {
        free(trap);
        free(copy);
        return static_trap();
    }
    trap->object.kind = OBJECT_TRAP;
    trap->object.store = store;
    atomic_init(&trap->references, 1);
    trap->kind = kind;
    trap->text = copy;
    return trap;
}

struct wasm_trap_t *trap_new_exception(struct wasm_store_t *store, uint64_t exception)
{
    struct wasm_trap_t *trap = trap_new(store, WICK_TRAP_EXCEPTION, NULL);
    if (trap == static_trap())
        return trap;
    trap->exception = exception;
    trap->object.next = store->thrown;
    store->thrown = &trap->object;
    return trap;
}

void traps_abandon(struct wasm_store_t *store)
{
    for (struct object *object = store->thrown; object; object = object->next)
        ((struct wasm_trap_t *)object)->exception = 0;
    store->thrown = NULL;
}

/* Takes a trap out of its store's list, unless the store is gone. */
static void forget_exception(struct wasm_trap_t *trap)
{
    if (!trap->exception)
        return;
    struct object **link = &trap->object.store->thrown;
    while (*link != &trap->object)
        link = &(*link)->next;
    *link = trap->object.next;
}

void trap_add_frame(struct wasm_trap_t *trap, struct wasm_instance_t *instance, uint32_t func_index,
                    size_t module_offset)
{
    if (trap == static_trap())
        return;
    uint32_t place = trap->frame_total++, half = TRAP_FRAMES_MAX / 2;
    if (place >= TRAP_FRAMES_MAX) /* the outer half is a ring until it is read */
        place = half + (place - half) % half;
    struct wasm_frame_t *frame = &trap->frames[place];
    module_release(frame->module);
    const struct module *module = instance->module;
    size_t body = (size_t)(module->funcs[func_index].body.data - module->bytes.data);
    *frame = (struct wasm_frame_t){instance, module_retain(instance->module), func_index,
                                   module_offset, module_offset - body};
    if (trap->frame_count < TRAP_FRAMES_MAX)
        trap->frame_count++;
}

/* The i-th kept frame, innermost first. */
static const struct wasm_frame_t *trap_frame(const struct wasm_trap_t *trap, uint32_t i)
{
    uint32_t half = TRAP_FRAMES_MAX / 2;
    if (trap->frame_total > TRAP_FRAMES_MAX && i >= half)
        i = half + (trap->frame_total - half + (i - half)) % half;
    return &trap->frames[i];
}

void wasm_trap_delete(wasm_trap_t *trap)
{
    if (!trap || trap == static_trap())
        return;
    if (atomic_fetch_sub_explicit(&trap->references, 1, memory_order_acq_rel) != 1)
        return;
    if (trap->object.host_finalizer)
        trap->object.host_finalizer(trap->object.host_info);
    forget_exception(trap);
    for (uint32_t i = 0; i < trap->frame_count; i++)
        module_release(trap->frames[i].module);
    free(trap->text);
    free(trap);
}

wasm_trap_t *wasm_trap_copy(const wasm_trap_t *trap)
{
    struct wasm_trap_t *copy = (struct wasm_trap_t *)(uintptr_t)trap;
    if (copy && copy != static_trap())
        atomic_fetch_add_explicit(&copy->references, 1, memory_order_relaxed);
    return copy;
}

wasm_trap_t *wasm_trap_new(wasm_store_t *store, const wasm_message_t *message)
{
    char *text = strndup(message->data ? message->data : "", message->size);
    struct wasm_trap_t *trap = trap_new(store, WICK_TRAP_HOST, text ? text : "");
    free(text);
    return trap;
}

wasm_trap_t *wick_trap_new(wasm_store_t *store, enum wick_trap_kind kind)
{
    return trap_new(store, (unsigned)kind < WICK_TRAP_KIND_COUNT ? kind : WICK_TRAP_HOST, NULL);
}

wasm_trap_t *wick_trap_new_text(wasm_store_t *store, const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    return trap_new(store, WICK_TRAP_HOST, text);
}

wasm_trap_t *wick_trap_exit(wasm_store_t *store, int32_t status)
{
    char text[48];
    snprintf(text, sizeof(text), "exit with status %d", status);
    struct wasm_trap_t *trap = trap_new(store, WICK_TRAP_EXIT, text);
    if (trap != static_trap())
        trap->status = status;
    return trap;
}

bool wick_trap_exit_status(const wasm_trap_t *trap, int32_t *status)
{
    if (trap->kind != WICK_TRAP_EXIT)
        return false;
    *status = trap->status;
    return true;
}

enum wick_trap_kind wick_trap_kind(const wasm_trap_t *trap)
{
    return trap->kind;
}

const char *wick_trap_text(const wasm_trap_t *trap)
{
    return trap->text;
}

void wasm_trap_message(const wasm_trap_t *trap, wasm_message_t *out)
{
    wasm_name_new_from_string_nt(out, trap->text);
}

/* ---- Frames -----------------------------------------------------------------------------------
 */

wasm_frame_t *wasm_frame_copy(const wasm_frame_t *frame)
{
    struct wasm_frame_t *copy = malloc(sizeof(*copy));
    if (!copy)
        return NULL;
    *copy = *frame;
    module_retain(copy->module);
    return copy;
}

void wasm_frame_delete(wasm_frame_t *frame)
{
    if (!frame)
        return;
    module_release(frame->module);
    free(frame);
}

struct wasm_instance_t *wasm_frame_instance(const wasm_frame_t *frame)
{
    return frame->instance;
}

uint32_t wasm_frame_func_index(const wasm_frame_t *frame)
{
    return frame->func_index;
}

size_t wasm_frame_func_offset(const wasm_frame_t *frame)
{
    return frame->func_offset;
}

size_t wasm_frame_module_offset(const wasm_frame_t *frame)
{
    return frame->module_offset;
}

const char *wick_frame_name(const wasm_frame_t *frame, size_t *length)
{
    struct span name = module_func_name(frame->module, frame->func_index);
    *length = name.size;
    return (const char *)name.data;
}

wasm_frame_t *wasm_trap_origin(const wasm_trap_t *trap)
{
    return trap->frame_count ? wasm_frame_copy(trap_frame(trap, 0)) : NULL;
}

void wasm_trap_trace(const wasm_trap_t *trap, wasm_frame_vec_t *out)
{
    wasm_frame_vec_new_uninitialized(out, trap->frame_count);
    for (size_t i = 0; i < out->size; i++)
        out->data[i] = wasm_frame_copy(trap_frame(trap, (uint32_t)i));
}

/* Appends as snprintf; the total counts what had no room. */
__attribute__((format(printf, 4, 5))) static void append(char *buffer, size_t size, size_t *total,
                                                         const char *format, ...)
{
    va_list args;
    va_start(args, format);
    size_t used = *total < size ? *total : size;
    int length = vsnprintf(used < size ? buffer + used : NULL, size - used, format, args);
    va_end(args);
    if (length > 0)
        *total += (size_t)length;
}

int wick_trap_print_backtrace(const wasm_trap_t *trap, char *buffer, size_t size)
{
    size_t total = 0;
    append(buffer, size, &total, "wasm trap: %s\n", trap->text);
    for (uint32_t i = 0; i < trap->frame_count; i++) {
        uint32_t omitted = trap->frame_total - trap->frame_count;
        if (omitted && i == TRAP_FRAMES_MAX / 2)
            append(buffer, size, &total, "    … %u frames left out\n", omitted);
        const struct wasm_frame_t *frame = trap_frame(trap, i);
        struct span name = module_func_name(frame->module, frame->func_index);
        uint32_t number = i < TRAP_FRAMES_MAX / 2 ? i : i + omitted;
        append(buffer, size, &total, "    %u: ", number);
        if (name.size)
            append(buffer, size, &total, "%.*s ", name.size < 200 ? (int)name.size : 200,
                   (const char *)name.data);
        append(buffer, size, &total,
               name.size ? "(function %u) at 0x%zx\n" : "function %u at 0x%zx\n", frame->func_index,
               frame->module_offset);
    }
    return (int)total;
}
