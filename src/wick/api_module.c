/* SPDX-License-Identifier: Apache-2.0 */
/* Modules and instances of the API. */
#include "wick/api_types.h"
#include "wick/compile/compile.h"

#include <stdio.h>
#include <stdlib.h>

static struct module *module_of(const void *handle)
{
    return (struct module *)(uintptr_t)handle;
}

const char *wick_status_name(enum wick_status status)
{
    static const char *const names[] = {
        [WICK_OK] = "ok",           [WICK_MALFORMED] = "malformed",
        [WICK_INVALID] = "invalid", [WICK_UNLINKABLE] = "unlinkable",
        [WICK_TRAPPED] = "trapped", [WICK_LIMIT] = "limit",
        [WICK_USAGE] = "usage",     [WICK_NO_MEMORY] = "out of memory",
    };
    return (unsigned)status < sizeof(names) / sizeof(names[0]) ? names[status] : "unknown";
}

static void message_empty(wasm_message_t *message)
{
    if (message)
        wasm_name_new_empty(message);
}

static void message_set(wasm_message_t *message, const char *text)
{
    if (message)
        wasm_name_new_from_string_nt(message, text);
}

/* ---- Modules ----------------------------------------------------------------------------------
 */

static enum wick_status make_module(wasm_store_t *store, struct span bytes, bool borrow,
                                    wasm_module_t **out, wasm_message_t *error)
{
    message_empty(error);
    *out = NULL;
    if (!bytes.data && bytes.size) {
        message_set(error, "no bytes were given");
        return WICK_USAGE;
    }
    struct fault fault;
    struct module *module;
    enum wick_status status = module_decode(store->engine, bytes, borrow, &module, &fault);
    if (status) {
        char text[sizeof(fault.text) + 32];
        snprintf(text, sizeof(text), "offset 0x%zx: %s", fault.offset, fault.text);
        message_set(error, text);
        return status;
    }
    if (store->engine->config.eager && store->engine->compile)
        status = compile_all(module);
    if (status) {
        message_set(error, "out of memory");
        module_release(module);
        return status;
    }
    *out = (wasm_module_t *)module;
    return WICK_OK;
}

enum wick_status wick_module_new(wasm_store_t *store, const uint8_t *bytes, size_t size,
                                 wasm_module_t **out, wasm_message_t *error)
{
    return make_module(store, span_of(bytes, size), false, out, error);
}

enum wick_status wick_module_borrow(wasm_store_t *store, const uint8_t *bytes, size_t size,
                                    wasm_module_t **out, wasm_message_t *error)
{
    return make_module(store, span_of(bytes, size), true, out, error);
}

enum wick_status wick_module_dump(const wasm_module_t *handle, uint32_t func_index,
                                  enum wick_dump form, FILE *stream)
{
    const struct module *module = module_of(handle);
    if (!module->engine->compile || func_index >= module->func_count)
        return WICK_USAGE;
    if (func_index < module->imported_funcs)
        return WICK_OK;
    return compile_dump(module, func_index, form, stream);
}

uint32_t wick_module_compiled(const wasm_module_t *handle)
{
    struct module *module = module_of(handle);
    pthread_mutex_lock(&module->code_lock);
    uint32_t count = module->compiled ? compile_module_count(module->compiled) : 0;
    pthread_mutex_unlock(&module->code_lock);
    return count;
}

enum wick_status wick_validate(wasm_store_t *store, const uint8_t *bytes, size_t size,
                               wasm_message_t *error)
{
    wasm_module_t *module;
    enum wick_status status = wick_module_borrow(store, bytes, size, &module, error);
    wasm_module_delete(module);
    return status;
}

wasm_module_t *wasm_module_new(wasm_store_t *store, const wasm_byte_vec_t *binary)
{
    wasm_module_t *module;
    if (wick_module_new(store, (const uint8_t *)binary->data, binary->size, &module, NULL))
        return NULL;
    return module;
}

bool wasm_module_validate(wasm_store_t *store, const wasm_byte_vec_t *binary)
{
    return wick_validate(store, (const uint8_t *)binary->data, binary->size, NULL) == WICK_OK;
}

static void name_from_span(wasm_name_t *out, struct span name)
{
    wasm_name_new(out, name.size, (const char *)name.data);
}

void wasm_module_imports(const wasm_module_t *handle, wasm_importtype_vec_t *out)
{
    const struct module *module = module_of(handle);
    wasm_importtype_vec_new_uninitialized(out, module->import_count);
    for (size_t i = 0; i < out->size; i++) {
        const struct import_decl *import = &module->imports[i];
        wasm_name_t module_name, name;
        name_from_span(&module_name, import->module);
        name_from_span(&name, import->name);
        out->data[i] = wasm_importtype_new(
            &module_name, &name, externtype_describe(module, import->kind, import->index));
    }
}

