/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host module "spectest" that scripts import from: printing functions that do nothing, globals,
 * tables and memories with the values that the test suite relies on.
 */
#pragma once

#include "base/err.h"
#include "wick.h"

/* Defines the module's exports; they belong to the store. Returns 0 or -errno. */
__attribute__((warn_unused_result)) int spectest_define(wasm_store_t *store, wick_linker_t *linker,
                                                        struct err *err);
