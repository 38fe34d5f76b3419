/* SPDX-License-Identifier: Apache-2.0 */
/* Externals by two names, in a hash table that chains. */
#include "wick/api_types.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

struct definition {
    struct definition *next;
    struct span module, name; /* owned: `module.data` is one block that holds both */
    wasm_extern_t *item;
};

struct wick_linker_t {
    struct wasm_store_t *store;
    struct definition **buckets;
    size_t bucket_count, count;
};

wick_linker_t *wick_linker_new(wasm_store_t *store)
{
    struct wick_linker_t *linker = calloc(1, sizeof(*linker));
    if (!linker)
        return NULL;
    linker->store = store;
    linker->bucket_count = 64;
    linker->buckets = calloc(linker->bucket_count, sizeof(*linker->buckets));
    if (!linker->buckets) {
        free(linker);
        return NULL;
    }
    return linker;
}

static void definition_free(struct definition *definition)
{
    free((void *)definition->module.data);
    free(definition);
}

void wick_linker_delete(wick_linker_t *linker)
{
    if (!linker)
        return;
    for (size_t i = 0; i < linker->bucket_count; i++) {
        for (struct definition *item = linker->buckets[i], *next; item; item = next) {
            next = item->next;
            definition_free(item);
        }
    }
    free(linker->buckets);
    free(linker);
}

static size_t hash(struct span module, struct span name)
{
    uint64_t value = 0xcbf29ce484222325u;
    for (size_t i = 0; i < module.size; i++)
        value = (value ^ module.data[i]) * 0x100000001b3u;
    value = (value ^ 0x100) * 0x100000001b3u;
    for (size_t i = 0; i < name.size; i++)
        value = (value ^ name.data[i]) * 0x100000001b3u;
    return (size_t)(value ^ value >> 32);
}

static struct definition *find(const struct wick_linker_t *linker, struct span module,
                               struct span name)
{
    struct definition *item = linker->buckets[hash(module, name) % linker->bucket_count];
    while (item && !(span_equal(item->module, module) && span_equal(item->name, name)))
        item = item->next;
    return item;
}

static void rehash(struct wick_linker_t *linker)
{
    size_t count = linker->bucket_count * 4;
    struct definition **buckets = calloc(count, sizeof(*buckets));
    if (!buckets)
        return;
    for (size_t i = 0; i < linker->bucket_count; i++) {
        for (struct definition *item = linker->buckets[i], *next; item; item = next) {
            next = item->next;
            size_t place = hash(item->module, item->name) % count;
            item->next = buckets[place];
            buckets[place] = item;
        }
    }
    free(linker->buckets);
    linker->buckets = buckets;
    linker->bucket_count = count;
}

static enum wick_status define(struct wick_linker_t *linker, struct span module, struct span name,
                               wasm_extern_t *item)
{
    struct definition *definition = find(linker, module, name);
    if (definition) {
        definition->item = item;
        return WICK_OK;
    }
    uint8_t *names = malloc(module.size + name.size + 1);
    definition = calloc(1, sizeof(*definition));
    if (!names || !definition) {
        free(names);
        free(definition);
        return WICK_NO_MEMORY;
    }
    if (module.size)
        memcpy(names, module.data, module.size);
    if (name.size)
        memcpy(names + module.size, name.data, name.size);
    definition->module = span_of(names, module.size);
    definition->name = span_of(names + module.size, name.size);
    definition->item = item;
    if (++linker->count > linker->bucket_count)
        rehash(linker);
    size_t place = hash(module, name) % linker->bucket_count;
    definition->next = linker->buckets[place];
    linker->buckets[place] = definition;
    return WICK_OK;
}

enum wick_status wick_linker_define(wick_linker_t *linker, const char *module, size_t module_length,
                                    const char *name, size_t name_length, wasm_extern_t *item)
{
    return define(linker, span_of(module, module_length), span_of(name, name_length), item);
}

