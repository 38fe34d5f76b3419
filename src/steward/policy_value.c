// SPDX-License-Identifier: Apache-2.0
/* Values of the policy file. */
#include "base/suggest.h"
#include "codec/base64.h"
#include "steward/policy_internal.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WORDS_MAX = 64 };

void *policy_allocate(struct loader *loader, size_t size)
{
    struct policy_file *file = loader->file;
    void **blocks = realloc(file->blocks, (file->block_count + 1) * sizeof(*blocks));
    if (blocks)
        file->blocks = blocks;
    void *block = blocks ? calloc(1, size + 1) : NULL;
    if (!block) {
        err_set(loader->err, ERR_IO, ENOMEM, "cannot read the policy %s", loader->path);
        return NULL;
    }
    file->blocks[file->block_count++] = block;
    return block;
}

int policy_error(struct loader *loader, const struct toml_node *node, const char *format, ...)
{
    char message[400];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    const struct toml_position *at = node->key_at.line ? &node->key_at : &node->at;
    return err_set(loader->err, ERR_CONFIG, 0, "%s:%u:%u: %s", loader->path, at->line, at->column,
                   message);
}

static int expect(struct loader *loader, const struct key *key, const struct toml_node *node,
                  enum toml_kind kind)
{
    if (node->kind == kind)
        return 0;
    return policy_error(loader, node, "%s must be %s, not %s", key->name, toml_kind_name(kind),
                        toml_kind_name(node->kind));
}

static int read_digest(struct loader *loader, const struct key *key, const struct toml_node *node,
                       uint8_t *out)
{
    int status = expect(loader, key, node, TOML_STRING);
    if (status < 0 || hex_decode(node->string, out, key->size) == 0)
        return status;
    if (node->string.size != 2 * key->size)
        return policy_error(loader, node, "expected digest to have length of %zu, got %zu",
                            key->size, node->string.size / 2);
    return policy_error(loader, node, "invalid hex in %s", key->name);
}

int policy_read_digests(struct loader *loader, const struct key *key, const struct toml_node *node,
                        void *place)
{
    struct attest_list *list = place;
    int status = expect(loader, key, node, TOML_ARRAY);
    if (status < 0)
        return status;
    uint8_t *items = policy_allocate(loader, toml_count(node) * key->size);
    if (!items)
        return -ENOMEM;
    size_t count = 0;
    for (const struct toml_node *item = toml_first(node); item; item = item->next) {
        status = read_digest(loader, key, item, items + count++ * key->size);
        if (status < 0)
            return status;
    }
    *list = (struct attest_list){items, count};
    return 0;
}

int policy_read_strings(struct loader *loader, const struct key *key, const struct toml_node *node,
                        void *place)
{
    struct attest_strings *strings = place;
    int status = expect(loader, key, node, TOML_ARRAY);
    if (status < 0)
        return status;
    char **items = policy_allocate(loader, toml_count(node) * sizeof(*items));
    size_t count = 0;
    for (const struct toml_node *item = toml_first(node); items && item; item = item->next) {
        status = expect(loader, key, item, TOML_STRING);
        if (status < 0)
            return status;
        char *copy = policy_allocate(loader, item->string.size);
        if (!copy)
            return -ENOMEM;
        memcpy(copy, item->string.data, item->string.size);
        items[count++] = copy;
    }
    *strings = (struct attest_strings){(const char *const *)items, count};
    return items ? 0 : -ENOMEM;
}

int policy_read_flag(struct loader *loader, const struct key *key, const struct toml_node *node,
                     void *place)
{
    int status = expect(loader, key, node, TOML_BOOLEAN);
    if (status == 0)
        *(bool *)place = node->boolean;
    return status;
}

static int read_number(struct loader *loader, const struct key *key, const struct toml_node *node,
                       uint64_t max, uint64_t *number)
{
    int status = expect(loader, key, node, TOML_INTEGER);
    if (status < 0)
        return status;
    if (node->integer < 0 || (uint64_t)node->integer > max)
        return policy_error(loader, node, "%s must be from 0 to %llu", key->name,
                            (unsigned long long)max);
    *number = (uint64_t)node->integer;
    return 0;
}

