/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The instructions of the text format: one table of mnemonic, encoding and kind of immediates.
 */
#pragma once

#include "base/span.h"

/* What follows the mnemonic in the text, and the opcode in the binary. */
enum immediate_kind {
    IMMEDIATE_NONE,
    /* constants */
    IMMEDIATE_I32,
    IMMEDIATE_I64,
    IMMEDIATE_F32,
    IMMEDIATE_F64,
    IMMEDIATE_V128,
    /* one index */
    IMMEDIATE_LOCAL,
    IMMEDIATE_GLOBAL,
    IMMEDIATE_FUNC,
    IMMEDIATE_TYPE,
    IMMEDIATE_TAG,
    IMMEDIATE_LABEL,
    IMMEDIATE_DATA,
    IMMEDIATE_ELEM,
    IMMEDIATE_TABLE,  /* optional */
    IMMEDIATE_MEMORY, /* optional */
    /* several */
    IMMEDIATE_BR_TABLE,
    IMMEDIATE_CALL_INDIRECT,
    IMMEDIATE_TABLE_COPY,
    IMMEDIATE_TABLE_INIT,
    IMMEDIATE_MEMORY_COPY,
    IMMEDIATE_MEMORY_INIT,
    IMMEDIATE_FIELD, /* type and field */
    IMMEDIATE_TYPE_TYPE,
    IMMEDIATE_TYPE_COUNT,
    IMMEDIATE_TYPE_DATA,
    IMMEDIATE_TYPE_ELEM,
    /* types */
    IMMEDIATE_SELECT,
    IMMEDIATE_HEAP_TYPE,
    IMMEDIATE_REF_TYPE, /* a nullable one is the next opcode */
    IMMEDIATE_BR_ON_CAST,
    /* memory access and lanes */
    IMMEDIATE_MEMARG,
    IMMEDIATE_MEMARG_LANE,
    IMMEDIATE_LANE,
    IMMEDIATE_SHUFFLE,
    IMMEDIATE_FENCE,
    /* structure */
    IMMEDIATE_BLOCK,
    IMMEDIATE_IF,
    IMMEDIATE_ELSE,
    IMMEDIATE_END,
    IMMEDIATE_TRY_TABLE,
    /* structure of the legacy exceptions */
    IMMEDIATE_TRY,
    IMMEDIATE_CATCH,
    IMMEDIATE_CATCH_ALL,
    IMMEDIATE_DELEGATE,
};

struct op {
    const char *name;
    uint8_t name_size;
    uint8_t prefix; /* 0, or the byte before the opcode, which is then a LEB128 number */
    uint8_t align;  /* log2 of the natural alignment of a memory access */
    uint16_t code;
    enum immediate_kind immediate;
};

/* The instruction of that mnemonic, or NULL. */
const struct op *ops_find(struct span name);

/* The table's entry, or NULL past its end: for tests of the table itself. */
const struct op *ops_at(size_t index);
