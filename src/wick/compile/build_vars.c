/* SPDX-License-Identifier: Apache-2.0 */
#include "wick/compile/build.h"

#include <string.h>

/* ---- Declarations and writes ------------------------------------------------------------------
 */

static void add_variables(struct builder *b, uint32_t type, uint32_t count)
{
    arena_grow(b->arena, &b->variables, b->variable_count + count, &b->variable_capacity,
               sizeof(*b->variables));
    uint8_t kind = type_is_ref(type) ? TYPE_I64 : (uint8_t)type_kind(type);
    for (uint32_t i = 0; i < count; i++)
        b->variables[b->variable_count++] =
            (struct variable){.type = kind, .is_traced = type_is_traced(type), .gap_first = 1};
}

static void read_declarations(struct builder *b, struct body *body)
{
    for (uint32_t i = 0; i < body->type->param_count; i++)
        add_variables(b, body->type->params[i], 1);
    uint32_t groups = reader_u32(&body->reader);
    for (uint32_t i = 0; i < groups; i++) {
        uint32_t count = reader_u32(&body->reader);
        add_variables(b, read_value_type(&body->reader, b->module), count);
    }
}

struct write {
    uint32_t variable, place;
};

/* Sorts the writes of a body by variable, keeping the order of places. */
static void distribute_writes(struct builder *b, uint32_t base, const struct write *writes,
                              uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        b->variables[writes[i].variable].write_count++;
    uint32_t place = b->write_count;
    for (uint32_t i = base; i < b->variable_count; i++) {
        b->variables[i].first_write = place;
        place += b->variables[i].write_count;
        b->variables[i].write_count = 0;
    }
    arena_grow(b->arena, &b->writes, b->write_count + count, &b->write_capacity,
               sizeof(*b->writes));
    for (uint32_t i = 0; i < count; i++) {
        struct variable *variable = &b->variables[writes[i].variable];
        b->writes[variable->first_write + variable->write_count++] = writes[i].place;
    }
    b->write_count += count;
}

/* Finds the ends of loops while a body is scanned. */
struct loop_scan {
    uint32_t *open; /* for each open construct the loop's number, UINT32_MAX if it is none */
    uint32_t open_count, open_capacity;
    uint32_t *ends;
    uint32_t end_count, end_capacity;
};

static void scan_construct(struct builder *b, struct loop_scan *scan, const struct instr *instr)
{
    if (instr_opens(instr)) {
        arena_grow(b->arena, &scan->open, scan->open_count + 1, &scan->open_capacity,
                   sizeof(*scan->open));
        bool is_loop = instr->opcode == OPCODE_LOOP;
        scan->open[scan->open_count++] = is_loop ? scan->end_count : UINT32_MAX;
        if (!is_loop)
            return;
        arena_grow(b->arena, &scan->ends, scan->end_count + 1, &scan->end_capacity,
                   sizeof(*scan->ends));
        scan->end_count++;
    } else if (instr->opcode == OPCODE_END && scan->open_count) {
        uint32_t loop = scan->open[--scan->open_count];
        if (loop != UINT32_MAX)
            scan->ends[loop] = (uint32_t)(instr->place - b->module->bytes.data);
    }
}

void variables_add(struct builder *b, struct body *body)
{
    body->variable_base = b->variable_count;
    read_declarations(b, body);
    struct reader scan = body->reader;
    struct loop_scan loops = {0};
    struct write *writes = NULL;
    uint32_t count = 0, capacity = 0;
    struct instr instr;
    while (instr_find(&scan, b->module, FIND_LOCALS, &instr)) {
        scan_construct(b, &loops, &instr);
        if (instr.opcode != OPCODE_LOCAL_SET && instr.opcode != OPCODE_LOCAL_TEE)
            continue;
        arena_grow(b->arena, &writes, count + 1, &capacity, sizeof(*writes));
        uint32_t place = (uint32_t)(instr.place - b->module->bytes.data);
        writes[count++] = (struct write){body->variable_base + instr.index, place};
    }
    body->loop_ends = loops.ends;
    body->next_loop = 0;
    distribute_writes(b, body->variable_base, writes, count);
}

