/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checks of the compiler's own forms, in builds configured with -Dverify=true: a function that
 * fails one is printed and ends the process, because what would follow is wrong code.
 */
#pragma once

#include "wick/compile/regalloc.h"

/* The pass behind which operands may still be copies. */
#define VERIFY_CONSTRUCTION "construction"

#ifdef WICK_VERIFY

/* Operands are defined and dominate their uses, phis have a value for each way in, blocks end once.
 * `pass` is named in the message. */
void verify_graph(const struct graph *graph, const char *pass);

/* What the operands of an instruction were before allocation, for verify_allocation. */
struct operand_copy;
struct operand_copy *verify_keep_operands(struct machine *machine);
/* Follows values through registers, slots and moves over all ways: each use finds the value that it
 * asked for. */
void verify_allocation(struct machine *machine, const struct operand_copy *before);

#else

static inline void verify_graph(const struct graph *graph, const char *pass)
{
    (void)graph, (void)pass;
}

struct operand_copy;

static inline struct operand_copy *verify_keep_operands(struct machine *machine)
{
    (void)machine;
    return NULL;
}

static inline void verify_allocation(struct machine *machine, const struct operand_copy *before)
{
    (void)machine, (void)before;
}

#endif
