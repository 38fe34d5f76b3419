/* SPDX-License-Identifier: Apache-2.0 */
#include "wick/validate.h"

#include "wick/decode.h"
#include "wick/opcode.h"
#include "wick/validator.h"

#include <stdlib.h>
#include <string.h>

/* ---- Errors -----------------------------------------------------------------------------------
 */

void check_fail(struct validator *v, const char *format, ...)
{
    char text[sizeof(v->reader->fault->text)];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    reader_fail(v->reader, WICK_INVALID, v->instr.place ? v->instr.place : v->reader->next, "%s",
                text);
}

void check_mismatch(struct validator *v, uint32_t expected, uint32_t found)
{
    char expected_text[48], found_text[48];
    type_print(expected, expected_text, sizeof(expected_text));
    type_print(found, found_text, sizeof(found_text));
    check_fail(v, "type mismatch: expected %s, found %s", expected_text, found_text);
}

/* ---- The operand stack ------------------------------------------------------------------------
 */

static bool grow(struct validator *v, void *array_pointer, uint32_t count, uint32_t *capacity,
                 size_t size)
{
    void **array = array_pointer;
    if (count < *capacity)
        return true;
    uint32_t room = *capacity ? *capacity * 2 : 32;
    void *grown = realloc(*array, room * size);
    if (!grown) {
        reader_fail(v->reader, WICK_NO_MEMORY, v->reader->next, "out of memory");
        return false;
    }
    *array = grown;
    *capacity = room;
    return true;
}

void push_slow(struct validator *v, uint32_t type)
{
    if (v->operand_count >= FUNC_OPERANDS_MAX) {
        reader_fail(v->reader, WICK_LIMIT, v->reader->next, "too many operands on the stack");
        return;
    }
    if (grow(v, &v->operands, v->operand_count, &v->operand_capacity, sizeof(*v->operands)))
        v->operands[v->operand_count++] = type;
}

uint32_t pop_any(struct validator *v)
{
    if (v->control_count == 0)
        return TYPE_BOTTOM;
    struct control *control = control_top(v);
    if (v->operand_count > control->height)
        return v->operands[--v->operand_count];
    if (!control->unreachable)
        check_fail(v, "type mismatch: expected a value, but the stack is empty");
    return TYPE_BOTTOM;
}

uint32_t pop_slow(struct validator *v, uint32_t expected)
{
    const struct control *control = control_top(v);
    if (v->operand_count == control->height && !control->unreachable) {
        char text[48];
        type_print(expected, text, sizeof(text));
        check_fail(v, "type mismatch: expected %s, but the stack is empty", text);
        return expected;
    }
    uint32_t found = pop_any(v);
    if (!matches(v, found, expected))
        check_mismatch(v, expected, found);
    return found;
}

void push_all(struct validator *v, const uint32_t *types, uint32_t count)
{
    for (uint32_t i = 0; i < count && reader_ok(v->reader); i++)
        push(v, types[i]);
}

void pop_all(struct validator *v, const uint32_t *types, uint32_t count)
{
    while (count > 0)
        pop(v, types[--count]);
}

uint32_t pop_ref(struct validator *v)
{
    uint32_t type = pop_any(v);
    if (type != TYPE_BOTTOM && !type_is_ref(type))
        check_mismatch(v, TYPE_FUNCREF, type);
    return type;
}

/* ---- The control stack ------------------------------------------------------------------------
 */

static struct type_list block_params(const struct validator *v, const struct block_type *block)
{
    if (!block->has_index)
        return (struct type_list){NULL, 0};
    const struct functype *type = module_functype(v->module, block->index);
    return (struct type_list){type->params, type->param_count};
}

/* The list may point into *block. */
static struct type_list block_results(const struct validator *v, const struct block_type *block)
{
    if (block->has_index) {
        const struct functype *type = module_functype(v->module, block->index);
        return (struct type_list){type->results, type->result_count};
    }
    return (struct type_list){&block->result, block->result == TYPE_BOTTOM ? 0 : 1};
}

struct type_list control_results(const struct validator *v, const struct control *control)
{
    if (control->is_func)
        return v->results;
    return block_results(v, &control->block);
}

