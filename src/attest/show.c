// SPDX-License-Identifier: Apache-2.0
#include "attest/show.h"

#include "attest/pool.h"
#include "attest/snp.h"
#include "base/bytes.h"
#include "base/date.h"
#include "codec/base64.h"
#include "codec/json.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { HEX_MAX = 512, TEXT_MAX = 2 * HEX_MAX + 64 };

void show_begin(const struct viewer *viewer, const char *name)
{
    viewer->show(viewer->context, name, NULL);
}

void show_end(const struct viewer *viewer)
{
    viewer->show(viewer->context, NULL, NULL);
}

void show_text(const struct viewer *viewer, const char *name, const char *format, ...)
{
    char text[TEXT_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    verdict_sanitise(text);
    viewer->show(viewer->context, name, text);
}

void show_hex(const struct viewer *viewer, const char *name, struct span bytes)
{
    char text[2 * HEX_MAX + 1];
    size_t shown = bytes.size < HEX_MAX ? bytes.size : HEX_MAX;
    hex_encode(span_of(bytes.data, shown), text);
    if (shown < bytes.size)
        show_text(viewer, name, "%s... (%zu bytes)", text, bytes.size);
    else
        show_text(viewer, name, "%s", text);
}

void show_time(const struct viewer *viewer, const char *name, int64_t seconds)
{
    char text[DATE_TEXT_SIZE];
    date_format(seconds, text);
    show_text(viewer, name, "%s", text);
}

static void show_flags(const struct viewer *viewer, const struct field *field, uint64_t value)
{
    char names[512] = "";
    for (const struct flag *flag = field->flags; flag->name; flag++) {
        size_t used = strlen(names);
        if (value >> flag->bit & 1)
            snprintf(names + used, sizeof(names) - used, "%s%s", used ? ", " : "", flag->name);
    }
    show_text(viewer, field->name, "0x%llx (%s)", (unsigned long long)value, names);
}

void show_fields(const struct viewer *viewer, const struct field *fields, size_t count,
                 const uint8_t *bytes)
{
    for (size_t i = 0; i < count; i++) {
        const struct field *field = &fields[i];
        const uint8_t *at = bytes + field->offset;
        uint64_t number = 0;
        for (size_t k = field->size; k > 0 && field->kind != FIELD_HEX; k--)
            number = number << 8 | at[k - 1];
        if (field->kind == FIELD_HEX)
            show_hex(viewer, field->name, span_of(at, field->size));
        else if (field->kind == FIELD_NUMBER)
            show_text(viewer, field->name, "%llu", (unsigned long long)number);
        else
            show_flags(viewer, field, number);
    }
}

/* A JSON document: scalars as they are, objects and arrays as sections. */
static void show_json(const struct viewer *viewer, const char *name, struct span value)
{
    struct json_member member;
    struct span text;
    unsigned index = 0;
    if (value.data[0] != '{' && value.data[0] != '[') {
        text = json_text(value, &text) ? text : value;
        show_text(viewer, name, "%.*s", (int)(text.size < HEX_MAX ? text.size : HEX_MAX),
                  (const char *)text.data);
        return;
    }
    show_begin(viewer, name);
    struct json_cursor cursor = value.data[0] == '{' ? json_members(value) : json_elements(value);
    while (json_next(&cursor, &member)) {
        char label[64];
        if (member.key.size > 0)
            snprintf(label, sizeof(label), "%.*s",
                     (int)(member.key.size < 63 ? member.key.size : 63),
                     (const char *)member.key.data);
        else
            snprintf(label, sizeof(label), "%u", ++index);
        verdict_sanitise(label);
        show_json(viewer, label, member.value);
    }
    show_end(viewer);
}

bool show_document(const struct viewer *viewer, struct span bytes)
{
    struct span value;
    enum pool_kind kind = pool_classify(bytes);
    if ((kind != POOL_TCB_INFO && kind != POOL_IDENTITY) || json_parse(bytes, &value) < 0)
        return false;
    show_json(viewer, kind == POOL_TCB_INFO ? "TCB info" : "enclave identity", value);
    return true;
}

int attest_show(struct attest_bytes bytes, attest_show_fn show, void *context)
{
    static bool (*const kinds[])(const struct viewer *, struct span) = {show_snp_report, show_quote,
                                                                        show_der, show_document};
    struct viewer viewer = {show, context};
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (kinds[i](&viewer, span_from(bytes)))
            return 0;
    }
    return -EINVAL;
}
