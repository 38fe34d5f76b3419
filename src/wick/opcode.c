/* SPDX-License-Identifier: Apache-2.0 */
#include "wick/opcode.h"

#include "wick/module.h"

/* Codes 0 … 0xFF, 0xFB00 … 0xFB1F, 0xFC00 … 0xFC1F, 0xFD00 … 0xFE1F and 0xFF00 … 0xFF4F, packed one
 * after the other. */
#define PACKED(code)                                                                               \
    ((code) < 0x100    ? (code)                                                                    \
     : (code) < 0xFC00 ? (code)-0xFB00 + 0x100                                                     \
     : (code) < 0xFD00 ? (code)-0xFC00 + 0x120                                                     \
     : (code) < 0xFF00 ? (code)-0xFD00 + 0x140                                                     \
                       : (code)-0xFF00 + 0x260)

enum { PACKED_COUNT = 0x260 + 0x50 };

/* See struct opcode_info; flags of an access below 0x40 say that its memory is the first. */
#define SHORT_LENGTH(immediates)                                                                   \
    ((immediates) == IMMEDIATES_NONE                                      ? 1                      \
     : (immediates) == IMMEDIATES_MEMARG                                  ? 3                      \
     : (immediates) == IMMEDIATES_INDEX || (immediates) == IMMEDIATES_I32 ? 2                      \
                                                                          : 0)
#define STOPS(immediates)                                                                          \
    (SHORT_LENGTH(immediates) == 3 ? 0x80C0 : SHORT_LENGTH(immediates) == 2 ? 0x80 : 0)
#define FIND(code, immediates)                                                                     \
    ((immediates) == IMMEDIATES_BLOCK || (immediates) == IMMEDIATES_TRY || (code) == OPCODE_END || \
             (code) == OPCODE_LOCAL_SET || (code) == OPCODE_LOCAL_TEE                              \
         ? FIND_LOCALS                                                                             \
     : (code) == OPCODE_RETURN_CALL || (code) == OPCODE_RETURN_CALL_INDIRECT ||                    \
             (code) == OPCODE_RETURN_CALL_REF                                                      \
         ? FIND_TAIL_CALLS                                                                         \
         : 0)

