/* SPDX-License-Identifier: Apache-2.0 */
#include "wick/type.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A group as it came in (`words`, the key) and as it was resolved (`types`). */
struct type_group {
    struct type_group *next;
    uint64_t hash;
    uint32_t *words;
    size_t word_count;
    uint32_t *resolved;
    struct functype *types;
    uint32_t type_count;
};

static bool heap_matches(uint32_t heap, uint32_t expected)
{
    if (heap == expected || heap == HEAP_BOTTOM)
        return true;
    if (expected == HEAP_FUNC)
        return heap == HEAP_NOFUNC || heap >= HEAP_CONCRETE;
    if (expected >= HEAP_CONCRETE)
        return heap == HEAP_NOFUNC;
    return expected == HEAP_EXTERN && heap == HEAP_NOEXTERN;
}

bool type_matches(uint32_t type, uint32_t expected)
{
    if (type == expected || type_kind(type) == TYPE_BOTTOM || type_kind(expected) == TYPE_BOTTOM)
        return true;
    if (!type_is_ref(type) || !type_is_ref(expected))
        return false;
    if (type_is_nullable(type) && !type_is_nullable(expected))
        return false;
    return heap_matches(type_heap(type), type_heap(expected));
}

bool type_is_func_ref(uint32_t type)
{
    return type_is_ref(type) && heap_matches(type_heap(type), HEAP_FUNC);
}

static const char *heap_name(uint32_t heap)
{
    static const char *const names[] = {
        [HEAP_BOTTOM] = "bot",    [HEAP_FUNC] = "func",         [HEAP_NOFUNC] = "nofunc",
        [HEAP_EXTERN] = "extern", [HEAP_NOEXTERN] = "noextern",
    };
    return heap < sizeof(names) / sizeof(names[0]) ? names[heap] : "?";
}

int type_print(uint32_t type, char *buffer, size_t size)
{
    static const char *const names[] = {"any value", "i32", "i64", "f32", "f64", "v128"};
    if (!type_is_ref(type))
        return snprintf(buffer, size, "%s", names[type_kind(type)]);
    const char *null = type_is_nullable(type) ? "null " : "";
    uint32_t heap = type_heap(type);
    if (type == TYPE_FUNCREF || type == TYPE_EXTERNREF)
        return snprintf(buffer, size, "%sref", heap_name(heap));
    if (heap >= HEAP_CONCRETE)
        return snprintf(buffer, size, "(ref %s<type %u>)", null, heap - HEAP_CONCRETE);
    return snprintf(buffer, size, "(ref %s%s)", null, heap_name(heap));
}

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
    free(group->resolved);
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
    free(registry->buckets);
    registry->buckets = NULL;
    pthread_mutex_destroy(&registry->lock);
}

/* The key of a group: for each member the two counts and the types. */
static uint32_t *group_words(const struct functype_desc *group, uint32_t count, size_t *word_count)
{
    size_t total = 0;
    for (uint32_t i = 0; i < count; i++)
        total += 2 + (size_t)group[i].param_count + group[i].result_count;
    uint32_t *words = malloc(total * sizeof(*words)), *next = words;
    if (!words)
        return NULL;
    for (uint32_t i = 0; i < count; i++) {
        *next++ = group[i].param_count;
        *next++ = group[i].result_count;
        for (uint32_t k = 0; k < group[i].param_count; k++)
            *next++ = group[i].params[k];
        for (uint32_t k = 0; k < group[i].result_count; k++)
            *next++ = group[i].results[k];
    }
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

static uint32_t count_slots(const uint32_t *types, uint32_t count)
{
    uint32_t slots = 0;
    for (uint32_t i = 0; i < count; i++)
        slots += type_slots(types[i]);
    return slots;
}

static uint32_t resolve(uint32_t type, uint32_t first_id)
{
    uint32_t heap = type_heap(type);
    if (!type_is_ref(type) || !(heap & HEAP_MEMBER))
        return type;
    return type_ref(HEAP_CONCRETE + first_id + (heap & ~HEAP_MEMBER), type_is_nullable(type));
}

static int group_build(struct type_group *group, uint32_t first_id)
{
    group->resolved = malloc(group->word_count * sizeof(*group->resolved));
    group->types = calloc(group->type_count, sizeof(*group->types));
    if (!group->resolved || !group->types)
        return -ENOMEM;
    const uint32_t *in = group->words;
    uint32_t *out = group->resolved;
    for (uint32_t i = 0; i < group->type_count; i++) {
        struct functype *type = &group->types[i];
        type->id = first_id + i;
        type->param_count = *in++;
        type->result_count = *in++;
        type->params = out;
        type->results = out + type->param_count;
        for (uint32_t k = 0; k < type->param_count + type->result_count; k++)
            *out++ = resolve(*in++, first_id);
        type->param_slots = count_slots(type->params, type->param_count);
        type->result_slots = count_slots(type->results, type->result_count);
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

/* Called with the lock held. Takes `words` if it adds a group. */
static int registry_find_or_add(struct type_registry *registry, uint32_t **words, size_t word_count,
                                uint32_t type_count, struct type_group **out)
{
    uint64_t hash = words_hash(*words, word_count);
    for (struct type_group *group = registry->buckets[hash % registry->bucket_count]; group;
         group = group->next) {
        if (group->hash == hash && group->type_count == type_count &&
            group->word_count == word_count &&
            memcmp(group->words, *words, word_count * sizeof(**words)) == 0) {
            *out = group;
            return 0;
        }
    }
    if (type_count > TYPE_ID_MAX - registry->type_count)
        return -E2BIG;
    struct type_group *group = calloc(1, sizeof(*group));
    if (!group)
        return -ENOMEM;
    group->hash = hash;
    group->words = *words;
    *words = NULL;
    group->word_count = word_count;
    group->type_count = type_count;
    if (group_build(group, registry->type_count)) {
        group_free(group);
        return -ENOMEM;
    }
    registry->type_count += type_count;
    if (++registry->group_count > registry->bucket_count)
        registry_rehash(registry);
    group->next = registry->buckets[hash % registry->bucket_count];
    registry->buckets[hash % registry->bucket_count] = group;
    *out = group;
    return 0;
}

int type_registry_add(struct type_registry *registry, const struct functype_desc *descs,
                      uint32_t count, const struct functype **out)
{
    size_t word_count;
    uint32_t *words = group_words(descs, count, &word_count);
    if (!words)
        return -ENOMEM;
    struct type_group *group;
    pthread_mutex_lock(&registry->lock);
    int error = registry_find_or_add(registry, &words, word_count, count, &group);
    pthread_mutex_unlock(&registry->lock);
    free(words);
    for (uint32_t i = 0; i < count && !error; i++)
        out[i] = &group->types[i];
    return error;
}
