// SPDX-License-Identifier: Apache-2.0
#include "wick/tool/tool.h"

#include "base/cleanup.h"

#include <stdio.h>

/* Prints the file's line. Returns whether it is a valid module. */
static bool validate_file(wasm_store_t *store, const char *path)
{
    autofree uint8_t *bytes = NULL;
    size_t size = 0;
    struct err err = {0};
    if (tool_read_module(path, &bytes, &size, &err)) {
        printf("%s: unreadable: %s\n", path, err.message);
        return false;
    }
    wasm_message_t message;
    enum wick_status status = wick_validate(store, bytes, size, &message);
    if (status == WICK_OK)
        printf("%s: ok\n", path);
    else
        printf("%s: %s: %s\n", path, wick_status_name(status), message.data ? message.data : "");
    wasm_byte_vec_delete(&message);
    return status == WICK_OK;
}

int cmd_validate(int argc, char **argv, struct err *err)
{
    if (argc < 2) {
        err_set(err, ERR_USAGE, 0, "no file was given");
        return 1;
    }
    wasm_engine_t *engine = wasm_engine_new();
    wasm_store_t *store = wasm_store_new(engine);
    bool all = true;
    if (!store)
        err_set(err, ERR_IO, 0, "out of memory");
    for (int i = 1; i < argc && store; i++)
        all = validate_file(store, argv[i]) && all;
    wasm_store_delete(store);
    wasm_engine_delete(engine);
    return all ? 0 : 1;
}