struct type_list control_label(const struct validator *v, const struct control *control)
{
    return control->opcode == OPCODE_LOOP ? block_params(v, &control->block)
                                          : control_results(v, control);
}

void control_push(struct validator *v, uint16_t opcode, const struct block_type *block,
                  bool is_func)
{
    if (!grow(v, &v->controls, v->control_count, &v->control_capacity, sizeof(*v->controls)))
        return;
    v->controls[v->control_count++] = (struct control){
        .opcode = opcode,
        .is_func = is_func,
        .block = *block,
        .height = v->operand_count,
        .init_height = v->init_count,
    };
}

/* Leaves a block: its results must be there and nothing else. The control stays in *out. */
static bool control_pop(struct validator *v, struct control *out)
{
    if (v->control_count == 0)
        return false;
    *out = *control_top(v);
    struct type_list results = control_results(v, out);
    pop_all(v, results.types, results.count);
    if (!reader_ok(v->reader))
        return false;
    if (v->operand_count != out->height) {
        check_fail(v, "type mismatch: %u values remain on the stack at the end of the block",
                   v->operand_count - out->height);
        return false;
    }
    while (v->init_count > out->init_height) {
        uint32_t local = v->inits[--v->init_count];
        v->initialised[local / 8] &= (uint8_t) ~(1 << local % 8);
    }
    v->control_count--;
    return true;
}

void set_unreachable(struct validator *v)
{
    struct control *control = control_top(v);
    v->operand_count = control->height;
    control->unreachable = true;
}

static struct control *find_label(struct validator *v, uint32_t depth)
{
    if (depth >= v->control_count) {
        check_fail(v, "unknown label %u", depth);
        return NULL;
    }
    return &v->controls[v->control_count - 1 - depth];
}

struct type_list label_types(struct validator *v, uint32_t depth)
{
    struct control *control = find_label(v, depth);
    return control ? control_label(v, control) : (struct type_list){NULL, 0};
}

static void check_block(struct validator *v)
{
    struct type_list params = block_params(v, &v->instr.block);
    if (v->instr.opcode == OPCODE_IF)
        pop(v, TYPE_I32);
    pop_all(v, params.types, params.count);
    control_push(v, v->instr.opcode, &v->instr.block, false);
    push_all(v, params.types, params.count);
}

/* What the label of a clause gets: the tag's parameters and perhaps the exception. */
static void check_catch(struct validator *v, const struct catch_clause *clause)
{
    const struct functype *type = NULL;
    if (catch_has_tag(clause->kind)) {
        if (clause->tag >= v->module->tag_count) {
            check_fail(v, "unknown tag %u", clause->tag);
            return;
        }
        type = v->module->tags[clause->tag].type;
    }
    struct type_list label = label_types(v, clause->label);
    if (!reader_ok(v->reader))
        return;
    uint32_t count = type ? type->param_count : 0;
    bool same = label.count == count + catch_has_ref(clause->kind);
    for (uint32_t i = 0; same && i < count; i++)
        same = // counted above: NOLINTNEXTLINE(clang-analyzer-core.NullDereference)
            matches(v, type->params[i], label.types[i]);
    if (same && catch_has_ref(clause->kind))
        same = matches(v, type_ref(HEAP_EXN, false), label.types[count]);
    if (!same)
        check_fail(v, "type mismatch: the label of a catch clause takes other values");
}

/* The labels of the clauses are those around the block. */
static void check_try_table(struct validator *v)
{
    struct reader clauses = reader_sub(v->reader, v->instr.bytes);
    for (uint32_t i = 0; i < v->instr.count && reader_ok(v->reader); i++) {
        struct catch_clause clause = catch_read(&clauses);
        check_catch(v, &clause);
    }
    if (reader_ok(v->reader))
        check_block(v);
}

