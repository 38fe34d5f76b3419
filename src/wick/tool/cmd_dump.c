// SPDX-License-Identifier: Apache-2.0
#include "wick/tool/tool.h"

#include "base/cleanup.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int dump(wasm_store_t *store, const char *path, const char *func, enum wick_dump form,
                struct err *err)
{
    autofree uint8_t *bytes = NULL;
    size_t size = 0;
    int status = tool_read_module(path, &bytes, &size, err);
    if (status)
        return status;
    wasm_message_t message;
    wasm_module_t *module;
    if (wick_module_borrow(store, bytes, size, &module, &message)) {
        status = err_set(err, ERR_MODULE, 0, "%s: %s", path, message.data ? message.data : "");
        wasm_byte_vec_delete(&message);
        return status;
    }
    char *end = NULL;
    unsigned long first = func ? strtoul(func, &end, 10) : 0;
    if (func && (*end || end == func))
        status = err_set(err, ERR_USAGE, 0, "function %s: give its number", func);
    unsigned long last = func ? first + 1 : UINT32_MAX;
    for (unsigned long i = first; i < last && !status; i++) {
        enum wick_status dumped = wick_module_dump(module, (uint32_t)i, form, stdout);
        if (dumped == WICK_USAGE && !func)
            break; /* there are no more */
        if (dumped == WICK_USAGE)
            status = err_set(err, ERR_USAGE, 0, "%s has no function %s", path, func);
        else if (dumped)
            status = err_set(err, ERR_IO, 0, "function %lu: %s", i, wick_status_name(dumped));
    }
    wasm_module_delete(module);
    return status;
}

int cmd_dump(int argc, char **argv, struct err *err)
{
    enum wick_dump form = WICK_DUMP_SSA;
    int next = 1;
    if (argc > 1 && strncmp(argv[1], "--", 2) == 0) {
        if (strcmp(argv[1], "--asm") == 0)
            form = WICK_DUMP_CODE;
        else if (strcmp(argv[1], "--ssa") != 0)
            return err_set(err, ERR_USAGE, 0, "%s: --ssa and --asm are known", argv[1]);
        next = 2;
    }
    if (argc - next < 1 || argc - next > 2)
        return err_set(err, ERR_USAGE, 0, "give a file and, if you like, a function's number");
    wasm_engine_t *engine = wasm_engine_new();
    wasm_store_t *store = wasm_store_new(engine);
    int status = store
                     ? dump(store, argv[next], argc - next == 2 ? argv[next + 1] : NULL, form, err)
                     : err_set(err, ERR_IO, 0, "this processor lacks SSE4.2, or memory is short");
    wasm_store_delete(store);
    wasm_engine_delete(engine);
    return status;
}
