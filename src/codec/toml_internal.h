/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the TOML parser share. */
#pragma once

#include "codec/toml.h"

/* How a table or array came to be; decides what may still be added to it. */
enum toml_flag {
    TOML_IMPLICIT = 1, /* named only as part of a longer [header] */
    TOML_DOTTED = 2,   /* made by a dotted key */
    TOML_INLINE = 4,   /* written as a value: closed */
    TOML_TABLES = 8,   /* an array made by [[header]] */
};

struct toml_parser {
    const uint8_t *at, *end;
    struct toml_position place; /* of `at` */
    uint8_t *memory;            /* next free byte */
    size_t memory_left;
    struct toml_node *root;
    struct toml_error *error;
    int status; /* 0 or the -errno of the first failure */
};

struct toml_key {
    struct span name;
    struct toml_position at;
};

/* The byte at `offset` from the cursor, or -1 behind the end. */
static inline int toml_peek(const struct toml_parser *parser, size_t offset)
{
    return offset < (size_t)(parser->end - parser->at) ? parser->at[offset] : -1;
}

/* Steps over one byte, which must be there. */
static inline void toml_bump(struct toml_parser *parser)
{
    uint8_t byte = *parser->at++;
    if (byte == '\n') {
        parser->place.line++;
        parser->place.column = 1;
    } else if ((byte & 0xC0) != 0x80) {
        parser->place.column++;
    }
}

static inline void toml_skip(struct toml_parser *parser, size_t count)
{
    while (count-- > 0)
        toml_bump(parser);
}

static inline bool toml_is_digit(int byte)
{
    return byte >= '0' && byte <= '9';
}

/* All of these return false after a failure, which they have recorded; the first one counts. */

bool toml_fail(struct toml_parser *parser, struct toml_position at, const char *message);
/* Message: before, "key", after. */
bool toml_fail_key(struct toml_parser *parser, const struct toml_key *key, const char *before,
                   const char *after);

/* Memory for one node, zeroed; NULL after a failure. */
struct toml_node *toml_node_new(struct toml_parser *parser, enum toml_kind kind,
                                struct toml_position at);
/* Appends a byte to the string that is being built at parser->memory. */
bool toml_push(struct toml_parser *parser, uint8_t byte);

bool toml_parse_string(struct toml_parser *parser, bool allow_multiline, struct span *string);
bool toml_parse_number(struct toml_parser *parser, struct toml_node *node);
bool toml_parse_time(struct toml_parser *parser, struct toml_node *node);
bool toml_looks_like_time(const struct toml_parser *parser);
