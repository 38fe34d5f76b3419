/* SPDX-License-Identifier: Apache-2.0 */
/* Instructions other than blocks and branches. */
#include "wick/translator.h"

#include <string.h>

enum family {
    FAMILY_NONE,
    FAMILY_BINARY,
    FAMILY_COMPARE,
    FAMILY_UNARY,
    FAMILY_LOAD,
    FAMILY_STORE,
};

struct plan {
    uint16_t op;
    uint8_t family;
};

/* By opcode, those behind 0xFC after the first 256. */
#define PLACE(code) ((code) < 0x100 ? (code) : (code)-0xFC00 + 0x100)

static const struct plan plans[0x120] = {
#define BINARY(opcode, ...) [PLACE(OPCODE_##opcode)] = {OP_##opcode, FAMILY_BINARY},
    BINARY_OPS(BINARY)
#undef BINARY
#define DIVIDE(opcode, ...) [PLACE(OPCODE_##opcode)] = {OP_##opcode, FAMILY_BINARY},
        DIVIDE_OPS(DIVIDE)
#undef DIVIDE
#define COMPARE(opcode, ...) [PLACE(OPCODE_##opcode)] = {OP_##opcode, FAMILY_COMPARE},
            COMPARE_OPS(COMPARE)
#undef COMPARE
#define UNARY(opcode, ...) [PLACE(OPCODE_##opcode)] = {OP_##opcode, FAMILY_UNARY},
                UNARY_OPS(UNARY)
#undef UNARY
#define TRUNCATE(opcode, ...) [PLACE(OPCODE_##opcode)] = {OP_##opcode, FAMILY_UNARY},
                    TRUNCATE_OPS(TRUNCATE)
#undef TRUNCATE
#define LOAD(opcode, ...) [PLACE(OPCODE_##opcode)] = {OP_##opcode, FAMILY_LOAD},
                        LOAD_OPS(LOAD)
#undef LOAD
#define STORE(opcode, ...) [PLACE(OPCODE_##opcode)] = {OP_##opcode, FAMILY_STORE},
                            STORE_OPS(STORE)
#undef STORE
};

static bool commutes(uint16_t op)
{
    switch (op) {
    case OP_I32_ADD:
    case OP_I32_MUL:
    case OP_I32_AND:
    case OP_I32_OR:
    case OP_I32_XOR:
    case OP_I64_ADD:
    case OP_I64_MUL:
    case OP_I64_AND:
    case OP_I64_OR:
    case OP_I64_XOR:
    case OP_I32_EQ:
    case OP_I32_NE:
    case OP_I64_EQ:
    case OP_I64_NE:
        return true;
    default:
        return false;
    }
}

/* Whether the constant fits the 32-bit immediate of the second form, and which it is. */
static bool immediate(const struct entry *entry, uint32_t *out)
{
    if (entry->kind != ENTRY_CONST)
        return false;
    *out = (uint32_t)entry->value;
    if (entry->type == TYPE_I64)
        return (uint64_t)(int64_t)(int32_t)entry->value == entry->value;
    if (entry->type != TYPE_F64)
        return true;
    double value, widened;
    memcpy(&value, &entry->value, sizeof(value));
    float narrow = (float)value;
    widened = (double)narrow;
    memcpy(out, &narrow, sizeof(narrow));
    uint64_t bits;
    memcpy(&bits, &widened, sizeof(bits));
    return bits == entry->value && value == value;
}

static void translate_binary(struct translator *t, uint16_t op)
{
    struct entry b = pop_entry(t), a = pop_entry(t);
    uint32_t value;
    if (a.kind == ENTRY_CONST && b.kind != ENTRY_CONST && commutes(op)) {
        struct entry swapped = a;
        a = b;
        b = swapped;
    }
    if (op != OP_F64_COPYSIGN && immediate(&b, &value)) { /* its b is not a number here */
        emit_result(t, (struct insn){.op = (uint16_t)(op + 1), .a = entry_slot(t, &a), .b = value},
                    false);
        return;
    }
    uint32_t left = entry_slot(t, &a), right = entry_slot(t, &b);
    emit_result(t, (struct insn){.op = op, .a = left, .b = right}, false);
}

static void translate_unary(struct translator *t, uint16_t op)
{
    struct entry a = pop_entry(t);
    uint32_t slot = entry_slot(t, &a);
    emit_result(t, (struct insn){.op = op, .a = slot}, false);
}

/* ---- Memory -----------------------------------------------------------------------------------
 */

/* The address operand. An offset that does not fit an instruction is added to it; *offset is then
 * 0. */
