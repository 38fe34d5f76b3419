/* SPDX-License-Identifier: Apache-2.0 */
/* The type section (core spec section 5.5.4): recursion groups on their way into the registry. */
#include "wick/decode.h"

#include "wick/opcode.h"
#include "wick/runtime.h"

#include <errno.h>
#include <stdlib.h>

static uint32_t *read_type_list(struct reader *reader, const struct module *module, uint32_t limit,
                                const char *what, uint32_t *count)
{
    *count = reader_count(reader, limit, what);
    uint32_t *types = decode_grow(reader, NULL, 0, *count + 1, sizeof(*types));
    for (uint32_t i = 0; types && i < *count && reader_ok(reader); i++)
        types[i] = read_value_type(reader, module);
    return types;
}

static bool read_mutability(struct reader *reader)
{
    const uint8_t *place = reader->next;
    uint8_t mutability = reader_u8(reader);
    if (mutability > 1)
        reader_fail(reader, WICK_MALFORMED, place, "malformed mutability 0x%02x", mutability);
    return mutability == 1;
}

static void read_fields(struct reader *reader, const struct module *module, uint32_t count,
                        struct deftype_desc *desc)
{
    struct field *fields = decode_grow(reader, NULL, 0, count + 1, sizeof(*fields));
    desc->fields = fields;
    for (uint32_t i = 0; fields && i < count && reader_ok(reader); i++) {
        fields[i].type = read_storage_type(reader, module);
        fields[i].is_mutable = read_mutability(reader);
        desc->field_count = i + 1;
    }
}

/* A function, struct or array type whose first byte was read. */
static void read_composite(struct reader *reader, const struct module *module, uint8_t form,
                           const uint8_t *place, struct deftype_desc *desc)
{
    switch (form) {
    case 0x60:
        desc->kind = DEF_FUNC;
        desc->params =
            read_type_list(reader, module, FUNC_PARAMS_MAX, "parameters", &desc->param_count);
        desc->results =
            read_type_list(reader, module, FUNC_RESULTS_MAX, "results", &desc->result_count);
        break;
    case 0x5f:
        desc->kind = DEF_STRUCT;
        read_fields(reader, module, reader_count(reader, TYPE_FIELDS_MAX, "fields"), desc);
        break;
    case 0x5e:
        desc->kind = DEF_ARRAY;
        read_fields(reader, module, 1, desc);
        break;
    default:
        if (form & 0x80)
            reader_fail(reader, WICK_MALFORMED, place, "integer representation too long");
        else
            reader_fail(reader, WICK_MALFORMED, place, "malformed definition type 0x%02x", form);
    }
}

/* At most one supertype, which is declared before the type of index `self`. */
static void read_super(struct reader *reader, const struct module *module, uint32_t self,
                       struct deftype_desc *desc)
{
    const uint8_t *place = reader->next;
    uint32_t count = reader_u32(reader);
    if (count > 1) {
        reader_fail(reader, WICK_INVALID, place, "sub type with more than one super type");
        return;
    }
    if (count == 0)
        return;
    uint32_t index = reader_u32(reader);
    if (!reader_ok(reader))
        return;
    if (index >= self)
        reader_fail(reader, WICK_INVALID, place, "unknown type %u", index);
    else if (index >= module->group_start)
        desc->super = HEAP_MEMBER + (index - module->group_start);
    else
        desc->super = deftype_heap(module->types[index]);
}

/* A composite type, or with 0x50 (open) or 0x4F (final) one that says what it is below. */
static void read_subtype(struct reader *reader, const struct module *module, uint32_t self,
                         struct deftype_desc *desc)
{
    const uint8_t *place = reader->next;
    uint8_t form = reader_u8(reader);
    desc->is_final = form != 0x50;
    desc->super = HEAP_BOTTOM;
    if (form == 0x50 || form == 0x4f) {
        read_super(reader, module, self, desc);
        place = reader->next;
        form = reader_u8(reader);
    }
    if (reader_ok(reader))
        read_composite(reader, module, form, place, desc);
}

static void add_group(struct reader *reader, struct module *module,
                      const struct deftype_desc *descs, uint32_t count)
{
    const struct deftype **grown =
        decode_grow(reader, module->types, module->type_count, count, sizeof(*grown));
    if (!grown)
        return;
    module->types = grown;
    const struct deftype **types = grown + module->type_count;
    struct type_registry *registry = &module->engine->types;
    int error = type_registry_add(registry, descs, count, types);
    if (error == -ELOOP)
        reader_fail(reader, WICK_LIMIT, reader->next, "sub types nest deeper than %d",
                    TYPE_DEPTH_MAX);
    else if (error)
        reader_fail(reader, WICK_NO_MEMORY, reader->next, "out of memory or of type numbers");
    for (uint32_t i = 0; i < count && !error; i++) {
        if (!deftype_is_valid(registry, types[i]))
            reader_fail(reader, WICK_INVALID, reader->next,
                        "sub type %u does not match its super type", module->type_count + i);
    }
    if (!error)
        module->type_count += count;
}

/* A recursion group: 0x4E and its members, or one type alone. */
static void read_type_group(struct reader *reader, struct module *module)
{
    uint32_t count = 1;
    if (reader_left(reader) && *reader->next == 0x4e) {
        reader_u8(reader);
        count = reader_count(reader, MODULE_TYPES_MAX - module->type_count, "types");
    }
    struct deftype_desc *descs = calloc((size_t)count + 1, sizeof(*descs));
    if (!descs) {
        reader_fail(reader, WICK_NO_MEMORY, reader->next, "out of memory");
        return;
    }
    module->group_start = module->type_count;
    module->group_end = module->type_count + count;
    for (uint32_t i = 0; i < count && reader_ok(reader); i++)
        read_subtype(reader, module, module->group_start + i, &descs[i]);
    module->group_start = module->group_end = 0;
    if (reader_ok(reader) && count)
        add_group(reader, module, descs, count);
    for (uint32_t i = 0; i < count; i++) {
        free((void *)descs[i].params);
        free((void *)descs[i].results);
        free((void *)descs[i].fields);
    }
    free(descs);
}

void decode_types(struct reader *reader, struct module *module)
{
    uint32_t count = reader_count(reader, MODULE_TYPES_MAX, "types");
    for (uint32_t i = 0; i < count && reader_ok(reader); i++)
        read_type_group(reader, module);
}