/* Finds the first write from `start` on, and the one before it. */
static __attribute__((noinline)) void find_gap(const struct builder *b, struct variable *v,
                                               uint32_t start)
{
    const uint32_t *writes = &b->writes[v->first_write];
    uint32_t low = 0, high = v->write_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (writes[middle] < start)
            low = middle + 1;
        else
            high = middle;
    }
    v->gap_first = low ? writes[low - 1] + 1 : 0;
    v->gap_end = low < v->write_count ? writes[low] : UINT32_MAX;
}

/* Whether the code in [start, end) writes the variable. */
static inline bool is_written(const struct builder *b, struct variable *v, uint32_t start,
                              uint32_t end)
{
    if (start < v->gap_first || start > v->gap_end)
        find_gap(b, v, start);
    return v->gap_end < end;
}

/* ---- Definitions ------------------------------------------------------------------------------
 */

static struct definition *definition_slot(const struct builder *b, uint64_t key)
{
    uint32_t at = (uint32_t)(key * 0x9E3779B97F4A7C15u >> 32) & b->definition_mask;
    while (b->definitions[at].key && b->definitions[at].key != key)
        at = (at + 1) & b->definition_mask;
    return &b->definitions[at];
}

static __attribute__((noinline)) void grow_definitions(struct builder *b)
{
    uint32_t old_size = b->definitions ? b->definition_mask + 1 : 0;
    uint32_t size = old_size ? old_size * 2 : 16;
    while (!old_size && size < 2 * (b->variable_count + b->write_count))
        size *= 2;
    struct definition *old = b->definitions;
    b->definitions = arena_alloc(b->arena, size * sizeof(*b->definitions));
    b->definition_mask = size - 1;
    for (uint32_t i = 0; i < old_size; i++) {
        if (old[i].key)
            *definition_slot(b, old[i].key) = old[i];
    }
    arena_give_back(b->arena, old, old_size * sizeof(*old));
}

static void define(struct builder *b, uint32_t variable, uint32_t block, uint32_t value)
{
    if (!b->definitions || b->definition_count * 2 >= b->definition_mask)
        grow_definitions(b);
    uint64_t key = (uint64_t)block << 32 | variable;
    struct definition *slot = definition_slot(b, key);
    b->definition_count += slot->key == 0;
    *slot = (struct definition){key, value};
    b->graph->blocks[block].defined |= (uint64_t)1 << variable % 64;
}

/* Notes the value at the point that is being built. */
static void remember(struct builder *b, struct variable *v, uint32_t value)
{
    v->value = value;
    v->depth = b->label_count;
    v->serial = v->depth ? b->labels[v->depth - 1].serial : 0;
    v->checked = 0;
}

/* Whether what was noted still holds: all ways from there lead through where it was. */
static bool is_remembered(const struct builder *b, uint32_t variable)
{
    struct variable *v = &b->variables[variable];
    if (!v->value || v->depth > b->label_count ||
        (v->depth && b->labels[v->depth - 1].serial != v->serial))
        return false;
    uint32_t loop = b->label_count ? b->labels[b->label_count - 1].loop : 0;
    if (loop <= v->depth || b->labels[loop - 1].serial == v->checked)
        return true;
    v->checked = b->labels[loop - 1].serial;
    for (; loop > v->depth; loop = loop > 1 ? b->labels[loop - 2].loop : 0) {
        const struct label *label = &b->labels[loop - 1];
        if (is_written(b, v, label->above_start, label->loop_end)) {
            v->value = 0;
            return false;
        }
    }
    return true;
}

void variable_write(struct builder *b, uint32_t variable, uint32_t value)
{
    define(b, variable, b->graph->current, value);
    remember(b, &b->variables[variable], value);
}

