/* SPDX-License-Identifier: Apache-2.0 */
#include "wick/type.h"

#include "wick/heap.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A group as it came in (`words`, the key) and as it was resolved. */
struct type_group {
    struct type_group *next;
    uint64_t hash;
    uint32_t *words;
    size_t word_count;
    uint32_t *lists; /* parameters, results, displays, offsets of traced fields */
    struct field *fields;
    struct deftype *types;
    uint32_t type_count;
};

/* ---- Matching ---------------------------------------------------------------------------------
 */

/* What is below an abstract heap type of the hierarchy of any, apart from none. */
static bool below_any(uint32_t heap, uint32_t expected)
{
    bool concrete = heap_is_concrete(heap);
    uint32_t kind = heap >> HEAP_KIND_SHIFT & 3;
    switch (expected) {
    case HEAP_ANY:
        return true;
    case HEAP_EQ:
        return concrete || heap == HEAP_I31 || heap == HEAP_STRUCT || heap == HEAP_ARRAY;
    case HEAP_STRUCT:
        return concrete && kind == DEF_STRUCT;
    case HEAP_ARRAY:
        return concrete && kind == DEF_ARRAY;
    default:
        return false;
    }
}

static bool is_bottom(uint32_t heap)
{
    return heap == HEAP_NOFUNC || heap == HEAP_NOEXTERN || heap == HEAP_NONE || heap == HEAP_NOEXN;
}

static bool heap_matches(const struct type_registry *registry, uint32_t heap, uint32_t expected)
{
    if (heap == expected || heap == HEAP_BOTTOM)
        return true;
    if (heap_top(heap) != heap_top(expected))
        return false;
    if (is_bottom(heap))
        return true;
    if (!heap_is_concrete(expected))
        return expected == heap_top(heap) || below_any(heap, expected);
    return heap_is_concrete(heap) && deftype_is_sub(type_registry_get(registry, heap_id(heap)),
                                                    type_registry_get(registry, heap_id(expected)));
}

bool type_matches(const struct type_registry *registry, uint32_t type, uint32_t expected)
{
    if (type == expected || type_kind(type) == TYPE_BOTTOM || type_kind(expected) == TYPE_BOTTOM)
        return true;
    if (!type_is_ref(type) || !type_is_ref(expected))
        return false;
    if (type_is_nullable(type) && !type_is_nullable(expected))
        return false;
    return heap_matches(registry, type_heap(type), type_heap(expected));
}

static bool func_matches(const struct type_registry *registry, const struct functype *type,
                         const struct functype *super)
{
    if (type->param_count != super->param_count || type->result_count != super->result_count)
        return false;
    for (uint32_t i = 0; i < type->param_count; i++) {
        if (!type_matches(registry, super->params[i], type->params[i]))
            return false;
    }
    for (uint32_t i = 0; i < type->result_count; i++) {
        if (!type_matches(registry, type->results[i], super->results[i]))
            return false;
    }
    return true;
}

/* A mutable field must be the same, one that is only read may be of a subtype. */
static bool field_matches(const struct type_registry *registry, const struct field *field,
                          const struct field *super)
{
    if (field->is_mutable != super->is_mutable)
        return false;
    if (field->type == super->type)
        return true;
    return !field->is_mutable && type_is_ref(field->type) &&
           type_matches(registry, field->type, super->type);
}

bool deftype_is_valid(const struct type_registry *registry, const struct deftype *type)
{
    const struct deftype *super = type->super;
    if (!super)
        return true;
    if (super->is_final || super->kind != type->kind || super->field_count > type->field_count)
        return false;
    if (type->kind == DEF_FUNC)
        return func_matches(registry, &type->func, &super->func);
    for (uint32_t i = 0; i < super->field_count; i++) {
        if (!field_matches(registry, &type->fields[i], &super->fields[i]))
            return false;
    }
    return true;
}

static const char *heap_name(uint32_t heap)
{
    static const char *const names[HEAP_ABSTRACT_COUNT] = {
        [HEAP_BOTTOM] = "bot",    [HEAP_FUNC] = "func",         [HEAP_NOFUNC] = "nofunc",
        [HEAP_EXTERN] = "extern", [HEAP_NOEXTERN] = "noextern", [HEAP_ANY] = "any",
        [HEAP_EQ] = "eq",         [HEAP_I31] = "i31",           [HEAP_STRUCT] = "struct",
        [HEAP_ARRAY] = "array",   [HEAP_NONE] = "none",         [HEAP_EXN] = "exn",
        [HEAP_NOEXN] = "noexn",
    };
    return heap < HEAP_ABSTRACT_COUNT ? names[heap] : "?";
}

