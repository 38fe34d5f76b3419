// SPDX-License-Identifier: Apache-2.0
#include "exec/control.h"

#include "codec/base64.h"
#include "codec/toml.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* --- Engines --------------------------------------------------------------------------------- */

static const char *const engine_names[] = {
    [CONTROL_COMPILER] = "compiler",
    [CONTROL_INTERP] = "interp",
};
enum { ENGINES = sizeof(engine_names) / sizeof(engine_names[0]) };

const char *control_engine_name(enum control_engine engine)
{
    return engine_names[engine];
}

bool control_engine_parse(const char *name, enum control_engine *engine)
{
    for (size_t i = 0; i < ENGINES; i++) {
        if (strcmp(name, engine_names[i]) != 0)
            continue;
        *engine = (enum control_engine)i;
        return true;
    }
    return false;
}

/* --- Writing --------------------------------------------------------------------------------- */

static void write_strings(struct text *text, const char *key, const char *const *strings,
                          size_t count)
{
    text_printf(text, "%s = [", key);
    for (size_t i = 0; i < count; i++) {
        text_add(text, i ? ", " : "");
        text_add_quoted(text, strings[i]);
    }
    text_add(text, "]\n");
}

static void write_string(struct text *text, const char *key, const char *value)
{
    if (!value)
        return;
    text_printf(text, "%s = ", key);
    text_add_quoted(text, value);
    text_add(text, "\n");
}

static void write_package(struct text *text, const struct control_package *package)
{
    if (!package->url)
        return;
    text_add(text, "\n[package]\n");
    write_string(text, "url", package->url);
    write_string(text, "digest", package->digest);
    write_string(text, "steward", package->steward);
    if (package->roots >= 0)
        text_printf(text, "roots = %d\n", package->roots);
}

void control_write(const struct control *control, struct text *text)
{
    text_printf(text, "version = %d\n", CONTROL_VERSION);
    text_printf(text, "log = \"%s\"\n", log_level_name(control->log));
    text_printf(text, "engine = \"%s\"\n", control_engine_name(control->engine));
    text_printf(text, "timings = %s\n", control->timings ? "true" : "false");
    text_printf(text, "trap_missing = %s\n", control->trap_missing ? "true" : "false");
    text_printf(text, "ready = %s\n", control->ready ? "true" : "false");
    if (control->module >= 0)
        text_printf(text, "module = %d\n", control->module);
    if (control->config >= 0)
        text_printf(text, "config = %d\n", control->config);
    write_strings(text, "args", control->args, control->arg_count);
    write_strings(text, "env", control->env, control->env_count);
    text_printf(text, "\n[limits]\nmemory = %llu\nfuel = %llu\n",
                (unsigned long long)control->memory, (unsigned long long)control->fuel);
    write_package(text, &control->package);
    for (size_t i = 0; i < control->dir_count; i++) {
        const struct control_dir *dir = &control->dirs[i];
        text_printf(text, "\n[[dirs]]\nfd = %d\nread_only = %s\npath = ", dir->fd,
                    dir->read_only ? "true" : "false");
        text_add_quoted(text, dir->path);
        text_printf(text, "\nminimum = %llu\n", (unsigned long long)dir->minimum);
    }
}

/* --- Reading --------------------------------------------------------------------------------- */

static int fail(struct err *err, const struct toml_node *node, const char *expected)
{
    return err_set(err, ERR_PROTOCOL, 0, "control document, line %u: %s", node->at.line, expected);
}

static int read_boolean(const struct toml_node *node, bool *value, struct err *err)
{
    if (node->kind != TOML_BOOLEAN)
        return fail(err, node, "a boolean is expected");
    *value = node->boolean;
    return 0;
}

static int read_count(const struct toml_node *node, uint64_t *value, struct err *err)
{
    if (node->kind != TOML_INTEGER || node->integer < 0)
        return fail(err, node, "a number that is not negative is expected");
    *value = (uint64_t)node->integer;
    return 0;
}

static int read_fd(const struct toml_node *node, int *fd, struct err *err)
{
    if (node->kind != TOML_INTEGER || node->integer <= CONTROL_FD || node->integer > CONTROL_FD_MAX)
        return fail(err, node, "a descriptor from 4 to 255 is expected");
    *fd = (int)node->integer;
    return 0;
}

static int read_text(const struct toml_node *node, const char **string, struct err *err)
{
    if (node->kind != TOML_STRING ||
        (node->string.size > 0 && memchr(node->string.data, 0, node->string.size)))
        return fail(err, node, "a string without U+0000 is expected");
    *string = (const char *)node->string.data;
    return 0;
}

