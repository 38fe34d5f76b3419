/* SPDX-License-Identifier: Apache-2.0 */
#include "wick/translator.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- Labels -----------------------------------------------------------------------------------
 */

struct types {
    const uint32_t *types;
    uint32_t count;
};

static struct types label_params(const struct translator *t, const struct label *label)
{
    if (!label->block.has_index || label->is_func)
        return (struct types){NULL, 0};
    const struct functype *type = module_functype(t->module, label->block.index);
    return (struct types){type->params, type->param_count};
}

/* May point into *label. */
static struct types label_results(const struct translator *t, const struct label *label)
{
    if (label->is_func)
        return (struct types){t->type->results, t->type->result_count};
    if (label->block.has_index) {
        const struct functype *type = module_functype(t->module, label->block.index);
        return (struct types){type->results, type->result_count};
    }
    return (struct types){&label->block.result, label->block.result == TYPE_BOTTOM ? 0 : 1};
}

static struct types label_arity(const struct translator *t, const struct label *label)
{
    return label->opcode == OPCODE_LOOP ? label_params(t, label) : label_results(t, label);
}

static uint32_t slots_of(struct types list)
{
    uint32_t slots = 0;
    for (uint32_t i = 0; i < list.count; i++)
        slots += type_slots(list.types[i]);
    return slots;
}

static void push_all(struct translator *t, struct types list)
{
    for (uint32_t i = 0; i < list.count; i++)
        push_value(t, list.types[i]);
}

static struct label *label_at(struct translator *t, uint32_t depth)
{
    return &t->labels[t->label_count - 1 - depth];
}

/* The slot where a label's values are expected. */
static uint32_t label_slot(const struct translator *t, const struct label *label)
{
    if (label->height == 0)
        return t->operand_base;
    const struct entry *below = &t->entries[label->height - 1];
    return below->home + (below->wide ? 2 : 1);
}

static void push_label(struct translator *t, bool is_func)
{
    if (!translator_grow(t, &t->labels, t->label_count, &t->label_capacity, sizeof(*t->labels)))
        return;
    struct label *label = &t->labels[t->label_count];
    *label = (struct label){.opcode = is_func ? OPCODE_BLOCK : t->instr.opcode,
                            .is_func = is_func,
                            .start = t->insn_count,
                            .patches = NONE,
                            .else_patches = NONE};
    if (!is_func)
        label->block = t->instr.block;
    label->height = t->entry_count - label_params(t, label).count;
    t->label_count++;
    t->result_insn = NONE;
}

/* Emits a branch whose distance is not known yet: until then dst links the chain. */
static void emit_forward(struct translator *t, struct insn insn, uint32_t *chain)
{
    insn.dst = *chain;
    *chain = t->insn_count;
    emit(t, insn);
}

static void emit_branch(struct translator *t, struct insn insn, struct label *label)
{
    if (label->opcode != OPCODE_LOOP) {
        emit_forward(t, insn, &label->patches);
        return;
    }
    insn.dst = label->start - t->insn_count; /* negative, modulo 2^32 */
    emit(t, insn);
}

/* Makes the branches of a chain come here. */
static void patch(struct translator *t, uint32_t chain)
{
    t->result_insn = NONE;
    while (chain != NONE && !t->out_of_memory) {
        uint32_t next = t->insns[chain].dst;
        t->insns[chain].dst = t->insn_count - chain;
        chain = next;
    }
}

void mark_dead(struct translator *t)
{
    cut(t, label_at(t, 0)->height);
    t->dead = 1;
}

/* ---- Branches ---------------------------------------------------------------------------------
 */

/* Whether a branch must move the topmost values. */
static bool needs_move(const struct translator *t, const struct label *label, uint32_t count)
{
    if (count == 0)
        return false;
    const struct entry *first = &t->entries[t->entry_count - count];
    if (first->home != label_slot(t, label))
        return true;
    for (uint32_t i = 0; i < count; i++) {
        if (first[i].kind != ENTRY_HOME)
            return true;
    }
    return false;
}

