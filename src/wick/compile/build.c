/* SPDX-License-Identifier: Apache-2.0 */
/* Blocks and branches. */
#include "wick/compile/build.h"
#include "wick/compile/helpers.h"

#include <string.h>

static uint32_t place_of(const struct builder *b)
{
    return (uint32_t)(b->instr.place - b->module->bytes.data);
}

static struct label *label_at(struct builder *b, uint32_t depth)
{
    return &b->labels[b->label_count - 1 - depth];
}

/* ---- Blocks -----------------------------------------------------------------------------------
 */

static void set_succs(struct builder *b, uint32_t block, uint32_t first, uint32_t second)
{
    uint32_t *succs = arena_take(b->arena, 2 * sizeof(*succs));
    succs[0] = first;
    succs[1] = second;
    b->graph->blocks[block].succs = succs;
    b->graph->blocks[block].succ_count = second ? 2 : 1;
}

void finish_block(struct builder *b, const struct ins *end)
{
    struct graph *graph = b->graph;
    ins_append(graph, end);
    arena_grow(b->arena, &graph->order, graph->order_count + 1, &graph->order_capacity,
               sizeof(*graph->order));
    graph->order[graph->order_count++] = graph->current;
    graph->current = 0;
}

/* A block with one predecessor. */
static uint32_t block_after(struct builder *b, uint32_t pred)
{
    uint32_t block = block_new(b->graph);
    block_add_pred(b->graph, block, pred);
    b->graph->blocks[block].sealed = true;
    return block;
}

void build_unreachable(struct builder *b)
{
    b->stack_count = label_at(b, 0)->height;
    b->graph->current = 0;
    b->dead = 1;
}

/* ---- Labels -----------------------------------------------------------------------------------
 */

static void set_label_types(struct builder *b, struct label *label)
{
    const struct block_type *block = &b->instr.block;
    if (block->has_index) {
        const struct functype *type = module_functype(b->module, block->index);
        label->params = type->params;
        label->param_count = type->param_count;
        label->results = type->results;
        label->result_count = type->result_count;
    } else if (block->result != TYPE_BOTTOM) {
        label->single_result = block->result;
        label->result_count = 1;
    }
}

static const uint32_t *label_results(const struct label *label)
{
    return label->results ? label->results : &label->single_result;
}

static uint32_t label_arity(const struct label *label)
{
    return label->opcode == OPCODE_LOOP ? label->param_count : label->result_count;
}

static struct label *add_label(struct builder *b, struct label label)
{
    arena_grow(b->arena, &b->labels, b->label_count + 1, &b->label_capacity, sizeof(*b->labels));
    label.above = b->graph->current;
    label.above_start = place_of(b);
    label.serial = ++b->serials;
    label.loop = label.opcode == OPCODE_LOOP ? b->label_count + 1
                 : b->label_count            ? b->labels[b->label_count - 1].loop
                                             : 0;
    b->labels[b->label_count] = label;
    return &b->labels[b->label_count++];
}

static struct label *push_label(struct builder *b)
{
    struct label label = {.opcode = b->instr.opcode};
    set_label_types(b, &label);
    label.height = b->stack_count - label.param_count;
    return add_label(b, label);
}

static void push_body_label(struct builder *b)
{
    const struct functype *type = b->body->type;
    add_label(b, (struct label){.opcode = OPCODE_BLOCK,
                                .is_body = true,
                                .height = b->stack_count,
                                .results = type->results,
                                .result_count = type->result_count});
}

/* Records an edge to the label's block and the values that travel over it. */
static void add_incoming(struct builder *b, struct label *label, uint32_t from)
{
    uint32_t arity = label_arity(label);
    block_add_pred(b->graph, label->target, from);
    arena_grow(b->arena, &label->incoming, label->incoming_count + arity, &label->incoming_capacity,
               sizeof(*label->incoming));
    for (uint32_t i = 0; i < arity; i++)
        label->incoming[label->incoming_count++] = b->stack[b->stack_count - arity + i];
}

/* Ends the current block with a jump to the label. */
static void jump_to(struct builder *b, struct label *label)
{
    if (!label->target)
        label->target = block_new(b->graph);
    uint32_t from = b->graph->current;
    set_succs(b, from, label->target, 0);
    add_incoming(b, label, from);
    finish_block(b, &(struct ins){.op = SSA_JUMP});
}

