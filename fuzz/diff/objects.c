/* SPDX-License-Identifier: Apache-2.0 */
/* Structures, arrays and i31 in generated programs. All references are eqref, cast where they are
 * used: mostly with another object at hand for those of the wrong type, else with a trap. */
#include "diff/generator.h"

enum {
    CODE_I8 = 0x78,
    CODE_I16 = 0x77,
    CODE_REF = 0x64,  /* and a heap type: without null */
    HEAP_I31 = -0x14, /* as a signed number: 0x6c */
    ELEMENTS = 4,     /* that each array has at least */
    FIELD_I32 = 0,
    FIELD_I64,
    FIELD_I8,
    FIELD_REF,
    BASE_FIELDS,
    FIELD_F64 = BASE_FIELDS, /* of OBJECT_MORE only */
    FIELD_V128,
};

/* ---- Types ------------------------------------------------------------------------------------
 */

static uint32_t type_index(const struct generator *g, enum object_type type)
{
    uint32_t functions = TYPES + 1 + (g->exceptions ? 2 : 0);
    return functions + type;
}

void put_object_types(const struct generator *g, struct bytes *content)
{
    static const uint8_t base[] = {0x7f, 1, 0x7e, 1, CODE_I8, 1, CODE_EQREF, 1};
    static const uint8_t more[] = {0x7c, 1, 0x7b, 1};
    static const uint8_t arrays[] = {0x5e, CODE_I16, 1, 0x5e, 0x7e, 1, 0x5e, CODE_EQREF, 1};
    bytes_put(content, "\x50\x00\x5f\x04", 4); /* open, below nothing: a structure of four fields */
    bytes_put(content, base, sizeof(base));
    bytes_put(content, "\x4f\x01", 2); /* final, below one type */
    bytes_put_unsigned(content, type_index(g, OBJECT_BASE));
    bytes_put(content, "\x5f\x06", 2);
    bytes_put(content, base, sizeof(base));
    bytes_put(content, more, sizeof(more));
    bytes_put(content, arrays, sizeof(arrays));
}

static void put_typed(struct generator *g, uint16_t code, enum object_type type)
{
    put_code(g, code);
    bytes_put_unsigned(&g->body, type_index(g, type));
}

static void put_field(struct generator *g, uint16_t code, enum object_type type, unsigned field)
{
    put_typed(g, code, type);
    bytes_put_unsigned(&g->body, field);
}

static uint32_t object_local(struct generator *g)
{
    return LOCAL_EXCEPTION + g->exceptions + choose(g, OBJECT_LOCALS);
}

/* ---- Casts ------------------------------------------------------------------------------------
 */

/* At least ELEMENTS, and less than 16. */
static void put_length(struct generator *g)
{
    small(g, 15);
    put_i32(g, ELEMENTS);
    put(g, 0x72); /* or */
}

static void put_struct(struct generator *g, enum object_type type)
{
    expression(g, type_of('i'));
    expression(g, type_of('l'));
    expression(g, type_of('i'));
    object(g);
    if (type == OBJECT_MORE) {
        expression(g, type_of('d'));
        expression(g, type_of('v'));
    }
    put_typed(g, 0xFB00, type); /* struct.new */
}

/* What an array of the type is made of. */
static void element(struct generator *g, enum object_type type)
{
    if (type == OBJECT_REFS)
        object(g);
    else
        expression(g, type_of(type == OBJECT_I16S ? 'i' : 'l'));
}

static void put_array(struct generator *g, enum object_type type)
{
    unsigned kind = choose(g, type == OBJECT_I16S ? 3 : 2);
    if (kind == 0) {
        element(g, type);
        put_length(g);
        put_typed(g, 0xFB06, type); /* array.new */
    } else if (kind == 1) {
        for (unsigned i = 0; i < ELEMENTS; i++)
            element(g, type);
        put_typed(g, 0xFB08, type); /* array.new_fixed */
        bytes_put_unsigned(&g->body, ELEMENTS);
    } else {
        small(g, 7);
        put_i32(g, ELEMENTS);
        put_typed(g, 0xFB09, type); /* array.new_data */
        bytes_put_unsigned(&g->body, 0);
    }
}

static void put_default(struct generator *g, enum object_type type)
{
    if (type > OBJECT_MORE)
        put_length(g);
    put_typed(g, type > OBJECT_MORE ? 0xFB07 : 0xFB01, type); /* array.new_default, struct. … */
}

static void put_new(struct generator *g, enum object_type type)
{
    g->depth++;
    if (is_tired(g) || choose(g, 8) == 0)
        put_default(g, type);
    else if (type > OBJECT_MORE)
        put_array(g, type);
    else
        put_struct(g, type);
    g->depth--;
}