int type_print(uint32_t type, char *buffer, size_t size)
{
    static const char *const names[] = {"any value", "i32", "i64", "f32", "f64", "v128"};
    if (type_is_packed(type))
        return snprintf(buffer, size, type == TYPE_I8 ? "i8" : "i16");
    if (!type_is_ref(type))
        return snprintf(buffer, size, "%s", names[type_kind(type)]);
    const char *null = type_is_nullable(type) ? "null " : "";
    uint32_t heap = type_heap(type);
    if (type == TYPE_FUNCREF || type == TYPE_EXTERNREF)
        return snprintf(buffer, size, "%sref", heap_name(heap));
    if (heap_is_concrete(heap))
        return snprintf(buffer, size, "(ref %s<type %u>)", null, heap_id(heap));
    return snprintf(buffer, size, "(ref %s%s)", null, heap_name(heap));
}

/* ---- The registry -----------------------------------------------------------------------------
 */

int type_registry_init(struct type_registry *registry)
{
    memset(registry, 0, sizeof(*registry));
    registry->bucket_count = 256;
    registry->buckets = calloc(registry->bucket_count, sizeof(*registry->buckets));
    if (!registry->buckets)
        return -ENOMEM;
    pthread_mutex_init(&registry->lock, NULL);
    return 0;
}

static void group_free(struct type_group *group)
{
    if (!group)
        return;
    free(group->words);
    free(group->lists);
    free(group->fields);
    free(group->types);
    free(group);
}

void type_registry_fini(struct type_registry *registry)
{
    if (!registry->buckets)
        return;
    for (size_t i = 0; i < registry->bucket_count; i++) {
        for (struct type_group *group = registry->buckets[i], *next; group; group = next) {
            next = group->next;
            group_free(group);
        }
    }
    for (size_t i = 0; i < TYPE_ID_MAX / TYPE_CHUNK; i++)
        free(registry->chunks[i]);
    free(registry->buckets);
    registry->buckets = NULL;
    pthread_mutex_destroy(&registry->lock);
}

/* ---- Keys -------------------------------------------------------------------------------------
 * Of each member: kind and final, supertype, number of parameters or fields, number of results, and
 * the types, those of fields with whether they are mutable. */

enum { WORDS_HEAD = 4 };

static size_t desc_words(const struct deftype_desc *desc)
{
    return WORDS_HEAD + (size_t)desc->param_count + desc->result_count +
           2 * (size_t)desc->field_count;
}

static uint32_t *put_desc(uint32_t *next, const struct deftype_desc *desc)
{
    *next++ = (uint32_t)desc->kind << 1 | desc->is_final;
    *next++ = desc->super;
    *next++ = desc->kind == DEF_FUNC ? desc->param_count : desc->field_count;
    *next++ = desc->result_count;
    for (uint32_t k = 0; k < desc->param_count; k++)
        *next++ = desc->params[k];
    for (uint32_t k = 0; k < desc->result_count; k++)
        *next++ = desc->results[k];
    for (uint32_t k = 0; k < desc->field_count; k++) {
        *next++ = desc->fields[k].type;
        *next++ = desc->fields[k].is_mutable;
    }
    return next;
}

static uint32_t *group_words(const struct deftype_desc *group, uint32_t count, size_t *word_count)
{
    size_t total = 0;
    for (uint32_t i = 0; i < count; i++)
        total += desc_words(&group[i]);
    uint32_t *words = malloc((total + 1) * sizeof(*words)), *next = words;
    for (uint32_t i = 0; i < count && words; i++)
        next = put_desc(next, &group[i]);
    *word_count = total;
    return words;
}

static uint64_t words_hash(const uint32_t *words, size_t count)
{
    uint64_t hash = 0xcbf29ce484222325u;
    for (size_t i = 0; i < count; i++)
        hash = (hash ^ words[i]) * 0x100000001b3u;
    return hash ^ (hash >> 32);
}

/* ---- Building ---------------------------------------------------------------------------------
 */

/* What a group is built from, and where the next list goes. */
struct builder {
    struct type_registry *registry;
    struct type_group *group;
    uint32_t first_id;
    uint32_t *lists;
    struct field *fields;
};

static uint32_t count_slots(const uint32_t *types, uint32_t count)
{
    uint32_t slots = 0;
    for (uint32_t i = 0; i < count; i++)
        slots += type_slots(types[i]);
    return slots;
}

