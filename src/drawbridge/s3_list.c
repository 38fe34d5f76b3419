// SPDX-License-Identifier: Apache-2.0
#include "drawbridge/s3_list.h"

#include "base/date.h"
#include "codec/json.h"
#include "codec/xml.h"

#include <errno.h>
#include <string.h>

enum { FIELD_MAX = 2048 };

/* The item at hand, and the text of the element at hand. */
struct reading {
    struct s3_item item;
    char key[FIELD_MAX], field[FIELD_MAX];
    struct text text;
    bool usable; /* the item's key is one of ours */
    struct s3_page *page;
    const char *prefix;
    s3_item_fn each;
    void *context;
};

static bool is(struct span name, const char *word)
{
    return span_equal(name, span_of(word, strlen(word)));
}

static bool copy(char *out, size_t capacity, const struct text *text)
{
    if (text->size >= capacity || memchr(text->data, 0, text->size))
        return false;
    memcpy(out, text->data, text->size + 1);
    return true;
}

/* Cuts the prefix off. */
static bool take_key(struct reading *reading)
{
    size_t prefix = strlen(reading->prefix), size = strlen(reading->key);
    if (size <= prefix || size - prefix >= S3_NAME_MAX ||
        memcmp(reading->key, reading->prefix, prefix) != 0)
        return false;
    memcpy(reading->item.name, reading->key + prefix, size - prefix + 1);
    return true;
}

/* A member of an item has ended. False if it is malformed. */
static bool end_member(struct reading *reading, struct span name)
{
    struct span text = text_span(&reading->text);
    struct s3_item *item = &reading->item;
    if (is(name, "Key"))
        return copy(reading->key, sizeof(reading->key), &reading->text);
    if (is(name, "Size"))
        return json_uint(text, INT64_MAX, &item->size);
    if (is(name, "LastModified") || is(name, "Initiated"))
        return date_parse(text, &item->changed);
    if (is(name, "UploadId"))
        return copy(item->upload, sizeof(item->upload), &reading->text);
    return true;
}

static bool end_outer(struct reading *reading, struct span name)
{
    struct s3_page *page = reading->page;
    if (is(name, "IsTruncated"))
        page->truncated = is(text_span(&reading->text), "true");
    if (is(name, "NextContinuationToken"))
        return copy(page->token, sizeof(page->token), &reading->text);
    if (is(name, "NextKeyMarker"))
        return copy(page->key_marker, sizeof(page->key_marker), &reading->text);
    if (is(name, "NextUploadIdMarker"))
        return copy(page->id_marker, sizeof(page->id_marker), &reading->text);
    return true;
}

static bool is_item(struct span name)
{
    return is(name, "Contents") || is(name, "Upload");
}

static int end_element(struct reading *reading, const struct xml_event *event, bool in_item)
{
    if (reading->text.overflow)
        return -EINVAL;
    if (event->depth == 2 && is_item(event->name))
        return take_key(reading) ? reading->each(reading->context, &reading->item) : 0;
    bool good = event->depth == 2              ? end_outer(reading, event->name)
                : event->depth == 3 && in_item ? end_member(reading, event->name)
                                               : true;
    return good ? 0 : -EINVAL;
}

int s3_parse_page(struct span xml, const char *prefix, s3_item_fn each, void *context,
                  struct s3_page *page)
{
    struct reading reading = {.page = page, .prefix = prefix, .each = each, .context = context};
    struct xml_reader reader = xml_reader(xml);
    struct xml_event event;
    bool in_item = false;
    int status, more;
    *page = (struct s3_page){0};
    while ((more = xml_next(&reader, &event)) > 0) {
        status = 0;
        if (event.kind == XML_TEXT) {
            status = xml_text_decode(event.text, &reading.text);
        } else if (event.kind == XML_END) {
            status = end_element(&reading, &event, in_item);
            in_item = in_item && event.depth > 2;
        } else if (event.depth == 2 && is_item(event.name)) {
            in_item = true;
            reading.key[0] = '\0';
            reading.item = (struct s3_item){0};
        }
        if (status < 0)
            return status;
        if (event.kind != XML_TEXT)
            reading.text = text_init(reading.field, sizeof(reading.field));
    }
    return more;
}

int s3_parse_value(struct span xml, const char *name, char *out, size_t capacity)
{
    struct xml_reader reader = xml_reader(xml);
    struct xml_event event;
    int more, status = -ENOENT;
    struct text text = text_init(out, capacity);
    while ((more = xml_next(&reader, &event)) > 0) {
        if (event.depth != 2 || !is(event.name, name) || status == 0)
            continue;
        if (event.kind == XML_TEXT && xml_text_decode(event.text, &text) < 0)
            return -EINVAL;
        if (event.kind == XML_END)
            status = text.overflow || memchr(out, 0, text.size) ? -EINVAL : 0;
    }
    return more < 0 ? -EINVAL : status;
}
