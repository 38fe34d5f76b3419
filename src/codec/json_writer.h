/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes JSON (RFC 8259), indented by two blanks, into a bounded text.
 *
 *     struct json_writer json = {.text = &text};
 *     json_open(&json, NULL, '{');
 *     json_string(&json, "name", "nil");
 *     json_open(&json, "list", '[');
 *     json_bool(&json, NULL, true);
 *     json_close(&json, ']');
 *     json_close(&json, '}');
 *
 * `key` is NULL for elements of arrays and for the outermost value. Commas and line ends come by
 * themselves; that brackets match is the caller's business.
 */
#pragma once

#include "base/text.h"

struct json_writer {
    struct text *text;
    unsigned depth; /* internal */
    bool behind;    /* internal: a value was written before at this depth */
};

void json_open(struct json_writer *json, const char *key, char bracket);
void json_close(struct json_writer *json, char bracket);
void json_string(struct json_writer *json, const char *key, const char *value);
void json_bool(struct json_writer *json, const char *key, bool value);
void json_null(struct json_writer *json, const char *key);
void json_number(struct json_writer *json, const char *key, uint64_t value);