/* The kinds of all members are known by now. */
static uint32_t resolve(const struct builder *builder, uint32_t type)
{
    uint32_t heap = type_heap(type);
    if (!type_is_ref(type) || !(heap & HEAP_MEMBER))
        return type;
    return type_ref(deftype_heap(&builder->group->types[heap & ~HEAP_MEMBER]),
                    type_is_nullable(type));
}

static void build_func(struct builder *builder, struct deftype *type, const uint32_t *in)
{
    struct functype *func = &type->func;
    func->id = type->id;
    func->param_count = in[2];
    func->result_count = in[3];
    func->params = builder->lists;
    func->results = builder->lists + func->param_count;
    for (uint32_t k = 0; k < func->param_count + func->result_count; k++)
        *builder->lists++ = resolve(builder, in[WORDS_HEAD + k]);
    for (uint32_t k = 0; k < func->param_count; k++)
        func->traced_params = func->traced_params || type_is_traced(func->params[k]);
    func->param_slots = count_slots(func->params, func->param_count);
    func->result_slots = count_slots(func->results, func->result_count);
}

/* Log2 of the bytes that a field takes. */
static uint8_t storage_shift(uint32_t type)
{
    if (type_is_packed(type))
        return type == TYPE_I8 ? 0 : 1;
    switch (type_kind(type)) {
    case TYPE_I32:
    case TYPE_F32:
        return 2;
    case TYPE_V128:
        return 4;
    default:
        return 3;
    }
}

/* Fields in order, each at the next multiple of its size: a subtype's fields begin like its
 * supertype's. */
static void build_fields(struct builder *builder, struct deftype *type, const uint32_t *in)
{
    type->field_count = in[2];
    type->fields = builder->fields;
    type->traced = builder->lists;
    uint32_t offset = HEAP_HEADER;
    for (uint32_t k = 0; k < type->field_count; k++) {
        struct field *field = builder->fields++;
        field->type = resolve(builder, in[WORDS_HEAD + 2 * k]);
        field->is_mutable = in[WORDS_HEAD + 2 * k + 1];
        type->element_shift = storage_shift(field->type);
        uint32_t bytes = 1u << type->element_shift;
        offset = (offset + bytes - 1) & ~(bytes - 1);
        field->offset = type->kind == DEF_ARRAY ? HEAP_ARRAY_ELEMENTS : offset;
        offset += bytes;
        if (type_is_traced(field->type))
            builder->lists[type->traced_count++] = field->offset;
    }
    builder->lists += type->traced_count;
    type->size = (offset + 7) & ~7u;
}

static uint32_t display_room(uint32_t depth)
{
    return depth < TYPE_DISPLAY_MIN ? TYPE_DISPLAY_MIN : depth + 1;
}

/* The supertypes' numbers, then the type's own. */
static void build_display(struct builder *builder, struct deftype *type)
{
    uint32_t depth = type->depth, room = display_room(depth);
    if (depth)
        memcpy(builder->lists, type->super->display, depth * sizeof(*builder->lists));
    builder->lists[depth] = type->id;
    for (uint32_t i = depth + 1; i < room; i++)
        builder->lists[i] = UINT32_MAX;
    type->display = builder->lists;
    builder->lists += room;
}

static const uint32_t *next_desc(const uint32_t *in)
{
    uint32_t words = in[0] >> 1 == DEF_FUNC ? in[2] + in[3] : 2 * in[2];
    return in + WORDS_HEAD + words;
}

/* What the types refer to each other by; *display_words is the room for all displays. */
static int build_heads(struct builder *builder, size_t *display_words)
{
    const uint32_t *in = builder->group->words;
    *display_words = 0;
    for (uint32_t i = 0; i < builder->group->type_count; i++) {
        struct deftype *type = &builder->group->types[i];
        uint32_t super = in[1];
        type->id = builder->first_id + i;
        type->kind = (uint8_t)(in[0] >> 1);
        type->is_final = in[0] & 1;
        if (super & HEAP_MEMBER)
            type->super = &builder->group->types[super & ~HEAP_MEMBER];
        else if (super != HEAP_BOTTOM)
            type->super = type_registry_get(builder->registry, heap_id(super));
        if (type->super && type->super->depth == TYPE_DEPTH_MAX)
            return -ELOOP;
        type->depth = type->super ? (uint8_t)(type->super->depth + 1) : 0;
        *display_words += display_room(type->depth);
        in = next_desc(in);
    }
    return 0;
}

/* Room in the lists: the types' words (a field has two of them, and one offset at most) and the
 * displays. */