static int read_strings(const struct toml_node *node, const char ***strings, size_t *count,
                        struct err *err)
{
    if (node->kind != TOML_ARRAY)
        return fail(err, node, "an array of strings is expected");
    *strings = calloc(toml_count(node) + 1, sizeof(**strings));
    if (!*strings)
        return err_set(err, ERR_IO, ENOMEM, "read the control document");
    for (const struct toml_node *item = toml_first(node); item; item = item->next) {
        int status = read_text(item, &(*strings)[*count], err);
        if (status < 0)
            return status;
        ++*count;
    }
    return 0;
}

static bool key_is(const struct toml_node *node, const char *key)
{
    return span_equal(node->key, span_of(key, strlen(key)));
}

static int read_version(struct control *control, const struct toml_node *node, struct err *err)
{
    (void)control;
    if (node->kind != TOML_INTEGER || node->integer != CONTROL_VERSION)
        return fail(err, node, "version 2 is expected");
    return 0;
}

static int read_log(struct control *control, const struct toml_node *node, struct err *err)
{
    const char *name = NULL;
    int status = read_text(node, &name, err);
    if (name && !log_level_parse(name, &control->log))
        return fail(err, node, "the name of a log level is expected");
    return status;
}

static int read_engine(struct control *control, const struct toml_node *node, struct err *err)
{
    const char *name = NULL;
    int status = read_text(node, &name, err);
    if (name && !control_engine_parse(name, &control->engine))
        return fail(err, node, "the engine compiler or interp is expected");
    return status;
}

static int read_trap_missing(struct control *control, const struct toml_node *node, struct err *err)
{
    return read_boolean(node, &control->trap_missing, err);
}

static int read_ready(struct control *control, const struct toml_node *node, struct err *err)
{
    return read_boolean(node, &control->ready, err);
}

static int read_timings(struct control *control, const struct toml_node *node, struct err *err)
{
    return read_boolean(node, &control->timings, err);
}

static int read_module(struct control *control, const struct toml_node *node, struct err *err)
{
    return read_fd(node, &control->module, err);
}

static int read_config(struct control *control, const struct toml_node *node, struct err *err)
{
    return read_fd(node, &control->config, err);
}

static int read_args(struct control *control, const struct toml_node *node, struct err *err)
{
    return read_strings(node, &control->args, &control->arg_count, err);
}

static int read_env(struct control *control, const struct toml_node *node, struct err *err)
{
    int status = read_strings(node, &control->env, &control->env_count, err);
    for (size_t i = 0; i < control->env_count && status == 0; i++) {
        const char *equals = strchr(control->env[i], '=');
        if (!equals || equals == control->env[i])
            return fail(err, node, "variables of the form KEY=VALUE are expected");
    }
    return status;
}

static int read_limits(struct control *control, const struct toml_node *node, struct err *err)
{
    if (node->kind != TOML_TABLE)
        return fail(err, node, "a table is expected");
    for (const struct toml_node *pair = toml_first(node); pair; pair = pair->next) {
        int status = key_is(pair, "memory") ? read_count(pair, &control->memory, err)
                     : key_is(pair, "fuel") ? read_count(pair, &control->fuel, err)
                                            : fail(err, pair, "this limit is not known");
        if (status < 0)
            return status;
    }
    return 0;
}

static int read_dir(const struct toml_node *entry, struct control_dir *dir, struct err *err)
{
    *dir = (struct control_dir){.fd = -1};
    for (const struct toml_node *pair = toml_first(entry); pair; pair = pair->next) {
        int status = key_is(pair, "fd")          ? read_fd(pair, &dir->fd, err)
                     : key_is(pair, "path")      ? read_text(pair, &dir->path, err)
                     : key_is(pair, "read_only") ? read_boolean(pair, &dir->read_only, err)
                     : key_is(pair, "minimum")   ? read_count(pair, &dir->minimum, err)
                                                 : fail(err, pair, "this key is not known");
        if (status < 0)
            return status;
    }
    if (dir->fd < 0 || !dir->path || dir->path[0] != '/')
        return fail(err, entry, "a directory needs fd and an absolute path");
    return 0;
}

bool control_package_digest(const struct control_package *package, uint8_t digest[32])
{
    return package->digest && hex_decode(span_of(package->digest, 64), digest, 32) == 0;
}

