/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The helpers that helpers.c lists and other files define.
 */
#pragma once

#include "wick/activation.h"

#define HELPER(name)                                                                               \
    enum wick_trap_kind name(struct interp *interp, wick_value_t *fp, const struct insn *insn)

/* call.c */
HELPER(do_throw);
HELPER(do_throw_ref);

/* helpers_gc.c */
HELPER(do_struct_new);
HELPER(do_struct_new_default);
HELPER(do_array_new);
HELPER(do_array_new_default);
HELPER(do_array_new_fixed);
HELPER(do_array_new_data);
HELPER(do_array_new_elem);
HELPER(do_struct_get);
HELPER(do_struct_set);
HELPER(do_array_get);
HELPER(do_array_set);
HELPER(do_array_len);
HELPER(do_array_fill);
HELPER(do_array_copy);
HELPER(do_array_init_data);
HELPER(do_array_init_elem);
HELPER(do_ref_test);
HELPER(do_ref_cast);
HELPER(do_ref_i31);
HELPER(do_i31_get_s);
HELPER(do_i31_get_u);

/* atomics.c */
HELPER(do_atomic);
HELPER(do_atomic_wait);
HELPER(do_atomic_notify);
HELPER(do_atomic_fence);

#undef HELPER