static uint32_t address_slot(struct translator *t, const struct entry *address, uint32_t *offset)
{
    uint32_t slot = entry_slot(t, address);
    uint64_t wide = t->instr.value;
    *offset = (uint32_t)wide;
    if (wide <= UINT32_MAX)
        return slot;
    *offset = 0;
    emit_ext(
        t, (struct insn){.op = OP_HELPER, .x = HELPER_ADD_OFFSET, .dst = address->home, .a = slot},
        (struct insn){.a = (uint32_t)wide, .b = (uint32_t)(wide >> 32)});
    return address->home;
}

static uint16_t memory_form(const struct translator *t, uint16_t op)
{
    const struct limits *limits = &t->module->memories[t->instr.index].limits;
    bool first = t->instr.index == 0 && !limits->index64 && !limits->shared;
    return first ? op : (uint16_t)(op + 1);
}

static void translate_load(struct translator *t, uint16_t op)
{
    struct entry address = pop_entry(t);
    uint32_t offset, slot = address_slot(t, &address, &offset);
    emit_result(
        t,
        (struct insn){
            .op = memory_form(t, op), .x = (uint16_t)t->instr.index, .a = slot, .b = offset},
        false);
}

static void translate_store(struct translator *t, uint16_t op)
{
    struct entry value = pop_entry(t), address = pop_entry(t);
    uint32_t from = entry_slot(t, &value);
    uint32_t offset, slot = address_slot(t, &address, &offset);
    emit(t, (struct insn){.op = memory_form(t, op),
                          .x = (uint16_t)t->instr.index,
                          .dst = offset,
                          .a = slot,
                          .b = from});
}

/* ---- Atomics ----------------------------------------------------------------------------------
 */

enum helper_id atomic_helper(uint16_t opcode)
{
    switch (opcode) {
    case OPCODE_MEMORY_ATOMIC_NOTIFY:
        return HELPER_ATOMIC_NOTIFY;
    case OPCODE_MEMORY_ATOMIC_WAIT32:
    case OPCODE_MEMORY_ATOMIC_WAIT64:
        return HELPER_ATOMIC_WAIT;
    case OPCODE_ATOMIC_FENCE:
        return HELPER_ATOMIC_FENCE;
    default:
        return HELPER_ATOMIC;
    }
}

/* The operands behind the address are brought home, where they are next to each other. */
static void translate_atomic(struct translator *t)
{
    const char *signature = t->instr.info->signature;
    struct insn insn = {.op = OP_HELPER, .x = (uint16_t)atomic_helper(t->instr.opcode)};
    struct insn ext = {.x = (uint16_t)t->instr.index, .b = t->instr.opcode - 0xFF00u};
    uint32_t operands = 0;
    while (signature[operands] != '>')
        operands++;
    if (operands) {
        settle(t, operands - 1);
        for (uint32_t i = 1; i < operands; i++)
            pop_entry(t);
        ext.a = t->top_slot;
        struct entry address = pop_entry(t);
        insn.a = address_slot(t, &address, &insn.b);
    }
    if (signature[operands + 1])
        emit_result_ext(t, insn, ext, false);
    else
        emit_ext(t, insn, ext);
}

/* ---- Vectors ----------------------------------------------------------------------------------
 */

static void translate_simd_memory(struct translator *t, bool has_vector)
{
    struct entry vector = {0};
    struct insn insn = {.op = OP_SIMD, .x = (uint16_t)(t->instr.opcode - 0xFD00)};
    struct insn ext = {.x = (uint16_t)t->instr.index, .b = t->instr.lane};
    if (has_vector) {
        vector = pop_entry(t);
        ext.a = entry_slot(t, &vector);
    }
    struct entry address = pop_entry(t);
    insn.a = address_slot(t, &address, &insn.b);
    const char *signature = t->instr.info->signature;
    if (signature[strlen(signature) - 1] == '>')
        emit_ext(t, insn, ext);
    else
        emit_result_ext(t, insn, ext, true);
}

static void translate_vector_const(struct translator *t)
{
    struct insn ext;
    memcpy(&ext, t->instr.bytes.data, sizeof(ext));
    emit_result_ext(t, (struct insn){.op = OP_CONST128}, ext, true);
}

static void translate_shuffle(struct translator *t, struct insn insn)
{
    struct insn lanes;
    memcpy(&lanes, t->instr.bytes.data, sizeof(lanes));
    emit_result_ext(t, insn, lanes, true);
}