int policy_read_u8(struct loader *loader, const struct key *key, const struct toml_node *node,
                   void *place)
{
    uint64_t number = 0;
    int status = read_number(loader, key, node, UINT8_MAX, &number);
    if (status == 0)
        *(uint8_t *)place = (uint8_t)number;
    return status;
}

int policy_read_u16(struct loader *loader, const struct key *key, const struct toml_node *node,
                    void *place)
{
    uint64_t number = 0;
    int status = read_number(loader, key, node, UINT16_MAX, &number);
    if (status == 0)
        *(uint16_t *)place = (uint16_t)number;
    return status;
}

int policy_read_u32(struct loader *loader, const struct key *key, const struct toml_node *node,
                    void *place)
{
    uint64_t number = 0;
    int status = read_number(loader, key, node, key->size ? key->size : UINT32_MAX, &number);
    if (status == 0)
        *(uint32_t *)place = (uint32_t)number;
    return status;
}

int policy_read_u64(struct loader *loader, const struct key *key, const struct toml_node *node,
                    void *place)
{
    return read_number(loader, key, node, INT64_MAX, place);
}

static int read_word(struct loader *loader, const struct key *key, const struct toml_node *node,
                     uint64_t *bits)
{
    const char *names[WORDS_MAX];
    size_t count = 0;
    int status = expect(loader, key, node, TOML_STRING);
    if (status < 0)
        return status;
    for (const struct word *word = key->words; word->name; word++) {
        names[count++] = word->name;
        if (span_equal(node->string, span_of(word->name, strlen(word->name)))) {
            *bits = word->bits;
            return 0;
        }
    }
    status = policy_error(loader, node, "\"%.*s\" is not a value of %s",
                          (int)(node->string.size < 64 ? node->string.size : 64),
                          (const char *)node->string.data, key->name);
    char typed[64];
    snprintf(typed, sizeof(typed), "%.*s", (int)node->string.size, (const char *)node->string.data);
    const char *meant = suggest(typed, names, count);
    if (meant)
        err_hint(loader->err, "Did you mean \"%s\"?", meant);
    return status;
}

int policy_read_words(struct loader *loader, const struct key *key, const struct toml_node *node,
                      void *place)
{
    uint64_t *all = place;
    int status = expect(loader, key, node, TOML_ARRAY);
    *all = 0;
    for (const struct toml_node *item = toml_first(node); status == 0 && item; item = item->next) {
        uint64_t bits = 0;
        status = read_word(loader, key, item, &bits);
        *all |= bits;
    }
    return status;
}

int policy_read_words32(struct loader *loader, const struct key *key, const struct toml_node *node,
                        void *place)
{
    uint64_t bits;
    int status = policy_read_words(loader, key, node, &bits);
    *(uint32_t *)place = (uint32_t)bits;
    return status;
}

int policy_read_choice(struct loader *loader, const struct key *key, const struct toml_node *node,
                       void *place)
{
    uint64_t bits = 0;
    int status = read_word(loader, key, node, &bits);
    if (status == 0)
        *(bool *)place = bits;
    return status;
}

static int refuse_key(struct loader *loader, const struct toml_node *node, const char *table,
                      const struct key *keys)
{
    const char *names[WORDS_MAX];
    size_t count = 0;
    char typed[64];
    for (; keys[count].name; count++)
        names[count] = keys[count].name;
    snprintf(typed, sizeof(typed), "%.*s", (int)(node->key.size < 63 ? node->key.size : 63),
             (const char *)node->key.data);
    int status = policy_error(loader, node, "unknown key \"%s\" in %s", typed, table);
    const char *meant = suggest(typed, names, count);
    if (meant)
        err_hint(loader->err, "Did you mean %s?", meant);
    return status;
}

int policy_read_table(struct loader *loader, const struct toml_node *table, const char *name,
                      const struct key *keys, void *object)
{
    if (table->kind != TOML_TABLE)
        return policy_error(loader, table, "%s must be a table", name);
    for (const struct toml_node *node = toml_first(table); node; node = node->next) {
        const struct key *key = keys;
        while (key->name && !span_equal(node->key, span_of(key->name, strlen(key->name))))
            key++;
        int status = key->name ? key->read(loader, key, node, (char *)object + key->offset)
                               : refuse_key(loader, node, name, keys);
        if (status < 0)
            return status;
    }
    return 0;
}