/* The i-th value that arrives at a label's block: one that all edges bring, or a phi. */
static uint32_t merge_value(struct builder *b, const struct label *label, uint32_t i, uint32_t type)
{
    uint32_t arity = label_arity(label), count = b->graph->blocks[label->target].pred_count;
    uint32_t args = pool_alloc(b->graph, count);
    bool same = true;
    for (uint32_t p = 0; p < count; p++) {
        b->graph->pool[args + p] = ssa_resolve(b->graph, label->incoming[p * arity + i]);
        same = same && b->graph->pool[args + p] == b->graph->pool[args];
    }
    if (same)
        return b->graph->pool[args];
    return ins_prepend(b->graph, label->target,
                       (struct ins){.op = SSA_PHI,
                                    .type = type_is_ref(type) ? TYPE_I64 : (uint8_t)type_kind(type),
                                    .is_traced = type_is_traced(type),
                                    .args = args,
                                    .arg_count = count});
}

/* ---- Branches ---------------------------------------------------------------------------------
 */

/* Branches and goes on where the condition, or its opposite, holds; answers the other block. */
static uint32_t fork_block(struct builder *b, uint32_t condition, bool negated)
{
    uint32_t from = b->graph->current;
    uint32_t edge = block_after(b, from), next = block_after(b, from);
    set_succs(b, from, negated ? next : edge, negated ? edge : next);
    finish_block(b, &(struct ins){.op = SSA_BRANCH, .a = condition});
    b->graph->current = edge;
    return next;
}

void branch_if(struct builder *b, uint32_t depth, uint32_t condition, bool negated)
{
    uint64_t constant;
    if (ssa_is_const(b->graph, condition, &constant)) {
        if ((constant != 0) == negated)
            return;
        jump_to(b, label_at(b, depth));
        build_unreachable(b);
        return;
    }
    uint32_t next = fork_block(b, condition, negated);
    jump_to(b, label_at(b, depth));
    b->graph->current = next;
}

/* A condition without the i32.eqz around it. */
static uint32_t pop_condition(struct builder *b, bool *negated)
{
    uint32_t condition = pop(b);
    *negated = false;
    while (ins_at(b->graph, condition)->op == OPCODE_I32_EQZ) {
        condition = ins_at(b->graph, condition)->a;
        *negated = !*negated;
    }
    return condition;
}

static void build_br_if(struct builder *b)
{
    bool negated;
    uint32_t condition = pop_condition(b, &negated);
    branch_if(b, b->instr.index, condition, negated);
}

static void build_br(struct builder *b)
{
    jump_to(b, label_at(b, b->instr.index));
    build_unreachable(b);
}

static void build_br_table(struct builder *b)
{
    uint32_t index = pop(b), count = b->instr.count, from = b->graph->current;
    uint32_t *succs = arena_alloc(b->arena, ((size_t)count + 1) * sizeof(*succs));
    struct reader labels = reader_sub(&b->body->reader, b->instr.bytes);
    finish_block(b, count ? &(struct ins){.op = SSA_SWITCH, .a = index}
                          : &(struct ins){.op = SSA_JUMP});
    b->switches++;
    for (uint32_t i = 0; i <= count; i++) {
        struct label *label = label_at(b, reader_u32(&labels));
        if (label->switched != b->switches) {
            label->switched = b->switches;
            label->switch_edge = block_after(b, from);
            b->graph->current = label->switch_edge;
            jump_to(b, label);
        }
        succs[i] = label->switch_edge;
    }
    b->graph->blocks[from].succs = succs;
    b->graph->blocks[from].succ_count = count + 1;
    build_unreachable(b);
}

void build_return(struct builder *b)
{
    if (b->body->outer) {
        jump_to(b, &b->labels[b->body->label_base]);
        build_unreachable(b);
        return;
    }
    uint32_t count = b->body->type->result_count, args = pool_alloc(b->graph, count);
    for (uint32_t i = 0; i < count; i++)
        b->graph->pool[args + i] = ssa_resolve(b->graph, b->stack[b->stack_count - count + i]);
    finish_block(b, &(struct ins){.op = SSA_RETURN, .args = args, .arg_count = count});
    build_unreachable(b);
}

/* ---- Constructs -------------------------------------------------------------------------------
 */

