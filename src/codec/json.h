/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON (RFC 8259) read in place.
 *
 * Both sides of the trust boundary. No I/O, no allocation, no globals. A value is a span of the
 * text itself, so that a signature over the exact bytes of a value can be checked and the very same
 * bytes be read afterwards.
 *
 *     struct span document, info, id;
 *     if (json_parse(text, &document) < 0)
 *         …
 *     struct json_member member;
 *     for (struct json_cursor c = json_members(document); json_next(&c, &member);)
 *         …                                    member.key, member.value
 *     if (json_get(document, "tcbInfo", &info) && json_get_string(info, "id", &id))
 *         …
 *
 * json_parse checks the whole text once: well-formed UTF-8 without NUL, at most JSON_DEPTH_MAX
 * deep, no member name twice in an object, no escapes in member names, at most JSON_MEMBERS_MAX
 * members in an object whose names do not come in ascending order of bytes. Everything else takes
 * spans that it, or a function here, returned.
 */
#pragma once

#include "base/span.h"

enum { JSON_DEPTH_MAX = 16, JSON_MEMBERS_MAX = 64 };

struct json_member {
    struct span key; /* without the quotes; empty for elements of arrays */
    struct span value;
};

struct json_cursor {
    struct span rest;
    bool object;
};

/* Checks a text that is one value; `value` is that value without the white space around it.
 * Returns 0 or -EINVAL. */
__attribute__((warn_unused_result)) int json_parse(struct span text, struct span *value);

/* Walks the members of an object, or the elements of an array, in order. Nothing for other values.
 */
struct json_cursor json_members(struct span value);
struct json_cursor json_elements(struct span value);
bool json_next(struct json_cursor *cursor, struct json_member *member);

/* The value of an object's member. */
bool json_get(struct span object, const char *key, struct span *value);

/* The content of a string without escapes; false for anything else. */
bool json_text(struct span value, struct span *text);
/* The characters of a string, without its escapes, in `out`; false for anything else, for half of a
 * surrogate pair, and for more than `capacity` bytes. */
bool json_string_decode(struct span value, uint8_t *out, size_t capacity, struct span *text);
bool json_boolean(struct span value, bool *truth);
/* A number written as digits only, from 0 to max. */
bool json_uint(struct span value, uint64_t max, uint64_t *number);

/* The same two for a member of an object. */
bool json_get_text(struct span object, const char *key, struct span *text);
bool json_get_uint(struct span object, const char *key, uint64_t max, uint64_t *number);
