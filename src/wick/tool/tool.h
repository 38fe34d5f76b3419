/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The `wick` tool: one file a sub-command, listed in main.c's table.
 */
#pragma once

#include "base/err.h"
#include "base/span.h"

#include <wick.h>

struct command {
    const char *name;
    const char *arguments; /* for the usage line */
    const char *summary;
    /* argv[0] is the sub-command's name. Returns the exit status; with *err filled, main prints it
     * and exits with its class. */
    int (*run)(int argc, char **argv, struct err *err);
};

int cmd_run(int argc, char **argv, struct err *err);
int cmd_validate(int argc, char **argv, struct err *err);
int cmd_dump(int argc, char **argv, struct err *err);
int cmd_wast(int argc, char **argv, struct err *err);

/* How the engine is to run: "interp", "compiler", "eager" (the compiler, whole modules at once),
 * "checked" (without guards) or "baseline" (with SSE4.2 only). Sets the configuration. 0 or -errno.
 */
int tool_set_engine(wasm_config_t *config, const char *name, struct err *err);

/* Reads a whole file; *data is the caller's to free. 0 or -errno. */
int tool_read_file(const char *path, uint8_t **data, size_t *size, struct err *err);
/* The same for a module; one in the text format is encoded. */
int tool_read_module(const char *path, uint8_t **data, size_t *size, struct err *err);