static void check_throw(struct validator *v)
{
    if (v->instr.opcode == OPCODE_THROW_REF) {
        pop(v, TYPE_EXNREF);
    } else if (v->instr.index < v->module->tag_count) {
        const struct functype *type = v->module->tags[v->instr.index].type;
        pop_all(v, type->params, type->param_count);
    } else {
        check_fail(v, "unknown tag %u", v->instr.index);
        return;
    }
    if (reader_ok(v->reader))
        set_unreachable(v);
}

static void check_else(struct validator *v)
{
    struct control control;
    if (v->control_count == 0 || control_top(v)->opcode != OPCODE_IF) {
        reader_fail(v->reader, WICK_MALFORMED, v->instr.place,
                    "END opcode expected: else without if");
        return;
    }
    if (!control_pop(v, &control))
        return;
    control_push(v, OPCODE_ELSE, &control.block, false);
    struct type_list params = block_params(v, &control.block);
    push_all(v, params.types, params.count);
}

static void check_end(struct validator *v)
{
    struct control control;
    if (!control_pop(v, &control))
        return;
    if (control.opcode == OPCODE_IF) {
        /* Without else the parameters are the results. */
        struct type_list params = block_params(v, &control.block);
        struct type_list results = block_results(v, &control.block);
        bool same = params.count == results.count;
        for (uint32_t i = 0; same && i < params.count; i++)
            same = matches(v, params.types[i], results.types[i]);
        if (!same) {
            check_fail(v, "type mismatch: if without else must leave its parameters");
            return;
        }
    }
    struct type_list results = control_results(v, &control);
    push_all(v, results.types, results.count);
}

static void check_br(struct validator *v)
{
    struct type_list types = label_types(v, v->instr.index);
    pop_all(v, types.types, types.count);
    set_unreachable(v);
}

static void check_br_if(struct validator *v)
{
    pop(v, TYPE_I32);
    struct type_list types = label_types(v, v->instr.index);
    pop_all(v, types.types, types.count);
    push_all(v, types.types, types.count);
}

/* The types of one target against the operands, which stay. */
static void check_target(struct validator *v, uint32_t depth, uint32_t arity)
{
    struct type_list types = label_types(v, depth);
    if (!reader_ok(v->reader))
        return;
    if (types.count != arity) {
        check_fail(v, "type mismatch: br_table targets take %u and %u values", arity, types.count);
        return;
    }
    const struct control *control = control_top(v);
    for (uint32_t i = 0; i < arity; i++) {
        uint32_t below = arity - 1 - i; /* operands above this one */
        if (v->operand_count - control->height <= below) {
            if (!control->unreachable)
                check_fail(v, "type mismatch: too few values on the stack");
            continue;
        }
        uint32_t found = v->operands[v->operand_count - 1 - below];
        if (!matches(v, found, types.types[i]))
            check_mismatch(v, types.types[i], found);
    }
}

static void check_br_table(struct validator *v)
{
    pop(v, TYPE_I32);
    struct reader labels = reader_sub(v->reader, v->instr.bytes);
    uint32_t last = 0;
    for (uint64_t i = 0; i <= v->instr.count; i++)
        last = reader_u32(&labels);
    uint32_t arity = label_types(v, last).count;
    labels = reader_sub(v->reader, v->instr.bytes);
    uint32_t previous = UINT32_MAX;
    for (uint64_t i = 0; i <= v->instr.count && reader_ok(v->reader); i++) {
        uint32_t depth = reader_u32(&labels);
        if (depth != previous)
            check_target(v, depth, arity);
        previous = depth;
    }
    if (reader_ok(v->reader))
        set_unreachable(v);
}

static void check_return(struct validator *v)
{
    pop_all(v, v->results.types, v->results.count);
    set_unreachable(v);
}

static void check_unreachable(struct validator *v)
{
    set_unreachable(v);
}

static void check_nothing(struct validator *v)
{
    (void)v;
}

