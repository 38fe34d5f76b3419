// SPDX-License-Identifier: Apache-2.0
#include "wick/tool/tool.h"

#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <wick_wasi.h>

struct options {
    const char *invoke; /* NULL: _start */
    const char *path;
    uint64_t fuel;
    bool has_fuel;
    bool heap_stats;       /* say on stderr what the collector did */
    bool trap_missing;     /* imports that nobody defines trap when they are called */
    wasm_config_t *config; /* taken by the engine */
    char **args;
    int arg_count;
    struct wick_wasi *wasi; /* what --dir and --env grant */
};

enum { VALUES_MAX = 64 };

/* ---- Options ---------------------------------------------------------------------------------
 */

static int option_invoke(struct options *options, const char *value, struct err *err)
{
    (void)err;
    options->invoke = value;
    return 0;
}

static int option_fuel(struct options *options, const char *value, struct err *err)
{
    char *end;
    options->fuel = strtoull(value, &end, 10);
    options->has_fuel = true;
    if (*end || end == value)
        return err_set(err, ERR_USAGE, 0, "--fuel %s: not a number", value);
    return 0;
}

static int option_engine(struct options *options, const char *value, struct err *err)
{
    return tool_set_engine(options->config, value, err);
}

static int option_env(struct options *options, const char *value, struct err *err)
{
    const char *equals = strchr(value, '=');
    if (!equals || equals == value)
        return err_set(err, ERR_USAGE, 0, "--env %s: write KEY=VALUE", value);
    if (wick_wasi_add_env(options->wasi, value))
        return err_set(err, ERR_IO, ENOMEM, "--env");
    return 0;
}

