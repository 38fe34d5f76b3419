// SPDX-License-Identifier: Apache-2.0
#include "steward/args_file.h"

#include "base/cleanup.h"
#include "base/text.h"
#include "codec/toml.h"
#include "steward/files.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { VALUE_SIZE = 64 };

static int add_word(struct args *args, char *word, struct err *err)
{
    char **words = realloc(args->words, ((size_t)args->count + 2) * sizeof(*words));
    if (!words)
        return err_set(err, ERR_IO, ENOMEM, "cannot read the command line");
    args->words = words;
    words[args->count++] = word;
    words[args->count] = NULL;
    return 0;
}

/* Adds --key=value, or --key if there is no value. */
static int add_option(struct args *args, struct span key, const struct span *value, struct err *err)
{
    size_t size = key.size + (value ? value->size : 0) + sizeof("--=");
    char **blocks = realloc(args->blocks, (args->block_count + 1) * sizeof(*blocks));
    if (blocks)
        args->blocks = blocks;
    char *word = blocks ? malloc(size) : NULL;
    if (!word)
        return err_set(err, ERR_IO, ENOMEM, "cannot read the command line");
    blocks[args->block_count++] = word;
    struct text text = text_init(word, size);
    text_add(&text, "--");
    text_add_span(&text, key);
    if (value) {
        text_add(&text, "=");
        text_add_span(&text, *value);
    }
    return add_word(args, word, err);
}

static void write_time(const struct toml_node *node, struct text *text)
{
    const struct toml_time *time = &node->time;
    enum toml_kind kind = node->kind;
    if (kind != TOML_LOCAL_TIME)
        text_printf(text, "%04u-%02u-%02u", time->year, time->month, time->day);
    if (kind == TOML_DATETIME || kind == TOML_LOCAL_DATETIME)
        text_add(text, "T");
    if (kind != TOML_LOCAL_DATE)
        text_printf(text, "%02u:%02u:%02u", time->hour, time->minute, time->second);
    if (time->nanosecond > 0)
        text_printf(text, ".%09u", time->nanosecond);
    int offset = time->offset < 0 ? -time->offset : time->offset;
    if (kind == TOML_DATETIME && offset == 0)
        text_add(text, "Z");
    else if (kind == TOML_DATETIME)
        text_printf(text, "%c%02d:%02d", time->offset < 0 ? '-' : '+', offset / 60, offset % 60);
}

/* One value that is no array, as the option `key`. */
static int add_value(struct args *args, const char *path, struct span key,
                     const struct toml_node *node, struct err *err)
{
    char buffer[VALUE_SIZE];
    struct text text = text_init(buffer, sizeof(buffer));
    struct span value;
    switch (node->kind) {
    case TOML_BOOLEAN:
        return node->boolean ? add_option(args, key, NULL, err) : 0;
    case TOML_ARRAY:
    case TOML_TABLE:
        return err_set(err, ERR_CONFIG, 0, "%s:%u:%u: %s cannot be an option", path, node->at.line,
                       node->at.column, toml_kind_name(node->kind));
    case TOML_STRING:
        if (memchr(node->string.data, 0, node->string.size))
            return err_set(err, ERR_CONFIG, 0, "%s:%u:%u: an option cannot have U+0000", path,
                           node->at.line, node->at.column);
        return add_option(args, key, &node->string, err);
    case TOML_INTEGER:
        text_printf(&text, "%" PRId64, node->integer);
        break;
    case TOML_FLOAT:
        text_printf(&text, "%.17g", node->real);
        break;
    case TOML_DATETIME:
    case TOML_LOCAL_DATETIME:
    case TOML_LOCAL_DATE:
    case TOML_LOCAL_TIME:
        write_time(node, &text);
        break;
    }
    value = text_span(&text);
    return add_option(args, key, &value, err);
}

static int add_table(struct args *args, const char *path, const struct toml_node *table,
                     struct err *err)
{
    for (const struct toml_node *node = toml_first(table); node; node = node->next) {
        int status = 0;
        if (memchr(node->key.data, 0, node->key.size))
            status = err_set(err, ERR_CONFIG, 0, "%s:%u: a key has U+0000", path, node->at.line);
        else if (node->kind != TOML_ARRAY)
            status = add_value(args, path, node->key, node, err);
        else
            for (const struct toml_node *item = toml_first(node); item && status == 0;
                 item = item->next)
                status = add_value(args, path, node->key, item, err);
        if (status < 0)
            return status;
    }
    return 0;
}

static int add_text(struct args *args, const char *path, struct span bytes, struct err *err)
{
    const struct toml_node *root;
    struct toml_error error;
    size_t room = TOML_MEMORY(bytes.size);
    autofree void *memory = malloc(room);
    if (!memory)
        return err_set(err, ERR_IO, ENOMEM, "cannot read %s", path);
    if (toml_parse(bytes, memory, room, &root, &error) < 0)
        return err_set(err, ERR_CONFIG, 0, "%s:%u:%u: %s", path, error.at.line, error.at.column,
                       error.message);
    return add_table(args, path, root, err);
}

static int add_file(struct args *args, const char *path, struct err *err)
{
    struct evidence_files files = {0};
    struct attest_bytes bytes;
    int status = evidence_files_read_plain(&files, path, &bytes, err);
    if (status == 0)
        status = add_text(args, path, span_of(bytes.data, bytes.size), err);
    evidence_files_free(&files);
    return status;
}

int args_expand(int argc, char **argv, struct args *args, struct err *err)
{
    *args = (struct args){0};
    int status = 0;
    for (int i = 0; i < argc && status == 0; i++) {
        if (i > 0 && argv[i][0] == '@')
            status = add_file(args, argv[i] + 1, err);
        else
            status = add_word(args, argv[i], err);
    }
    return status;
}

void args_free(struct args *args)
{
    for (size_t i = 0; i < args->block_count; i++)
        free(args->blocks[i]);
    free(args->blocks);
    free(args->words);
    *args = (struct args){0};
}
