/* SPDX-License-Identifier: Apache-2.0 */
/* Expressions and statements of generated programs. */
#include "diff/generator.h"
#include "wick/opcode.h"

#include <string.h>

const char type_letters[TYPES + 1] = "ilfdv";
const uint8_t type_codes[TYPES] = {0x7f, 0x7e, 0x7d, 0x7c, 0x7b};

struct row {
    uint16_t code;
    const char *name;
    const char *signature;
    enum immediates immediates;
    uint8_t argument;
};

static const struct row rows[] = {
#define OPCODE(code, identifier, name, signature, immediates, argument)                            \
    {code, name, signature, IMMEDIATES_##immediates, argument},
#include "wick/opcodes.h"
#undef OPCODE
};

enum { ROW_COUNT = sizeof(rows) / sizeof(rows[0]) };

/* ---- Choices ----------------------------------------------------------------------------------
 */

static unsigned byte(struct generator *g)
{
    return g->next < g->choices.size ? g->choices.data[g->next++] : 0;
}

unsigned choose(struct generator *g, unsigned count)
{
    unsigned value = byte(g);
    if (count > 256)
        value = value << 8 | byte(g);
    return value % count;
}

bool is_tired(const struct generator *g)
{
    return g->depth > DEPTH_MAX || g->body.size > g->size_most || g->next >= g->choices.size;
}

/* ---- Emission ---------------------------------------------------------------------------------
 */

void put(struct generator *g, uint8_t value)
{
    bytes_put_u8(&g->body, value);
}

void put_index(struct generator *g, uint8_t opcode, uint32_t index)
{
    put(g, opcode);
    bytes_put_unsigned(&g->body, index);
}

void put_code(struct generator *g, uint16_t code)
{
    uint8_t prefix = 0;
    if (code >= 0xFF00)
        prefix = 0xFE;
    else if (code >= 0xFD00)
        prefix = 0xFD;
    else if (code >= 0xFC00)
        prefix = 0xFC;
    else if (code >= 0xFB00)
        prefix = 0xFB;
    if (!prefix) {
        put(g, (uint8_t)code);
        return;
    }
    put(g, prefix);
    bytes_put_unsigned(&g->body, code - (prefix == 0xFE ? 0xFF00u : (unsigned)prefix << 8));
}

void put_i32(struct generator *g, int32_t value)
{
    put(g, 0x41);
    bytes_put_signed(&g->body, value);
}

unsigned type_of(char letter)
{
    return (unsigned)(strchr(type_letters, letter) - type_letters);
}

uint32_t some_local(struct generator *g, unsigned type)
{
    unsigned which = choose(g, 4 + g->crowd_count[type]);
    if (which >= 4)
        return g->crowd_first[type] + which - 4;
    return which < 2 ? 2 * type + which : PARAMS + 2 * type + which - 2;
}

static uint32_t spare_local(unsigned type)
{
    return PARAMS + 2 * TYPES + type;
}

/* ---- Constants --------------------------------------------------------------------------------
 */

static uint64_t interesting(struct generator *g)
{
    static const uint64_t values[] = {
        0,
        1,
        UINT64_MAX,
        0x80000000,
        0x7fffffff,
        0x8000000000000000,
        0x7fffffffffffffff,
        0xff,
        0x10000,
        31,
        64,
        0x3f8000003f800000,
        0x7ff0000000000000,
        0x7f800000ff800000,
        0x8000000080000000,
        0x4330000000000000,
        0xc1e0000000200000,
        0x0000000100000001,
    };
    unsigned which = choose(g, 32);
    if (which < sizeof(values) / sizeof(values[0]))
        return values[which];
    uint64_t value = 0;
    for (unsigned i = 0; i < which % 8 + 1; i++)
        value = value << 8 | byte(g);
    return value;
}

/* NaNs are kept out of constants: their payload would tell how an engine passes it on. */
static uint64_t without_nan(uint64_t bits, bool wide)
{
    if (wide && (bits & 0x7ff0000000000000) == 0x7ff0000000000000)
        return bits & 0xfff0000000000000;
    if (!wide && (bits & 0x7f800000) == 0x7f800000)
        return bits & 0xff800000;
    return bits;
}

void put_constant(struct generator *g, unsigned type)
{
    uint64_t value = interesting(g);
    switch (type_letters[type]) {
    case 'i':
        put_i32(g, (int32_t)value);
        break;
    case 'l':
        put(g, 0x42);
        bytes_put_signed(&g->body, (int64_t)value);
        break;
    case 'f':
        put(g, 0x43);
        bytes_put_le(&g->body, without_nan((uint32_t)value, false), 4);
        break;
    case 'd':
        put(g, 0x44);
        bytes_put_le(&g->body, without_nan(value, true), 8);
        break;
    default:
        put_code(g, 0xFD0C);
        bytes_put_le(&g->body, value, 8);
        bytes_put_le(&g->body, interesting(g), 8);
    }
}

/* ---- NaNs -------------------------------------------------------------------------------------
 */

/* Whether the result's bits are left open when it is a NaN. Those that only move or change the sign
 * keep what was there, and what was there is canonical or not a number of this type. */
static bool may_be_nan(const struct row *row, unsigned result)
{
    static const char *const exact[] = {
        ".const",   ".load",   ".abs",  ".neg",   ".copysign", ".replace", ".splat",
        ".extract", ".eq",     ".lt",   ".gt",    ".le",       ".ge",      "pmin",
        "pmax",     "convert", "v128.", "i8x16.", "i16x8.",    "i32x4.",   "i64x2."};
    char letter = type_letters[result];
    if (letter == 'i' || letter == 'l')
        return false;
    for (size_t i = 0; i < sizeof(exact) / sizeof(exact[0]); i++) {
        if (strstr(row->name, exact[i]))
            return false;
    }
    return true;
}

static void put_canonical_vector(struct generator *g, bool wide)
{
    uint32_t spare = spare_local(type_of('v'));
    uint64_t nan = wide ? 0x7ff8000000000000 : 0x7fc000007fc00000;
    put_index(g, 0x22, spare);
    put_code(g, 0xFD0C);
    bytes_put_le(&g->body, nan, 8);
    bytes_put_le(&g->body, nan, 8);
    put_index(g, 0x20, spare);
    put_index(g, 0x20, spare);
    put_code(g, wide ? 0xFD47 : 0xFD41); /* eq */
    put_code(g, 0xFD52);                 /* bitselect */
}

/* Replaces a NaN on the stack by the canonical one. */
static void put_canonical(struct generator *g, const struct row *row, unsigned type)
{
    if (type_letters[type] == 'v') {
        put_canonical_vector(g, strncmp(row->name, "f64x2", 5) == 0);
        return;
    }
    bool wide = type_letters[type] == 'd';
    uint32_t spare = spare_local(type);
    put_index(g, 0x22, spare);
    put(g, wide ? 0x44 : 0x43);
    bytes_put_le(&g->body, wide ? 0x7ff8000000000000 : 0x7fc00000, wide ? 8 : 4);
    put_index(g, 0x20, spare);
    put_index(g, 0x20, spare);
    put(g, wide ? 0x61 : 0x5b); /* eq */
    put(g, 0x1b);               /* select */
}

/* ---- Instructions with a signature ------------------------------------------------------------
 */

/* Left out: relaxed SIMD, whose results differ, waiting, the size of memory (put elsewhere). */
static bool is_usable(const struct row *row)
{
    return row->signature && !(row->code >= 0xFE00 && row->code < 0xFF00) &&
           !(row->code >= 0xFF01 && row->code < 0xFF10) && row->code != 0x3F && row->code != 0x40;
}

/* The next usable row with that result ('>' for none), from a random place on. */
static const struct row *some_row(struct generator *g, char result)
{
    unsigned start = choose(g, ROW_COUNT);
    for (unsigned i = 0; i < ROW_COUNT; i++) {
        const struct row *row = &rows[(start + i) % ROW_COUNT];
        if (!is_usable(row))
            continue;
        const char *arrow = strchr(row->signature, '>');
        char found = arrow[1] ? arrow[1] : '>';
        if (found == result && arrow != row->signature)
            return row;
    }
    return NULL;
}

void put_address(struct generator *g, unsigned memory, int32_t value)
{
    put(g, g->wide[memory] ? 0x42 : 0x41);
    bytes_put_signed(&g->body, value);
}

/* An address, or a number of bytes, of which only the bits of the mask may be set. */
static void masked_address(struct generator *g, unsigned memory, int32_t mask)
{
    expression(g, type_of(g->wide[memory] ? 'l' : 'i'));
    put_address(g, memory, mask);
    put(g, g->wide[memory] ? 0x83 : 0x71); /* and */
}

/* Mostly inside of the memory, always aligned for an atomic access; often close to an earlier one,
 * which the spare local holds. */
static void address(struct generator *g, const struct row *row, unsigned memory)
{
    bool wide = g->wide[memory];
    uint32_t last = spare_local(type_of(wide ? 'l' : 'i'));
    if (choose(g, 3) == 0) {
        put_index(g, 0x20, last);
        put_address(g, memory, 16 * (int32_t)choose(g, 8) - (choose(g, 32) == 0 ? 64 : 0));
        put(g, wide ? 0x7c : 0x6a); /* add */
        return;
    }
    bool far = choose(g, 16) == 15, keep = choose(g, 2) && !g->keeps_locals;
    masked_address(g, memory, (far ? 0x1ffff : 0xfff) & -(keep ? 16 : 1 << row->argument));
    if (keep)
        put_index(g, 0x22, last);
}

static unsigned some_memory(struct generator *g)
{
    return g->memories > 1 ? choose(g, g->memories) : 0;
}

enum { MEMARG_HAS_MEMORY = 0x40 };

static void put_immediates(struct generator *g, const struct row *row, unsigned memory)
{
    switch (row->immediates) {
    case IMMEDIATES_MEMARG:
    case IMMEDIATES_MEMARG_LANE:
        bytes_put_unsigned(&g->body, row->argument | (memory ? MEMARG_HAS_MEMORY : 0u));
        if (memory)
            bytes_put_unsigned(&g->body, memory);
        bytes_put_unsigned(&g->body, (uint64_t)choose(g, 64) << row->argument);
        if (row->immediates == IMMEDIATES_MEMARG_LANE)
            put(g, (uint8_t)choose(g, 16u >> row->argument));
        break;
    case IMMEDIATES_LANE:
        put(g, (uint8_t)choose(g, row->argument));
        break;
    case IMMEDIATES_SHUFFLE:
        for (unsigned i = 0; i < 16; i++)
            put(g, (uint8_t)choose(g, 32));
        break;
    default:
        break;
    }
}

static void put_row(struct generator *g, const struct row *row)
{
    const char *operand = row->signature;
    unsigned memory = some_memory(g);
    for (; *operand != '>'; operand++) {
        if (*operand == 'p')
            address(g, row, memory);
        else
            expression(g, type_of(*operand));
    }
    put_code(g, row->code);
    put_immediates(g, row, memory);
    unsigned result = operand[1] ? type_of(operand[1]) : TYPES;
    if (result < TYPES && may_be_nan(row, result))
        put_canonical(g, row, result);
}

/* From the stack to a local. */
static void put_assignment(struct generator *g, unsigned type)
{
    if (g->keeps_locals)
        put(g, 0x1a); /* drop */
    else
        put_index(g, 0x21, some_local(g, type));
}

static bool may_trap(const struct row *row)
{
    return strstr(row->name, ".div_") || strstr(row->name, ".rem_") ||
           strstr(row->name, ".trunc_f");
}

void put_calm_assignment(struct generator *g, unsigned type)
{
    const struct row *row = some_row(g, type_letters[type]);
    for (int tries = 0; tries < 4 && may_trap(row); tries++)
        row = some_row(g, type_letters[type]);
    g->depth++;
    put_row(g, row);
    g->depth--;
    put_assignment(g, type);
}

/* A load, an operation and a store at an earlier address. */
static void put_update(struct generator *g)
{
    static const uint8_t operations[] = {0x6a, 0x6b, 0x71, 0x72, 0x73}; /* add sub and or xor */
    bool wide = choose(g, 2);
    uint32_t last = spare_local(type_of(g->wide[0] ? 'l' : 'i'));
    uint64_t offset = choose(g, 8);
    put_index(g, 0x20, last);
    put_index(g, 0x20, last);
    put(g, wide ? 0x29 : 0x28);
    put(g, 0);
    bytes_put_unsigned(&g->body, offset);
    expression(g, type_of(wide ? 'l' : 'i'));
    put(g, (uint8_t)(operations[choose(g, 5)] + (wide ? 0x12 : 0)));
    put(g, wide ? 0x37 : 0x36);
    put(g, 0);
    bytes_put_unsigned(&g->body, offset);
}

/* ---- Control ----------------------------------------------------------------------------------
 */

static uint8_t block_code(unsigned type)
{
    return type == TYPES ? 0x40 : type_codes[type];
}

bool push_label(struct generator *g, unsigned type)
{
    if (g->label_count == LABELS_MAX)
        return false;
    g->labels[g->label_count++] = type;
    return true;
}

void put_fuel_check(struct generator *g)
{
    put_index(g, 0x23, GLOBAL_FUEL);
    put(g, 0x45); /* eqz */
    put(g, 0x04);
    put(g, 0x40);
    put(g, 0x00); /* unreachable */
    put(g, 0x0b);
    put_index(g, 0x23, GLOBAL_FUEL);
    put_i32(g, 1);
    put(g, 0x6b);
    put_index(g, 0x24, GLOBAL_FUEL);
}

unsigned find_label(struct generator *g, unsigned type)
{
    if (g->label_count == 0)
        return UINT32_MAX;
    unsigned start = choose(g, g->label_count);
    for (unsigned i = 0; i < g->label_count; i++) {
        unsigned depth = (start + i) % g->label_count;
        if (g->labels[g->label_count - 1 - depth] == type)
            return depth;
    }
    return UINT32_MAX;
}

/* A block, a loop or an if that leaves a value of the type, or nothing. */
static void put_block(struct generator *g, unsigned type)
{
    unsigned kind = choose(g, 3); /* block, loop, if */
    if (kind == 2)
        expression(g, type_of('i'));
    if (!push_label(g, kind == 1 ? TYPES : type)) {
        if (kind == 2)
            put(g, 0x1a);
        if (type < TYPES)
            put_constant(g, type);
        return;
    }
    put(g, (uint8_t)(0x02 + kind));
    put(g, block_code(type));
    if (kind == 1)
        put_fuel_check(g);
    for (unsigned arm = 0; arm < (kind == 2 ? 2 : 1); arm++) {
        if (arm == 1)
            put(g, 0x05);
        statements(g);
        if (type < TYPES)
            expression(g, type);
    }
    g->label_count--;
    put(g, 0x0b);
}

static void put_arguments(struct generator *g);

/* return, or return_call of the function before with the same result. */
static void put_return(struct generator *g)
{
    if (g->func >= TYPES && choose(g, 2)) {
        put_arguments(g);
        put_index(g, 0x12, g->func - TYPES);
        return;
    }
    expression(g, g->result);
    put(g, 0x0f);
}

/* br, br_if or br_table, with a value if the label takes one. */
static void put_jump(struct generator *g, unsigned depth, unsigned type, unsigned how)
{
    if (type < TYPES)
        expression(g, type);
    if (how == 1) {
        expression(g, type_of('i'));
        put(g, 0x0e);
        bytes_put_unsigned(&g->body, 2);
        for (unsigned i = 0; i < 3; i++)
            bytes_put_unsigned(&g->body, depth);
    } else if (how == 2) {
        expression(g, type_of('i'));
        put_index(g, 0x0d, depth);
        if (type < TYPES)
            put(g, 0x1a); /* drop */
    } else {
        put_index(g, 0x0c, depth);
    }
}

/* `if (…) branch`: code behind it stays reachable. */
static void put_branch(struct generator *g)
{
    unsigned type = choose(g, TYPES + 1);
    expression(g, type_of('i'));
    put(g, 0x04);
    put(g, 0x40);
    if (!push_label(g, UINT32_MAX)) {
        put(g, 0x0b);
        return;
    }
    unsigned depth = find_label(g, type);
    unsigned how = choose(g, 4);
    if (how == 0 && type == g->result && type < TYPES)
        put_return(g);
    else if (depth != UINT32_MAX)
        put_jump(g, depth, type, how);
    g->label_count--;
    put(g, 0x0b);
}

/* ---- Calls ------------------------------------------------------------------------------------
 */

/* Function k of those that compute returns type k % TYPES; all take the same parameters. A function
 * calls those before it, through the table the first three. */
static void put_arguments(struct generator *g)
{
    for (unsigned i = 0; i < PARAMS; i++) {
        if (g->depth > 2)
            put_index(g, 0x20, some_local(g, i / 2));
        else
            expression(g, i / 2);
    }
}

bool put_call(struct generator *g, unsigned type)
{
    unsigned callee = type;
    if (type < FUNCS - TYPES && choose(g, 2))
        callee += TYPES;
    if (callee >= g->func)
        return false;
    put_arguments(g);
    bool indirect = callee < 3 && choose(g, 2);
    if (!indirect) {
        put_index(g, 0x10, callee);
        return true;
    }
    expression(g, type_of('i'));
    put_i32(g, TABLE_SIZE - 1);
    put(g, 0x71);
    put_index(g, 0x11, type); /* type k returns k */
    put(g, 0);
    return true;
}

/* ---- References, tables, memory ---------------------------------------------------------------
 */

static void table_index(struct generator *g)
{
    expression(g, type_of('i'));
    put_i32(g, TABLE_SIZE - 1);
    put(g, 0x71);
}

static void reference(struct generator *g)
{
    switch (choose(g, 4)) {
    case 1:
        put_index(g, 0xd2, choose(g, 3)); /* ref.func */
        break;
    case 2:
        put_index(g, 0x23, GLOBAL_REF);
        break;
    case 3:
        put_i32(g, (int32_t)choose(g, TABLE_SIZE));
        put_index(g, 0x25, 0); /* table.get */
        break;
    default:
        put(g, 0xd0);
        put(g, 0x70); /* ref.null func */
    }
}

/* An i32 that is none of the table's arithmetic. */
static void put_odd_i32(struct generator *g)
{
    unsigned memory = some_memory(g), which = choose(g, 5);
    switch (which) {
    case 1:
    case 2:
        if (which == 2)
            put_address(g, memory, (int32_t)choose(g, 2));
        put_index(g, which == 1 ? 0x3f : 0x40, memory); /* memory.size, memory.grow */
        if (g->wide[memory])
            put(g, 0xa7); /* i32.wrap_i64 */
        break;
    case 3:
        put_code(g, 0xFC10); /* table.size */
        put(g, 0);
        break;
    case 4:
        reference(g);
        put_i32(g, (int32_t)choose(g, 2));
        put_code(g, 0xFC0F); /* table.grow: it is at its maximum */
        put(g, 0);
        break;
    default:
        reference(g);
        put(g, 0xd1); /* ref.is_null */
    }
}

void small(struct generator *g, int32_t mask)
{
    expression(g, type_of('i'));
    put_i32(g, mask);
    put(g, 0x71);
}

static void put_memory_fill(struct generator *g)
{
    unsigned memory = some_memory(g);
    masked_address(g, memory, 0xffff);
    small(g, 0xff);
    masked_address(g, memory, 0x3ff);
    put_code(g, 0xFC0B);
    bytes_put_unsigned(&g->body, memory);
}

static void put_memory_copy(struct generator *g)
{
    unsigned to = some_memory(g), from = some_memory(g);
    masked_address(g, to, 0xfff);
    masked_address(g, from, 0xfff);
    masked_address(g, g->wide[to] ? from : to, 0x7ff); /* the narrower of both */
    put_code(g, 0xFC0A);
    bytes_put_unsigned(&g->body, to);
    bytes_put_unsigned(&g->body, from);
}

static void put_memory_init(struct generator *g)
{
    unsigned memory = some_memory(g);
    masked_address(g, memory, 0xfff);
    small(g, 15);
    small(g, 15);
    put_code(g, 0xFC08);
    bytes_put_unsigned(&g->body, 0);
    bytes_put_unsigned(&g->body, memory);
}

/* table.init or table.copy */
static void put_table_bulk(struct generator *g, uint16_t code)
{
    small(g, 7);
    small(g, code == 0xFC0C ? 3 : 7);
    small(g, 3);
    put_code(g, code);
    bytes_put(&g->body, "\x00\x00", 2);
}

/* memory and table instructions that take three numbers */
static void put_bulk(struct generator *g)
{
    switch (choose(g, 5)) {
    case 0:
        put_memory_fill(g);
        break;
    case 1:
        put_memory_copy(g);
        break;
    case 2:
        put_memory_init(g);
        break;
    case 3:
        put_table_bulk(g, 0xFC0C);
        break;
    default:
        put_table_bulk(g, 0xFC0E);
    }
}

static void put_table_statement(struct generator *g)
{
    switch (choose(g, 4)) {
    case 0:
        table_index(g);
        reference(g);
        put_index(g, 0x26, 0); /* table.set */
        break;
    case 1:
        reference(g);
        put_index(g, 0x24, GLOBAL_REF);
        break;
    case 2:
        table_index(g);
        reference(g);
        small(g, 3);
        put_code(g, 0xFC11); /* table.fill */
        put(g, 0);
        break;
    default:
        put_code(g, choose(g, 8) ? 0xFC0D : 0xFC09); /* elem.drop, data.drop */
        put(g, 0);
    }
}

/* ---- Exceptions -------------------------------------------------------------------------------
 */

/* A clause for the tag with arguments, and perhaps one for the rest; labels count from outside. */
static void put_clauses(struct generator *g)
{
    unsigned more = choose(g, 3);
    bytes_put_unsigned(&g->body, more ? 2 : 1);
    bytes_put(&g->body, "\x00", 1); /* catch */
    bytes_put_unsigned(&g->body, TAG_ALL);
    bytes_put_unsigned(&g->body, 0);
    if (more == 0)
        return;
    put(g, more == 1 ? 0x00 : 0x02); /* catch, catch_all */
    if (more == 1)
        bytes_put_unsigned(&g->body, TAG_EMPTY);
    bytes_put_unsigned(&g->body, 1);
}

/* Statements inside a try_table; what they throw, or its arguments, goes to locals. */
static void put_try(struct generator *g)
{
    if (g->label_count + 3 > LABELS_MAX)
        return;
    bool reference = choose(g, 3) == 0;
    put(g, 0x02);
    put(g, 0x40);
    g->labels[g->label_count++] = TYPES;
    put(g, 0x02);
    if (reference)
        put(g, 0x69); /* exnref */
    else
        bytes_put_signed(&g->body, FUNC_GIVES_ALL);
    g->labels[g->label_count++] = UINT32_MAX;
    put(g, 0x1f);
    put(g, 0x40);
    if (reference)
        bytes_put(&g->body, "\x01\x03\x00", 3); /* catch_all_ref */
    else
        put_clauses(g);
    g->labels[g->label_count++] = TYPES;
    statements(g);
    statements(g);
    put(g, 0x0b);
    put_index(g, 0x0c, 1);
    put(g, 0x0b);
    g->label_count -= 2;
    if (reference)
        put_index(g, 0x21, LOCAL_EXCEPTION);
    for (unsigned i = TYPES; i-- > 0 && !reference;)
        put_assignment(g, i);
    g->label_count--;
    put(g, 0x0b);
}

static void put_throw(struct generator *g)
{
    bool empty = choose(g, 2) == 0;
    expression(g, type_of('i'));
    put(g, 0x04);
    put(g, 0x40);
    if (push_label(g, UINT32_MAX)) {
        for (unsigned i = 0; i < TYPES && !empty; i++)
            expression(g, i);
        put_index(g, 0x08, empty ? TAG_EMPTY : TAG_ALL);
        g->label_count--;
    }
    put(g, 0x0b);
}

static void put_rethrow(struct generator *g)
{
    put_index(g, 0x20, LOCAL_EXCEPTION);
    put(g, 0xd1); /* ref.is_null */
    put(g, 0x45);
    put(g, 0x04);
    put(g, 0x40);
    put_index(g, 0x20, LOCAL_EXCEPTION);
    put(g, 0x0a); /* throw_ref */
    put(g, 0x0b);
}

/* ---- Expressions and statements ---------------------------------------------------------------
 */

static void simple_expression(struct generator *g, unsigned type)
{
    bool constant = g->crowd_count[type] ? choose(g, 12) == 11 : choose(g, 3) != 0;
    if (constant)
        put_constant(g, type);
    else
        put_index(g, 0x20, some_local(g, type));
}

static void compound_expression(struct generator *g, unsigned type)
{
    if (g->objects && choose(g, 3) == 2 && object_value(g, type))
        return;
    unsigned kind = choose(g, 16);
    if (kind == 0) {
        put_index(g, 0x23, type); /* the global of the type */
    } else if (kind == 1) {
        put_block(g, type);
    } else if (kind == 2) {
        expression(g, type);
        expression(g, type);
        expression(g, type_of('i'));
        put(g, 0x1b); /* select */
    } else if (kind == 3) {
        expression(g, type);
        if (!g->keeps_locals)
            put_index(g, 0x22, some_local(g, type)); /* tee */
    } else if (kind == 4 && put_call(g, type)) {
        return;
    } else if (kind == 5 && type_letters[type] == 'i') {
        put_odd_i32(g);
    } else {
        put_row(g, some_row(g, type_letters[type]));
    }
}

void expression(struct generator *g, unsigned type)
{
    if (is_tired(g) || choose(g, 4) == 0) {
        simple_expression(g, type);
        return;
    }
    g->depth++;
    compound_expression(g, type);
    g->depth--;
}

/* A statement that any module can have. */
static void plain_statement(struct generator *g)
{
    unsigned type = choose(g, TYPES);
    switch (choose(g, 10)) {
    case 0:
        expression(g, type);
        put_assignment(g, type);
        break;
    case 1:
        expression(g, type);
        put_index(g, 0x24, type);
        break;
    case 2:
        put_row(g, some_row(g, '>'));
        break;
    case 3:
        if (choose(g, 2))
            put_update(g);
        else
            put_row(g, some_row(g, '>'));
        break;
    case 4:
        put_block(g, TYPES);
        break;
    case 5:
        put_branch(g);
        break;
    case 6:
        put_bulk(g);
        break;
    case 7:
        put_table_statement(g);
        break;
    case 8:
        if (choose(g, 4) == 3)
            put_chain(g);
        break;
    default:
        expression(g, type);
        put(g, 0x1a); /* drop */
    }
}

static void exception_statement(struct generator *g)
{
    switch (choose(g, 4)) {
    case 0:
        put_throw(g);
        break;
    case 1:
        put_rethrow(g);
        break;
    default:
        put_try(g);
    }
}

static void statement(struct generator *g)
{
    if (g->exceptions && choose(g, 3) == 0)
        exception_statement(g);
    else if (g->objects && choose(g, 3) == 0)
        object_statement(g);
    else
        plain_statement(g);
}

void statements(struct generator *g)
{
    unsigned count = choose(g, 4);
    g->depth++;
    for (unsigned i = 0; i < count && !is_tired(g); i++)
        statement(g);
    g->depth--;
}