static void translate_simd(struct translator *t)
{
    const char *signature = t->instr.info->signature;
    if (t->instr.opcode == OPCODE_V128_CONST) {
        translate_vector_const(t);
        return;
    }
    if (signature[0] == 'p') {
        translate_simd_memory(t, signature[1] == 'v');
        return;
    }
    uint32_t count = 0, slots[3] = {0, 0, 0};
    while (signature[count] != '>')
        count++;
    for (uint32_t i = count; i > 0; i--) {
        struct entry entry = pop_entry(t);
        slots[i - 1] = entry_slot(t, &entry);
    }
    struct insn insn = {
        .op = OP_SIMD, .x = (uint16_t)(t->instr.opcode - 0xFD00), .a = slots[0], .b = slots[1]};
    if (t->instr.opcode == OPCODE_I8X16_SHUFFLE)
        translate_shuffle(t, insn);
    else
        emit_result_ext(t, insn, (struct insn){.a = slots[2], .b = t->instr.lane},
                        signature[count + 1] == 'v');
}

/* ---- Constants and variables ------------------------------------------------------------------
 */

static void translate_const(struct translator *t, uint8_t type)
{
    push_entry(t, (struct entry){.kind = ENTRY_CONST, .type = type, .value = t->instr.value});
}

static void push_local(struct translator *t, uint32_t type, uint32_t slot)
{
    push_entry(t, (struct entry){.kind = ENTRY_LOCAL,
                                 .wide = type_slots(type) == 2,
                                 .traced = type_is_traced(type),
                                 .local = slot});
}

static void translate_local_get(struct translator *t)
{
    uint32_t slot;
    const struct local_run *run = locals_find(&t->locals, t->instr.index, &slot);
    push_local(t, run->type, slot);
}

/* Lets the instruction that made the value write it to the local, if nothing stands between. */
static void write_local(struct translator *t, const struct entry *entry, uint32_t slot)
{
    uint32_t last = t->result_insn;
    uint32_t insn_count = t->insn_count;
    detach_local(t, slot);
    if (entry->kind == ENTRY_HOME && last != NONE && t->insn_count == insn_count &&
        t->insns[last].dst == entry->home) {
        t->insns[last].dst = slot;
        t->result_insn = NONE;
        return;
    }
    move_to(t, entry, slot);
}

static void translate_local_set(struct translator *t)
{
    uint32_t slot;
    const struct local_run *run = locals_find(&t->locals, t->instr.index, &slot);
    struct entry entry = pop_entry(t);
    write_local(t, &entry, slot);
    if (t->instr.opcode == OPCODE_LOCAL_TEE)
        push_local(t, run->type, slot);
}

static void translate_global(struct translator *t)
{
    uint32_t type = t->module->globals[t->instr.index].type.type;
    bool wide = type_slots(type) == 2;
    if (t->instr.opcode == OPCODE_GLOBAL_GET) {
        emit_result(t,
                    (struct insn){.op = wide ? OP_GLOBAL_GET2 : OP_GLOBAL_GET, .a = t->instr.index},
                    wide);
        set_type(t, type);
        return;
    }
    struct entry entry = pop_entry(t);
    uint32_t slot = entry_slot(t, &entry);
    emit(t, (struct insn){
                .op = wide ? OP_GLOBAL_SET2 : OP_GLOBAL_SET, .a = t->instr.index, .b = slot});
}

static void translate_select(struct translator *t)
{
    struct entry condition = pop_entry(t), b = pop_entry(t), a = pop_entry(t);
    uint32_t slots[3] = {entry_slot(t, &a), entry_slot(t, &b), entry_slot(t, &condition)};
    emit_result_ext(
        t, (struct insn){.op = a.wide ? OP_SELECT2 : OP_SELECT, .a = slots[0], .b = slots[1]},
        (struct insn){.a = slots[2]}, a.wide);
    if (a.traced || b.traced)
        set_type(t, TYPE_ANYREF);
}

/* ---- Calls ------------------------------------------------------------------------------------
 */

/* Brings the arguments home, emits the call and pushes the results. */
static void emit_call(struct translator *t, const struct functype *type, struct insn insn,
                      bool tail)
{
    settle(t, type->param_count);
    for (uint32_t i = 0; i < type->param_count; i++)
        pop_entry(t);
    insn.dst = t->top_slot;
    add_safepoint(t, prepare_safepoint(t));
    if (t->top_slot + type->param_slots > t->max_slot)
        t->max_slot = t->top_slot + type->param_slots;
    emit(t, insn);
    if (tail) {
        mark_dead(t);
        return;
    }
    for (uint32_t i = 0; i < type->result_count; i++)
        push_value(t, type->results[i]);
}