/* Moves the topmost values to where the label expects them. With more than one they must be at
 * their homes, because this code may run only sometimes. */
static void move_values(struct translator *t, const struct label *label)
{
    struct types arity = label_arity(t, label);
    if (arity.count == 0 || t->out_of_memory)
        return;
    uint32_t slot = label_slot(t, label);
    const struct entry *first = &t->entries[t->entry_count - arity.count];
    if (arity.count == 1)
        move_to(t, first, slot);
    else if (first->home != slot)
        emit(t,
             (struct insn){.op = OP_MOVE_N, .dst = slot, .a = first->home, .b = slots_of(arity)});
}

static void translate_br(struct translator *t, uint32_t depth)
{
    struct label *label = label_at(t, depth);
    uint32_t count = label_arity(t, label).count;
    if (count > 1)
        settle(t, count);
    move_values(t, label);
    emit_branch(t, (struct insn){.op = OP_BR}, label);
    mark_dead(t);
}

void branch_on(struct translator *t, uint32_t depth, struct condition condition)
{
    struct label *label = label_at(t, depth);
    uint32_t count = label_arity(t, label).count;
    struct insn branch = {.op = condition.op_if, .a = condition.a, .b = condition.b};
    if (t->out_of_memory || !needs_move(t, label, count)) {
        emit_branch(t, branch, label);
        return;
    }
    if (count > 1)
        settle(t, count);
    uint32_t skip = NONE;
    branch.op = condition.op_unless;
    emit_forward(t, branch, &skip);
    move_values(t, label);
    emit_branch(t, (struct insn){.op = OP_BR}, label);
    patch(t, skip);
}

/* Takes the condition from the stack; a comparison just made becomes part of the branch. */
static struct condition pop_condition(struct translator *t)
{
    struct entry entry = pop_entry(t);
    if (entry.kind == ENTRY_HOME && t->result_insn != NONE && t->result_insn == t->insn_count - 1) {
        struct insn last = t->insns[t->result_insn];
        if (last.op >= OP_COMPARE_FIRST && last.op <= OP_COMPARE_LAST && last.dst == entry.home) {
            t->insn_count--;
            t->result_insn = NONE;
            return (struct condition){(uint16_t)(last.op + FORM_IF),
                                      (uint16_t)(last.op + FORM_UNLESS), last.a, last.b};
        }
    }
    return (struct condition){OP_BR_IF, OP_BR_UNLESS, entry_slot(t, &entry), 0};
}

static void translate_br_if(struct translator *t)
{
    /* branch_on may bring values home before the branch. That cannot disturb the condition, whose
     * operands are locals or homes above those values. */
    branch_on(t, t->instr.index, pop_condition(t));
}

static void translate_br_table(struct translator *t)
{
    struct entry index = pop_entry(t);
    uint32_t slot = entry_slot(t, &index);
    struct reader labels = reader_sub(t->reader, t->instr.bytes);
    uint32_t count = t->instr.count;
    uint32_t arity = label_arity(t, label_at(t, reader_u32(&labels))).count;
    settle(t, arity);
    emit(t, (struct insn){.op = OP_BR_TABLE, .a = slot, .b = count});
    uint32_t table = t->insn_count;
    for (uint64_t i = 0; i <= count; i++)
        emit(t, (struct insn){.op = OP_BR, .dst = NONE});
    labels = reader_sub(t->reader, t->instr.bytes);
    for (uint64_t i = 0; i <= count && !t->out_of_memory; i++) {
        struct label *label = label_at(t, reader_u32(&labels));
        uint32_t at = table + (uint32_t)i;
        if (needs_move(t, label, arity)) { /* through a stub behind the table */
            t->insns[at].dst = t->insn_count - at;
            move_values(t, label);
            emit_branch(t, (struct insn){.op = OP_BR}, label);
        } else if (label->opcode == OPCODE_LOOP) {
            t->insns[at].dst = label->start - at;
        } else {
            t->insns[at].dst = label->patches;
            label->patches = at;
        }
    }
    mark_dead(t);
}