static int group_build(struct type_registry *registry, struct type_group *group)
{
    struct builder builder = {.registry = registry, .group = group};
    size_t display_words;
    builder.first_id = registry->type_count;
    group->types = calloc(group->type_count, sizeof(*group->types));
    int error = group->types ? build_heads(&builder, &display_words) : -ENOMEM;
    if (error)
        return error;
    builder.lists = malloc((group->word_count + display_words) * sizeof(*group->lists));
    builder.fields = calloc(group->word_count / 2 + 1, sizeof(*group->fields));
    group->lists = builder.lists;
    group->fields = builder.fields;
    if (!group->lists || !group->fields)
        return -ENOMEM;
    const uint32_t *in = group->words;
    for (uint32_t i = 0; i < group->type_count; i++) {
        struct deftype *type = &group->types[i];
        if (type->kind == DEF_FUNC)
            build_func(&builder, type, in);
        else
            build_fields(&builder, type, in);
        build_display(&builder, type);
        in = next_desc(in);
    }
    return 0;
}

static void registry_rehash(struct type_registry *registry)
{
    size_t count = registry->bucket_count * 4;
    struct type_group **buckets = calloc(count, sizeof(*buckets));
    if (!buckets)
        return; /* slower look-ups, nothing worse */
    for (size_t i = 0; i < registry->bucket_count; i++) {
        for (struct type_group *group = registry->buckets[i], *next; group; group = next) {
            next = group->next;
            group->next = buckets[group->hash % count];
            buckets[group->hash % count] = group;
        }
    }
    free(registry->buckets);
    registry->buckets = buckets;
    registry->bucket_count = count;
}

/* Enters the group's types into the table by number. */
static int registry_number(struct type_registry *registry, const struct type_group *group)
{
    uint32_t first = registry->type_count, last = first + group->type_count - 1;
    for (uint32_t i = first / TYPE_CHUNK; i <= last / TYPE_CHUNK; i++) {
        if (!registry->chunks[i])
            registry->chunks[i] = calloc(TYPE_CHUNK, sizeof(*registry->chunks[i]));
        if (!registry->chunks[i])
            return -ENOMEM;
    }
    for (uint32_t i = first; i <= last; i++)
        registry->chunks[i / TYPE_CHUNK][i % TYPE_CHUNK] = &group->types[i - first];
    return 0;
}

/* Called with the lock held. Takes `words` if it adds a group. */
static int registry_add(struct type_registry *registry, uint32_t **words, size_t word_count,
                        uint32_t type_count, struct type_group **out)
{
    if (type_count > TYPE_ID_MAX - registry->type_count)
        return -E2BIG;
    struct type_group *group = calloc(1, sizeof(*group));
    if (!group)
        return -ENOMEM;
    group->hash = words_hash(*words, word_count);
    group->words = *words;
    *words = NULL;
    group->word_count = word_count;
    group->type_count = type_count;
    int error = group_build(registry, group);
    if (!error)
        error = registry_number(registry, group);
    if (error) {
        group_free(group);
        return error;
    }
    registry->type_count += type_count;
    if (++registry->group_count > registry->bucket_count)
        registry_rehash(registry);
    size_t bucket = group->hash % registry->bucket_count;
    group->next = registry->buckets[bucket];
    registry->buckets[bucket] = group;
    *out = group;
    return 0;
}

static struct type_group *registry_find(const struct type_registry *registry, const uint32_t *words,
                                        size_t word_count, uint32_t type_count)
{
    uint64_t hash = words_hash(words, word_count);
    struct type_group *group = registry->buckets[hash % registry->bucket_count];
    while (group && !(group->hash == hash && group->type_count == type_count &&
                      group->word_count == word_count &&
                      memcmp(group->words, words, word_count * sizeof(*words)) == 0))
        group = group->next;
    return group;
}

int type_registry_add(struct type_registry *registry, const struct deftype_desc *descs,
                      uint32_t count, const struct deftype **out)
{
    size_t word_count;
    int error = 0;
    uint32_t *words = group_words(descs, count, &word_count);
    if (!words)
        return -ENOMEM;
    pthread_mutex_lock(&registry->lock);
    struct type_group *group = registry_find(registry, words, word_count, count);
    if (!group)
        error = registry_add(registry, &words, word_count, count, &group);
    pthread_mutex_unlock(&registry->lock);
    free(words);
    for (uint32_t i = 0; i < count && !error; i++)
        out[i] = &group->types[i];
    return error;
}