static void build_loop(struct builder *b)
{
    struct label *label = push_label(b);
    jump_to(b, label);
    uint32_t header = label->target, end = b->body->loop_ends[b->body->next_loop++];
    label->loop_end = end;
    struct block *block = &b->graph->blocks[header];
    block->is_loop = true;
    block->above = label->above;
    block->above_start = label->above_start;
    block->above_end = end;
    b->graph->current = header;
    for (uint32_t i = 0; i < label->param_count; i++) {
        uint32_t type = label->params[i];
        uint32_t phi = ins_append(
            b->graph, &(struct ins){.op = SSA_PHI,
                                    .type = type_is_ref(type) ? TYPE_I64 : (uint8_t)type_kind(type),
                                    .is_traced = type_is_traced(type)});
        b->stack[b->stack_count - label->param_count + i] = phi;
    }
    label->first_phi = b->graph->ins_count - label->param_count;
    ins_append(b->graph, &(struct ins){.op = SSA_LOOP});
    if (b->graph->options->fuel)
        ins_append(b->graph, &(struct ins){.op = SSA_FUEL});
}

static void build_if(struct builder *b)
{
    bool negated;
    uint32_t condition = pop_condition(b, &negated), from = b->graph->current;
    struct label *label = push_label(b);
    uint32_t yes = block_after(b, from), no = block_after(b, from);
    label->else_block = no;
    label->else_params = pool_alloc(b->graph, label->param_count);
    if (label->param_count)
        memcpy(&b->graph->pool[label->else_params], &b->stack[label->height],
               label->param_count * sizeof(uint32_t));
    set_succs(b, from, negated ? no : yes, negated ? yes : no);
    finish_block(b, &(struct ins){.op = SSA_BRANCH, .a = condition});
    b->graph->current = yes;
}

/* Goes on in the block for the else, with the operands that the if had. */
static void enter_else(struct builder *b, struct label *label)
{
    b->graph->current = label->else_block;
    label->serial = ++b->serials;
    b->stack_count = label->height;
    for (uint32_t i = 0; i < label->param_count; i++)
        push(b, b->graph->pool[label->else_params + i]);
    label->else_block = 0;
}

static void build_else(struct builder *b)
{
    struct label *label = label_at(b, 0);
    if (b->graph->current)
        jump_to(b, label);
    enter_else(b, label);
    b->dead = 0;
}

/* The phis for a loop's operands get theirs. */
static void finish_loop(struct builder *b, const struct label *label)
{
    uint32_t count = b->graph->blocks[label->target].pred_count;
    for (uint32_t i = 0; i < label->param_count; i++) {
        uint32_t args = pool_alloc(b->graph, count);
        for (uint32_t p = 0; p < count; p++)
            b->graph->pool[args + p] =
                ssa_resolve(b->graph, label->incoming[p * label->param_count + i]);
        struct ins *phi = ins_at(b->graph, label->first_phi + i);
        phi->args = args;
        phi->arg_count = count;
    }
    block_seal(b, label->target);
}

/* Goes on behind a construct other than a loop, where its branches meet. */
static void enter_merge(struct builder *b, const struct label *label)
{
    uint32_t target = label->target;
    struct block *block = &b->graph->blocks[target];
    block->above = label->above;
    block->above_start = label->above_start;
    block->above_end = place_of(b);
    block_seal(b, target);
    b->stack_count = label->height;
    for (uint32_t i = 0; i < label->result_count; i++)
        push(b, merge_value(b, label, i, label_results(label)[i]));
    b->graph->current = target;
    b->dead = 0;
}

/* ---- Exceptions -------------------------------------------------------------------------------
 * A call inside a try_table that throws comes back like one that returns, if a clause of this
 * function catches; then SSA_CAUGHT is the clause's number.
 */

static uint32_t add_scope(struct builder *b)
{
    struct graph *graph = b->graph;
    graph->scope_count += graph->scope_count == 0;
    graph->catch_count += graph->catch_count == 0;
    uint32_t scope = graph->scope_count++, first = graph->catch_count;
    arena_grow(b->arena, &graph->scopes, scope + 1, &graph->scope_capacity, sizeof(*graph->scopes));
    arena_grow(b->arena, &graph->catch_tags, first + b->instr.count, &graph->catch_capacity,
               sizeof(*graph->catch_tags));
    struct reader clauses = reader_sub(&b->body->reader, b->instr.bytes);
    for (uint32_t i = 0; i < b->instr.count; i++) {
        struct catch_clause clause = catch_read(&clauses);
        graph->catch_tags[first + i] = catch_has_tag(clause.kind) ? clause.tag : CATCH_ANY_TAG;
    }
    graph->catch_count += b->instr.count;
    graph->scopes[scope] = (struct catch_scope){b->scope, first, b->instr.count};
    return scope;
}