static void translate_call(struct translator *t)
{
    bool tail = t->instr.opcode == OPCODE_RETURN_CALL;
    emit_call(t, t->module->funcs[t->instr.index].type,
              (struct insn){.op = tail ? OP_TAIL_CALL : OP_CALL, .a = t->instr.index}, tail);
}

/* The callee's operand may be anything but in the way of the arguments: it was above them. */
static void translate_call_indirect(struct translator *t)
{
    bool tail = t->instr.opcode == OPCODE_RETURN_CALL_INDIRECT;
    const struct functype *type = module_functype(t->module, t->instr.index);
    struct entry index = pop_entry(t);
    emit_call(t, type,
              (struct insn){.op = tail ? OP_TAIL_CALL_INDIRECT : OP_CALL_INDIRECT,
                            .x = (uint16_t)t->instr.index2,
                            .a = entry_slot(t, &index),
                            .b = type->id},
              tail);
}

static void translate_call_ref(struct translator *t)
{
    bool tail = t->instr.opcode == OPCODE_RETURN_CALL_REF;
    struct entry ref = pop_entry(t);
    emit_call(t, module_functype(t->module, t->instr.index),
              (struct insn){.op = tail ? OP_TAIL_CALL_REF : OP_CALL_REF, .a = entry_slot(t, &ref)},
              tail);
}

/* ---- References -------------------------------------------------------------------------------
 */

static void translate_br_on_null(struct translator *t)
{
    struct entry ref = pop_entry(t);
    struct condition condition = {OP_I64_EQ_IF_RI, OP_I64_EQ_UNLESS_RI, entry_slot(t, &ref), 0};
    if (ref.kind == ENTRY_CONST)
        ref.kind = ENTRY_HOME;
    branch_on(t, t->instr.index, condition);
    push_entry(t, ref);
}

static void translate_br_on_non_null(struct translator *t)
{
    settle(t, 1);
    struct entry ref = pop_entry(t);
    struct condition condition = {OP_I64_NE_IF_RI, OP_I64_NE_UNLESS_RI, ref.home, 0};
    push_entry(t, ref);
    branch_on(t, t->instr.index, condition);
    pop_entry(t);
}

static void translate_as_non_null(struct translator *t)
{
    settle(t, 1);
    struct entry ref = pop_entry(t);
    emit(t, (struct insn){.op = OP_REF_AS_NON_NULL, .a = ref.home});
    push_entry(t, ref);
}

static void translate_ref(struct translator *t)
{
    switch (t->instr.opcode) {
    case OPCODE_REF_NULL:
        push_entry(t, (struct entry){.kind = ENTRY_CONST, .type = TYPE_I64});
        break;
    case OPCODE_REF_FUNC:
        emit_result(t, (struct insn){.op = OP_REF_FUNC, .a = t->instr.index}, false);
        break;
    case OPCODE_REF_AS_NON_NULL:
        translate_as_non_null(t);
        break;
    case OPCODE_BR_ON_NULL:
        translate_br_on_null(t);
        break;
    default:
        translate_br_on_non_null(t);
    }
}

/* ---- Helpers ----------------------------------------------------------------------------------
 */

struct helper_plan {
    uint8_t helper;
    uint8_t operands;
    bool result;
    bool swapped; /* the second index is the one of the ext's x */
};

static const struct helper_plan *helper_plan(uint16_t opcode)
{
    static const struct helper_plan plans_fc[] = {
        [8] = {HELPER_MEMORY_INIT, 3, false, true},   [9] = {HELPER_DATA_DROP, 0, false, true},
        [10] = {HELPER_MEMORY_COPY, 3, false, false}, [11] = {HELPER_MEMORY_FILL, 3, false, false},
        [12] = {HELPER_TABLE_INIT, 3, false, true},   [13] = {HELPER_ELEM_DROP, 0, false, true},
        [14] = {HELPER_TABLE_COPY, 3, false, false},  [15] = {HELPER_TABLE_GROW, 2, true, false},
        [16] = {HELPER_TABLE_SIZE, 0, true, false},   [17] = {HELPER_TABLE_FILL, 3, false, false},
    };
    static const struct helper_plan table_get = {HELPER_TABLE_GET, 1, true, false};
    static const struct helper_plan table_set = {HELPER_TABLE_SET, 2, false, false};
    static const struct helper_plan memory_size = {HELPER_MEMORY_SIZE, 0, true, false};
    static const struct helper_plan grow = {HELPER_MEMORY_GROW, 1, true, false};
    switch (opcode) {
    case OPCODE_TABLE_GET:
        return &table_get;
    case OPCODE_TABLE_SET:
        return &table_set;
    case OPCODE_MEMORY_SIZE:
        return &memory_size;
    case OPCODE_MEMORY_GROW:
        return &grow;
    default:
        return &plans_fc[opcode - 0xFC00];
    }
}