static void check_control(struct validator *v)
{
    switch (v->instr.opcode) {
    case OPCODE_UNREACHABLE:
        check_unreachable(v);
        break;
    case OPCODE_NOP:
        check_nothing(v);
        break;
    case OPCODE_BLOCK:
    case OPCODE_LOOP:
    case OPCODE_IF:
        check_block(v);
        break;
    case OPCODE_TRY_TABLE:
        check_try_table(v);
        break;
    case OPCODE_THROW:
    case OPCODE_THROW_REF:
        check_throw(v);
        break;
    case OPCODE_ELSE:
        check_else(v);
        break;
    case OPCODE_END:
        check_end(v);
        break;
    case OPCODE_BR:
        check_br(v);
        break;
    case OPCODE_BR_IF:
        check_br_if(v);
        break;
    case OPCODE_BR_TABLE:
        check_br_table(v);
        break;
    case OPCODE_RETURN:
        check_return(v);
        break;
    default:
        check_instr(v);
    }
}

/* ---- Sequences --------------------------------------------------------------------------------
 */

/* Reads instructions until the end that closes the outermost block. */
static void check_sequence(struct validator *v)
{
    struct reader *reader = v->reader;
    while (v->control_count > 0) {
        if (reader_left(reader) ==
            0) { /* or something has failed: only the first defect is named */
            reader_fail(reader, WICK_MALFORMED, reader->end,
                        v->followed ? "END opcode expected"
                                    : "unexpected end of section or function");
            return;
        }
        if (!instr_read(reader, v->module, &v->instr))
            return;
        if (v->constant) {
            check_constant_instr(v);
            if (!reader_ok(reader))
                return;
        }
        if (v->instr.info->signature)
            check_plain(v);
        else if (v->instr.opcode >= OPCODE_LOCAL_GET && v->instr.opcode <= OPCODE_LOCAL_TEE)
            check_local(v);
        else
            check_control(v);
    }
}

static void find_near_locals(struct validator *v)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < v->locals.run_count && count < LOCALS_NEAR; i++) {
        const struct local_run *run = &v->locals.runs[i];
        while (count < run->end && count < LOCALS_NEAR)
            v->near_types[count++] = run->type;
    }
    v->near_count = count;
}

static void validator_fini(struct validator *v)
{
    free(v->operands);
    free(v->controls);
    free(v->inits);
    free(v->initialised);
    locals_fini(&v->locals);
}

static void check_body(struct validator *v, const struct functype *type)
{
    locals_read(v->reader, v->module, type, &v->locals);
    if (!reader_ok(v->reader))
        return;
    if (v->locals.all_defaultable) {
        find_near_locals(v);
    } else {
        v->initialised = calloc(v->locals.count / 8 + 1, 1);
        if (!v->initialised) {
            reader_fail(v->reader, WICK_NO_MEMORY, v->reader->next, "out of memory");
            return;
        }
        for (uint32_t i = 0; i < type->param_count; i++)
            v->initialised[i / 8] |= (uint8_t)(1 << i % 8);
    }
    v->results = (struct type_list){type->results, type->result_count};
    control_push(v, OPCODE_BLOCK, &(struct block_type){false, 0, TYPE_BOTTOM}, true);
    check_sequence(v);
    if (reader_ok(v->reader) && reader_left(v->reader))
        reader_fail(v->reader, WICK_MALFORMED, v->reader->next,
                    "section size mismatch: bytes after the function's end");
}

void validate_func(const struct module *module, uint32_t func_index, struct fault *fault)
{
    const struct func_decl *func = &module->funcs[func_index];
    struct reader whole = reader_whole(module->bytes, fault);
    struct reader reader = reader_sub(&whole, func->body);
    struct validator v = {.module = module, .reader = &reader};
    v.followed = func_index + 1 < module->func_count;
    check_body(&v, func->type);
    validator_fini(&v);
}

struct span validate_constant(struct reader *reader, struct module *module, uint32_t type,
                              uint32_t global_limit)
{
    const uint8_t *start = reader->next;
    struct validator v = {
        .module = module,
        .reader = reader,
        .constant = true,
        .declare = module,
        .global_limit = global_limit,
        .locals = {.all_defaultable = true},
        .results = {&type, 1},
    };
    control_push(&v, OPCODE_BLOCK, &(struct block_type){false, 0, TYPE_BOTTOM}, true);
    check_sequence(&v);
    validator_fini(&v);
    return span_of(start, (size_t)(reader->next - start));
}
