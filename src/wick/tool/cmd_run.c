// SPDX-License-Identifier: Apache-2.0
#include "wick/tool/tool.h"

#include "base/cleanup.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

struct options {
    const char *invoke; /* NULL: _start */
    const char *path;
    uint64_t fuel;
    bool has_fuel;
    char **args;
    int arg_count;
};

enum { VALUES_MAX = 64 };

static int parse_options(int argc, char **argv, struct options *options, struct err *err)
{
    int i = 1;
    for (; i < argc && strncmp(argv[i], "--", 2) == 0; i += 2) {
        if (i + 1 >= argc)
            return err_set(err, ERR_USAGE, 0, "%s needs a value", argv[i]);
        if (strcmp(argv[i], "--invoke") == 0) {
            options->invoke = argv[i + 1];
        } else if (strcmp(argv[i], "--fuel") == 0) {
            char *end;
            options->fuel = strtoull(argv[i + 1], &end, 10);
            options->has_fuel = true;
            if (*end || end == argv[i + 1])
                return err_set(err, ERR_USAGE, 0, "--fuel %s: not a number", argv[i + 1]);
        } else {
            return err_set(err, ERR_USAGE, 0, "there is no option %s", argv[i]);
        }
    }
    if (i >= argc)
        return err_set(err, ERR_USAGE, 0, "no file was given");
    options->path = argv[i];
    options->args = argv + i + 1;
    options->arg_count = argc - i - 1;
    return 0;
}

/* Parses a number as the parameter's type: decimal or 0x…, signed or unsigned. */
static int parse_value(const char *text, wasm_valkind_t kind, wick_val_t *out, struct err *err)
{
    char *end = NULL;
    errno = 0;
    *out = (wick_val_t){.kind = kind};
    switch (kind) {
    case WASM_I32:
    case WASM_I64: {
        int64_t value = text[0] == '-' ? strtoll(text, &end, 0) : (int64_t)strtoull(text, &end, 0);
        if (kind == WASM_I32 && (value < INT32_MIN || value > (int64_t)UINT32_MAX))
            errno = ERANGE;
        if (kind == WASM_I32)
            out->of.i32 = (int32_t)value;
        else
            out->of.i64 = value;
        break;
    }
    case WASM_F32:
        out->of.f32 = strtof(text, &end);
        break;
    case WASM_F64:
        out->of.f64 = strtod(text, &end);
        break;
    default:
        return err_set(err, ERR_USAGE, 0, "argument \"%s\": only numbers can be given", text);
    }
    if (end == text || *end || errno == ERANGE)
        return err_set(err, ERR_USAGE, 0, "argument \"%s\" is no number of the parameter's type",
                       text);
    return 0;
}

static void print_value(const wick_val_t *value)
{
    switch (value->kind) {
    case WASM_I32:
        printf("%" PRId32 "\n", value->of.i32);
        break;
    case WASM_I64:
        printf("%" PRId64 "\n", value->of.i64);
        break;
    case WASM_F32:
        printf("%.9g\n", (double)value->of.f32);
        break;
    case WASM_F64:
        printf("%.17g\n", value->of.f64);
        break;
    case WASM_V128:
        for (int i = 15; i >= 0; i--)
            printf("%02x", value->of.v128[i]);
        printf("\n");
        break;
    default:
        printf("%s\n", value->of.externref ? "reference" : "null");
    }
}

/* The exit status of a run that ended with this trap. Takes the trap. */
static int report_trap(wasm_trap_t *trap, struct err *err)
{
    int32_t status = 0;
    char text[ERR_MESSAGE_SIZE];
    if (!wick_trap_exit_status(trap, &status)) {
        enum wick_trap_kind kind = wick_trap_kind(trap);
        bool limit = kind == WICK_TRAP_FUEL || kind == WICK_TRAP_DEADLINE;
        wick_trap_print_backtrace(trap, text, sizeof(text));
        size_t length = strlen(text);
        if (length && text[length - 1] == '\n')
            text[length - 1] = '\0';
        err_set(err, limit ? ERR_LIMIT : ERR_TRAP, 0, "%s", text);
    }
    wasm_trap_delete(trap);
    return status;
}

static int call_function(wasm_func_t *func, const struct options *options, struct err *err)
{
    wick_val_t args[VALUES_MAX], results[VALUES_MAX];
    wasm_functype_t *type = wasm_func_type(func);
    const wasm_valtype_vec_t *params = wasm_functype_params(type);
    size_t param_count = params->size, result_count = wasm_functype_results(type)->size;
    int error = 0;
    if (options->invoke && (size_t)options->arg_count != param_count)
        error = err_set(err, ERR_USAGE, 0, "%s takes %zu arguments, %d are given", options->invoke,
                        param_count, options->arg_count);
    else if (param_count > VALUES_MAX || result_count > VALUES_MAX)
        error = err_set(err, ERR_USAGE, 0, "the function has too many parameters or results");
    else if (!options->invoke && param_count)
        error = err_set(err, ERR_MODULE, 0, "_start must not have parameters");
    for (size_t i = 0; i < param_count && !error; i++)
        error = parse_value(options->args[i], wasm_valtype_kind(params->data[i]), &args[i], err);
    wasm_functype_delete(type);
    if (error)
        return error;
    wasm_trap_t *trap = wick_func_call(func, args, param_count, results, result_count);
    if (trap)
        return report_trap(trap, err);
    for (size_t i = 0; i < result_count; i++)
        print_value(&results[i]);
    return 0;
}

static int run_module(wasm_store_t *store, const wasm_module_t *module,
                      const struct options *options, struct err *err)
{
    wick_linker_t *linker = wick_linker_new(store);
    wasm_instance_t *instance;
    wasm_trap_t *trap;
    wasm_message_t message;
    enum wick_status status = wick_linker_instantiate(linker, module, &instance, &trap, &message);
    wick_linker_delete(linker);
    if (trap) {
        wasm_byte_vec_delete(&message);
        return report_trap(trap, err);
    }
    if (status) {
        err_set(err, ERR_MODULE, 0, "%s: %s", options->path, message.data);
        wasm_byte_vec_delete(&message);
        return 1;
    }
    const char *name = options->invoke ? options->invoke : "_start";
    wasm_func_t *func = wasm_extern_as_func(wick_instance_export(instance, name, strlen(name)));
    if (!func)
        return err_set(err, ERR_MODULE, 0, "%s exports no function \"%s\"", options->path, name);
    return call_function(func, options, err);
}

int cmd_run(int argc, char **argv, struct err *err)
{
    struct options options = {0};
    autofree uint8_t *bytes = NULL;
    size_t size = 0;
    if (parse_options(argc, argv, &options, err) ||
        tool_read_module(options.path, &bytes, &size, err))
        return 1;
    wasm_config_t *config = wasm_config_new();
    if (config)
        wick_config_set_fuel(config, options.has_fuel);
    wasm_engine_t *engine = wasm_engine_new_with_config(config);
    wasm_store_t *store = wasm_store_new(engine);
    int status = 1;
    if (!store) {
        err_set(err, ERR_IO, 0, "out of memory");
    } else {
        wick_store_set_fuel(store, options.fuel);
        wasm_module_t *module;
        wasm_message_t message;
        if (wick_module_new(store, bytes, size, &module, &message))
            err_set(err, ERR_MODULE, 0, "%s: %s", options.path, message.data);
        else
            status = run_module(store, module, &options, err);
        wasm_byte_vec_delete(&message);
        wasm_module_delete(module);
    }
    wasm_store_delete(store);
    wasm_engine_delete(engine);
    return status;
}
