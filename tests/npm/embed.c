/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a script on a language of npm that is a library: an embedder calls its functions. What it
 * wants of a JavaScript host traps if it is called.
 *
 *     npm-embed ruby ruby.wasm SCRIPT            runs the script
 *     npm-embed quickjs quickjs.wasm SCRIPT      prints its value as a string
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wick_wasi.h>

static wasm_trap_t *identity(void *env, wick_caller_t *caller, wick_value_t *slots)
{
    (void)env;
    (void)caller;
    (void)slots; /* the argument is the result */
    return NULL;
}

static wasm_trap_t *absent(void *env, wick_caller_t *caller, wick_value_t *slots)
{
    (void)env;
    (void)slots;
    return wick_trap_new_text(wick_caller_store(caller), "there is no JavaScript here");
}

__attribute__((noreturn)) static void die(const char *what)
{
    fprintf(stderr, "npm-embed: %s\n", what);
    exit(1);
}

/* Everything that is imported from elsewhere than WASI. */
static void define_others(wasm_store_t *store, wick_linker_t *linker, const wasm_module_t *module)
{
    wasm_importtype_vec_t imports;
    wasm_module_imports(module, &imports);
    for (size_t i = 0; i < imports.size; i++) {
        const wasm_name_t *from = wasm_importtype_module(imports.data[i]);
        const wasm_name_t *name = wasm_importtype_name(imports.data[i]);
        const wasm_functype_t *type =
            wasm_externtype_as_functype_const(wasm_importtype_type(imports.data[i]));
        if (!type || wick_linker_get(linker, from->data, from->size, name->data, name->size))
            continue;
        bool is_handle = from->size == 13 && memcmp(from->data, "canonical_abi", 13) == 0;
        wasm_func_t *func =
            wick_func_new_raw(store, type, is_handle ? identity : absent, NULL, NULL);
        if (!func || wick_linker_define(linker, from->data, from->size, name->data, name->size,
                                        wasm_func_as_extern(func)))
            die("out of memory");
        wasm_func_delete(func);
    }
    wasm_importtype_vec_delete(&imports);
}

static uint32_t call(wasm_instance_t *instance, const char *name, uint32_t a, uint32_t b,
                     uint32_t c, uint32_t d)
{
    wasm_func_t *func = wasm_extern_as_func(wick_instance_export(instance, name, strlen(name)));
    if (!func)
        die(name);
    wick_value_t slots[4] = {{.u32 = a}, {.u32 = b}, {.u32 = c}, {.u32 = d}};
    wasm_trap_t *trap = wick_func_call_raw(func, slots);
    if (trap) {
        char text[2048];
        wick_trap_print_backtrace(trap, text, sizeof(text));
        die(text);
    }
    return slots[0].u32;
}

static uint8_t *memory_of(wasm_instance_t *instance)
{
    return (uint8_t *)wasm_memory_data(
        wasm_extern_as_memory(wick_instance_export(instance, "memory", 6)));
}

static uint32_t put_at(wasm_instance_t *instance, uint32_t address, const void *bytes,
                       uint32_t size)
{
    memcpy(memory_of(instance) + address, bytes, size);
    return address;
}

static uint32_t put(wasm_instance_t *instance, const void *bytes, uint32_t size)
{
    return put_at(instance, call(instance, "cabi_realloc", 0, 0, 4, size), bytes, size);
}

static int run_ruby(wasm_instance_t *instance, const char *script)
{
    /* Strings of the list carry a NUL that counts. */
    static const char name[] = "ruby.wasm", utf8[] = "-EUTF-8", nothing[] = "-e_=0";
    uint32_t args[6] = {put(instance, name, sizeof(name)),       sizeof(name),
                        put(instance, utf8, sizeof(utf8)),       sizeof(utf8),
                        put(instance, nothing, sizeof(nothing)), sizeof(nothing)};
    call(instance, "_initialize", 0, 0, 0, 0);
    call(instance, "ruby-init: func(args: list<string>) -> ()", put(instance, args, sizeof(args)),
         3, 0, 0);
    uint32_t length = (uint32_t)strlen(script), state;
    uint32_t result = call(
        instance, "rb-eval-string-protect: func(str: string) -> tuple<handle<rb-abi-value>, s32>",
        put(instance, script, length), length, 0, 0);
    memcpy(&state, memory_of(instance) + result + 4, sizeof(state));
    return state ? 1 : 0;
}

static int run_quickjs(wasm_instance_t *instance, const char *script)
{
    static const char name[] = "script";
    uint32_t length = (uint32_t)strlen(script);
    call(instance, "_initialize", 0, 0, 0, 0);
    call(instance, "qjs_init", 0, 0, 0, 0);
    uint32_t code =
        put_at(instance, call(instance, "wasm_malloc", length + 1, 0, 0, 0), script, length + 1);
    uint32_t file =
        put_at(instance, call(instance, "wasm_malloc", sizeof(name), 0, 0, 0), name, sizeof(name));
    uint32_t value = call(instance, "qjs_eval", code, length, file, 0);
    if (call(instance, "qjs_is_exception", value, 0, 0, 0))
        die("the script threw");
    puts((const char *)memory_of(instance) + call(instance, "qjs_get_string", value, 0, 0, 0));
    return 0;
}

static uint8_t *read_file(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    if (!file || fseek(file, 0, SEEK_END))
        die("the file cannot be read");
    *size = (size_t)ftell(file);
    rewind(file);
    uint8_t *bytes = malloc(*size);
    if (!bytes || fread(bytes, 1, *size, file) != *size)
        die("the file cannot be read");
    fclose(file);
    return bytes;
}

int main(int argc, char **argv)
{
    if (argc != 4)
        die("usage: npm-embed ruby|quickjs FILE SCRIPT");
    size_t size;
    uint8_t *bytes = read_file(argv[2], &size);
    wasm_engine_t *engine = wasm_engine_new();
    wasm_store_t *store = wasm_store_new(engine);
    wick_linker_t *linker = wick_linker_new(store);
    struct wick_wasi *wasi = wick_wasi_new();
    wasm_module_t *module;
    wasm_message_t message = {0};
    if (wick_module_new(store, bytes, size, &module, &message))
        die(message.data);
    for (uint32_t fd = 0; fd < 3; fd++) {
        if (wick_wasi_add_fd(wasi, fd, (int)fd, WICK_WASI_STREAM, false))
            die("stdio");
    }
    if (wick_wasi_add_arg(wasi, "ruby.wasm") || wick_wasi_define(wasi, linker))
        die("out of memory");
    define_others(store, linker, module);
    wasm_instance_t *instance;
    if (wick_linker_instantiate(linker, module, &instance, NULL, &message))
        die(message.data);
    bool is_ruby = strcmp(argv[1], "ruby") == 0;
    int status = is_ruby ? run_ruby(instance, argv[3]) : run_quickjs(instance, argv[3]);
    wasm_module_delete(module);
    wick_linker_delete(linker);
    wasm_store_delete(store);
    wasm_engine_delete(engine);
    wick_wasi_delete(wasi);
    free(bytes);
    return status;
}