/* HOST::GUEST, either with ":ro" behind it; HOST alone keeps its name. */
static int option_dir(struct options *options, const char *value, struct err *err)
{
    autofree char *host = strdup(value);
    if (!host)
        return err_set(err, ERR_IO, ENOMEM, "--dir");
    size_t length = strlen(host);
    bool read_only = length > 3 && strcmp(host + length - 3, ":ro") == 0;
    if (read_only)
        host[length - 3] = '\0';
    char *colons = strstr(host, "::");
    const char *guest = colons ? colons + 2 : host;
    if (colons)
        *colons = '\0';
    if (!*host || !*guest)
        return err_set(err, ERR_USAGE, 0, "--dir %s: write HOST::GUEST or HOST::GUEST:ro", value);
    autoclose int fd = open(host, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return err_set(err, ERR_IO, errno, "open the directory %s", host);
    if (wick_wasi_add_dir(options->wasi, WICK_WASI_ANY, fd, guest, read_only, true))
        return err_set(err, ERR_USAGE, 0, "--dir %s cannot be granted", value);
    take_fd(&fd);
    return 0;
}

static const struct {
    const char *name;
    int (*set)(struct options *, const char *value, struct err *);
} option_table[] = {
    {"--invoke", option_invoke}, {"--fuel", option_fuel}, {"--engine", option_engine},
    {"--env", option_env},       {"--dir", option_dir},
};
enum { OPTION_COUNT = sizeof(option_table) / sizeof(option_table[0]) };

static int parse_options(int argc, char **argv, struct options *options, struct err *err)
{
    int i = 1;
    for (; i < argc && strncmp(argv[i], "--", 2) == 0; i++) {
        if (strcmp(argv[i], "--trap-missing-imports") == 0) {
            options->trap_missing = true;
            continue;
        }
        if (strcmp(argv[i], "--heap-stats") == 0) {
            options->heap_stats = true;
            continue;
        }
        if (strcmp(argv[i], "--perf") == 0) {
            wick_config_set_perf_map(options->config, true);
            continue;
        }
        if (strcmp(argv[i], "--gdb") == 0) {
            wick_config_set_gdb(options->config, true);
            continue;
        }
        size_t k = 0;
        while (k < OPTION_COUNT && strcmp(argv[i], option_table[k].name) != 0)
            k++;
        if (k == OPTION_COUNT)
            return err_set(err, ERR_USAGE, 0, "there is no option %s", argv[i]);
        if (i + 1 >= argc)
            return err_set(err, ERR_USAGE, 0, "%s needs a value", argv[i]);
        int status = option_table[k].set(options, argv[++i], err);
        if (status)
            return status;
    }
    if (i >= argc)
        return err_set(err, ERR_USAGE, 0, "no file was given");
    options->path = argv[i];
    options->args = argv + i + 1;
    options->arg_count = argc - i - 1;
    return 0;
}

/* The program sees stdin, stdout and stderr at 0 to 2; what is closed here is missing there. */
static int grant_stdio(struct options *options, struct err *err)
{
    for (uint32_t fd = 0; fd < 3; fd++) {
        if (fcntl((int)fd, F_GETFD) < 0)
            continue;
        if (wick_wasi_add_fd(options->wasi, fd, (int)fd, WICK_WASI_STREAM, false))
            return err_set(err, ERR_IO, 0, "descriptor %u cannot be used", fd);
    }
    return 0;
}

/* argv[0] is the file's name without its directories. */
static int add_args(const struct options *options, struct err *err)
{
    const char *slash = strrchr(options->path, '/');
    enum wick_status status = wick_wasi_add_arg(options->wasi, slash ? slash + 1 : options->path);
    for (int i = 0; i < options->arg_count && !status; i++)
        status = wick_wasi_add_arg(options->wasi, options->args[i]);
    return status ? err_set(err, ERR_IO, ENOMEM, "make the arguments") : 0;
}

/* ---- Values ----------------------------------------------------------------------------------
 */

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

/* ---- Running ---------------------------------------------------------------------------------
 */

/* The exit status of a run that ended with this trap: the program's own, or *err is filled. Takes
 * the trap. */
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
    } else if (status < 0 || status > 255) {
        err_set(err, ERR_TRAP, 0,
                "the program ended with the status %u, which is not from 0 to 255",
                (unsigned)status);
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
    if (!linker || wick_wasi_define(options->wasi, linker)) {
        wick_linker_delete(linker);
        return err_set(err, ERR_IO, ENOMEM, "link the module");
    }
    if (options->trap_missing && wick_linker_define_missing(linker, module)) {
        wick_linker_delete(linker);
        return err_set(err, ERR_IO, ENOMEM, "link the module");
    }
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

static void report_heap(const wasm_store_t *store)
{
    wick_heap_stats_t stats;
    wick_store_heap_stats(store, &stats);
    fprintf(stderr,
            "heap: %" PRIu64 " collections, longest %.2f ms, all %.1f ms; %.1f MiB used, %.1f MiB "
            "live after the last\n",
            stats.collections, (double)stats.pause_ns / 1e6, (double)stats.total_ns / 1e6,
            (double)stats.used / 0x100000, (double)stats.live / 0x100000);
}

static int run_bytes(const struct options *options, const uint8_t *bytes, size_t size,
                     struct err *err)
{
    wick_config_set_fuel(options->config, options->has_fuel);
    wasm_engine_t *engine = wasm_engine_new_with_config(options->config);
    wasm_store_t *store = wasm_store_new(engine);
    int status = 1;
    if (!store) {
        err_set(err, ERR_IO, 0, "out of memory");
    } else {
        wick_store_set_fuel(store, options->fuel);
        wasm_module_t *module;
        wasm_message_t message;
        if (wick_module_borrow(store, bytes, size, &module, &message))
            err_set(err, ERR_MODULE, 0, "%s: %s", options->path, message.data);
        else
            status = run_module(store, module, options, err);
        if (options->heap_stats)
            report_heap(store);
        wasm_byte_vec_delete(&message);
        wasm_module_delete(module);
    }
    wasm_store_delete(store);
    wasm_engine_delete(engine);
    return status;
}

int cmd_run(int argc, char **argv, struct err *err)
{
    struct options options = {.wasi = wick_wasi_new(), .config = wasm_config_new()};
    autofree uint8_t *bytes = NULL;
    size_t size = 0;
    int status = 1;
    if (!options.wasi)
        return err_set(err, ERR_IO, ENOMEM, "run");
    signal(SIGPIPE, SIG_IGN); /* the program gets EPIPE */
    if (!grant_stdio(&options, err) && !parse_options(argc, argv, &options, err) &&
        !add_args(&options, err) && !tool_read_module(options.path, &bytes, &size, err))
        status = run_bytes(&options, bytes, size, err);
    wick_wasi_delete(options.wasi);
    return status;
}