/* Begins `block (result (ref heap)) object br_on_cast drop`: what leaves another one and ends the
 * block has to follow. False, and nothing, if there are too many labels. */
static bool begin_cast(struct generator *g, int64_t heap)
{
    if (!push_label(g, UINT32_MAX))
        return false;
    put(g, 0x02);
    put(g, CODE_REF);
    bytes_put_signed(&g->body, heap);
    object(g);
    bytes_put(&g->body, "\xfb\x18\x01\x00\x6d", 5); /* br_on_cast 0 eqref (ref …) */
    bytes_put_signed(&g->body, heap);
    put(g, 0x1a);
    return true;
}

static void end_cast(struct generator *g)
{
    g->label_count--;
    put(g, 0x0b);
}

/* An object of the type, without null: another one if what is there is none. */
static void put_cast_or_new(struct generator *g, enum object_type type)
{
    bool cast = begin_cast(g, type_index(g, type));
    put_new(g, type);
    if (cast)
        end_cast(g);
}

/* An object of the type; sometimes null, or a trap. */
static void object_as(struct generator *g, enum object_type type)
{
    unsigned kind = choose(g, 128);
    if (kind == 127) {
        object(g);
        put_code(g, 0xFB17); /* ref.cast null */
        bytes_put_signed(&g->body, type_index(g, type));
    } else if (kind % 2) {
        put_new(g, type);
    } else {
        put_cast_or_new(g, type);
    }
}

static void put_index_in_array(struct generator *g)
{
    small(g, choose(g, 128) ? ELEMENTS - 1 : 15);
}

/* ---- Objects ----------------------------------------------------------------------------------
 */

/* An object that another one holds. */
static void put_held(struct generator *g)
{
    if (choose(g, 2)) {
        object_as(g, OBJECT_BASE);
        put_field(g, 0xFB02, OBJECT_BASE, FIELD_REF);
    } else {
        object_as(g, OBJECT_REFS);
        put_index_in_array(g);
        put_typed(g, 0xFB0B, OBJECT_REFS);
    }
}

/* One of two, or the same by way of the host's references. */
static void put_same(struct generator *g)
{
    object(g);
    if (choose(g, 2)) {
        object(g);
        expression(g, type_of('i'));
        bytes_put(&g->body, "\x1c\x01\x6d", 3); /* select eqref */
    } else {
        put_code(g, 0xFB1B); /* extern.convert_any */
        put_code(g, 0xFB1A); /* any.convert_extern */
        put_code(g, 0xFB17); /* ref.cast null */
        put(g, CODE_EQREF);
    }
}

static void compound_object(struct generator *g)
{
    switch (choose(g, 6)) {
    case 0:
        expression(g, type_of('i'));
        put_code(g, 0xFB1C); /* ref.i31 */
        break;
    case 1:
        put_held(g);
        break;
    case 2:
        put_same(g);
        break;
    default:
        put_new(g, choose(g, OBJECT_TYPES));
    }
}

void object(struct generator *g)
{
    if (is_tired(g) || choose(g, 3) == 0) {
        unsigned kind = choose(g, 4);
        if (kind == 0)
            bytes_put(&g->body, "\xd0\x71", 2); /* ref.null none */
        else if (kind == 1)
            put_index(g, 0x23, GLOBAL_OBJECT);
        else
            put_index(g, 0x20, object_local(g));
        return;
    }
    g->depth++;
    compound_object(g);
    g->depth--;
}

/* ---- Values -----------------------------------------------------------------------------------
 */

static void put_i31_value(struct generator *g)
{
    bool cast = begin_cast(g, HEAP_I31);
    expression(g, type_of('i'));
    put_code(g, 0xFB1C); /* ref.i31 */
    if (cast)
        end_cast(g);
    put_code(g, choose(g, 2) ? 0xFB1D : 0xFB1E); /* i31.get_s, i31.get_u */
}

static void put_i32_value(struct generator *g)
{
    switch (choose(g, 7)) {
    case 0:
        object(g);
        put_code(g, choose(g, 2) ? 0xFB14 : 0xFB15); /* ref.test, ref.test null */
        bytes_put_signed(&g->body, type_index(g, choose(g, OBJECT_TYPES)));
        break;
    case 1:
        object(g);
        object(g);
        put(g, 0xd3); /* ref.eq */
        break;
    case 2:
        object_as(g, OBJECT_I16S + choose(g, OBJECT_TYPES - OBJECT_I16S));
        put_code(g, 0xFB0F); /* array.len */
        break;
    case 3:
        object_as(g, OBJECT_I16S);
        put_index_in_array(g);
        put_typed(g, choose(g, 2) ? 0xFB0C : 0xFB0D, OBJECT_I16S); /* array.get_s, array.get_u */
        break;
    case 4:
        object_as(g, OBJECT_BASE);
        put_field(g, choose(g, 2) ? 0xFB03 : 0xFB04, OBJECT_BASE, FIELD_I8);
        break;
    case 5:
        put_i31_value(g);
        break;
    default:
        object_as(g, OBJECT_MORE);
        put_field(g, 0xFB02, OBJECT_MORE, FIELD_I32);
    }
}