/* A phi for the variable at the head of the block, whose operands come later. */
static uint32_t add_phi(struct builder *b, uint32_t variable, uint32_t block)
{
    const struct variable *v = &b->variables[variable];
    uint32_t phi = ins_prepend(
        b->graph, block, (struct ins){.op = SSA_PHI, .type = v->type, .is_traced = v->is_traced});
    struct pending_phi pending = {phi, variable, block, b->graph->blocks[block].pending};
    define(b, variable, block, phi);
    if (b->graph->blocks[block].sealed) {
        arena_grow(b->arena, &b->ready, b->ready_count + 1, &b->ready_capacity, sizeof(pending));
        b->ready[b->ready_count++] = pending;
        return phi;
    }
    arena_grow(b->arena, &b->pending, b->pending_count + 2, &b->pending_capacity, sizeof(pending));
    b->pending_count += b->pending_count == 0;
    b->pending[b->pending_count] = pending;
    b->graph->blocks[block].pending = b->pending_count++;
    return phi;
}

/* The block to go on in when a variable has no definition in this one; 0: it needs a phi here. */
static inline uint32_t block_before(const struct builder *b, struct variable *v,
                                    const struct block *at)
{
    if (at->above && !is_written(b, v, at->above_start, at->above_end))
        return at->above;
    return at->sealed && at->pred_count == 1 ? at->preds[0] : 0;
}

/* The value of the variable at the end of the block. On a long way there it is noted, at distances
 * that grow fourfold, so that later reads, whose ways join this one somewhere, are shorter. */
static uint32_t read_at_end(struct builder *b, uint32_t variable, uint32_t start)
{
    struct variable *v = &b->variables[variable];
    uint64_t bit = (uint64_t)1 << variable % 64;
    uint32_t noted[16], count = 0, block = start, value = 0, next = 16;
    for (uint32_t step = 1;; step++) {
        const struct block *at = &b->graph->blocks[block];
        if (at->defined & bit)
            value = definition_slot(b, (uint64_t)block << 32 | variable)->value;
        if (value)
            break;
        uint32_t before = block_before(b, v, at);
        if (!before) {
            value = add_phi(b, variable, block);
            break;
        }
        if (step == next) {
            noted[count++] = block;
            next *= 4;
        }
        block = before;
    }
    while (count)
        define(b, variable, noted[--count], value);
    return value;
}

/* Gives a phi its operands; where they are all the same, the phi becomes a copy. */
static void fill_phi(struct builder *b, const struct pending_phi *pending)
{
    uint32_t count = b->graph->blocks[pending->block].pred_count;
    uint32_t args = pool_alloc(b->graph, count), same = 0;
    bool differ = false;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t pred = b->graph->blocks[pending->block].preds[i];
        uint32_t value = ssa_resolve(b->graph, read_at_end(b, pending->variable, pred));
        b->graph->pool[args + i] = value;
        if (value == pending->phi || value == same)
            continue;
        differ = differ || same;
        same = value;
    }
    struct ins *phi = ins_at(b->graph, pending->phi);
    phi->args = args;
    phi->arg_count = count;
    if (differ || !same)
        return;
    ins_replace(b->graph, pending->phi, same);
}

static void work_off(struct builder *b)
{
    while (b->ready_count) {
        struct pending_phi phi = b->ready[--b->ready_count];
        fill_phi(b, &phi);
    }
}

uint32_t variable_read(struct builder *b, uint32_t variable)
{
    if (!is_remembered(b, variable)) {
        uint32_t value = read_at_end(b, variable, b->graph->current);
        work_off(b);
        remember(b, &b->variables[variable], value);
    }
    return ssa_resolve(b->graph, b->variables[variable].value);
}

void block_seal(struct builder *b, uint32_t block)
{
    b->graph->blocks[block].sealed = true;
    uint32_t next = b->graph->blocks[block].pending;
    b->graph->blocks[block].pending = 0;
    while (next) {
        struct pending_phi phi = b->pending[next];
        next = phi.next;
        fill_phi(b, &phi);
    }
    work_off(b);
}
