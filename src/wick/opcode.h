/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Instructions as the binary format has them (core spec section 5.4): the table of all opcodes and
 * a reader that takes one instruction with its immediates from the bytes.
 *
 * The validator and the translators read code through instr_read and instr_find alone.
 */
#pragma once

#include "wick/reader.h"
#include "wick/type.h"

enum opcode {
#define OPCODE(code, identifier, name, signature, immediates, argument) OPCODE_##identifier = code,
#include "wick/opcodes.h"
#undef OPCODE
};

enum immediates {
    IMMEDIATES_ABSENT, /* no such instruction */
    IMMEDIATES_NONE,
    IMMEDIATES_I32,         /* value */
    IMMEDIATES_I64,         /* value */
    IMMEDIATES_F32,         /* value: the bits */
    IMMEDIATES_F64,         /* value: the bits */
    IMMEDIATES_V128,        /* bytes: 16 */
    IMMEDIATES_SHUFFLE,     /* bytes: 16 lanes */
    IMMEDIATES_LANE,        /* lane */
    IMMEDIATES_MEMARG,      /* align, index (memory), value (offset) */
    IMMEDIATES_MEMARG_LANE, /* the same and lane */
    IMMEDIATES_MEMORY,      /* index */
    IMMEDIATES_INDEX,       /* index */
    IMMEDIATES_INDEX2,      /* index, index2, in the order of the bytes */
    IMMEDIATES_FENCE,       /* a byte that is 0 */
    IMMEDIATES_LABELS,      /* count, bytes: count + 1 LEB128 labels */
    IMMEDIATES_BLOCK,       /* block */
    IMMEDIATES_TRY,         /* block; count, bytes: catch clauses, see catch_read */
    IMMEDIATES_TYPES,       /* count, bytes: value types, not yet checked */
    IMMEDIATES_HEAP,        /* heap */
    IMMEDIATES_CAST,        /* index (label), type and type2: reference types from and to */
};

/* What instr_find looks for. */
enum find {
    FIND_LOCALS = 1,     /* what writes locals, begins or ends a construct */
    FIND_TAIL_CALLS = 2, /* return_call and the like */
};

struct opcode_info {
    const char *signature; /* see opcodes.h */
    uint8_t immediates;    /* enum immediates */
    uint8_t argument;
    /* Of an instruction whose immediates are of one byte each, if none of the bits `stops` is set
     * in the two bytes behind the opcode: its length. 0: it has other immediates. */
    uint8_t short_length;
    uint8_t find; /* enum find */
    uint16_t stops;
};

enum { SHORT_MAX = 3 }; /* short_length, at most */

/* First those of one byte, by opcode. */
extern const struct opcode_info opcode_infos[];

/* NULL if there is no such instruction. */
const struct opcode_info *opcode_info(uint16_t opcode);
const char *opcode_name(uint16_t opcode); /* of one that there is */

struct module;

/* The type of a block: an index of a function type, or at most one result. */
struct block_type {
    bool has_index;
    uint32_t index;
    uint32_t result; /* TYPE_BOTTOM: none */
};

/* By letter in opcode_info.signature; TYPE_BOTTOM: it names none. */
extern const uint8_t signature_types[128];

/* The value type of a letter; `other` for one that names none. */
static inline uint32_t signature_type(char letter, uint32_t other)
{
    uint32_t type = signature_types[letter & 127];
    return type != TYPE_BOTTOM ? type : other;
}

/* The type of the result in a signature; TYPE_BOTTOM: none, or that of addresses. */
static inline uint8_t signature_result(const char *signature)
{
    while (*signature != '>')
        signature++;
    return signature_types[signature[1] & 127];
}

struct instr {
    uint16_t opcode;
    const struct opcode_info *info;
    const uint8_t *place; /* of the opcode */
    uint32_t index, index2;
    uint32_t align;
    uint32_t count;
    uint64_t value;
    uint8_t lane;
    uint32_t heap;        /* a heap type as in wick/type.h */
    uint32_t type, type2; /* value types */
    struct block_type block;
    struct span bytes;
};

/* A clause of try_table. */
enum catch_kind { CATCH, CATCH_REF, CATCH_ALL, CATCH_ALL_REF };

struct catch_clause {
    enum catch_kind kind;
    uint32_t tag; /* of CATCH and CATCH_REF */
    uint32_t label;
};

static inline bool catch_has_tag(enum catch_kind kind)
{
    return kind == CATCH || kind == CATCH_REF;
}

/* Whether the label also gets the exception itself. */
static inline bool catch_has_ref(enum catch_kind kind)
{
    return kind == CATCH_REF || kind == CATCH_ALL_REF;
}

/* Reads the next clause from a reader over instr.bytes. */
struct catch_clause catch_read(struct reader *reader);

/* Whether an `end` belongs to the instruction. */
static inline bool instr_opens(const struct instr *instr)
{
    return instr->info->immediates == IMMEDIATES_BLOCK || instr->info->immediates == IMMEDIATES_TRY;
}

/* The same as instr_read, of any instruction; its place was noted. */
bool instr_read_any(struct reader *reader, const struct module *module, struct instr *instr);

/* Reads one instruction; false if the reader has failed. Fails with WICK_MALFORMED; indices are not
 * checked, except those of types inside block, value and heap types. Nearly all instructions are
 * short; these are read without a branch that depends on the opcode. */
static inline bool instr_read(struct reader *reader, const struct module *module,
                              struct instr *instr)
{
    const uint8_t *at = reader->next;
    instr->place = at;
    if (reader_left(reader) < SHORT_MAX)
        return instr_read_any(reader, module, instr);
    uint32_t opcode = at[0], bytes = at[1] | (uint32_t)at[2] << 8;
    const struct opcode_info *info = &opcode_infos[opcode];
    uint32_t length = info->short_length;
    if (!length || bytes & info->stops)
        return instr_read_any(reader, module, instr);
    bool access = length == 3;
    uint32_t first = bytes & 0xff, second = bytes >> 8;
    instr->opcode = (uint16_t)opcode;
    instr->info = info;
    instr->align = first;
    instr->index = access ? 0 : first;
    instr->value = access ? second : (uint32_t)((int32_t)(first << 25) >> 25);
    reader->next = at + length;
    return true;
}

/* In a body that was validated: reads on to the next instruction that is looked for. False at the
 * end. */
static inline bool instr_find(struct reader *reader, const struct module *module, enum find what,
                              struct instr *instr)
{
    const uint8_t *at = reader->next, *last = reader->end - SHORT_MAX;
    for (;;) {
        for (; at <= last; at += opcode_infos[*at].short_length) {
            const struct opcode_info *info = &opcode_infos[*at];
            if (info->find & what || !info->short_length ||
                (at[1] | (uint32_t)at[2] << 8) & info->stops)
                break;
        }
        reader->next = at;
        if (at >= reader->end)
            return false;
        instr_read(reader, module, instr);
        if (instr->info->find & what)
            return true;
        at = reader->next;
    }
}

/* Value, reference, heap and storage types (core spec sections 5.3.2-5.3.8); the module resolves
 * indices. */
uint32_t read_value_type(struct reader *reader, const struct module *module);
uint32_t read_ref_type(struct reader *reader, const struct module *module);
uint32_t read_storage_type(struct reader *reader, const struct module *module);
