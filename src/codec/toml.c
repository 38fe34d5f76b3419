// SPDX-License-Identifier: Apache-2.0
/* TOML documents: memory, keys, tables and their redefinition rules, arrays, inline tables. */
#include "toml.h"
#include "toml_internal.h"

#include <errno.h>
#include <stdalign.h>
#include <string.h>

/* --- Errors and memory ----------------------------------------------------------------------- */

static void append(struct toml_error *error, const char *text, size_t size)
{
    size_t used = strlen(error->message);
    size_t room = sizeof(error->message) - 1 - used;
    size_t copied = size < room ? size : room;
    memcpy(error->message + used, text, copied);
    error->message[used + copied] = '\0';
}

static void append_text(struct toml_error *error, const char *text)
{
    append(error, text, strlen(text));
}

static void append_number(struct toml_error *error, uint32_t number)
{
    char digits[10];
    size_t first = sizeof(digits);
    do {
        digits[--first] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    append(error, digits + first, sizeof(digits) - first);
}

static bool fail_with(struct toml_parser *p, int status, struct toml_position at,
                      const char *message)
{
    if (p->status == 0) {
        p->status = status;
        p->error->at = at;
        p->error->message[0] = '\0';
        append_text(p->error, message);
    }
    return false;
}

bool toml_fail(struct toml_parser *p, struct toml_position at, const char *message)
{
    return fail_with(p, -EINVAL, at, message);
}

/* Long keys are cut where a character begins. */
static void append_key(struct toml_error *error, struct span name)
{
    size_t size = name.size < 64 ? name.size : 64;
    while (size > 0 && size < name.size && (name.data[size] & 0xC0) == 0x80)
        size--;
    append_text(error, "\"");
    append(error, (const char *)name.data, size);
    append_text(error, size < name.size ? "…\"" : "\"");
}

bool toml_fail_key(struct toml_parser *p, const struct toml_key *key, const char *before,
                   const char *after)
{
    if (p->status != 0)
        return false;
    toml_fail(p, key->at, before);
    append_key(p->error, key->name);
    append_text(p->error, after);
    return false;
}

static bool fail_defined(struct toml_parser *p, const struct toml_key *key,
                         const struct toml_node *earlier, const char *after)
{
    if (p->status != 0)
        return false;
    toml_fail_key(p, key, "", after);
    append_number(p->error, earlier->key_at.line);
    return false;
}

static bool out_of_memory(struct toml_parser *p)
{
    return fail_with(p, -ENOMEM, p->place, "the document needs more memory than it may use");
}

struct toml_node *toml_node_new(struct toml_parser *p, enum toml_kind kind, struct toml_position at)
{
    size_t gap = (0 - (uintptr_t)p->memory) & (alignof(struct toml_node) - 1);
    if (p->memory_left < gap + sizeof(struct toml_node)) {
        out_of_memory(p);
        return NULL;
    }
    struct toml_node *node = (struct toml_node *)(void *)(p->memory + gap);
    p->memory += gap + sizeof(*node);
    p->memory_left -= gap + sizeof(*node);
    memset(node, 0, sizeof(*node));
    node->kind = kind;
    node->at = at;
    return node;
}

bool toml_push(struct toml_parser *p, uint8_t byte)
{
    if (p->memory_left == 0)
        return out_of_memory(p);
    *p->memory++ = byte;
    p->memory_left--;
    return true;
}

/* --- The tree -------------------------------------------------------------------------------- */

/* FNV-1a. The index is a tree over the bits of the hash: colliding keys only make it deeper. */
static uint64_t hash_key(struct span key)
{
    uint64_t hash = 0xcbf29ce484222325U;
    for (size_t i = 0; i < key.size; i++)
        hash = (hash ^ key.data[i]) * 0x100000001b3U;
    return hash ^ hash >> 32;
}

static void append_child(struct toml_node *parent, struct toml_node *child)
{
    struct toml_items *items = &parent->items;
    if (items->last)
        items->last->next = child;
    else
        items->first = child;
    items->last = child;
    items->count++;
}

/* Adds a pair whose key the table does not have yet. */
static void add_pair(struct toml_node *table, const struct toml_key *key, struct toml_node *value)
{
    value->key = key->name;
    value->key_at = key->at;
    append_child(table, value);

    struct toml_node **slot = &table->items.index;
    for (uint64_t hash = hash_key(key->name); *slot; hash >>= 1)
        slot = &(*slot)->child[hash & 1];
    *slot = value;
}

static struct toml_node *find(const struct toml_node *table, struct span key)
{
    struct toml_node *node = table->items.index;
    for (uint64_t hash = hash_key(key); node; hash >>= 1) {
        if (span_equal(node->key, key))
            return node;
        node = node->child[hash & 1];
    }
    return NULL;
}

static struct toml_node *add_table(struct toml_parser *p, struct toml_node *table,
                                   const struct toml_key *key, uint32_t flags)
{
    struct toml_node *node = toml_node_new(p, TOML_TABLE, key->at);
    if (!node)
        return NULL;
    node->flags = flags;
    add_pair(table, key, node);
    return node;
}

/* --- Blanks, comments, line ends ------------------------------------------------------------- */

static void skip_blanks(struct toml_parser *p)
{
    while (toml_peek(p, 0) == ' ' || toml_peek(p, 0) == '\t')
        toml_bump(p);
}

static void skip_comment(struct toml_parser *p)
{
    if (toml_peek(p, 0) != '#')
        return;
    while (toml_peek(p, 0) >= 0 && toml_peek(p, 0) != '\n')
        toml_bump(p);
}

static void skip_blank_lines(struct toml_parser *p)
{
    for (;;) {
        skip_blanks(p);
        skip_comment(p);
        if (toml_peek(p, 0) != '\n' && toml_peek(p, 0) != '\r')
            return;
        toml_bump(p);
    }
}

static bool expect_line_end(struct toml_parser *p)
{
    skip_blanks(p);
    skip_comment(p);
    int byte = toml_peek(p, 0);
    if (byte >= 0 && byte != '\n' && byte != '\r')
        return toml_fail(p, p->place, "the line should end here, or go on with a # comment");
    return true;
}

/* --- Keys ------------------------------------------------------------------------------------ */

static bool is_bare_key_byte(int byte)
{
    return toml_is_digit(byte) || (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           byte == '_' || byte == '-';
}

static bool parse_key(struct toml_parser *p, struct toml_key *key)
{
    key->at = p->place;
    int byte = toml_peek(p, 0);
    if (byte == '"' || byte == '\'')
        return toml_parse_string(p, false, &key->name);

    const uint8_t *data = p->memory;
    while (is_bare_key_byte(toml_peek(p, 0))) {
        if (!toml_push(p, *p->at))
            return false;
        toml_bump(p);
    }
    key->name = span_of(data, (size_t)(p->memory - data));
    if (key->name.size == 0)
        return toml_fail(p, p->place,
                         "a key is missing; keys are made of A-Z a-z 0-9 _ - or are in quotes");
    return toml_push(p, 0);
}

static bool check_depth(struct toml_parser *p, struct toml_position at, unsigned depth)
{
    if (depth > TOML_DEPTH_MAX)
        return toml_fail(p, at, "tables and arrays are nested more than 64 deep");
    return true;
}

/* --- Values ---------------------------------------------------------------------------------- */

static struct toml_node *parse_value(struct toml_parser *p, unsigned depth);

/* The table that a dotted key names with one of its parts, made if need be. */
static struct toml_node *enter_dotted(struct toml_parser *p, struct toml_node *table,
                                      const struct toml_key *key)
{
    struct toml_node *next = find(table, key->name);
    if (!next)
        return add_table(p, table, key, TOML_DOTTED);
    if (next->kind != TOML_TABLE || next->flags & TOML_INLINE) {
        fail_defined(p, key, next, " cannot be extended: it was given a value on line ");
        return NULL;
    }
    if (!(next->flags & (TOML_DOTTED | TOML_IMPLICIT))) {
        fail_defined(p, key, next,
                     " cannot be extended by a dotted key: it has its own [header] on line ");
        return NULL;
    }
    next->flags = TOML_DOTTED;
    return next;
}

/* key = value, or part.part.key = value; `depth` is that of the table. */
static bool parse_pair(struct toml_parser *p, struct toml_node *table, unsigned depth)
{
    struct toml_key key;
    for (;;) {
        if (!parse_key(p, &key))
            return false;
        skip_blanks(p);
        if (toml_peek(p, 0) != '.')
            break;
        toml_bump(p);
        skip_blanks(p);
        table = enter_dotted(p, table, &key);
        if (!table || !check_depth(p, key.at, ++depth))
            return false;
    }
    const struct toml_node *earlier = find(table, key.name);
    if (earlier)
        return fail_defined(p, &key, earlier, " is defined twice, first on line ");
    if (toml_peek(p, 0) != '=')
        return toml_fail_key(p, &(struct toml_key){key.name, p->place}, "'=' is missing after ",
                             "");
    toml_bump(p);
    skip_blanks(p);

    struct toml_node *value = parse_value(p, depth);
    if (!value)
        return false;
    add_pair(table, &key, value);
    return true;
}

/* The cursor is behind the brace. */
static bool parse_inline_table(struct toml_parser *p, struct toml_node *table, unsigned depth)
{
    skip_blanks(p);
    if (toml_peek(p, 0) == '}') {
        toml_bump(p);
        return true;
    }
    for (;;) {
        if (!parse_pair(p, table, depth))
            return false;
        skip_blanks(p);
        int byte = toml_peek(p, 0);
        if (byte != ',' && byte != '}')
            return toml_fail(p, p->place,
                             "',' or '}' is missing in the inline table, which is one line");
        toml_bump(p);
        if (byte == '}')
            return true;
        skip_blanks(p);
        if (toml_peek(p, 0) == '}')
            return toml_fail(p, p->place, "an inline table must not end with a comma");
    }
}

/* The cursor is behind the bracket. */
static bool parse_array(struct toml_parser *p, struct toml_node *array, unsigned depth)
{
    for (;;) {
        skip_blank_lines(p);
        if (toml_peek(p, 0) == ']')
            break;
        if (toml_peek(p, 0) < 0)
            return toml_fail(p, array->at, "the array is not closed");
        struct toml_node *value = parse_value(p, depth);
        if (!value)
            return false;
        append_child(array, value);
        skip_blank_lines(p);
        int byte = toml_peek(p, 0);
        if (byte == ']')
            break;
        if (byte < 0)
            return toml_fail(p, array->at, "the array is not closed");
        if (byte != ',')
            return toml_fail(p, p->place, "',' or ']' is missing in the array");
        toml_bump(p);
    }
    toml_bump(p);
    return true;
}

static bool parse_collection(struct toml_parser *p, struct toml_node *node, unsigned depth)
{
    if (!check_depth(p, node->at, depth))
        return false;
    node->flags = TOML_INLINE;
    toml_bump(p);
    return node->kind == TOML_ARRAY ? parse_array(p, node, depth)
                                    : parse_inline_table(p, node, depth);
}

static bool parse_boolean(struct toml_parser *p, struct toml_node *node)
{
    static const char *const words[] = {"false", "true"};
    node->boolean = toml_peek(p, 0) == 't';
    size_t size = 0;
    while (is_bare_key_byte(toml_peek(p, size)))
        size++;
    const char *word = words[node->boolean];
    if (size != strlen(word) || memcmp(p->at, word, size) != 0)
        return toml_fail(p, p->place, "this is not a value; text must be in quotes");
    toml_skip(p, size);
    return true;
}

static bool parse_value_into(struct toml_parser *p, struct toml_node *node, unsigned depth)
{
    switch (toml_peek(p, 0)) {
    case '"':
    case '\'':
        node->kind = TOML_STRING;
        return toml_parse_string(p, true, &node->string);
    case '[':
        node->kind = TOML_ARRAY;
        return parse_collection(p, node, depth + 1);
    case '{':
        node->kind = TOML_TABLE;
        return parse_collection(p, node, depth + 1);
    case 't':
    case 'f':
        node->kind = TOML_BOOLEAN;
        return parse_boolean(p, node);
    default:
        if (toml_looks_like_time(p))
            return toml_parse_time(p, node);
        return toml_parse_number(p, node);
    }
}

/* `depth` is that of the table or array which the value becomes part of. */
static struct toml_node *parse_value(struct toml_parser *p, unsigned depth)
{
    struct toml_node *node = toml_node_new(p, TOML_STRING, p->place);
    return node && parse_value_into(p, node, depth) ? node : NULL;
}

/* --- Headers --------------------------------------------------------------------------------- */

/* The table that a header names with one of its parts but the last, made if need be. */
static struct toml_node *enter_header(struct toml_parser *p, struct toml_node *table,
                                      const struct toml_key *key)
{
    struct toml_node *next = find(table, key->name);
    if (!next)
        return add_table(p, table, key, TOML_IMPLICIT);
    if (next->flags & TOML_TABLES)
        return next->items.last;
    if (next->kind == TOML_TABLE && !(next->flags & TOML_INLINE))
        return next;
    fail_defined(p, key, next, " cannot be extended: it was given a value on line ");
    return NULL;
}

static struct toml_node *define_table(struct toml_parser *p, struct toml_node *parent,
                                      const struct toml_key *key)
{
    struct toml_node *table = find(parent, key->name);
    if (!table)
        return add_table(p, parent, key, 0);
    if (table->kind == TOML_TABLE && table->flags == TOML_IMPLICIT) {
        table->flags = 0;
        table->at = table->key_at = key->at;
        return table;
    }
    fail_defined(p, key, table, " is defined twice, first on line ");
    return NULL;
}

static struct toml_node *define_element(struct toml_parser *p, struct toml_node *parent,
                                        const struct toml_key *key)
{
    struct toml_node *array = find(parent, key->name);
    if (array && !(array->flags & TOML_TABLES)) {
        fail_defined(p, key, array, " is not an array of tables: it was defined on line ");
        return NULL;
    }
    struct toml_node *element = toml_node_new(p, TOML_TABLE, key->at);
    if (!element)
        return NULL;
    if (!array) {
        array = toml_node_new(p, TOML_ARRAY, key->at);
        if (!array)
            return NULL;
        array->flags = TOML_TABLES;
        add_pair(parent, key, array);
    }
    append_child(array, element);
    return element;
}

/* [a.b.c] or [[a.b.c]]: sets the table that the following pairs belong to. */
static bool parse_header(struct toml_parser *p, struct toml_node **current, unsigned *depth)
{
    bool element = toml_peek(p, 1) == '[';
    toml_skip(p, element ? 2 : 1);

    struct toml_node *table = p->root;
    struct toml_key key;
    for (*depth = 1;; ++*depth) {
        skip_blanks(p);
        if (!parse_key(p, &key) || !check_depth(p, key.at, *depth + element))
            return false;
        skip_blanks(p);
        if (toml_peek(p, 0) != '.')
            break;
        toml_bump(p);
        table = enter_header(p, table, &key);
        if (!table)
            return false;
    }
    if (toml_peek(p, 0) != ']' || (element && toml_peek(p, 1) != ']'))
        return toml_fail(p, p->place, element ? "']]' is missing" : "']' is missing");
    toml_skip(p, element ? 2 : 1);
    *depth += element;
    *current = element ? define_element(p, table, &key) : define_table(p, table, &key);
    return *current != NULL;
}

/* --- Encoding -------------------------------------------------------------------------------- */

/* Length of the well-formed UTF-8 sequence at the cursor (Unicode, table 3-7), or 0. */
static size_t sequence_length(const struct toml_parser *p)
{
    int first = toml_peek(p, 0), second = toml_peek(p, 1);
    if (first < 0x80)
        return 1;
    size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
    int low = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
    int high = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
    if (first < 0xC2 || first > 0xF4 || second < low || second > high)
        return 0;
    for (size_t i = 2; i < length; i++) {
        int byte = toml_peek(p, i);
        if (byte < 0x80 || byte > 0xBF)
            return 0;
    }
    return length;
}

static bool is_forbidden_control(const struct toml_parser *p)
{
    int byte = toml_peek(p, 0);
    if (byte == '\r')
        return toml_peek(p, 1) != '\n';
    return (byte < 0x20 && byte != '\t' && byte != '\n') || byte == 0x7F;
}

/* Checks what holds everywhere in a document, strings and comments included. Takes a copy of the
 * parser as its cursor. */
static bool check_encoding(struct toml_parser *p)
{
    struct toml_parser cursor = *p;
    while (cursor.at < cursor.end) {
        size_t length = sequence_length(&cursor);
        if (length == 0)
            return toml_fail(p, cursor.place, "the text is not valid UTF-8");
        if (is_forbidden_control(&cursor))
            return toml_fail(p, cursor.place,
                             *cursor.at == '\r'
                                 ? "a carriage return must be followed by a line feed"
                                 : "control characters must be written as escapes in \"strings\"");
        toml_skip(&cursor, length);
    }
    return true;
}

static void skip_byte_order_mark(struct toml_parser *p)
{
    if (toml_peek(p, 0) == 0xEF && toml_peek(p, 1) == 0xBB && toml_peek(p, 2) == 0xBF)
        p->at += 3;
}

/* --- Interface ------------------------------------------------------------------------------- */

static bool parse_document(struct toml_parser *p)
{
    struct toml_node *current = p->root;
    unsigned depth = 0;
    for (;;) {
        skip_blank_lines(p);
        if (toml_peek(p, 0) < 0)
            return true;
        bool ok = toml_peek(p, 0) == '[' ? parse_header(p, &current, &depth)
                                         : parse_pair(p, current, depth);
        if (!ok || !expect_line_end(p))
            return false;
    }
}

int toml_parse(struct span text, void *memory, size_t size, const struct toml_node **root,
               struct toml_error *error)
{
    struct toml_parser parser = {
        .at = text.data,
        .end = text.data + text.size,
        .place = {1, 1},
        .memory = memory,
        .memory_left = size,
        .error = error,
    };
    *error = (struct toml_error){0};
    if (text.size > UINT32_MAX) {
        fail_with(&parser, -EFBIG, parser.place, "the document is larger than 4 GiB");
        return parser.status;
    }
    skip_byte_order_mark(&parser);
    parser.root = toml_node_new(&parser, TOML_TABLE, parser.place);
    if (!parser.root || !check_encoding(&parser) || !parse_document(&parser))
        return parser.status;
    *root = parser.root;
    return 0;
}

const struct toml_node *toml_find(const struct toml_node *table, struct span key)
{
    return table && table->kind == TOML_TABLE ? find(table, key) : NULL;
}

const struct toml_node *toml_get(const struct toml_node *table, const char *key)
{
    return toml_find(table, span_of(key, strlen(key)));
}

const struct toml_node *toml_first(const struct toml_node *node)
{
    return toml_count(node) ? node->items.first : NULL;
}

size_t toml_count(const struct toml_node *node)
{
    bool collection = node && (node->kind == TOML_TABLE || node->kind == TOML_ARRAY);
    return collection ? node->items.count : 0;
}

int toml_get_string(const struct toml_node *table, const char *key, struct span *value)
{
    const struct toml_node *node = toml_get(table, key);
    if (!node)
        return -ENOENT;
    if (node->kind != TOML_STRING)
        return -EINVAL;
    *value = node->string;
    return 0;
}

int toml_get_integer(const struct toml_node *table, const char *key, int64_t *value)
{
    const struct toml_node *node = toml_get(table, key);
    if (!node)
        return -ENOENT;
    if (node->kind != TOML_INTEGER)
        return -EINVAL;
    *value = node->integer;
    return 0;
}

int toml_get_boolean(const struct toml_node *table, const char *key, bool *value)
{
    const struct toml_node *node = toml_get(table, key);
    if (!node)
        return -ENOENT;
    if (node->kind != TOML_BOOLEAN)
        return -EINVAL;
    *value = node->boolean;
    return 0;
}

const char *toml_kind_name(enum toml_kind kind)
{
    static const char *const names[] = {
        [TOML_STRING] = "a string",         [TOML_INTEGER] = "an integer",
        [TOML_FLOAT] = "a float",           [TOML_BOOLEAN] = "a boolean",
        [TOML_DATETIME] = "a date-time",    [TOML_LOCAL_DATETIME] = "a local date-time",
        [TOML_LOCAL_DATE] = "a local date", [TOML_LOCAL_TIME] = "a local time",
        [TOML_ARRAY] = "an array",          [TOML_TABLE] = "a table",
    };
    return names[kind];
}