void wasm_module_exports(const wasm_module_t *handle, wasm_exporttype_vec_t *out)
{
    const struct module *module = module_of(handle);
    wasm_exporttype_vec_new_uninitialized(out, module->export_count);
    for (size_t i = 0; i < out->size; i++) {
        const struct export_decl *export = &module->exports[i];
        wasm_name_t name;
        name_from_span(&name, export->name);
        out->data[i] =
            wasm_exporttype_new(&name, externtype_describe(module, export->kind, export->index));
    }
}

wasm_externtype_t *wick_module_export_type(const wasm_module_t *handle, const char *name,
                                           size_t length)
{
    const struct module *module = module_of(handle);
    const struct export_decl *export = module_find_export(module, span_of(name, length));
    return export ? externtype_describe(module, export->kind, export->index) : NULL;
}

const uint8_t *wick_module_custom_section(const wasm_module_t *handle, const char *name,
                                          size_t index, size_t *size)
{
    const struct module *module = module_of(handle);
    struct span wanted = span_of(name, strlen(name));
    *size = 0;
    for (uint32_t i = 0; i < module->custom_count; i++) {
        if (!span_equal(module->customs[i].name, wanted) || index-- != 0)
            continue;
        *size = module->customs[i].bytes.size;
        return module->customs[i].bytes.data;
    }
    return NULL;
}

const char *wick_module_name(const wasm_module_t *handle, size_t *length)
{
    struct span name = module_own_name(module_of(handle));
    *length = name.size;
    return (const char *)name.data;
}

void wasm_module_serialize(const wasm_module_t *handle, wasm_byte_vec_t *out)
{
    name_from_span(out, module_of(handle)->bytes);
}

wasm_module_t *wasm_module_deserialize(wasm_store_t *store, const wasm_byte_vec_t *bytes)
{
    return wasm_module_new(store, bytes);
}

wasm_shared_module_t *wasm_module_share(const wasm_module_t *handle)
{
    return (wasm_shared_module_t *)module_retain(module_of(handle));
}

wasm_module_t *wasm_module_obtain(wasm_store_t *store, const wasm_shared_module_t *shared)
{
    struct module *module = module_of(shared);
    /* Type numbers are the engine's. */
    return module->engine == store->engine ? (wasm_module_t *)module_retain(module) : NULL;
}

void wasm_shared_module_delete(wasm_shared_module_t *shared)
{
    module_release(module_of(shared));
}

/* ---- Instances --------------------------------------------------------------------------------
 */

enum wick_status wick_instance_new(wasm_store_t *store, const wasm_module_t *module,
                                   const wasm_extern_vec_t *imports, wasm_instance_t **out,
                                   wasm_trap_t **trap, wasm_message_t *error)
{
    struct fault fault;
    struct wasm_trap_t *own_trap = NULL;
    message_empty(error);
    *out = NULL;
    if (trap)
        *trap = NULL;
    size_t given = imports ? imports->size : 0;
    if (module_of(module)->engine != store->engine) {
        message_set(error, "the module belongs to another engine");
        return WICK_USAGE;
    }
    if (given < module_of(module)->import_count) {
        char text[80];
        snprintf(text, sizeof(text), "unknown import: %zu of %u are given", given,
                 module_of(module)->import_count);
        message_set(error, text);
        return WICK_UNLINKABLE;
    }
    enum wick_status status = instance_new(
        store, module_of(module), imports ? (struct object *const *)(void *)imports->data : NULL,
        out, &own_trap, &fault);
    if (status)
        message_set(error, fault.text);
    if (trap)
        *trap = own_trap;
    else
        wasm_trap_delete(own_trap);
    return status;
}

wasm_instance_t *wasm_instance_new(wasm_store_t *store, const wasm_module_t *module,
                                   const wasm_extern_vec_t *imports, wasm_trap_t **trap)
{
    wasm_instance_t *instance;
    return wick_instance_new(store, module, imports, &instance, trap, NULL) ? NULL : instance;
}

void wasm_instance_exports(const wasm_instance_t *instance, wasm_extern_vec_t *out)
{
    const struct module *module = instance->module;
    wasm_extern_vec_new_uninitialized(out, module->export_count);
    for (size_t i = 0; i < out->size; i++) {
        const struct export_decl *export = &module->exports[i];
        out->data[i] = (wasm_extern_t *)instance_extern(instance, export->kind, export->index);
    }
}

wasm_extern_t *wick_instance_export(const wasm_instance_t *instance, const char *name,
                                    size_t length)
{
    const struct export_decl *export = module_find_export(instance->module, span_of(name, length));
    if (!export)
        return NULL;
    return (wasm_extern_t *)instance_extern(instance, export->kind, export->index);
}

const wasm_module_t *wick_instance_module(const wasm_instance_t *instance)
{
    return (const wasm_module_t *)instance->module;
}