static void translate_helper(struct translator *t)
{
    const struct helper_plan *plan = helper_plan(t->instr.opcode);
    uint32_t slots[3] = {0, 0, 0};
    for (uint32_t i = plan->operands; i > 0; i--) {
        struct entry entry = pop_entry(t);
        slots[i - 1] = entry_slot(t, &entry);
    }
    struct insn insn = {.op = OP_HELPER, .x = plan->helper, .a = slots[0], .b = slots[1]};
    struct insn ext = {.a = slots[2]};
    ext.x = (uint16_t)(plan->swapped ? t->instr.index2 : t->instr.index);
    ext.b = plan->swapped ? t->instr.index : t->instr.index2;
    if (plan->result)
        emit_result_ext(t, insn, ext, false);
    else
        emit_ext(t, insn, ext);
    if (t->instr.opcode == OPCODE_TABLE_GET)
        set_type(t, t->module->tables[t->instr.index].type.type);
}

/* ---- Dispatch ---------------------------------------------------------------------------------
 */

static void translate_eqz(struct translator *t, uint16_t op)
{
    struct entry a = pop_entry(t);
    uint32_t slot = entry_slot(t, &a);
    emit_result(t, (struct insn){.op = (uint16_t)(op + FORM_IMMEDIATE), .a = slot, .b = 0}, false);
}

static void translate_other(struct translator *t)
{
    switch (t->instr.opcode) {
    case OPCODE_NOP:
        break;
    case OPCODE_DROP:
        pop_entry(t);
        break;
    case OPCODE_SELECT:
    case OPCODE_SELECT_T:
        translate_select(t);
        break;
    case OPCODE_LOCAL_GET:
        translate_local_get(t);
        break;
    case OPCODE_LOCAL_SET:
    case OPCODE_LOCAL_TEE:
        translate_local_set(t);
        break;
    case OPCODE_GLOBAL_GET:
    case OPCODE_GLOBAL_SET:
        translate_global(t);
        break;
    case OPCODE_CALL:
    case OPCODE_RETURN_CALL:
        translate_call(t);
        break;
    case OPCODE_CALL_INDIRECT:
    case OPCODE_RETURN_CALL_INDIRECT:
        translate_call_indirect(t);
        break;
    case OPCODE_CALL_REF:
    case OPCODE_RETURN_CALL_REF:
        translate_call_ref(t);
        break;
    case OPCODE_I32_CONST:
        translate_const(t, TYPE_I32);
        break;
    case OPCODE_I64_CONST:
        translate_const(t, TYPE_I64);
        break;
    case OPCODE_F32_CONST:
        translate_const(t, TYPE_F32);
        break;
    case OPCODE_F64_CONST:
        translate_const(t, TYPE_F64);
        break;
    case OPCODE_I32_EQZ:
        translate_eqz(t, OP_I32_EQ);
        break;
    case OPCODE_I64_EQZ:
        translate_eqz(t, OP_I64_EQ);
        break;
    case OPCODE_REF_NULL:
    case OPCODE_REF_FUNC:
    case OPCODE_REF_AS_NON_NULL:
    case OPCODE_BR_ON_NULL:
    case OPCODE_BR_ON_NON_NULL:
        translate_ref(t);
        break;
    default:
        translate_helper(t);
    }
}

void translate_instr(struct translator *t)
{
    uint16_t opcode = t->instr.opcode;
    if (opcode == OPCODE_THROW || opcode == OPCODE_THROW_REF ||
        (opcode >= 0xFB00 && opcode < 0xFC00)) {
        translate_gc(t);
        return;
    }
    if (opcode == OPCODE_REF_EQ) {
        translate_binary(t, OP_I64_EQ);
        return;
    }
    if (opcode >= 0xFF00) {
        translate_atomic(t);
        return;
    }
    if (opcode >= 0xFD00) {
        translate_simd(t);
        return;
    }
    const struct plan *plan = &plans[PLACE(opcode)];
    switch (plan->family) {
    case FAMILY_BINARY:
    case FAMILY_COMPARE:
        translate_binary(t, plan->op);
        break;
    case FAMILY_UNARY:
        translate_unary(t, plan->op);
        break;
    case FAMILY_LOAD:
        translate_load(t, plan->op);
        break;
    case FAMILY_STORE:
        translate_store(t, plan->op);
        break;
    default:
        translate_other(t);
    }
}