static void translate_return(struct translator *t)
{
    struct types results = {t->type->results, t->type->result_count};
    uint32_t slots = slots_of(results);
    struct insn insn = {.op = OP_RETURN0, .dst = t->locals.slots};
    if (results.count == 1 && slots == 1) {
        struct entry entry = pop_entry(t);
        insn.op = OP_RETURN1;
        insn.a = entry_slot(t, &entry);
    } else if (results.count && !t->out_of_memory) {
        settle(t, results.count);
        insn.op = OP_RETURN_N;
        insn.a = t->entries[t->entry_count - results.count].home;
        insn.b = slots;
    }
    emit(t, insn);
    mark_dead(t);
}

/* ---- Blocks -----------------------------------------------------------------------------------
 */

static void translate_block(struct translator *t)
{
    if (t->instr.opcode != OPCODE_IF) {
        settle(t, t->entry_count);
        push_label(t, false);
        return;
    }
    struct condition condition = pop_condition(t);
    /* What is brought home here would make a comparison's result stale, not its operands: those are
     * locals or homes above all remaining entries. */
    settle(t, t->entry_count);
    push_label(t, false);
    if (t->out_of_memory)
        return;
    struct insn branch = {.op = condition.op_unless, .a = condition.a, .b = condition.b};
    emit_forward(t, branch, &label_at(t, 0)->else_patches);
}

/* A branch to the label for each clause, behind a branch around them, so that labels and heights
 * are those around the block. */
static void translate_catches(struct translator *t)
{
    struct frame_map *map = &t->map;
    struct reader clauses = reader_sub(t->reader, t->instr.bytes);
    uint32_t first = map->clause_count, over = NONE;
    if (t->instr.count)
        emit_forward(t, (struct insn){.op = OP_BR}, &over);
    for (uint32_t i = 0; i < t->instr.count && !t->out_of_memory; i++) {
        struct catch_clause clause = catch_read(&clauses);
        struct label *label = label_at(t, clause.label);
        if (!translator_grow(t, &map->clauses, map->clause_count, &map->clause_capacity,
                             sizeof(*map->clauses)))
            return;
        map->clauses[map->clause_count++] =
            (struct try_clause){clause, t->insn_count, label_slot(t, label)};
        emit_branch(t, (struct insn){.op = OP_BR}, label);
    }
    patch(t, over);
    try_enter(t, first, t->instr.count);
}

static void translate_try_table(struct translator *t)
{
    settle(t, t->entry_count);
    uint32_t outer = t->inner_try;
    translate_catches(t);
    push_label(t, false);
    if (!t->out_of_memory)
        label_at(t, 0)->outer_try = outer;
}

static void translate_else(struct translator *t, bool live)
{
    struct label *label = label_at(t, 0);
    if (live) {
        settle(t, label_results(t, label).count);
        emit_forward(t, (struct insn){.op = OP_BR}, &label->patches);
    }
    patch(t, label->else_patches);
    label->else_patches = NONE;
    label->opcode = OPCODE_ELSE;
    cut(t, label->height);
    push_all(t, label_params(t, label));
}

static void translate_end(struct translator *t, bool live)
{
    struct label *label = label_at(t, 0);
    if (live)
        settle(t, label_results(t, label).count);
    patch(t, label->patches);
    patch(t, label->else_patches);
    if (label->opcode == OPCODE_TRY_TABLE)
        try_leave(t, label->outer_try);
    cut(t, label->height);
    push_all(t, label_results(t, label));
    if (!label->is_func) {
        t->label_count--;
        return;
    }
    translate_return(t); /* needs the label, as the height to cut to */
    t->label_count--;
}

/* ---- Functions --------------------------------------------------------------------------------
 */

/* In dead code only nesting matters. A label that was opened before it may be reached by branches,
 * so its end, or its else, makes the code live again. */
