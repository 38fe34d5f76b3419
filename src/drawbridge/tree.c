// SPDX-License-Identifier: Apache-2.0
#include "drawbridge/tree.h"

#include "base/cleanup.h"
#include "codec/json.h"
#include "drawbridge/names.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool is_token(uint8_t character)
{
    return (character >= '0' && character <= '9') || (character >= 'A' && character <= 'Z') ||
           (character >= 'a' && character <= 'z') || (character && strchr("!#$&-^_.+", character));
}

struct span media_type_essence(struct span type)
{
    size_t size = 0;
    while (size < type.size && type.data[size] != ';' && type.data[size] != ' ')
        size++;
    return span_of(type.data, size);
}

bool media_type_valid(struct span type)
{
    struct span essence = media_type_essence(type);
    size_t slash = 0;
    if (type.size > TYPE_MAX_SIZE)
        return false;
    for (size_t i = 0; i < essence.size; i++) {
        if (essence.data[i] == '/' && slash == 0 && i > 0)
            slash = i;
        else if (!is_token(essence.data[i]))
            return false;
    }
    for (size_t i = essence.size; i < type.size; i++) {
        uint8_t character = type.data[i];
        if (character < 0x20 || character > 0x7E || character == '"' || character == '\\')
            return false;
    }
    return slash > 0 && slash + 1 < essence.size;
}

void json_write_compact(struct span value, struct text *text)
{
    bool quoted = false;
    for (size_t i = 0; i < value.size; i++) {
        uint8_t character = value.data[i];
        bool blank =
            character == ' ' || character == '\t' || character == '\n' || character == '\r';
        if (!quoted && blank)
            continue;
        size_t size = quoted && character == '\\' && i + 1 < value.size ? 2 : 1;
        text_add_span(text, span_of(value.data + i, size));
        quoted ^= character == '"';
        i += size - 1;
    }
}

/* One member that is not known. */
static void add_custom(const struct json_member *member, struct text *custom)
{
    text_add(custom, ",\"");
    text_add_span(custom, member->key);
    text_add(custom, "\":");
    json_write_compact(member->value, custom);
}

/* What stands behind the type in an entry that entry_write wrote. */
static struct span custom_behind(struct span value, struct span type)
{
    const uint8_t *from = type.data + type.size + 1, *end = value.data + value.size - 1;
    return span_of(from, (size_t)(end - from));
}

int entry_parse(struct span value, struct text *custom, struct entry *entry)
{
    struct json_member member;
    bool has_digest = false, has_length = false, has_type = false;
    *entry = (struct entry){0};
    if (value.size == 0 || value.data[0] != '{')
        return -EINVAL;
    size_t before = custom ? custom->size : 0;
    for (struct json_cursor cursor = json_members(value); json_next(&cursor, &member);) {
        if (span_equal(member.key, SPAN_LITERAL("digest"))) {
            has_digest = digests_parse_json(member.value, &entry->digests) == 0;
        } else if (span_equal(member.key, SPAN_LITERAL("length"))) {
            has_length = json_uint(member.value, INT64_MAX, &entry->length);
        } else if (span_equal(member.key, SPAN_LITERAL("type"))) {
            has_type = json_text(member.value, &entry->type) && media_type_valid(entry->type);
        } else if (custom) {
            add_custom(&member, custom);
        }
    }
    if (!has_digest || !has_length || !has_type)
        return -EINVAL;
    if (!custom) {
        entry->custom = custom_behind(value, entry->type);
        return 0;
    }
    entry->custom = span_of(custom->data + before, custom->size - before);
    return custom->overflow || entry->custom.size > CUSTOM_MAX_SIZE ? -EINVAL : 0;
}

void entry_write(const struct entry *entry, struct text *text)
{
    text_add(text, "{\"digest\":");
    digests_write_json(&entry->digests, text);
    text_printf(text, ",\"length\":%llu,\"type\":\"", (unsigned long long)entry->length);
    text_add_span(text, entry->type);
    text_add(text, "\"");
    text_add_span(text, entry->custom);
    text_add(text, "}");
}

void directory_begin(struct text *text)
{
    text_add(text, "{");
}

void directory_add(struct text *text, struct span name, const struct entry *entry)
{
    text_add(text, text->data[text->size - 1] == '{' ? "\"" : ",\"");
    text_add_span(text, name);
    text_add(text, "\":");
    entry_write(entry, text);
}

void directory_end(struct text *text)
{
    text_add(text, "}");
}

static int compare_members(const void *left, const void *right)
{
    const struct span a = ((const struct json_member *)left)->key;
    const struct span b = ((const struct json_member *)right)->key;
    int order = memcmp(a.data, b.data, a.size < b.size ? a.size : b.size);
    return order != 0 ? order : (a.size > b.size) - (a.size < b.size);
}

static size_t count_members(struct span value)
{
    struct json_member member;
    size_t count = 0;
    for (struct json_cursor cursor = json_members(value); json_next(&cursor, &member);)
        count++;
    return count;
}

static int write_members(struct json_member *members, size_t count, struct text *text)
{
    qsort(members, count, sizeof(*members), compare_members);
    directory_begin(text);
    for (size_t i = 0; i < count; i++) {
        char buffer[CUSTOM_MAX_SIZE + 1];
        struct text custom = text_init(buffer, sizeof(buffer));
        struct entry entry;
        if (!name_is_node(members[i].key) || entry_parse(members[i].value, &custom, &entry) < 0 ||
            digests_empty(&entry.digests))
            return -EINVAL;
        directory_add(text, members[i].key, &entry);
    }
    directory_end(text);
    return text->overflow ? -EINVAL : 0;
}

int directory_canonical(struct span bytes, struct text *text)
{
    struct span value;
    if (json_parse(bytes, &value) < 0 || value.data[0] != '{')
        return -EINVAL;
    size_t count = count_members(value), at = 0;
    autofree struct json_member *members = calloc(count + 1, sizeof(*members));
    if (!members)
        return -ENOMEM;
    for (struct json_cursor cursor = json_members(value); at < count; at++) {
        if (!json_next(&cursor, &members[at]))
            return -EINVAL;
    }
    return write_members(members, count, text);
}

bool directory_find(struct span directory, struct span name, struct entry *entry)
{
    struct json_member member;
    for (struct json_cursor cursor = json_members(directory); json_next(&cursor, &member);) {
        if (span_equal(member.key, name))
            return entry_parse(member.value, NULL, entry) == 0;
    }
    return false;
}
