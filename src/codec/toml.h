/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TOML 1.0.0: from text to a tree.
 *
 * Both sides of the trust boundary. No I/O, no allocation, no global state: the caller hands over a
 * block of memory, the tree is built in it, and the text is not needed afterwards. Distinct trees
 * may be used from distinct threads; a finished tree is never written to.
 *
 *     const struct toml_node *root;
 *     struct toml_error error;
 *     if (toml_parse(text, memory, TOML_MEMORY(text.size), &root, &error) < 0)
 *         …                                    error.message, error.at.line, error.at.column
 *     const struct toml_node *port = toml_get(root, "port");
 *     if (port && port->kind == TOML_INTEGER)
 *         …                                    port->integer
 *
 *     for (const struct toml_node *each = toml_first(root); each; each = each->next)
 *         …                                    in the order of the text: each->key, each->kind
 *
 * Where the specification leaves a choice:
 *   - a line end inside a multi-line string is always delivered as one line feed;
 *   - fractions of a second are cut after nanoseconds; second 60 is accepted (RFC 3339
 * section 5.7);
 *   - a decimal number too large for a 64-bit float is an error, not infinity;
 *   - a table that exists only because a header named something below it may be extended by a
 *     dotted key.
 */
#pragma once

#include "base/span.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum toml_kind {
    TOML_STRING,
    TOML_INTEGER,
    TOML_FLOAT,
    TOML_BOOLEAN,
    TOML_DATETIME,       /* with an offset from UTC */
    TOML_LOCAL_DATETIME, /* date and time of day, place unknown */
    TOML_LOCAL_DATE,
    TOML_LOCAL_TIME,
    TOML_ARRAY,
    TOML_TABLE,
};

/* Tables and arrays may be nested this deep; the root table is at depth 0. */
enum { TOML_DEPTH_MAX = 64, TOML_MESSAGE_SIZE = 192 };

struct toml_position {
    uint32_t line;   /* from 1 */
    uint32_t column; /* from 1, in characters */
};

struct toml_time {
    uint16_t year;
    uint8_t month, day;           /* from 1 */
    uint8_t hour, minute, second; /* second up to 60 */
    uint32_t nanosecond;
    int16_t offset; /* minutes east of UTC; TOML_DATETIME only */
};

struct toml_items {
    struct toml_node *first, *last;
    struct toml_node *index; /* internal: search tree over the keys of a table */
    size_t count;
};

struct toml_node {
    enum toml_kind kind;
    uint32_t flags;              /* internal */
    struct toml_position at;     /* where the value begins; of a [table], where its name begins */
    struct toml_position key_at; /* where the key begins; line 0 for elements of arrays */
    struct span key;             /* empty for elements of arrays */
    struct toml_node *next;      /* next sibling in the order of the text */
    struct toml_node *child[2];  /* internal: search tree */
    union {
        struct span string; /* UTF-8, may contain NUL; one more NUL follows, not counted */
        int64_t integer;
        double real;
        bool boolean;
        struct toml_time time;
        struct toml_items items; /* TOML_ARRAY, TOML_TABLE */
    };
};

struct toml_error {
    char message[TOML_MESSAGE_SIZE]; /* a sentence without full stop, NUL-terminated, UTF-8 */
    struct toml_position at;
};

/*
 * Bytes of memory with which a text of `size` bytes never fails for lack of memory. The bound is
 * some sixty times the text, reached by an array of one-digit numbers; a caller may give less and
 * gets -ENOMEM for the texts that do not fit.
 */
#define TOML_MEMORY(size)                                                                          \
    (((size_t)(size) / 2 + TOML_DEPTH_MAX + 4) * (sizeof(struct toml_node) + 16) +                 \
     (size_t)(size) + 64)

/*
 * Parses a whole document.
 *
 * text    the document, UTF-8, at most UINT32_MAX bytes; borrowed for the call
 * memory  `size` bytes of any alignment; borrowed for as long as the tree is used
 * root    set to the root table on success only
 * error   filled on failure; may not be NULL
 *
 * Returns 0; -EINVAL if the text is not TOML; -ENOMEM if `size` is too small; -EFBIG if the text is
 * too large.
 */
__attribute__((warn_unused_result)) int toml_parse(struct span text, void *memory, size_t size,
                                                   const struct toml_node **root,
                                                   struct toml_error *error);

/* The value of a key, or NULL if the table has no such key or `table` is NULL or not a table.
 * Takes time proportional to the logarithm of the number of keys. */
const struct toml_node *toml_find(const struct toml_node *table, struct span key);

/* The same for a NUL-terminated key. */
const struct toml_node *toml_get(const struct toml_node *table, const char *key);

/* First element of an array or first pair of a table; NULL if empty or neither. */
const struct toml_node *toml_first(const struct toml_node *node);

/* Number of elements or pairs; 0 if neither array nor table. */
size_t toml_count(const struct toml_node *node);

/*
 * Typed access to table[key]. Return 0 with *value set, -ENOENT if the key is absent, -EINVAL if it
 * has another kind; *value is left as it was unless 0 is returned.
 */
int toml_get_string(const struct toml_node *table, const char *key, struct span *value);
int toml_get_integer(const struct toml_node *table, const char *key, int64_t *value);
int toml_get_boolean(const struct toml_node *table, const char *key, bool *value);

/* A kind's name with its article, for messages: "a string", "an integer", … */
const char *toml_kind_name(enum toml_kind kind);