bool object_value(struct generator *g, unsigned type)
{
    switch (type_letters[type]) {
    case 'i':
        put_i32_value(g);
        return true;
    case 'l':
        if (choose(g, 2)) {
            object_as(g, OBJECT_BASE);
            put_field(g, 0xFB02, OBJECT_BASE, FIELD_I64);
        } else {
            object_as(g, OBJECT_I64S);
            put_index_in_array(g);
            put_typed(g, 0xFB0B, OBJECT_I64S); /* array.get */
        }
        return true;
    case 'd':
    case 'v':
        object_as(g, OBJECT_MORE);
        put_field(g, 0xFB02, OBJECT_MORE, type_letters[type] == 'd' ? FIELD_F64 : FIELD_V128);
        return true;
    default:
        return false;
    }
}

/* ---- Statements -------------------------------------------------------------------------------
 */

static void put_struct_set(struct generator *g)
{
    static const char letters[] = {[FIELD_I32] = 'i', [FIELD_I64] = 'l',  [FIELD_I8] = 'i',
                                   [FIELD_F64] = 'd', [FIELD_V128] = 'v', [FIELD_REF] = 0};
    unsigned field = choose(g, FIELD_V128 + 1);
    enum object_type type = field < BASE_FIELDS ? OBJECT_BASE : OBJECT_MORE;
    object_as(g, type);
    if (field == FIELD_REF)
        object(g);
    else
        expression(g, type_of(letters[field]));
    put_field(g, 0xFB05, type, field);
}

static void put_array_statement(struct generator *g)
{
    enum object_type type = OBJECT_I16S + choose(g, OBJECT_TYPES - OBJECT_I16S);
    object_as(g, type);
    unsigned kind = choose(g, 4);
    if (kind < 2) {
        put_index_in_array(g);
        element(g, type);
        put_typed(g, 0xFB0E, type); /* array.set */
    } else if (kind == 2) {
        small(g, 1);
        element(g, type);
        small(g, 3);
        put_typed(g, 0xFB10, type); /* array.fill */
    } else {
        small(g, 1);
        object_as(g, type);
        small(g, 1);
        small(g, 3);
        put_typed(g, 0xFB11, type); /* array.copy */
        bytes_put_unsigned(&g->body, type_index(g, type));
    }
}

static void put_array_init(struct generator *g)
{
    object_as(g, OBJECT_I16S);
    small(g, 1);
    small(g, 7);
    small(g, 3);
    put_typed(g, 0xFB12, OBJECT_I16S); /* array.init_data */
    bytes_put_unsigned(&g->body, 0);
}

/* Statements for an object that is not null. */
static void put_unless_null(struct generator *g)
{
    if (!push_label(g, TYPES))
        return;
    bytes_put(&g->body, "\x02\x40", 2);
    object(g);
    bytes_put(&g->body, "\xd5\x00", 2); /* br_on_null 0 */
    put_index(g, 0x21, object_local(g));
    statements(g);
    g->label_count--;
    put(g, 0x0b);
}

void object_statement(struct generator *g)
{
    switch (choose(g, 7)) {
    case 0:
    case 1:
        object(g);
        put_index(g, 0x21, object_local(g));
        break;
    case 2:
        object(g);
        put_index(g, 0x24, GLOBAL_OBJECT);
        break;
    case 3:
        put_array_statement(g);
        break;
    case 4:
        put_array_init(g);
        break;
    case 5:
        put_unless_null(g);
        break;
    default:
        put_struct_set(g);
    }
}

/* ---- The end ----------------------------------------------------------------------------------
 */

void put_object_finish(struct generator *g)
{
    for (int32_t type = 0; type < OBJECT_TYPES; type++) {
        put_address(g, 0, 32 + type);
        put_index(g, 0x23, GLOBAL_OBJECT);
        put_code(g, 0xFB14); /* ref.test */
        bytes_put_signed(&g->body, type_index(g, (enum object_type)type));
        bytes_put(&g->body, "\x3a\x00\x00", 3); /* i32.store8 */
    }
}
