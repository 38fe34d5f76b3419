/* SPDX-License-Identifier: Apache-2.0 */
#include "wick/compile/dump.h"

#include <inttypes.h>

static const char *const names[SSA_LAST - SSA_FIRST] = {
    [SSA_NOP - SSA_FIRST] = "nop",
    [SSA_COPY - SSA_FIRST] = "copy",
    [SSA_CONST - SSA_FIRST] = "const",
    [SSA_CONST128 - SSA_FIRST] = "const128",
    [SSA_PARAM - SSA_FIRST] = "param",
    [SSA_PHI - SSA_FIRST] = "phi",
    [SSA_GLOBAL_GET - SSA_FIRST] = "global.get",
    [SSA_GLOBAL_SET - SSA_FIRST] = "global.set",
    [SSA_MEMORY_BASE - SSA_FIRST] = "memory.base",
    [SSA_MEMORY_BYTES - SSA_FIRST] = "memory.bytes",
    [SSA_BOUNDS - SSA_FIRST] = "bounds",
    [SSA_CAUGHT - SSA_FIRST] = "caught",
    [SSA_REF_FUNC - SSA_FIRST] = "ref.func",
    [SSA_SELECT - SSA_FIRST] = "select",
    [SSA_MULHI_S - SSA_FIRST] = "mulhi_s",
    [SSA_MULHI_U - SSA_FIRST] = "mulhi_u",
    [SSA_NULL_CHECK - SSA_FIRST] = "null_check",
    [SSA_INDEX_CHECK - SSA_FIRST] = "index_check",
    [SSA_REF_TEST - SSA_FIRST] = "ref_test",
    [SSA_CALL - SSA_FIRST] = "call",
    [SSA_CALL_INDIRECT - SSA_FIRST] = "call_indirect",
    [SSA_CALL_REF - SSA_FIRST] = "call_ref",
    [SSA_CALL_HELPER - SSA_FIRST] = "call_helper",
    [SSA_CALL_INTERP - SSA_FIRST] = "call_interp",
    [SSA_RESULT - SSA_FIRST] = "result",
    [SSA_LOOP - SSA_FIRST] = "loop_check",
    [SSA_FUEL - SSA_FIRST] = "fuel",
    [SSA_JUMP - SSA_FIRST] = "jump",
    [SSA_BRANCH - SSA_FIRST] = "branch",
    [SSA_SWITCH - SSA_FIRST] = "switch",
    [SSA_RETURN - SSA_FIRST] = "return",
    [SSA_TRAP - SSA_FIRST] = "trap",
    [SSA_TAIL_CALL - SSA_FIRST] = "return_call",
    [SSA_TAIL_CALL_INDIRECT - SSA_FIRST] = "return_call_indirect",
    [SSA_TAIL_CALL_REF - SSA_FIRST] = "return_call_ref",
};

static const char *name_of(uint16_t op)
{
    return ssa_is_own(op) ? names[op - SSA_FIRST] : opcode_name(op);
}

static void dump_ins(const struct graph *graph, uint32_t value, FILE *stream)
{
    static const char *const types[] = {"", "i32", "i64", "f32", "f64", "v128", "ref"};
    const struct ins *ins = &graph->ins[value];
    if (ins->type)
        fprintf(stream, "  v%u:%s = ", value, types[ins->type]);
    else
        fprintf(stream, "  ");
    fprintf(stream, "%s", name_of(ins->op));
    const char *separator = " ";
    struct ins copy = *ins;
    FOR_EACH_OPERAND(graph, &copy, operand)
    {
        fprintf(stream, "%sv%u", separator, *operand);
        separator = ", ";
    }
    if (ins->imm)
        fprintf(stream, " #%" PRIu64, ins->imm);
    fprintf(stream, "\n");
}

void dump_graph(const struct graph *graph, FILE *stream)
{
    for (uint32_t i = 0; i < graph->order_count; i++) {
        uint32_t at = graph->order[i];
        const struct block *block = &graph->blocks[at];
        fprintf(stream, "b%u:", at);
        for (uint32_t p = 0; p < block->pred_count; p++)
            fprintf(stream, "%s b%u", p ? "," : " from", block->preds[p]);
        fprintf(stream, "%s%s\n", block->is_loop ? " (loop)" : "", block->cold ? " (cold)" : "");
        for (uint32_t v = block->first; v; v = graph->ins[v].next)
            dump_ins(graph, v, stream);
        for (uint32_t s = 0; s < block->succ_count; s++)
            fprintf(stream, "%s b%u%s", s ? "," : "  to", block->succs[s],
                    s + 1 == block->succ_count ? "\n" : "");
    }
}

void dump_code(const struct graph *graph, const struct emitted *emitted, FILE *stream)
{
    uint32_t next = 0;
    fprintf(stream, "; function %u, %u bytes, frame %u\n", graph->func_index, emitted->size,
            emitted->frame);
    for (uint32_t at = 0; at < emitted->size;) {
        while (next < emitted->offset_count && emitted->offsets[next].code <= at)
            fprintf(stream, "; wasm 0x%x\n", emitted->offsets[next++].module);
        uint32_t end = next < emitted->offset_count ? emitted->offsets[next].code : emitted->size;
        if (end > at + 16)
            end = at + 16;
        fprintf(stream, "%6x: ", at);
        for (; at < end; at++)
            fprintf(stream, " %02x", emitted->bytes[at]);
        fprintf(stream, "\n");
    }
}