static void build_try_table(struct builder *b)
{
    struct label *label = push_label(b);
    label->scope = add_scope(b);
    arena_grow(b->arena, &b->landings, label->scope + 1, &b->landing_capacity,
               sizeof(*b->landings));
    b->landings[label->scope] = (struct catch_landing){
        .label = {.opcode = OPCODE_BLOCK,
                  .height = label->height,
                  .above = label->above,
                  .above_start = label->above_start},
        .clauses = b->instr.bytes,
        .count = b->instr.count,
    };
    b->scope = label->scope;
}

static uint32_t append_caught(struct builder *b)
{
    return ins_append(b->graph, &(struct ins){.op = SSA_CAUGHT, .type = TYPE_I32});
}

void build_catching(struct builder *b)
{
    if (!b->scope)
        return;
    uint32_t next = fork_block(b, append_caught(b), false);
    jump_to(b, &b->landings[b->scope].label);
    b->graph->current = next;
}

/* Pushes what an exception carries. */
static void push_arguments(struct builder *b, uint32_t exception, const struct functype *type)
{
    static const uint16_t loads[] = {
        [TYPE_I32] = OPCODE_I32_LOAD, [TYPE_I64] = OPCODE_I64_LOAD,   [TYPE_F32] = OPCODE_F32_LOAD,
        [TYPE_F64] = OPCODE_F64_LOAD, [TYPE_V128] = OPCODE_V128_LOAD,
    };
    uint32_t zero = ssa_const(b->graph, TYPE_I32, 0), at = HEAP_EXCEPTION_ARGS;
    for (uint32_t i = 0; i < type->param_count; i++) {
        uint32_t param = type->params[i];
        uint8_t kind = type_is_ref(param) ? TYPE_I64 : (uint8_t)type_kind(param);
        push(b, ins_append(b->graph, &(struct ins){.op = loads[kind],
                                                   .type = kind,
                                                   .is_traced = type_is_traced(param),
                                                   .a = zero,
                                                   .c = exception,
                                                   .imm = at}));
        at += 8 * type_slots(param);
    }
}

static void build_clause(struct builder *b, const struct catch_clause *clause)
{
    uint32_t height = b->stack_count;
    uint32_t exception = ins_append(b->graph, &(struct ins){.op = SSA_CALL_HELPER,
                                                            .type = TYPE_I64,
                                                            .is_traced = true,
                                                            .lane = COMPILE_HELPER_EXCEPTION});
    if (catch_has_tag(clause->kind))
        push_arguments(b, exception, b->module->tags[clause->tag].type);
    if (catch_has_ref(clause->kind))
        push(b, exception);
    jump_to(b, label_at(b, clause->label + 1)); /* counted from outside the try_table */
    b->stack_count = height;
}

/* At the end of a try_table: its landing, which nothing but thrown exceptions reaches. */
static void build_landing(struct builder *b, uint32_t scope)
{
    const struct catch_landing *landing = &b->landings[scope];
    const struct catch_scope *self = &b->graph->scopes[scope];
    if (!landing->label.target)
        return;
    enter_merge(b, &landing->label);
    uint32_t caught = append_caught(b);
    struct reader clauses = reader_sub(&b->body->reader, landing->clauses);
    for (uint32_t i = 0; i < landing->count; i++) {
        struct catch_clause clause = catch_read(&clauses);
        uint32_t number = ssa_const(b->graph, TYPE_I32, self->first + i);
        uint32_t next = fork_block(b, ssa_binary(b->graph, OPCODE_I32_EQ, caught, number), false);
        build_clause(b, &clause);
        b->graph->current = next;
    }
    if (self->outer)
        jump_to(b, &b->landings[self->outer].label);
    else
        finish_block(b, &(struct ins){.op = SSA_TRAP, .imm = WICK_TRAP_UNREACHABLE});
}

