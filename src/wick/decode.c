/* SPDX-License-Identifier: Apache-2.0 */
/* The sections of a module (core spec section 5.5). Order and counts are checked here, function
 * bodies in validate.c. */
#include "wick/decode.h"

#include "wick/opcode.h"
#include "wick/runtime.h"
#include "wick/validate.h"

#include <stdlib.h>
#include <string.h>

static void read_custom(struct reader *reader, struct module *module)
{
    struct span name = reader_name(reader);
    struct span bytes = reader_bytes(reader, reader_left(reader));
    if (!reader_ok(reader))
        return;
    struct custom *grown =
        decode_grow(reader, module->customs, module->custom_count, 1, sizeof(*grown));
    if (!grown)
        return;
    module->customs = grown;
    module->customs[module->custom_count++] = (struct custom){name, bytes};
}

/* The room of an array of `count` elements: the next power of two. */
static size_t capacity(size_t count)
{
    size_t room = 1;
    while (room < count)
        room *= 2;
    return room;
}

void *decode_grow(struct reader *reader, void *array, uint32_t count, uint32_t more, size_t size)
{
    size_t room = capacity((size_t)count + more);
    if (array && capacity(count) == room)
        return array;
    void *grown = realloc(array, room * size);
    if (!grown)
        reader_fail(reader, WICK_NO_MEMORY, reader->next, "out of memory");
    return grown;
}

/* ---- Tables, memories, globals ----------------------------------------------------------------
 */

static void read_limits(struct reader *reader, struct limits *limits, bool may_share)
{
    const uint8_t *place = reader->next;
    uint8_t flags = reader_u8(reader);
    if (flags > 7 || ((flags & 2) && !may_share)) {
        reader_fail(reader, WICK_MALFORMED, place, "malformed limits flags 0x%02x", flags);
        return;
    }
    limits->has_max = flags & 1;
    limits->shared = flags & 2;
    limits->index64 = flags & 4;
    limits->min = reader_u64(reader);
    if (limits->has_max)
        limits->max = reader_u64(reader);
    if (reader_ok(reader) && limits->has_max && limits->min > limits->max)
        reader_fail(reader, WICK_INVALID, place, "size minimum must not be greater than maximum");
}

static void read_memory_type(struct reader *reader, struct memory_type *type)
{
    const uint8_t *place = reader->next;
    read_limits(reader, &type->limits, true);
    if (reader_ok(reader) && type->limits.shared && !type->limits.has_max)
        reader_fail(reader, WICK_INVALID, place, "shared memory must have maximum");
    uint64_t most = type->limits.index64 ? (uint64_t)1 << 48 : (uint64_t)1 << 16;
    if (!reader_ok(reader))
        return;
    if (type->limits.min > most || (type->limits.has_max && type->limits.max > most))
        reader_fail(reader, WICK_INVALID, place, "memory size must be at most %llu pages%s",
                    (unsigned long long)most, type->limits.index64 ? "" : " (4GiB)");
}

static void read_table_type(struct reader *reader, const struct module *module,
                            struct table_type *type)
{
    type->type = read_ref_type(reader, module);
    const uint8_t *place = reader->next;
    read_limits(reader, &type->limits, false);
    if (reader_ok(reader) && !type->limits.index64 &&
        (type->limits.min > UINT32_MAX || (type->limits.has_max && type->limits.max > UINT32_MAX)))
        reader_fail(reader, WICK_INVALID, place, "table size must be at most 2^32 - 1");
}

static void read_global_type(struct reader *reader, const struct module *module,
                             struct global_type *type)
{
    type->type = read_value_type(reader, module);
    const uint8_t *place = reader->next;
    uint8_t mutability = reader_u8(reader);
    if (mutability > 1)
        reader_fail(reader, WICK_MALFORMED, place, "malformed mutability 0x%02x", mutability);
    type->is_mutable = mutability == 1;
}

/* 0x40 0x00 begins a table with an initialiser; otherwise elements start as null. */
static void read_table(struct reader *reader, struct module *module, struct table_decl *table)
{
    const uint8_t *place = reader->next;
    bool has_init = reader_left(reader) && *reader->next == 0x40;
    if (has_init) {
        reader_u8(reader);
        if (reader_u8(reader) != 0)
            reader_fail(reader, WICK_MALFORMED, place, "malformed table");
    }
    read_table_type(reader, module, &table->type);
    if (has_init && reader_ok(reader))
        table->init = validate_constant(reader, module, table->type.type, module->global_count);
    else if (reader_ok(reader) && !type_is_nullable(table->type.type))
        reader_fail(reader, WICK_INVALID, place,
                    "type mismatch: a table of non-null references "
                    "needs an initial value");
}

