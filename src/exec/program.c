// SPDX-License-Identifier: Apache-2.0
#include "exec/program.h"

#include "base/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char target[] = "enarx::exec";
enum { BACKTRACE_SIZE = 16 * 1024 };

/* --- Loading --------------------------------------------------------------------------------- */

/* What people hand over in place of a module, told by its first bytes. */
static const struct {
    struct span begin;
    const char *message, *hint;
} impostors[] = {
    {SPAN_LITERAL("\0asm\x0d\0\1\0"), "it is a WebAssembly component, not a module",
     "Components cannot be run yet; build for wasm32-wasip1."},
    {SPAN_LITERAL("(module"), "it is WebAssembly in the text format",
     "Translate it with wat2wasm or wasm-tools parse."},
    {SPAN_LITERAL("\x7f"
                  "ELF"),
     "it is a native program (ELF), not WebAssembly", "Build for the target wasm32-wasi."},
    {SPAN_LITERAL("#!"), "it is a script, not WebAssembly", "Give the .wasm file."},
};

static int check_magic(struct span bytes, struct err *err)
{
    if (bytes.size == 0) {
        err_set(err, ERR_MODULE, 0, "main.wasm cannot be run: the file is empty");
        err_hint(err, "Check the build that should have written it.");
        return -EINVAL;
    }
    for (size_t i = 0; i < sizeof(impostors) / sizeof(impostors[0]); i++) {
        struct span begin = impostors[i].begin;
        if (bytes.size < begin.size || memcmp(bytes.data, begin.data, begin.size) != 0)
            continue;
        err_set(err, ERR_MODULE, 0, "main.wasm cannot be run: %s", impostors[i].message);
        err_hint(err, "%s", impostors[i].hint);
        return -EINVAL;
    }
    if (bytes.size >= 4 && memcmp(bytes.data, "\0asm", 4) != 0) {
        err_set(err, ERR_MODULE, 0, "main.wasm cannot be run: it does not begin as a module does");
        err_hint(err, "Give the .wasm file that your compiler wrote.");
        return -EINVAL;
    }
    return 0;
}

/* Turns a failure of the engine into ours. Consumes the message. */
static int engine_error(enum wick_status status, wasm_message_t *message, struct err *err)
{
    const char *text = message->size ? message->data : wick_status_name(status);
    bool missing = status == WICK_UNLINKABLE && strncmp(text, "unknown import", 14) == 0;
    enum err_class class = status == WICK_LIMIT       ? ERR_LIMIT
                           : status == WICK_NO_MEMORY ? ERR_IO
                                                      : ERR_MODULE;
    err_set(err, class, 0, "main.wasm cannot be run: %s", text);
    if (status == WICK_MALFORMED)
        err_hint(err, "The file is not a whole WebAssembly module; was it cut off?");
    if (missing)
        err_hint(err, "It may run all the same with --trap-missing-imports.");
    wasm_byte_vec_delete(message);
    return -EINVAL;
}

static const enum wick_engine wick_engines[] = {
    [CONTROL_COMPILER] = WICK_ENGINE_COMPILER,
    [CONTROL_INTERP] = WICK_ENGINE_INTERP,
};

static wasm_engine_t *new_engine(const struct control *control)
{
    wasm_config_t *config = wasm_config_new();
    if (!config)
        return NULL;
    if (wick_config_set_engine(config, wick_engines[control->engine]) != WICK_OK) {
        wasm_config_delete(config);
        return NULL;
    }
    if (control->memory > 0)
        wick_config_set_max_memory(config, control->memory);
    wick_config_set_fuel(config, control->fuel > 0);
    return wasm_engine_new_with_config(config);
}

static int no_engine(const struct control *control, struct err *err)
{
    if (control->engine == CONTROL_INTERP || __builtin_cpu_supports("sse4.2"))
        return err_set(err, ERR_IO, ENOMEM, "cannot start the WebAssembly engine");
    err_set(err, ERR_IO, 0, "cannot start the compiler: this processor lacks SSE4.2");
    err_hint(err, "Run the program with --engine interp.");
    return -ENOTSUP;
}

int program_load(struct program *program, struct span bytes, const struct control *control,
                 struct err *err)
{
    *program = (struct program){0};
    int status = check_magic(bytes, err);
    if (status < 0)
        return status;
    program->engine = new_engine(control);
    program->store = program->engine ? wasm_store_new(program->engine) : NULL;
    if (!program->store)
        return no_engine(control, err);
    if (control->fuel > 0)
        wick_store_set_fuel(program->store, control->fuel);

    wasm_message_t message = {0};
    enum wick_status loaded =
        wick_module_borrow(program->store, bytes.data, bytes.size, &program->module, &message);
    return loaded == WICK_OK ? 0 : engine_error(loaded, &message, err);
}

/* --- Running --------------------------------------------------------------------------------- */

