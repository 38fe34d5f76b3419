// SPDX-License-Identifier: Apache-2.0
#include "drawbridge/record.h"

#include "codec/json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct record_key record_key(char letter, const struct span *parts, size_t count)
{
    struct record_key key;
    struct text text = text_init(key.text, sizeof(key.text));
    text_printf(&text, "%c", letter);
    for (size_t i = 0; i < count; i++) {
        text_add(&text, "/");
        text_add_span(&text, parts[i]);
    }
    return key;
}

int record_find(struct store *store, const char *key, struct record *record)
{
    *record = (struct record){0};
    int status = store_get(store, key, &record->raw);
    if (status < 0)
        return status;
    if (json_parse(span_of(record->raw.data, record->raw.size), &record->value) < 0) {
        record_free(record);
        return -EBADMSG;
    }
    json_get(record->value, "content", &record->content);
    return 0;
}

int record_read_entry(struct record *record)
{
    return entry_parse(record->value, NULL, &record->entry) < 0 ? -EBADMSG : 0;
}

int record_get(struct store *store, const char *key, struct record *record)
{
    int status = record_find(store, key, record);
    if (status == 0)
        status = record_read_entry(record);
    if (status < 0)
        record_free(record);
    return status;
}

void record_free(struct record *record)
{
    free(record->raw.data);
    *record = (struct record){0};
}

void record_member(struct text *text, const char *name, struct span json)
{
    text_printf(text, ",\"%s\":", name);
    text_add_span(text, json);
}

void record_begin(struct text *text, const struct entry *entry, struct span content)
{
    struct entry plain = *entry;
    plain.custom = (struct span){0};
    entry_write(&plain, text);
    text->size -= text->size > 0; /* the bracket */
    if (content.size > 0)
        record_member(text, "content", content);
}

void record_begin_without(struct text *text, struct span value, const char *name)
{
    struct json_member member;
    const char *separator = "{";
    for (struct json_cursor cursor = json_members(value); json_next(&cursor, &member);) {
        if (name && span_equal(member.key, span_of(name, strlen(name))))
            continue;
        text_printf(text, "%s\"", separator);
        text_add_span(text, member.key);
        text_add(text, "\":");
        text_add_span(text, member.value);
        separator = ",";
    }
}

void record_end(struct text *text)
{
    text_add(text, "}");
}