static void read_tables(struct reader *reader, struct module *module)
{
    uint32_t count = reader_count(reader, MODULE_TABLES_MAX, "tables");
    struct table_decl *grown =
        decode_grow(reader, module->tables, module->table_count, count + 1, sizeof(*grown));
    if (!grown)
        return;
    module->tables = grown;
    for (uint32_t i = 0; i < count && reader_ok(reader); i++) {
        struct table_decl table = {0};
        read_table(reader, module, &table);
        module->tables[module->table_count++] = table;
    }
}

static void read_memories(struct reader *reader, struct module *module)
{
    uint32_t count = reader_count(reader, MODULE_MEMORIES_MAX, "memories");
    struct memory_type *grown =
        decode_grow(reader, module->memories, module->memory_count, count + 1, sizeof(*grown));
    if (!grown)
        return;
    module->memories = grown;
    for (uint32_t i = 0; i < count && reader_ok(reader); i++) {
        struct memory_type memory = {0};
        read_memory_type(reader, &memory);
        module->memories[module->memory_count++] = memory;
    }
}

static void read_globals(struct reader *reader, struct module *module)
{
    uint32_t count = reader_count(reader, MODULE_GLOBALS_MAX, "globals");
    struct global_decl *grown =
        decode_grow(reader, module->globals, module->global_count, count + 1, sizeof(*grown));
    if (!grown)
        return;
    module->globals = grown;
    for (uint32_t i = 0; i < count && reader_ok(reader); i++) {
        struct global_decl global = {0};
        read_global_type(reader, module, &global.type);
        if (reader_ok(reader))
            global.init = validate_constant(reader, module, global.type.type, module->global_count);
        module->globals[module->global_count++] = global;
    }
}

/* ---- Imports, functions, exports, start -------------------------------------------------------
 */

/* The index of a function type. */
static const struct functype *read_type_index(struct reader *reader, const struct module *module)
{
    const uint8_t *place = reader->next;
    uint32_t index = reader_u32(reader);
    if (!reader_ok(reader))
        return NULL;
    if (index < module->type_count && module->types[index]->kind == DEF_FUNC)
        return module_functype(module, index);
    if (index < module->type_count)
        reader_fail(reader, WICK_INVALID, place, "type mismatch: type %u is not a function", index);
    else
        reader_fail(reader, WICK_INVALID, place, "unknown type %u", index);
    return NULL;
}

static void read_tag(struct reader *reader, const struct module *module, struct tag_decl *tag)
{
    const uint8_t *place = reader->next;
    if (reader_u8(reader) != 0) {
        reader_fail(reader, WICK_MALFORMED, place, "malformed tag attribute");
        return;
    }
    tag->type = read_type_index(reader, module);
    if (tag->type && tag->type->result_count)
        reader_fail(reader, WICK_INVALID, place, "non-empty tag result type");
}

static struct tag_decl *grow_tags(struct reader *reader, struct module *module, uint32_t more)
{
    struct tag_decl *grown =
        decode_grow(reader, module->tags, module->tag_count, more, sizeof(*grown));
    if (!grown)
        return NULL;
    module->tags = grown;
    memset(&grown[module->tag_count], 0, more * sizeof(*grown));
    return &grown[module->tag_count];
}

static void read_tags(struct reader *reader, struct module *module)
{
    uint32_t count = reader_count(reader, MODULE_TAGS_MAX, "tags");
    struct tag_decl *tags = grow_tags(reader, module, count + 1);
    for (uint32_t i = 0; tags && i < count && reader_ok(reader); i++) {
        read_tag(reader, module, &tags[i]);
        module->tag_count++;
    }
}

static void import_tag(struct reader *reader, struct module *module)
{
    struct tag_decl *tag = grow_tags(reader, module, 1);
    if (!tag)
        return;
    read_tag(reader, module, tag);
    module->imported_tags = ++module->tag_count;
}

static void import_func(struct reader *reader, struct module *module)
{
    struct func_decl *grown =
        decode_grow(reader, module->funcs, module->func_count, 1, sizeof(*grown));
    if (!grown)
        return;
    module->funcs = grown;
    memset(&grown[module->func_count], 0, sizeof(*grown));
    grown[module->func_count].type = read_type_index(reader, module);
    module->imported_funcs = ++module->func_count;
}

