/* SPDX-License-Identifier: Apache-2.0 */
/*
 * WebAssembly modules in the text format (specification 3.0, section 6) become binary modules.
 *
 *     struct wat_result module;
 *     if (wat_encode(text, &module, &err) == 0) {
 *         run(module.data, module.size);
 *         wat_result_fini(&module);
 *     }
 *
 * Everything of WebAssembly 3.0 is accepted, and the instructions of the threads, wide-arithmetic
 * and legacy exception-handling proposals. Of the annotations, `@custom` makes a custom section and
 * `@name` names the module or a function; others are skipped. The result is well-formed but
 * not validated. Names ($f) of the module and its functions go into the name section, so that stack
 * traces can show them.
 *
 * Safe for concurrent use: there is no state outside of the arguments.
 */
#pragma once

#include "base/err.h"
#include "base/span.h"

struct wat_result {
    uint8_t *data; /* owned, allocated with malloc() */
    size_t size;
};

/* Encodes `text` (UTF-8): one `(module …)` in any of its forms, or bare module fields.
 *
 * Returns 0 and fills `out`, or returns -errno and fills `err` (class ERR_MODULE, or ERR_LIMIT)
 * with "LINE:COLUMN: what is wrong"; line and column count from 1, the column in bytes. Where the
 * specification's test suite has words for the error, the message contains them. */
__attribute__((warn_unused_result)) int wat_encode(struct span text, struct wat_result *out,
                                                   struct err *err);

void wat_result_fini(struct wat_result *result);