/* The frames of a trap, without the first line, which is the message. */
static char *print_backtrace(const wasm_trap_t *trap)
{
    char *text = malloc(BACKTRACE_SIZE);
    if (!text)
        return NULL;
    wick_trap_print_backtrace(trap, text, BACKTRACE_SIZE);
    char *frames = strchr(text, '\n');
    if (!frames) {
        free(text);
        return NULL;
    }
    memmove(text, frames + 1, strlen(frames + 1) + 1);
    return text;
}

static bool is_limit(enum wick_trap_kind kind)
{
    return kind == WICK_TRAP_FUEL || kind == WICK_TRAP_DEADLINE || kind == WICK_TRAP_NO_MEMORY;
}

/* How the program ended. Consumes the trap; NULL is an ordinary return. */
static int judge_trap(struct program *program, wasm_trap_t *trap, int *exit_status, struct err *err)
{
    *exit_status = 0;
    if (!trap)
        return 0;
    int32_t own_status;
    int result = 0;
    if (!wick_trap_exit_status(trap, &own_status)) {
        enum err_class class = is_limit(wick_trap_kind(trap)) ? ERR_LIMIT : ERR_TRAP;
        result = err_set(err, class, 0, "the program trapped: %s", wick_trap_text(trap));
        program->backtrace = print_backtrace(trap);
    } else if (own_status < 0 || own_status > 255) {
        result = err_set(err, ERR_TRAP, 0,
                         "the program ended with the status %u, which is not from 0 to 255",
                         (unsigned)own_status);
    } else {
        *exit_status = own_status;
    }
    wasm_trap_delete(trap);
    return result;
}

/* Finds the function to enter; NULL is allowed: nothing to do. */
static int find_entry(const wasm_instance_t *instance, const wasm_func_t **entry, struct err *err)
{
    static const char *const names[] = {"", "_start", "_initialize"};
    *entry = NULL;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        wasm_extern_t *export = wick_instance_export(instance, names[i], strlen(names[i]));
        if (!export)
            continue;
        *entry = wasm_extern_as_func(export);
        if (!*entry)
            err_set(err, ERR_MODULE, 0,
                    "main.wasm cannot be run: its export \"%s\" is not a function", names[i]);
        else if (wasm_func_param_arity(*entry) > 0)
            err_set(err, ERR_MODULE, 0,
                    "main.wasm cannot be run: its function \"%s\" takes arguments", names[i]);
        else
            return 0;
        err_hint(err, "A program exports a function _start without parameters.");
        return -EINVAL;
    }
    log_info(target, "the module has no entry; it was only instantiated");
    return 0;
}

static uint64_t now(void)
{
    struct timespec time = {0};
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

static int enter(struct program *program, const wasm_instance_t *instance, int *exit_status,
                 struct err *err)
{
    const wasm_func_t *entry;
    int status = find_entry(instance, &entry, err);
    if (status < 0 || !entry)
        return status;
    size_t count = wasm_func_result_arity(entry);
    wick_val_t *results = calloc(count + 1, sizeof(*results));
    if (!results)
        return err_set(err, ERR_IO, ENOMEM, "cannot enter the program");
    wasm_trap_t *trap = wick_func_call(entry, NULL, 0, results, count);
    free(results);
    return judge_trap(program, trap, exit_status, err);
}

static int instantiate_and_enter(struct program *program, const wick_linker_t *linker,
                                 uint64_t *entered, int *exit_status, struct err *err)
{
    wasm_instance_t *instance = NULL;
    wasm_trap_t *trap = NULL;
    wasm_message_t message = {0};
    *entered = now(); /* the module's start function runs in instantiation */
    enum wick_status linked =
        wick_linker_instantiate(linker, program->module, &instance, &trap, &message);
    if (linked == WICK_TRAPPED) {
        wasm_byte_vec_delete(&message);
        return judge_trap(program, trap, exit_status, err);
    }
    if (linked != WICK_OK)
        return engine_error(linked, &message, err);
    int status = enter(program, instance, exit_status, err);
    wasm_instance_delete(instance);
    return status;
}

int program_run(struct program *program, const struct control *control, const struct guest *guest,
                uint64_t *entered, int *exit_status, struct err *err)
{
    *exit_status = 0;
    wick_linker_t *linker = wick_linker_new(program->store);
    if (!linker)
        return err_set(err, ERR_IO, ENOMEM, "cannot link the program");
    void *wasi = NULL;
    int status = link_wasi(linker, guest, &wasi, err);
    if (status == 0 && control->trap_missing &&
        wick_linker_define_missing(linker, program->module) != WICK_OK)
        status = err_set(err, ERR_IO, ENOMEM, "cannot link the program");
    if (status == 0)
        status = instantiate_and_enter(program, linker, entered, exit_status, err);
    wick_linker_delete(linker);
    unlink_wasi(wasi);
    return status;
}