static void import_table(struct reader *reader, struct module *module)
{
    struct table_decl *grown =
        decode_grow(reader, module->tables, module->table_count, 1, sizeof(*grown));
    if (!grown)
        return;
    module->tables = grown;
    memset(&grown[module->table_count], 0, sizeof(*grown));
    read_table_type(reader, module, &grown[module->table_count].type);
    module->imported_tables = ++module->table_count;
}

static void import_memory(struct reader *reader, struct module *module)
{
    struct memory_type *grown =
        decode_grow(reader, module->memories, module->memory_count, 1, sizeof(*grown));
    if (!grown)
        return;
    module->memories = grown;
    memset(&grown[module->memory_count], 0, sizeof(*grown));
    read_memory_type(reader, &grown[module->memory_count]);
    module->imported_memories = ++module->memory_count;
}

static void import_global(struct reader *reader, struct module *module)
{
    struct global_decl *grown =
        decode_grow(reader, module->globals, module->global_count, 1, sizeof(*grown));
    if (!grown)
        return;
    module->globals = grown;
    memset(&grown[module->global_count], 0, sizeof(*grown));
    read_global_type(reader, module, &grown[module->global_count].type);
    module->imported_globals = ++module->global_count;
}

static void read_import(struct reader *reader, struct module *module, struct import_decl *import)
{
    import->module = reader_name(reader);
    import->name = reader_name(reader);
    const uint8_t *place = reader->next;
    uint8_t kind = reader_u8(reader);
    if (!reader_ok(reader))
        return;
    switch (kind) {
    case 0:
        *import = (struct import_decl){import->module, import->name, WASM_EXTERN_FUNC,
                                       module->func_count};
        import_func(reader, module);
        break;
    case 1:
        import->kind = WASM_EXTERN_TABLE;
        import->index = module->table_count;
        import_table(reader, module);
        break;
    case 2:
        import->kind = WASM_EXTERN_MEMORY;
        import->index = module->memory_count;
        import_memory(reader, module);
        break;
    case 3:
        import->kind = WASM_EXTERN_GLOBAL;
        import->index = module->global_count;
        import_global(reader, module);
        break;
    case 4:
        import->kind = WICK_EXTERN_TAG;
        import->index = module->tag_count;
        import_tag(reader, module);
        break;
    default:
        reader_fail(reader, WICK_MALFORMED, place, "malformed import kind 0x%02x", kind);
    }
}

static void read_imports(struct reader *reader, struct module *module)
{
    uint32_t count = reader_count(reader, MODULE_IMPORTS_MAX, "imports");
    module->imports = calloc((size_t)count + 1, sizeof(*module->imports));
    if (!module->imports) {
        reader_fail(reader, WICK_NO_MEMORY, reader->next, "out of memory");
        return;
    }
    for (uint32_t i = 0; i < count && reader_ok(reader); i++) {
        read_import(reader, module, &module->imports[i]);
        module->import_count = i + 1;
    }
    if (module->memory_count > MODULE_MEMORIES_MAX)
        reader_fail(reader, WICK_LIMIT, reader->next, "too many memories");
}

static void read_funcs(struct reader *reader, struct module *module)
{
    uint32_t count = reader_count(reader, MODULE_FUNCS_MAX, "functions");
    struct func_decl *grown =
        decode_grow(reader, module->funcs, module->func_count, count + 1, sizeof(*grown));
    if (!grown)
        return;
    module->funcs = grown;
    memset(&grown[module->func_count], 0, ((size_t)count + 1) * sizeof(*grown));
    for (uint32_t i = 0; i < count && reader_ok(reader); i++)
        module->funcs[module->func_count++].type = read_type_index(reader, module);
}

void decode_declare_func(struct module *module, uint32_t index)
{
    if (module->declared_funcs && index < module->func_count)
        module->declared_funcs[index / 8] |= (uint8_t)(1 << index % 8);
}

