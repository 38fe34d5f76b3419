/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The WebAssembly program: compiled, linked with WASI, entered, and seen to its end.
 *
 * Keep side.
 */
#pragma once

#include "exec/control.h"
#include "exec/guest.h"

#include <wick.h>

struct program {
    wasm_engine_t *engine;
    wasm_store_t *store;
    wasm_module_t *module;
    char *backtrace; /* after a trap: one line for each frame, or NULL; owned */
};

/* Decodes and validates the module with the limits of `control`. The bytes are borrowed. What is
 * made here lasts until the process ends, which is when the program has ended: taking a large
 * memory apart first would only cost time. */
__attribute__((warn_unused_result)) int program_load(struct program *program, struct span bytes,
                                                     const struct control *control,
                                                     struct err *err);

/*
 * Links and runs: the function that is exported under the name "", else `_start`; a module with
 * neither is a library, of which `_initialize` is called. Results are ignored. `entered` receives
 * the time (see struct control_report) just before the first instruction.
 * Returns 0 and the program's own exit status, or -errno: ERR_MODULE, ERR_TRAP or ERR_LIMIT.
 */
__attribute__((warn_unused_result)) int program_run(struct program *program,
                                                    const struct control *control,
                                                    const struct guest *guest, uint64_t *entered,
                                                    int *exit_status, struct err *err);

/*
 * Defines the WASI functions in the linker for this guest (link_wasi.c): the one place where the
 * engine's WASI meets the exec. *state is owned by the caller, released with unlink_wasi after the
 * store.
 */
__attribute__((warn_unused_result)) int link_wasi(wick_linker_t *linker, const struct guest *guest,
                                                  void **state, struct err *err);
void unlink_wasi(void *state);