static void end_try_table(struct builder *b, struct label *label)
{
    if (b->graph->current)
        jump_to(b, label);
    b->scope = b->graph->scopes[label->scope].outer;
    label_at(b, 0)->serial = ++b->serials;
    build_landing(b, label->scope);
}

/* ---- Ends of constructs -----------------------------------------------------------------------
 */

static void build_end(struct builder *b)
{
    struct label label = *label_at(b, 0);
    if (label.scope)
        end_try_table(b, &label);
    bool live = b->graph->current != 0;
    if (label.opcode == OPCODE_LOOP) {
        finish_loop(b, &label);
    } else {
        if (label.else_block) { /* an if without else */
            if (live)
                jump_to(b, &label);
            enter_else(b, &label);
            live = true;
        }
        if (live && label.target)
            jump_to(b, &label);
        if (label.target) {
            enter_merge(b, &label);
            live = true;
        }
    }
    b->dead = 0;
    if (label.is_body && live && !b->body->outer) {
        build_return(b);
        b->label_count--;
        return;
    }
    b->label_count--;
    if (!live && !label.is_body)
        build_unreachable(b);
}

/* ---- Bodies -----------------------------------------------------------------------------------
 */

/* In dead code only nesting matters. */
static void build_dead(struct builder *b)
{
    b->body->next_loop += b->instr.opcode == OPCODE_LOOP;
    if (instr_opens(&b->instr))
        b->dead++;
    else if (b->instr.opcode == OPCODE_ELSE && b->dead == 1)
        build_else(b);
    else if (b->instr.opcode == OPCODE_END && --b->dead == 0)
        build_end(b);
}

static void build_live(struct builder *b)
{
    switch (b->instr.opcode) {
    case OPCODE_TRY_TABLE:
        build_try_table(b);
        break;
    case OPCODE_BLOCK:
        push_label(b);
        break;
    case OPCODE_LOOP:
        build_loop(b);
        break;
    case OPCODE_IF:
        build_if(b);
        break;
    case OPCODE_ELSE:
        build_else(b);
        break;
    case OPCODE_END:
        build_end(b);
        break;
    case OPCODE_BR:
        build_br(b);
        break;
    case OPCODE_BR_IF:
        build_br_if(b);
        break;
    case OPCODE_BR_TABLE:
        build_br_table(b);
        break;
    case OPCODE_RETURN:
        build_return(b);
        break;
    case OPCODE_UNREACHABLE:
        finish_block(b, &(struct ins){.op = SSA_TRAP, .imm = WICK_TRAP_UNREACHABLE});
        build_unreachable(b);
        break;
    default:
        build_instr(b);
    }
}

void build_body(struct builder *b)
{
    struct reader *reader = &b->body->reader;
    uint32_t label_base = b->body->label_base;
    while (b->label_count > label_base && b->fault.status == WICK_OK) {
        instr_read(reader, b->module, &b->instr);
        b->graph->offset = place_of(b);
        if (b->dead)
            build_dead(b);
        else if (b->instr.opcode >= OPCODE_LOCAL_GET && b->instr.opcode <= OPCODE_LOCAL_TEE)
            build_local(b);
        else
            build_live(b);
    }
}

static void define_zeros(struct builder *b, uint32_t first)
{
    for (uint32_t i = first; i < b->variable_count; i++) {
        uint8_t type = b->variables[i].type;
        variable_write(b, i, b->zero[type] ? b->zero[type] : build_zero(b, type));
    }
}

/* Parameters, and the zeros of the other locals. */
static void define_locals(struct builder *b)
{
    uint32_t params = b->body->type->param_count;
    for (uint32_t i = 0; i < params; i++) {
        const struct variable *v = &b->variables[i];
        variable_write(b, i,
                       ins_append(b->graph, &(struct ins){.op = SSA_PARAM,
                                                          .type = v->type,
                                                          .is_traced = v->is_traced,
                                                          .imm = i}));
    }
    define_zeros(b, params);
}

/* ---- Inlining ---------------------------------------------------------------------------------
 */

enum {
    INLINE_BODY_MAX = 56,    /* bytes of a callee */
    INLINE_DEPTH_MAX = 4,    /* of calls within each other */
    INLINE_TOTAL_MAX = 4096, /* bytes of all callees in one function */
};