static void read_export(struct reader *reader, struct module *module, struct export_decl *export)
{
    export->name = reader_name(reader);
    const uint8_t *place = reader->next;
    uint8_t kind = reader_u8(reader);
    export->index = reader_u32(reader);
    if (!reader_ok(reader))
        return;
    static const char *const names[] = {"function", "table", "memory", "global", "tag"};
    static const wasm_externkind_t kinds[] = {WASM_EXTERN_FUNC, WASM_EXTERN_TABLE,
                                              WASM_EXTERN_MEMORY, WASM_EXTERN_GLOBAL,
                                              WICK_EXTERN_TAG};
    const uint32_t counts[] = {module->func_count, module->table_count, module->memory_count,
                               module->global_count, module->tag_count};
    if (kind > 4) {
        reader_fail(reader, WICK_MALFORMED, place, "malformed export kind 0x%02x", kind);
        return;
    }
    export->kind = kinds[kind];
    if (export->index >= counts[kind])
        reader_fail(reader, WICK_INVALID, place, "unknown %s %u", names[kind], export->index);
    else if (kind == 0)
        decode_declare_func(module, export->index);
}

static int compare_exports(const void *a, const void *b, void *exports)
{
    const struct export_decl *table = exports;
    return span_compare(table[*(const uint32_t *)a].name, table[*(const uint32_t *)b].name);
}

static void sort_exports(struct reader *reader, struct module *module)
{
    uint32_t *order = malloc(((size_t)module->export_count + 1) * sizeof(*order));
    module->export_order = order;
    if (!order) {
        reader_fail(reader, WICK_NO_MEMORY, reader->next, "out of memory");
        return;
    }
    for (uint32_t i = 0; i < module->export_count; i++)
        order[i] = i;
    qsort_r(order, module->export_count, sizeof(*order), compare_exports, module->exports);
    for (uint32_t i = 1; i < module->export_count; i++) {
        struct span name = module->exports[order[i]].name;
        if (span_compare(module->exports[order[i - 1]].name, name) == 0) {
            reader_fail(reader, WICK_INVALID, name.data, "duplicate export name \"%.*s\"",
                        name.size < 80 ? (int)name.size : 80, (const char *)name.data);
            return;
        }
    }
}

static void read_exports(struct reader *reader, struct module *module)
{
    uint32_t count = reader_count(reader, MODULE_EXPORTS_MAX, "exports");
    module->exports = calloc((size_t)count + 1, sizeof(*module->exports));
    if (!module->exports) {
        reader_fail(reader, WICK_NO_MEMORY, reader->next, "out of memory");
        return;
    }
    for (uint32_t i = 0; i < count && reader_ok(reader); i++) {
        read_export(reader, module, &module->exports[i]);
        module->export_count = i + 1;
    }
    if (reader_ok(reader))
        sort_exports(reader, module);
}

static void read_start(struct reader *reader, struct module *module)
{
    const uint8_t *place = reader->next;
    module->has_start = true;
    module->start = reader_u32(reader);
    if (!reader_ok(reader))
        return;
    if (module->start >= module->func_count) {
        reader_fail(reader, WICK_INVALID, place, "unknown function %u", module->start);
        return;
    }
    const struct functype *type = module->funcs[module->start].type;
    if (type->param_count || type->result_count)
        reader_fail(reader, WICK_INVALID, place,
                    "start function must not have parameters or results");
}

/* ---- Segments ---------------------------------------------------------------------------------
 */

static uint32_t address_type(bool index64)
{
    return index64 ? TYPE_I64 : TYPE_I32;
}

static void read_elem_items(struct reader *reader, struct module *module, struct elem_decl *elem)
{
    elem->count = reader_count(reader, MODULE_ELEM_ITEMS_MAX, "elements");
    const uint8_t *start = reader->next;
    for (uint32_t i = 0; i < elem->count && reader_ok(reader); i++) {
        if (elem->expressions) {
            validate_constant(reader, module, elem->type, module->global_count);
            continue;
        }
        const uint8_t *place = reader->next;
        uint32_t index = reader_u32(reader);
        if (reader_ok(reader) && index >= module->func_count)
            reader_fail(reader, WICK_INVALID, place, "unknown function %u", index);
        decode_declare_func(module, index);
    }
    elem->items = span_of(start, (size_t)(reader->next - start));
}

/* An element kind (only 0: functions) or a reference type. */
static void read_elem_type(struct reader *reader, struct module *module, struct elem_decl *elem)
{
    if (elem->expressions) {
        elem->type = read_ref_type(reader, module);
        return;
    }
    const uint8_t *place = reader->next;
    uint8_t kind = reader_u8(reader);
    if (kind != 0)
        reader_fail(reader, WICK_MALFORMED, place, "malformed element kind 0x%02x", kind);
}