enum wick_status wick_linker_define_func(wick_linker_t *linker, const char *module,
                                         const char *name, const wasm_functype_t *type,
                                         wick_host_callback_t callback, void *env)
{
    wasm_func_t *func = wick_func_new_raw(linker->store, type, callback, env, NULL);
    if (!func)
        return WICK_NO_MEMORY;
    return define(linker, span_of(module, strlen(module)), span_of(name, strlen(name)),
                  wasm_func_as_extern(func));
}

enum wick_status wick_linker_define_instance(wick_linker_t *linker, const char *module,
                                             size_t module_length, const wasm_instance_t *instance)
{
    const struct module *exporter = instance->module;
    for (uint32_t i = 0; i < exporter->export_count; i++) {
        const struct export_decl *export = &exporter->exports[i];
        enum wick_status status =
            define(linker, span_of(module, module_length), export->name,
                   (wasm_extern_t *)instance_extern(instance, export->kind, export->index));
        if (status)
            return status;
    }
    return WICK_OK;
}

/* `env` is the import's name, as in an error of the linker. */
static wasm_trap_t *trap_missing(void *env, wick_caller_t *caller, wick_value_t *slots)
{
    (void)slots;
    return wick_trap_new_text(wick_caller_store(caller), "missing import called: %s",
                              (const char *)env);
}

static enum wick_status define_missing(struct wick_linker_t *linker, struct span module,
                                       struct span name, const wasm_functype_t *type)
{
    int module_size = module.size < INT_MAX ? (int)module.size : INT_MAX;
    int name_size = name.size < INT_MAX ? (int)name.size : INT_MAX;
    char *text;
    if (asprintf(&text, "\"%.*s\" \"%.*s\"", module_size, (const char *)module.data, name_size,
                 (const char *)name.data) < 0)
        return WICK_NO_MEMORY;
    wasm_func_t *func = wick_func_new_raw(linker->store, type, trap_missing, text, free);
    if (!func) {
        free(text);
        return WICK_NO_MEMORY;
    }
    return define(linker, module, name, wasm_func_as_extern(func));
}

enum wick_status wick_linker_define_missing(wick_linker_t *linker, const wasm_module_t *module)
{
    wasm_importtype_vec_t imports;
    wasm_module_imports(module, &imports);
    enum wick_status status = WICK_OK;
    for (size_t i = 0; i < imports.size && status == WICK_OK; i++) {
        const wasm_externtype_t *type = wasm_importtype_type(imports.data[i]);
        const wasm_name_t *from = wasm_importtype_module(imports.data[i]);
        const wasm_name_t *name = wasm_importtype_name(imports.data[i]);
        struct span module_name = span_of(from->data, from->size);
        struct span item_name = span_of(name->data, name->size);
        if (wasm_externtype_kind(type) == WASM_EXTERN_FUNC && !find(linker, module_name, item_name))
            status = define_missing(linker, module_name, item_name,
                                    wasm_externtype_as_functype_const(type));
    }
    wasm_importtype_vec_delete(&imports);
    return status;
}

wasm_extern_t *wick_linker_get(const wick_linker_t *linker, const char *module,
                               size_t module_length, const char *name, size_t name_length)
{
    const struct definition *item =
        find(linker, span_of(module, module_length), span_of(name, name_length));
    return item ? item->item : NULL;
}

enum wick_status wick_linker_instantiate(const wick_linker_t *linker, const wasm_module_t *handle,
                                         wasm_instance_t **out, wasm_trap_t **trap,
                                         wasm_message_t *error)
{
    const struct module *module = (const struct module *)handle;
    wasm_extern_vec_t imports = {module->import_count, NULL};
    imports.data = calloc((size_t)module->import_count + 1, sizeof(*imports.data));
    *out = NULL;
    if (!imports.data) {
        if (error)
            wasm_name_new_from_string_nt(error, "out of memory");
        return WICK_NO_MEMORY;
    }
    for (uint32_t i = 0; i < module->import_count; i++) {
        const struct definition *item =
            find(linker, module->imports[i].module, module->imports[i].name);
        imports.data[i] = item ? item->item : NULL;
    }
    enum wick_status status = wick_instance_new(linker->store, handle, &imports, out, trap, error);
    free(imports.data);
    return status;
}
