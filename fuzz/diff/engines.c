/* SPDX-License-Identifier: Apache-2.0 */
#include "diff/engines.h"

#include "diff/generate.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* What engines have in common to say about traps. */
static const char *trap_class(enum wick_trap_kind kind)
{
    switch (kind) {
    case WICK_TRAP_UNREACHABLE:
        return "unreachable";
    case WICK_TRAP_MEMORY:
        return "memory";
    case WICK_TRAP_TABLE:
    case WICK_TRAP_UNDEFINED_ELEMENT:
        return "table";
    case WICK_TRAP_UNINITIALIZED:
    case WICK_TRAP_SIGNATURE:
        return "signature";
    case WICK_TRAP_DIVIDE_BY_ZERO:
        return "zero";
    case WICK_TRAP_OVERFLOW:
    case WICK_TRAP_CONVERSION:
        return "range";
    case WICK_TRAP_CAST:
        return "cast";
    case WICK_TRAP_NULL_STRUCT:
    case WICK_TRAP_NULL_ARRAY:
    case WICK_TRAP_NULL_EXCEPTION:
        return "null";
    case WICK_TRAP_ARRAY:
        return "array";
    default:
        return "other";
    }
}

static wasm_extern_t *find(const wasm_instance_t *instance, const char *name)
{
    return wick_instance_export(instance, name, strlen(name));
}

static size_t run(const wasm_instance_t *instance, const char *name, char *out, size_t room)
{
    wick_value_t none[1];
    wasm_trap_t *trap = wick_func_call_raw(wasm_extern_as_func(find(instance, name)), none);
    int length = trap ? snprintf(out, room, "%s %s\n", name, trap_class(wick_trap_kind(trap)))
                      : snprintf(out, room, "%s ok\n", name);
    wasm_trap_delete(trap);
    return (size_t)length;
}

static size_t show_float(const char *name, bool nan, uint64_t bits, int digits, char *out,
                         size_t room)
{
    if (nan)
        return (size_t)snprintf(out, room, "%s nan\n", name);
    return (size_t)snprintf(out, room, "%s %0*llx\n", name, digits, (unsigned long long)bits);
}

static size_t show_globals(const wasm_instance_t *instance, char *out, size_t room)
{
    wick_val_t i32, i64, f32, f64;
    uint32_t bits;
    uint64_t wide;
    wick_global_get(wasm_extern_as_global(find(instance, "i32")), &i32);
    wick_global_get(wasm_extern_as_global(find(instance, "i64")), &i64);
    wick_global_get(wasm_extern_as_global(find(instance, "f32")), &f32);
    wick_global_get(wasm_extern_as_global(find(instance, "f64")), &f64);
    memcpy(&bits, &f32.of.f32, sizeof(bits));
    memcpy(&wide, &f64.of.f64, sizeof(wide));
    size_t used = (size_t)snprintf(out, room, "i32 %08x\ni64 %016llx\n", (unsigned)i32.of.i32,
                                   (unsigned long long)i64.of.i64);
    used += show_float("f32", isnan(f32.of.f32), bits, 8, out + used, room - used);
    return used + show_float("f64", isnan(f64.of.f64), wide, 16, out + used, room - used);
}

static size_t show_memory(const wasm_instance_t *instance, const char *name, char *out, size_t room)
{
    wasm_extern_t *found = find(instance, name);
    if (!found)
        return 0;
    wasm_memory_t *memory = wasm_extern_as_memory(found);
    const uint8_t *bytes = (const uint8_t *)wasm_memory_data(memory);
    size_t size = wasm_memory_data_size(memory);
    uint32_t hash = 0x811c9dc5;
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ bytes[i]) * 0x01000193u;
    return (size_t)snprintf(out, room, "%s %zu %08x\n", name, size, hash);
}

static void write_instance(const wasm_instance_t *instance, char *out)
{
    size_t used = 0;
    char name[] = "run0";
    for (int i = 0; i < GENERATED_RUNS; i++, name[3]++)
        used += run(instance, name, out + used, TRANSCRIPT_SIZE - used);
    used += run(instance, "finish", out + used, TRANSCRIPT_SIZE - used);
    used += show_globals(instance, out + used, TRANSCRIPT_SIZE - used);
    used += show_memory(instance, "memory", out + used, TRANSCRIPT_SIZE - used);
    show_memory(instance, "memory2", out + used, TRANSCRIPT_SIZE - used);
}

static void write_module(wasm_store_t *store, struct span bytes, char *out)
{
    wasm_module_t *module = NULL;
    wasm_instance_t *instance;
    wasm_message_t error;
    enum wick_status status = wick_module_new(store, bytes.data, bytes.size, &module, &error);
    if (!status)
        status = wick_instance_new(store, module, NULL, &instance, NULL, &error);
    if (status)
        snprintf(out, TRANSCRIPT_SIZE, "refused: %s\n", error.data ? error.data : "");
    else
        write_instance(instance, out);
    wasm_byte_vec_delete(&error);
    wasm_module_delete(module);
}

bool transcript_write(struct way way, struct span module, char transcript[static TRANSCRIPT_SIZE])
{
    wasm_config_t *config = wasm_config_new();
    if (wick_config_set_engine(config, way.engine)) {
        wasm_config_delete(config);
        return false;
    }
    wick_config_set_guard(config, way.guard);
    wick_config_set_baseline(config, way.baseline);
    wick_config_set_heap_stress(config, way.heap_stress);
    wasm_engine_t *wasm_engine = wasm_engine_new_with_config(config);
    wasm_store_t *store = wasm_store_new(wasm_engine);
    if (!store) {
        wasm_engine_delete(wasm_engine);
        return false;
    }
    write_module(store, module, transcript);
    wasm_store_delete(store);
    wasm_engine_delete(wasm_engine);
    return true;
}

bool engines_agree(struct span module, char transcript[static TRANSCRIPT_SIZE],
                   char other[static TRANSCRIPT_SIZE])
{
    static const struct way interpreter = {.engine = WICK_ENGINE_INTERP};
    static const struct way ways[] = {
        {.engine = WICK_ENGINE_COMPILER, .guard = true},
        {.engine = WICK_ENGINE_COMPILER, .guard = false},
        {.engine = WICK_ENGINE_COMPILER, .guard = true, .baseline = true},
        {.engine = WICK_ENGINE_COMPILER, .guard = true, .heap_stress = true},
        {.engine = WICK_ENGINE_INTERP, .heap_stress = true},
    };
    transcript_write(interpreter, module, transcript);
    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        if (transcript_write(ways[i], module, other) && strcmp(transcript, other) != 0)
            return false;
    }
    return true;
}