/* Bit 0: passive or declarative; bit 1: explicit table, or declarative; bit 2: expressions. */
static void read_elem(struct reader *reader, struct module *module, struct elem_decl *elem)
{
    const uint8_t *place = reader->next;
    uint32_t flags = reader_u32(reader);
    if (flags > 7) {
        reader_fail(reader, WICK_MALFORMED, place, "malformed elements segment kind");
        return;
    }
    elem->mode = !(flags & 1)  ? SEGMENT_ACTIVE
                 : (flags & 2) ? SEGMENT_DECLARATIVE
                               : SEGMENT_PASSIVE;
    elem->expressions = flags & 4;
    elem->type = elem->expressions ? TYPE_FUNCREF : type_ref(HEAP_FUNC, false);
    if (elem->mode == SEGMENT_ACTIVE) {
        elem->table = flags & 2 ? reader_u32(reader) : 0;
        if (!reader_ok(reader))
            return;
        if (elem->table >= module->table_count) {
            reader_fail(reader, WICK_INVALID, place, "unknown table %u", elem->table);
            return;
        }
        elem->offset = validate_constant(
            reader, module, address_type(module->tables[elem->table].type.limits.index64),
            module->global_count);
    }
    if (flags & 3)
        read_elem_type(reader, module, elem);
    if (reader_ok(reader))
        read_elem_items(reader, module, elem);
    if (reader_ok(reader) && elem->mode == SEGMENT_ACTIVE &&
        !type_matches(&module->engine->types, elem->type, module->tables[elem->table].type.type))
        reader_fail(reader, WICK_INVALID, place, "type mismatch: element segment and table");
}

static void read_elems(struct reader *reader, struct module *module)
{
    uint32_t count = reader_count(reader, MODULE_ELEMS_MAX, "element segments");
    module->elems = calloc((size_t)count + 1, sizeof(*module->elems));
    if (!module->elems) {
        reader_fail(reader, WICK_NO_MEMORY, reader->next, "out of memory");
        return;
    }
    for (uint32_t i = 0; i < count && reader_ok(reader); i++) {
        read_elem(reader, module, &module->elems[i]);
        module->elem_count = i + 1;
    }
}

static void read_data_count(struct reader *reader, struct module *module)
{
    module->declared_data_count = reader_u32(reader);
    module->has_data_count = true;
}

static void read_data(struct reader *reader, struct module *module, struct data_decl *data)
{
    const uint8_t *place = reader->next;
    uint32_t flags = reader_u32(reader);
    if (flags > 2) {
        reader_fail(reader, WICK_MALFORMED, place, "malformed data segment kind");
        return;
    }
    data->mode = flags == 1 ? SEGMENT_PASSIVE : SEGMENT_ACTIVE;
    if (data->mode == SEGMENT_ACTIVE) {
        data->memory = flags == 2 ? reader_u32(reader) : 0;
        if (!reader_ok(reader))
            return;
        if (data->memory >= module->memory_count) {
            reader_fail(reader, WICK_INVALID, place, "unknown memory %u", data->memory);
            return;
        }
        data->offset = validate_constant(
            reader, module, address_type(module->memories[data->memory].limits.index64),
            module->global_count);
    }
    uint32_t size = reader_u32(reader);
    if (size > reader_left(reader))
        reader_fail(reader, WICK_MALFORMED, reader->end, "unexpected end of section or function");
    data->bytes = reader_bytes(reader, size);
}

static void read_datas(struct reader *reader, struct module *module)
{
    uint32_t count = reader_count(reader, MODULE_DATAS_MAX, "data segments");
    if (module->has_data_count && count != module->declared_data_count) {
        reader_fail(reader, WICK_MALFORMED, reader->next,
                    "data count and data section have inconsistent lengths");
        return;
    }
    module->datas = calloc((size_t)count + 1, sizeof(*module->datas));
    if (!module->datas) {
        reader_fail(reader, WICK_NO_MEMORY, reader->next, "out of memory");
        return;
    }
    for (uint32_t i = 0; i < count && reader_ok(reader); i++) {
        read_data(reader, module, &module->datas[i]);
        module->data_count = i + 1;
    }
}

/* Everything that a body can refer to is known by now, the number of data segments from the data
 * count section. That there are as many bodies as functions is checked at the end. */
