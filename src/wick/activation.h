/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between the main loop and the slow paths of calls.
 */
#pragma once

#include "wick/interp.h"

/* Entries of WebAssembly from the host that are under way at once; each uses some C stack. */
enum { ACTIVATIONS_MAX = 400 };

/* One such entry. The rest is filled when control leaves the loop. */
struct activation {
    struct root_frame roots;
    struct activation *outer;
    const struct insn *ip;
    wick_value_t *fp;
    struct wasm_func_t *func;
};

/* Called when the ticks are used up: looks for an interrupt and the deadline and takes more fuel.
 * On 0 one tick has been used from the new ones. */
enum wick_trap_kind interp_refill(struct interp *interp, int64_t *ticks);

/* Gives what remains of the ticks back to the store. */
void interp_settle(struct interp *interp, int64_t ticks);

/* Looks for the try_table that catches interp->exception, from the frame where the activation says
 * it is outwards. True: its label has the values, and the activation says where to go on. */
bool interp_catch(const struct interp *interp, struct activation *activation);

/* The root_frame.visit of an activation. */
void activation_visit(const struct root_frame *frame, struct heap *heap);

/* WICK_TRAP_INTERRUPTED if that was asked for, and forgets it. */
enum wick_trap_kind interp_interrupted(struct wasm_store_t *store);

/* Calls a host function; its arguments stay alive. */
struct wasm_trap_t *call_host(struct wasm_func_t *func, struct wick_caller_t *caller,
                              wick_value_t *slots);

/* Whether the store's deadline has passed. */
bool interp_deadline_passed(const struct wasm_store_t *store);

/* Makes sure that a WebAssembly function has code. */
enum wick_trap_kind interp_prepare(struct wasm_func_t *func);

/* Finds and checks the callee of a call_indirect. */
enum wick_trap_kind interp_indirect(const struct wasm_instance_t *instance, const wick_value_t *fp,
                                    const struct insn *insn, struct wasm_func_t **callee);

/* Calls a host function; arguments and results at `slots`. */
enum wick_trap_kind interp_call_host(struct interp *interp, struct wasm_func_t *func,
                                     wick_value_t *slots, int64_t *ticks);

/* The address of `bytes` bytes at an address operand plus offset in any memory; NULL: outside. */
uint8_t *interp_reach(const struct interp *interp, uint32_t memory, const wick_value_t *address,
                      uint64_t offset, uint64_t bytes);