static int read_digest(const struct toml_node *node, const char **digest, struct err *err)
{
    int status = read_text(node, digest, err);
    if (status < 0)
        return status;
    return strlen(*digest) == 64 && strspn(*digest, "0123456789abcdef") == 64
               ? 0
               : fail(err, node, "64 lower-case hexadecimal digits are expected");
}

static int read_package(struct control *control, const struct toml_node *node, struct err *err)
{
    struct control_package *package = &control->package;
    if (node->kind != TOML_TABLE)
        return fail(err, node, "a table is expected");
    for (const struct toml_node *pair = toml_first(node); pair; pair = pair->next) {
        int status = key_is(pair, "url")       ? read_text(pair, &package->url, err)
                     : key_is(pair, "digest")  ? read_digest(pair, &package->digest, err)
                     : key_is(pair, "steward") ? read_text(pair, &package->steward, err)
                     : key_is(pair, "roots")   ? read_fd(pair, &package->roots, err)
                                               : fail(err, pair, "this key is not known");
        if (status < 0)
            return status;
    }
    if (!package->url)
        return fail(err, node, "a package needs url");
    return package->steward && (!package->digest || package->roots < 0)
               ? fail(err, node, "a package with steward needs digest and roots")
               : 0;
}

static int read_dirs(struct control *control, const struct toml_node *node, struct err *err)
{
    if (node->kind != TOML_ARRAY)
        return fail(err, node, "an array of tables is expected");
    control->dirs = calloc(toml_count(node) + 1, sizeof(*control->dirs));
    if (!control->dirs)
        return err_set(err, ERR_IO, ENOMEM, "read the control document");
    for (const struct toml_node *entry = toml_first(node); entry; entry = entry->next) {
        if (entry->kind != TOML_TABLE)
            return fail(err, entry, "a table is expected");
        int status = read_dir(entry, &control->dirs[control->dir_count], err);
        if (status < 0)
            return status;
        control->dir_count++;
    }
    return 0;
}

static const struct {
    const char *key;
    int (*read)(struct control *, const struct toml_node *, struct err *);
} keys[] = {
    {"version", read_version}, {"log", read_log},
    {"engine", read_engine},   {"timings", read_timings},
    {"module", read_module},   {"config", read_config},
    {"args", read_args},       {"trap_missing", read_trap_missing},
    {"env", read_env},         {"limits", read_limits},
    {"dirs", read_dirs},       {"ready", read_ready},
    {"package", read_package},
};
enum { KEYS = sizeof(keys) / sizeof(keys[0]) };

static int read_document(struct control *control, const struct toml_node *root, struct err *err)
{
    if (!toml_get(root, "version"))
        return fail(err, root, "version is missing");
    for (const struct toml_node *node = toml_first(root); node; node = node->next) {
        size_t i = 0;
        while (i < KEYS && !key_is(node, keys[i].key))
            i++;
        int status =
            i < KEYS ? keys[i].read(control, node, err) : fail(err, node, "this key is not known");
        if (status < 0)
            return status;
    }
    if (control->package.url)
        return control->module < 0 && control->config < 0
                   ? 0
                   : fail(err, root, "module and config are not for a package");
    return control->module < 0 ? fail(err, root, "module is missing") : 0;
}

static int parse_toml(struct span text, size_t limit, void **storage, const struct toml_node **root,
                      struct err *err)
{
    if (text.size > limit) {
        err_set(err, ERR_PROTOCOL, 0, "the control document is larger than %zu bytes", limit);
        return -EFBIG;
    }
    size_t room = TOML_MEMORY(text.size);
    *storage = malloc(room);
    if (!*storage)
        return err_set(err, ERR_IO, ENOMEM, "parse the control document");
    struct toml_error error;
    int status = toml_parse(text, *storage, room, root, &error);
    if (status < 0)
        err_set(err, ERR_PROTOCOL, 0, "control document, line %u, column %u: %s", error.at.line,
                error.at.column, error.message);
    return status;
}

int control_parse(struct span text, struct control *control, struct err *err)
{
    *control = (struct control){.log = LOG_ERROR, .module = -1, .config = -1, .package.roots = -1};
    const struct toml_node *root;
    int status = parse_toml(text, CONTROL_SIZE_MAX, &control->storage, &root, err);
    if (status == 0)
        status = read_document(control, root, err);
    if (status < 0)
        control_free(control);
    return status;
}

void control_free(struct control *control)
{
    free(control->args);
    free(control->env);
    free(control->dirs);
    free(control->storage);
    *control = (struct control){.module = -1, .config = -1, .package.roots = -1};
}
