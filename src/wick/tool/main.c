// SPDX-License-Identifier: Apache-2.0
#include "wick/tool/tool.h"

#include "base/cleanup.h"
#include "base/read_all.h"
#include "wick/text/wat.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

static const struct command commands[] = {
    {"run",
     "[--invoke NAME] [--engine E] [--fuel N] [--heap-stats] [--perf] [--gdb] "
     "[--trap-missing-imports] [--dir "
     "HOST::GUEST[:ro]] "
     "[--env KEY=VALUE] "
     "FILE [ARGS…]",
     "run a WASI program, or an exported function; its exit status is passed on, a trap is 126, "
     "a limit 127",
     cmd_run},
    {"validate", "FILE…", "check modules, one line for each", cmd_validate},
    {"dump", "[--ssa|--asm] FILE [FUNCTION]",
     "print what the compiler makes of functions: its intermediate form, or machine code",
     cmd_dump},
    {"wast", "[-gpvw] [-e E] [-s LINES] FILE…",
     "run scripts of the specification's tests; -v: say what failed, -w: compare the words of "
     "refusals, -p: skip what the engine does not accept, -g: collect at each allocation, "
     "-s: leave out the commands at these lines",
     cmd_wast},
};

enum { COMMAND_COUNT = sizeof(commands) / sizeof(commands[0]), FILE_MAX = 1 << 30 };

static int usage(FILE *stream, int status)
{
    fprintf(stream, "usage: wick COMMAND …\n\n");
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        fprintf(stream, "  wick %s %s\n      %s\n", commands[i].name, commands[i].arguments,
                commands[i].summary);
    return status;
}

int tool_set_engine(wasm_config_t *config, const char *name, struct err *err)
{
    bool interp = strcmp(name, "interp") == 0, eager = strcmp(name, "eager") == 0;
    bool checked = strcmp(name, "checked") == 0, baseline = strcmp(name, "baseline") == 0;
    if (!interp && !eager && !checked && !baseline && strcmp(name, "compiler") != 0)
        return err_set(err, ERR_USAGE, 0,
                       "engine %s: interp, compiler, eager, checked and baseline are known", name);
    wick_config_set_eager(config, eager);
    wick_config_set_guard(config, !checked);
    wick_config_set_baseline(config, baseline);
    if (wick_config_set_engine(config, interp ? WICK_ENGINE_INTERP : WICK_ENGINE_COMPILER))
        return err_set(err, ERR_USAGE, 0, "engine %s: this build does not have it", name);
    return 0;
}

int tool_read_file(const char *path, uint8_t **data, size_t *size, struct err *err)
{
    autoclose int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return err_set(err, ERR_IO, errno, "open %s", path);
    int result = read_all(fd, FILE_MAX, data, size);
    return result ? err_set(err, ERR_IO, -result, "read %s", path) : 0;
}

/* Every binary module begins with a NUL; no text does. */
int tool_read_module(const char *path, uint8_t **data, size_t *size, struct err *err)
{
    autofree uint8_t *bytes = NULL;
    size_t length = 0;
    int status = tool_read_file(path, &bytes, &length, err);
    if (status)
        return status;
    if (length == 0 || bytes[0] == 0) {
        *data = take_ptr(bytes);
        *size = length;
        return 0;
    }
    struct wat_result module;
    status = wat_encode(span_of(bytes, length), &module, err);
    if (status) {
        err_context(err, "%s", path);
        return status;
    }
    *data = module.data;
    *size = module.size;
    return 0;
}

int main(int argc, char **argv)
{
    if (argc < 2)
        return usage(stderr, ERR_USAGE);
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0)
        return usage(stdout, 0);
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        if (strcmp(argv[1], commands[i].name) != 0)
            continue;
        struct err err = {0};
        int status = commands[i].run(argc - 1, argv + 1, &err);
        if (err.class == ERR_NONE)
            return status;
        fprintf(stderr, "wick %s: %s\n", commands[i].name, err.message);
        if (err.hint[0])
            fprintf(stderr, "hint: %s\n", err.hint);
        return (int)err.class;
    }
    fprintf(stderr, "wick: there is no command \"%s\"\n", argv[1]);
    return usage(stderr, ERR_USAGE);
}