static void read_code(struct reader *reader, struct module *module)
{
    const uint8_t *place = reader->next;
    uint32_t count = reader_count(reader, MODULE_FUNCS_MAX, "functions");
    if (count > module->func_count - module->imported_funcs) {
        reader_fail(reader, WICK_MALFORMED, place,
                    "function and code section have inconsistent lengths");
        return;
    }
    for (uint32_t i = 0; i < count && reader_ok(reader); i++) {
        place = reader->next;
        uint32_t size = reader_u32(reader);
        if (size > FUNC_BODY_MAX && size <= reader_left(reader))
            reader_fail(reader, WICK_LIMIT, place, "function body of %u bytes is too large", size);
        struct span body = reader_bytes(reader, size);
        if (!reader_ok(reader))
            return;
        module->funcs[module->imported_funcs + i].body = body;
        module->code_count = i + 1;
        validate_func(module, module->imported_funcs + i, reader->fault);
    }
}

/* ---- The module -------------------------------------------------------------------------------
 */

/* Sections by number, with the order in which they may come. */
static const struct section {
    uint8_t order; /* 0: anywhere */
    void (*read)(struct reader *reader, struct module *module);
} sections[] = {
    [0] = {0, read_custom},       [1] = {1, decode_types}, [2] = {2, read_imports},
    [3] = {3, read_funcs},        [4] = {4, read_tables},  [5] = {5, read_memories},
    [6] = {7, read_globals},      [7] = {8, read_exports}, [8] = {9, read_start},
    [9] = {10, read_elems},       [10] = {12, read_code},  [11] = {13, read_datas},
    [12] = {11, read_data_count}, [13] = {6, read_tags},
};

/* The functions that globals, exports and elements name; sized when the functions are known. */
static void reserve_declared(struct reader *reader, struct module *module)
{
    if (module->declared_funcs)
        return;
    module->declared_funcs = calloc((size_t)module->func_count / 8 + 1, 1);
    if (!module->declared_funcs)
        reader_fail(reader, WICK_NO_MEMORY, reader->next, "out of memory");
}

static void read_section(struct reader *reader, struct module *module, uint8_t *order)
{
    const uint8_t *place = reader->next;
    uint8_t id = reader_u8(reader);
    if (reader_ok(reader) && id >= sizeof(sections) / sizeof(sections[0])) {
        reader_fail(reader, WICK_MALFORMED, place, "malformed section id %u", id);
        return;
    }
    uint32_t size = reader_u32(reader);
    if (!reader_ok(reader))
        return;
    const struct section *section = &sections[id];
    if (section->order && section->order <= *order) {
        reader_fail(reader, WICK_MALFORMED, place,
                    "unexpected content after last section: section %u is out of order", id);
        return;
    }
    struct span bytes = reader_bytes(reader, size);
    if (!reader_ok(reader))
        return;
    if (section->order)
        *order = section->order;
    if (id > 3)
        reserve_declared(reader, module);
    struct reader body = reader_sub(reader, bytes);
    section->read(&body, module);
    if (reader_ok(&body) && reader_left(&body))
        reader_fail(&body, WICK_MALFORMED, body.next, "section size mismatch");
}

static void check_counts(struct reader *reader, const struct module *module)
{
    if (!reader_ok(reader))
        return;
    if (module->code_count != module->func_count - module->imported_funcs)
        reader_fail(reader, WICK_MALFORMED, reader->next,
                    "function and code section have inconsistent lengths");
    else if (module->has_data_count && module->declared_data_count != module->data_count)
        reader_fail(reader, WICK_MALFORMED, reader->next,
                    "data count and data section have inconsistent lengths");
}

void decode_sections(struct reader *reader, struct module *module)
{
    static const uint8_t header[] = {0, 'a', 's', 'm', 1, 0, 0, 0};
    size_t size = reader_left(reader);
    if (size < 4) {
        reader_fail(reader, WICK_MALFORMED, reader->end, "unexpected end");
        return;
    }
    if (memcmp(reader->next, header, 4) != 0) {
        reader_fail(reader, WICK_MALFORMED, reader->next, "magic header not detected");
        return;
    }
    if (size < 8) {
        reader_fail(reader, WICK_MALFORMED, reader->end, "unexpected end");
        return;
    }
    if (memcmp(reader->next, header, 8) != 0) {
        reader_fail(reader, WICK_MALFORMED, reader->next + 4, "unknown binary version");
        return;
    }
    reader->next += 8;
    uint8_t order = 0;
    while (reader_ok(reader) && reader_left(reader))
        read_section(reader, module, &order);
    check_counts(reader, module);
    if (reader_ok(reader))
        reserve_declared(reader, module);
    if (reader_ok(reader) && !module->export_order)
        sort_exports(reader, module);
}
