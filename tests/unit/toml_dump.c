// SPDX-License-Identifier: Apache-2.0
#include "toml_dump.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct out {
    char *at;
    size_t left;
};

__attribute__((format(printf, 2, 3))) static void put(struct out *out, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int length = vsnprintf(out->at, out->left, format, args);
    va_end(args);
    size_t step = (size_t)length < out->left ? (size_t)length : out->left - 1;
    out->at += step;
    out->left -= step;
}

static void put_quoted(struct out *out, struct span string)
{
    put(out, "\"");
    for (size_t i = 0; i < string.size; i++) {
        uint8_t byte = string.data[i];
        if (byte == '"' || byte == '\\')
            put(out, "\\%c", byte);
        else if (byte >= 0x20 && byte < 0x7F)
            put(out, "%c", byte);
        else
            put(out, "\\x%02X", byte);
    }
    put(out, "\"");
}

static void put_key(struct out *out, struct span key)
{
    bool bare = key.size > 0;
    for (size_t i = 0; i < key.size; i++)
        bare = bare && key.data[i] > 0x20 && key.data[i] < 0x7F &&
               !strchr("\"'\\=.#[]{},", key.data[i]);
    if (bare)
        put(out, "%.*s", (int)key.size, (const char *)key.data);
    else
        put_quoted(out, key);
}

static void put_float(struct out *out, double value)
{
    if (isnan(value)) {
        put(out, signbit(value) ? "f-nan" : "fnan");
        return;
    }
    char text[40];
    for (int precision = 1; precision <= 17; precision++) {
        snprintf(text, sizeof(text), "%.*g", precision, value);
        if (strtod(text, NULL) == value)
            break;
    }
    put(out, "f%s", text);
}

static void put_time(struct out *out, const struct toml_node *node)
{
    const struct toml_time *time = &node->time;
    if (node->kind != TOML_LOCAL_TIME)
        put(out, "%04u-%02u-%02u", time->year, time->month, time->day);
    if (node->kind == TOML_LOCAL_DATE)
        return;
    put(out, "%s%02u:%02u:%02u", node->kind == TOML_LOCAL_TIME ? "" : "T", time->hour, time->minute,
        time->second);
    if (time->nanosecond)
        put(out, ".%09u", time->nanosecond);
    if (node->kind == TOML_DATETIME && time->offset == 0)
        put(out, "Z");
    else if (node->kind == TOML_DATETIME)
        put(out, "%c%02d:%02d", time->offset < 0 ? '-' : '+', abs(time->offset) / 60,
            abs(time->offset) % 60);
}

static void put_node(struct out *out, const struct toml_node *node);

static void put_items(struct out *out, const struct toml_node *node)
{
    bool table = node->kind == TOML_TABLE;
    put(out, table ? "{" : "[");
    for (const struct toml_node *item = toml_first(node); item; item = item->next) {
        if (item != toml_first(node))
            put(out, ",");
        if (table) {
            put_key(out, item->key);
            put(out, "=");
        }
        put_node(out, item);
    }
    put(out, table ? "}" : "]");
}

static void put_node(struct out *out, const struct toml_node *node)
{
    switch (node->kind) {
    case TOML_STRING:
        put_quoted(out, node->string);
        break;
    case TOML_INTEGER:
        put(out, "%lld", (long long)node->integer);
        break;
    case TOML_FLOAT:
        put_float(out, node->real);
        break;
    case TOML_BOOLEAN:
        put(out, node->boolean ? "true" : "false");
        break;
    case TOML_ARRAY:
    case TOML_TABLE:
        put_items(out, node);
        break;
    default:
        put_time(out, node);
    }
}

void toml_dump(const struct toml_node *node, char *buffer, size_t size)
{
    struct out out = {buffer, size};
    put_node(&out, node);
}
