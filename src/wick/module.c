/* SPDX-License-Identifier: Apache-2.0 */
#include "wick/module.h"

#include "wick/compile/compile.h"
#include "wick/decode.h"
#include "wick/runtime.h"

#include <stdlib.h>
#include <string.h>

int span_compare(struct span a, struct span b)
{
    size_t size = a.size < b.size ? a.size : b.size;
    int order = size ? memcmp(a.data, b.data, size) : 0;
    return order ? order : (a.size > b.size) - (a.size < b.size);
}

struct module *module_retain(struct module *module)
{
    atomic_fetch_add_explicit(&module->references, 1, memory_order_relaxed);
    return module;
}

static void module_free(struct module *module)
{
    if (module->object.host_finalizer)
        module->object.host_finalizer(module->object.host_info);
    for (uint32_t i = 0; i < module->func_count; i++)
        func_code_free(atomic_load(&module->funcs[i].code));
    free(module->types);
    free(module->funcs);
    free(module->tables);
    free(module->memories);
    free(module->globals);
    free(module->tags);
    free(module->imports);
    free(module->exports);
    free(module->elems);
    free(module->datas);
    free(module->customs);
    free(module->declared_funcs);
    free(module->export_order);
    free(module->copy);
    compile_module_free(module->compiled);
    pthread_mutex_destroy(&module->code_lock);
    engine_release(module->engine);
    free(module);
}

void module_release(struct module *module)
{
    if (module && atomic_fetch_sub_explicit(&module->references, 1, memory_order_acq_rel) == 1)
        module_free(module);
}

static struct module *module_alloc(struct wasm_engine_t *engine, struct span bytes, bool borrow)
{
    static const uint8_t none[1];
    struct module *module = calloc(1, sizeof(*module));
    if (module && !borrow)
        module->copy = malloc(bytes.size + 1);
    if (!module || (!borrow && !module->copy)) {
        free(module);
        return NULL;
    }
    if (!borrow && bytes.size)
        memcpy(module->copy, bytes.data, bytes.size);
    module->object.kind = OBJECT_MODULE;
    atomic_init(&module->references, 1);
    module->engine = engine_retain(engine);
    module->bytes = span_of(!borrow ? module->copy : bytes.data ? bytes.data : none, bytes.size);
    pthread_mutex_init(&module->code_lock, NULL);
    return module;
}

enum wick_status module_decode(struct wasm_engine_t *engine, struct span bytes, bool borrow,
                               struct module **out, struct fault *fault)
{
    *fault = (struct fault){WICK_OK, 0, ""};
    *out = NULL;
    if (bytes.size > MODULE_SIZE_MAX) {
        fault_set(fault, WICK_LIMIT, 0, "module of %zu bytes is too large", bytes.size);
        return fault->status;
    }
    struct module *module = module_alloc(engine, bytes, borrow);
    if (!module) {
        fault_set(fault, WICK_NO_MEMORY, 0, "out of memory");
        return fault->status;
    }
    struct reader reader = reader_whole(module->bytes, fault);
    decode_sections(&reader, module);
    if (fault->status != WICK_OK) {
        module_release(module);
        return fault->status;
    }
    *out = module;
    return WICK_OK;
}

const struct export_decl *module_find_export(const struct module *module, struct span name)
{
    uint32_t low = 0, high = module->export_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        const struct export_decl *candidate = &module->exports[module->export_order[middle]];
        int order = span_compare(name, candidate->name);
        if (order == 0)
            return candidate;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

/* Finds a subsection of the name section. A defect in it makes the names unknown, no more. */
static bool find_names(const struct module *module, uint8_t wanted, struct reader *reader)
{
    for (uint32_t i = 0; i < module->custom_count; i++) {
        if (!span_equal(module->customs[i].name, SPAN_LITERAL("name")))
            continue;
        struct reader section = reader_sub(reader, module->customs[i].bytes);
        while (reader_ok(&section) && reader_left(&section)) {
            uint8_t id = reader_u8(&section);
            uint32_t size = reader_u32(&section);
            struct span bytes = reader_bytes(&section, size);
            if (id == wanted && reader_ok(&section)) {
                *reader = reader_sub(&section, bytes);
                return true;
            }
        }
    }
    return false;
}

struct span module_own_name(const struct module *module)
{
    struct fault fault = {WICK_OK, 0, ""};
    struct reader reader = reader_whole(module->bytes, &fault);
    if (!find_names(module, 0, &reader))
        return (struct span){NULL, 0};
    return reader_name(&reader);
}

struct span module_func_name(const struct module *module, uint32_t index)
{
    struct fault fault = {WICK_OK, 0, ""};
    struct reader reader = reader_whole(module->bytes, &fault);
    if (!find_names(module, 1, &reader))
        return (struct span){NULL, 0};
    uint32_t count = reader_u32(&reader);
    for (uint32_t i = 0; i < count && reader_ok(&reader); i++) {
        uint32_t named = reader_u32(&reader);
        struct span name = reader_name(&reader);
        if (named == index && reader_ok(&reader))
            return name;
    }
    return (struct span){NULL, 0};
}
