/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Validation of function bodies and constant expressions (core spec sections 3.4, 3.5 and the
 * algorithm of appendix 7.3).
 */
#pragma once

#include "wick/module.h"

/* Checks one function's body; all declarations before the code section are known. Fills the fault.
 */
void validate_func(const struct module *module, uint32_t func_index, struct fault *fault);

/* Checks a constant expression of the given type that begins at the reader's position, and moves
 * the reader behind its end. Only the first `global_limit` globals may be read. Returns its bytes.
 */
struct span validate_constant(struct reader *reader, struct module *module, uint32_t type,
                              uint32_t global_limit);

/* Runs of equal locals, as the bodies declare them. */
struct local_run {
    uint32_t type;
    uint32_t end;  /* one past the last local of the run */
    uint32_t slot; /* of the run's first local, in 8-byte slots from the frame's base */
};

struct locals {
    struct local_run *runs;
    uint32_t run_count;
    uint32_t count;
    uint32_t slots;
    bool all_defaultable;
};

/* Reads the declarations at the start of a body; the parameters come first. */
void locals_read(struct reader *reader, const struct module *module, const struct functype *type,
                 struct locals *locals);
void locals_fini(struct locals *locals);

/* The run of a local, which must be below locals->count, and through *slot its frame slot. */
const struct local_run *locals_find(const struct locals *locals, uint32_t index, uint32_t *slot);