static void translate_dead(struct translator *t)
{
    switch (t->instr.opcode) {
    case OPCODE_BLOCK:
    case OPCODE_LOOP:
    case OPCODE_IF:
    case OPCODE_TRY_TABLE:
        t->dead++;
        break;
    case OPCODE_ELSE:
        if (t->dead == 1) {
            t->dead = 0;
            translate_else(t, false);
        }
        break;
    case OPCODE_END:
        if (--t->dead == 0)
            translate_end(t, false);
        break;
    default:
        break;
    }
}

static void translate_live(struct translator *t)
{
    switch (t->instr.opcode) {
    case OPCODE_BLOCK:
    case OPCODE_LOOP:
    case OPCODE_IF:
        translate_block(t);
        break;
    case OPCODE_TRY_TABLE:
        translate_try_table(t);
        break;
    case OPCODE_ELSE:
        translate_else(t, true);
        break;
    case OPCODE_END:
        translate_end(t, true);
        break;
    case OPCODE_BR:
        translate_br(t, t->instr.index);
        break;
    case OPCODE_BR_IF:
        translate_br_if(t);
        break;
    case OPCODE_BR_TABLE:
        translate_br_table(t);
        break;
    case OPCODE_RETURN:
        translate_return(t);
        break;
    case OPCODE_UNREACHABLE:
        emit(t, (struct insn){.op = OP_UNREACHABLE});
        mark_dead(t);
        break;
    default:
        translate_instr(t);
    }
}

static void translate_body(struct translator *t)
{
    t->operand_base = t->locals.slots + RECORD_SLOTS;
    t->top_slot = t->max_slot = t->operand_base;
    t->result_insn = NONE;
    t->top_node = t->inner_try = MAP_NONE;
    map_locals(t);
    push_label(t, true);
    while (t->label_count > 0 && !t->out_of_memory && reader_ok(t->reader)) {
        instr_read(t->reader, t->module, &t->instr);
        if (t->dead)
            translate_dead(t);
        else
            translate_live(t);
    }
}

static struct func_code *finish(struct translator *t)
{
    struct func_code *code = calloc(1, sizeof(*code));
    if (!code)
        return NULL;
    uint32_t results = t->type->result_slots;
    *code = (struct func_code){
        .param_slots = t->type->param_slots,
        .local_slots = t->locals.slots,
        .record_slot = t->locals.slots,
        .frame_slots = t->max_slot > results ? t->max_slot : results,
        .insn_count = t->insn_count,
        .insns = t->insns,
        .offsets = t->offsets,
    };
    if (!frame_map_is_empty(&t->map)) {
        code->map = malloc(sizeof(*code->map));
        if (!code->map) {
            free(code);
            return NULL;
        }
        *code->map = t->map;
        t->map = (struct frame_map){0};
    }
    t->insns = NULL;
    t->offsets = NULL;
    return code;
}

int translate(const struct module *module, uint32_t func_index, struct func_code **out)
{
    struct fault fault = {WICK_OK, 0, ""};
    struct reader whole = reader_whole(module->bytes, &fault);
    struct reader reader = reader_sub(&whole, module->funcs[func_index].body);
    struct translator t = {
        .module = module, .type = module->funcs[func_index].type, .reader = &reader};
    locals_read(&reader, module, t.type, &t.locals);
    t.instr.place = reader.next;
    if (reader_ok(&reader))
        translate_body(&t);
    int error = 0;
    *out = NULL;
    if (t.out_of_memory || !reader_ok(&reader))
        error = -ENOMEM;
    else if (!(*out = finish(&t)))
        error = -ENOMEM;
    locals_fini(&t.locals);
    frame_map_fini(&t.map);
    free(t.entries);
    free(t.labels);
    free(t.insns);
    free(t.offsets);
    return error;
}

void func_code_free(struct func_code *code)
{
    if (!code)
        return;
    free(code->insns);
    free(code->offsets);
    if (code->map)
        frame_map_fini(code->map);
    free(code->map);
    free(code);
}
