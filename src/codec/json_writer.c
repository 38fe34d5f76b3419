// SPDX-License-Identifier: Apache-2.0
#include "codec/json_writer.h"

static void new_line(struct json_writer *json)
{
    text_add(json->text, "\n");
    for (unsigned i = 0; i < json->depth; i++)
        text_add(json->text, "  ");
}

static void begin_value(struct json_writer *json, const char *key)
{
    if (json->behind)
        text_add(json->text, ",");
    if (json->depth > 0)
        new_line(json);
    if (key) {
        text_add_quoted(json->text, key);
        text_add(json->text, ": ");
    }
    json->behind = true;
}

void json_open(struct json_writer *json, const char *key, char bracket)
{
    begin_value(json, key);
    text_printf(json->text, "%c", bracket);
    json->depth++;
    json->behind = false;
}

void json_close(struct json_writer *json, char bracket)
{
    json->depth--;
    if (json->behind)
        new_line(json);
    text_printf(json->text, "%c", bracket);
    json->behind = true;
}

void json_string(struct json_writer *json, const char *key, const char *value)
{
    begin_value(json, key);
    text_add_quoted(json->text, value);
}

void json_bool(struct json_writer *json, const char *key, bool value)
{
    begin_value(json, key);
    text_add(json->text, value ? "true" : "false");
}

void json_null(struct json_writer *json, const char *key)
{
    begin_value(json, key);
    text_add(json->text, "null");
}

void json_number(struct json_writer *json, const char *key, uint64_t value)
{
    begin_value(json, key);
    text_printf(json->text, "%llu", (unsigned long long)value);
}