const struct opcode_info opcode_infos[PACKED_COUNT] = {
#define OPCODE(code, identifier, name, signature, immediates, argument)                            \
    [PACKED(code)] = {signature,                                                                   \
                      IMMEDIATES_##immediates,                                                     \
                      argument,                                                                    \
                      SHORT_LENGTH(IMMEDIATES_##immediates),                                       \
                      FIND(code, IMMEDIATES_##immediates),                                         \
                      STOPS(IMMEDIATES_##immediates)},
#include "wick/opcodes.h"
#undef OPCODE
};

static const char *const names[PACKED_COUNT] = {
#define OPCODE(code, identifier, name, signature, immediates, argument) [PACKED(code)] = name,
#include "wick/opcodes.h"
#undef OPCODE
};

const struct opcode_info *opcode_info(uint16_t opcode)
{
    bool known = opcode < 0x100 || (opcode >= 0xFB00 && opcode < 0xFB20) ||
                 (opcode >= 0xFC00 && opcode < 0xFC20) || (opcode >= 0xFD00 && opcode < 0xFE20) ||
                 (opcode >= 0xFF00 && opcode < 0xFF50);
    if (!known || opcode_infos[PACKED(opcode)].immediates == IMMEDIATES_ABSENT)
        return NULL;
    return &opcode_infos[PACKED(opcode)];
}

const char *opcode_name(uint16_t opcode)
{
    return names[PACKED(opcode)];
}

/* A type index that stands for a heap type. */
static uint32_t heap_from_index(struct reader *reader, const struct module *module,
                                const uint8_t *place, int64_t index)
{
    if (index >= module->group_start && index < module->group_end)
        return HEAP_MEMBER + ((uint32_t)index - module->group_start);
    if (index >= module->type_count) {
        reader_fail(reader, WICK_INVALID, place, "unknown type %lld", (long long)index);
        return HEAP_BOTTOM;
    }
    return deftype_heap(module->types[index]);
}

static uint32_t abstract_heap(uint8_t byte)
{
    static const uint8_t heaps[] = {
        HEAP_EXN,    HEAP_ARRAY, HEAP_STRUCT, HEAP_I31,      HEAP_EQ,     HEAP_ANY,
        HEAP_EXTERN, HEAP_FUNC,  HEAP_NONE,   HEAP_NOEXTERN, HEAP_NOFUNC, HEAP_NOEXN,
    };
    return byte >= 0x69 && byte < 0x69 + sizeof(heaps) ? heaps[byte - 0x69] : HEAP_BOTTOM;
}

static uint32_t read_heap_type(struct reader *reader, const struct module *module)
{
    const uint8_t *place = reader->next;
    int64_t code = reader_s33(reader);
    if (code >= 0)
        return heap_from_index(reader, module, place, code);
    uint32_t heap = code >= -0x40 ? abstract_heap((uint8_t)(code & 0x7f)) : HEAP_BOTTOM;
    if (heap == HEAP_BOTTOM)
        reader_fail(reader, WICK_MALFORMED, place, "malformed heap type");
    return heap;
}

/* A reference type whose first byte was read. TYPE_BOTTOM if the byte begins none. */
static uint32_t ref_type_after(struct reader *reader, const struct module *module, uint8_t byte)
{
    if (byte == 0x63 || byte == 0x64)
        return type_ref(read_heap_type(reader, module), byte == 0x63);
    uint32_t heap = abstract_heap(byte);
    return heap == HEAP_BOTTOM ? TYPE_BOTTOM : type_ref(heap, true);
}

uint32_t read_ref_type(struct reader *reader, const struct module *module)
{
    const uint8_t *place = reader->next;
    uint32_t type = ref_type_after(reader, module, reader_u8(reader));
    if (type == TYPE_BOTTOM)
        reader_fail(reader, WICK_MALFORMED, place, "malformed reference type");
    return type;
}

static uint32_t value_type_after(struct reader *reader, const struct module *module, uint8_t byte)
{
    switch (byte) {
    case 0x7f:
        return TYPE_I32;
    case 0x7e:
        return TYPE_I64;
    case 0x7d:
        return TYPE_F32;
    case 0x7c:
        return TYPE_F64;
    case 0x7b:
        return TYPE_V128;
    default:
        return ref_type_after(reader, module, byte);
    }
}

uint32_t read_value_type(struct reader *reader, const struct module *module)
{
    const uint8_t *place = reader->next;
    uint32_t type = value_type_after(reader, module, reader_u8(reader));
    if (type == TYPE_BOTTOM)
        reader_fail(reader, WICK_MALFORMED, place, "malformed value type");
    return type;
}

uint32_t read_storage_type(struct reader *reader, const struct module *module)
{
    uint8_t byte = reader_left(reader) ? *reader->next : 0;
    if (byte != 0x78 && byte != 0x77)
        return read_value_type(reader, module);
    reader_u8(reader);
    return byte == 0x78 ? TYPE_I8 : TYPE_I16;
}

static void read_block_type(struct reader *reader, const struct module *module,
                            struct block_type *block)
{
    const uint8_t *place = reader->next;
    block->has_index = false;
    block->result = TYPE_BOTTOM;
    uint8_t byte = reader->next < reader->end ? *reader->next : 0;
    if (byte == 0x40) {
        reader->next++;
        return;
    }
    if (byte > 0x40 && byte < 0x80) { /* one byte, negative: a value type */
        reader->next++;
        block->result = value_type_after(reader, module, byte);
        if (block->result == TYPE_BOTTOM)
            reader_fail(reader, WICK_MALFORMED, place, "malformed block type");
        return;
    }
    int64_t index = reader_s33(reader);
    block->has_index = true;
    block->index = (uint32_t)index;
    if (index < 0)
        reader_fail(reader, WICK_MALFORMED, place, "malformed block type");
    else if (reader_ok(reader) && index >= module->type_count)
        reader_fail(reader, WICK_INVALID, place, "unknown type %lld", (long long)index);
    else if (reader_ok(reader) && module->types[index]->kind != DEF_FUNC)
        reader_fail(reader, WICK_INVALID, place, "type mismatch: block type %lld is not a function",
                    (long long)index);
}

/* Alignment and memory in one LEB128 (bit 6: a memory index follows), then the offset. */
static void read_memarg(struct reader *reader, struct instr *instr)
{
    const uint8_t *place = reader->next;
    uint32_t flags = reader_u32(reader);
    if (flags >= 0x80) {
        reader_fail(reader, WICK_MALFORMED, place, "malformed memop flags");
        return;
    }
    instr->align = flags & 0x3f;
    instr->index = flags & 0x40 ? reader_u32(reader) : 0;
    instr->value = reader_u64(reader);
}

static void skip_labels(struct reader *reader, struct instr *instr)
{
    instr->count = reader_count(reader, UINT32_MAX, "labels");
    const uint8_t *start = reader->next;
    for (uint64_t i = 0; i <= instr->count && reader_ok(reader); i++)
        reader_u32(reader);
    instr->bytes = span_of(start, (size_t)(reader->next - start));
}

static void skip_types(struct reader *reader, const struct module *module, struct instr *instr)
{
    instr->count = reader_count(reader, UINT32_MAX, "types");
    const uint8_t *start = reader->next;
    for (uint32_t i = 0; i < instr->count && reader_ok(reader); i++)
        read_value_type(reader, module);
    instr->bytes = span_of(start, (size_t)(reader->next - start));
}

struct catch_clause catch_read(struct reader *reader)
{
    struct catch_clause clause = {.kind = CATCH};
    const uint8_t *place = reader->next;
    uint8_t kind = reader_u8(reader);
    if (kind > CATCH_ALL_REF) {
        reader_fail(reader, WICK_MALFORMED, place, "malformed catch clause 0x%02x", kind);
        return clause;
    }
    clause.kind = (enum catch_kind)kind;
    if (catch_has_tag(clause.kind))
        clause.tag = reader_u32(reader);
    clause.label = reader_u32(reader);
    return clause;
}

static void read_try(struct reader *reader, const struct module *module, struct instr *instr)
{
    read_block_type(reader, module, &instr->block);
    instr->count = reader_count(reader, UINT32_MAX, "catch clauses");
    const uint8_t *start = reader->next;
    for (uint32_t i = 0; i < instr->count && reader_ok(reader); i++)
        catch_read(reader);
    instr->bytes = span_of(start, (size_t)(reader->next - start));
}

/* Bits 0 and 1: whether the first and the second type are nullable. */
static void read_cast(struct reader *reader, const struct module *module, struct instr *instr)
{
    const uint8_t *place = reader->next;
    uint8_t flags = reader_u8(reader);
    if (flags > 3) {
        reader_fail(reader, WICK_MALFORMED, place, "malformed br_on_cast flags 0x%02x", flags);
        return;
    }
    instr->index = reader_u32(reader);
    instr->type = type_ref(read_heap_type(reader, module), flags & 1);
    instr->type2 = type_ref(read_heap_type(reader, module), flags & 2);
}

static void read_fence(struct reader *reader)
{
    const uint8_t *place = reader->next;
    if (reader_u8(reader) != 0)
        reader_fail(reader, WICK_MALFORMED, place, "zero byte expected");
}

static __attribute__((noinline)) void
read_immediates(struct reader *reader, const struct module *module, struct instr *instr)
{
    switch ((enum immediates)instr->info->immediates) {
    case IMMEDIATES_ABSENT:
    case IMMEDIATES_NONE:
        break;
    case IMMEDIATES_I32:
        instr->value = (uint32_t)reader_s32(reader);
        break;
    case IMMEDIATES_I64:
        instr->value = (uint64_t)reader_s64(reader);
        break;
    case IMMEDIATES_F32:
        instr->value = reader_fixed32(reader);
        break;
    case IMMEDIATES_F64:
        instr->value = reader_fixed64(reader);
        break;
    case IMMEDIATES_V128:
    case IMMEDIATES_SHUFFLE:
        instr->bytes = reader_bytes(reader, 16);
        break;
    case IMMEDIATES_LANE:
        instr->lane = reader_u8(reader);
        break;
    case IMMEDIATES_MEMARG_LANE:
        read_memarg(reader, instr);
        instr->lane = reader_u8(reader);
        break;
    case IMMEDIATES_MEMARG:
        read_memarg(reader, instr);
        break;
    case IMMEDIATES_INDEX2:
        instr->index = reader_u32(reader);
        instr->index2 = reader_u32(reader);
        break;
    case IMMEDIATES_MEMORY:
    case IMMEDIATES_INDEX:
        instr->index = reader_u32(reader);
        break;
    case IMMEDIATES_LABELS:
        skip_labels(reader, instr);
        break;
    case IMMEDIATES_BLOCK:
        read_block_type(reader, module, &instr->block);
        break;
    case IMMEDIATES_TRY:
        read_try(reader, module, instr);
        break;
    case IMMEDIATES_FENCE:
        read_fence(reader);
        break;
    case IMMEDIATES_CAST:
        read_cast(reader, module, instr);
        break;
    case IMMEDIATES_TYPES:
        skip_types(reader, module, instr);
        break;
    case IMMEDIATES_HEAP:
        instr->heap = read_heap_type(reader, module);
        break;
    }
}

/* ---- Instructions -----------------------------------------------------------------------------
 */

/* Reads the immediates where an integer has two bytes, or the type of a block has one; false if it
 * is another instruction. There are SHORT_MAX bytes at least. */
static inline bool read_longer(struct reader *reader, struct instr *instr, const uint8_t *at)
{
    instr->opcode = *at;
    instr->info = &opcode_infos[*at];
    switch ((enum immediates)instr->info->immediates) {
    case IMMEDIATES_BLOCK:
        instr->block = (struct block_type){.result = TYPE_BOTTOM};
        reader->next = at + 2;
        return at[1] == 0x40;
    case IMMEDIATES_INDEX:
        instr->index = (at[1] & 0x7fu) | (uint32_t)at[2] << 7;
        break;
    case IMMEDIATES_I32:
        instr->value = (uint32_t)((int32_t)((uint32_t)at[2] << 25) >> 18) | (at[1] & 0x7f);
        break;
    default:
        return false;
    }
    reader->next = at + 3;
    return at[1] >= 0x80 && at[2] < 0x80;
}

/* Any instruction, and any defect. */
static __attribute__((noinline)) void read_slowly(struct reader *reader,
                                                  const struct module *module, struct instr *instr)
{
    uint32_t opcode = reader_u8(reader);
    if (opcode >= 0xFB && opcode <= 0xFE) {
        uint32_t code = reader_u32(reader), most = opcode == 0xFD ? 0x200 : 0x100;
        uint32_t page = opcode == 0xFE ? 0xFF : opcode;
        opcode = code < most ? (page << 8) + code : 0xFFFF;
    }
    instr->opcode = (uint16_t)opcode;
    instr->info = opcode_info(instr->opcode);
    if (!instr->info) {
        reader_fail(reader, WICK_MALFORMED, instr->place, "illegal opcode %02x", opcode);
        instr->info = &opcode_infos[OPCODE_NOP];
        instr->opcode = OPCODE_NOP;
        return;
    }
    read_immediates(reader, module, instr);
}

bool instr_read_any(struct reader *reader, const struct module *module, struct instr *instr)
{
    const uint8_t *at = instr->place;
    if (reader_left(reader) >= SHORT_MAX && read_longer(reader, instr, at))
        return true;
    reader->next = at;
    read_slowly(reader, module, instr);
    return reader_ok(reader);
}

const uint8_t signature_types[128] = {
    ['i'] = TYPE_I32, ['l'] = TYPE_I64, ['f'] = TYPE_F32, ['d'] = TYPE_F64, ['v'] = TYPE_V128,
};
