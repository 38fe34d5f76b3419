/* SPDX-License-Identifier: Apache-2.0 */
/* Atomic loads, stores and read-modify-writes (proposal threads). */
#include "wick/compile/lower.h"

void lower_atomic(struct lower *l, uint32_t value)
{
    const struct ins *ins = value_at(l, value);
    struct atomic_access access = atomic_access(ins->op);
    struct machine_ins out = machine_ins_of(M_ATOMIC, access.is_wide ? 8 : 4);
    out.access = access.bytes;
    out.imm8 = access.operation;
    if (ins->b)
        out.src[0] = use_reg(l, ins->b);
    if (ins->arg_count)
        out.src[1] = use_reg(l, l->graph->pool[ins->args]);
    set_address(l, &out, ins);
    if (ins->type)
        out.dst = result_reg(l, value);
    emit_ins(l, &out);
}