static bool is_being_built(const struct builder *b, uint32_t func_index)
{
    for (const struct body *body = b->body; body; body = body->outer) {
        if (body->func_index == func_index)
            return true;
    }
    return false;
}

/* Whether all instructions of a body may stand in another function. */
static bool can_stand_elsewhere(struct builder *b, struct reader reader)
{
    struct instr instr;
    uint32_t groups = reader_u32(&reader);
    for (uint32_t i = 0; i < groups; i++) {
        reader_u32(&reader);
        read_value_type(&reader, b->module);
    }
    return !instr_find(&reader, b->module, FIND_TAIL_CALLS, &instr);
}

static bool is_worth_inlining(struct builder *b, uint32_t func_index, struct reader reader)
{
    uint32_t size = (uint32_t)b->module->funcs[func_index].body.size, depth = 0;
    if (func_index < b->module->imported_funcs || size > INLINE_BODY_MAX ||
        b->inlined_bytes + size > INLINE_TOTAL_MAX || is_being_built(b, func_index))
        return false;
    for (const struct body *body = b->body->outer; body; body = body->outer)
        depth++;
    return depth < INLINE_DEPTH_MAX && can_stand_elsewhere(b, reader);
}

static uint16_t add_site(struct builder *b, uint32_t func_index)
{
    struct graph *graph = b->graph;
    graph->site_count += graph->site_count == 0;
    arena_grow(b->arena, &graph->sites, graph->site_count + 1, &graph->site_capacity,
               sizeof(*graph->sites));
    graph->sites[graph->site_count] = (struct inline_site){func_index, graph->offset, graph->site};
    return (uint16_t)graph->site_count++;
}

bool build_inlined(struct builder *b, uint32_t func_index)
{
    const struct func_decl *func = &b->module->funcs[func_index];
    struct reader whole = reader_whole(b->module->bytes, &b->fault);
    struct body body = {.reader = reader_sub(&whole, func->body),
                        .func_index = func_index,
                        .type = func->type,
                        .label_base = b->label_count,
                        .outer = b->body};
    if (!is_worth_inlining(b, func_index, body.reader))
        return false;
    struct instr instr = b->instr;
    uint32_t offset = b->graph->offset;
    uint16_t site = b->graph->site;
    b->inlined_bytes += (uint32_t)func->body.size;
    b->graph->site = add_site(b, func_index);
    b->body = &body;
    b->instr.place = body.reader.next;
    if (b->graph->options->fuel)
        ins_append(b->graph, &(struct ins){.op = SSA_FUEL});
    variables_add(b, &body);
    for (uint32_t i = body.type->param_count; i-- > 0;)
        variable_write(b, body.variable_base + i, pop(b));
    define_zeros(b, body.variable_base + body.type->param_count);
    push_body_label(b);
    build_body(b);
    b->body = body.outer;
    b->instr = instr;
    b->graph->offset = offset;
    b->graph->site = site;
    if (!b->graph->current)
        build_unreachable(b);
    return true;
}

void graph_build(struct graph *graph)
{
    const struct func_decl *func = &graph->module->funcs[graph->func_index];
    struct builder b = {.graph = graph, .arena = graph->arena, .module = graph->module};
    struct reader whole = reader_whole(graph->module->bytes, &b.fault);
    struct body body = {.reader = reader_sub(&whole, func->body),
                        .func_index = graph->func_index,
                        .type = func->type};
    b.body = &body;
    arena_grow(b.arena, &b.writes, 1, &b.write_capacity, sizeof(*b.writes));
    arena_grow(b.arena, &b.stack, 1, &b.stack_capacity, sizeof(*b.stack));
    b.instr.place = body.reader.next;
    graph->offset = place_of(&b);
    graph->current = 1;
    graph->blocks[1].sealed = true;
    variables_add(&b, &body);
    define_locals(&b);
    push_body_label(&b);
    build_body(&b);
    graph->current = 0;
    if (!reader_ok(&body.reader))
        arena_give_up(graph->arena); /* a validated body reads without fault */
    arena_give_back(b.arena, b.definitions, (b.definition_mask + 1) * sizeof(*b.definitions));
    arena_give_back(b.arena, b.variables, b.variable_capacity * sizeof(*b.variables));
    arena_give_back(b.arena, b.writes, b.write_capacity * sizeof(*b.writes));
    arena_give_back(b.arena, b.stack, b.stack_capacity * sizeof(*b.stack));
}
