// SPDX-License-Identifier: Apache-2.0
#include "exec/config_reader.h"

#include "base/suggest.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What prot may be. Datagrams have no port that would be meant if none is named. */
static const struct protocol {
    const char *word;
    uint16_t port;
} protocols[] = {
    [PROTOCOL_TCP] = {"tcp", 80},
    [PROTOCOL_TLS] = {"tls", 443},
    [PROTOCOL_UDP] = {"udp", 0},
    [PROTOCOL_DTLS] = {"dtls", 0},
};
enum { PROTOCOLS = sizeof(protocols) / sizeof(protocols[0]) };

int config_fail(const struct reader *reader, struct toml_position at, const char *format, ...)
{
    char text[ERR_MESSAGE_SIZE / 2];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    return err_set(reader->err, ERR_CONFIG, 0, "%s:%u:%u: %s", reader->name, at.line, at.column,
                   text);
}

static bool has_nul(struct span text)
{
    return text.size > 0 && memchr(text.data, 0, text.size);
}

/* --- Values ---------------------------------------------------------------------------------- */

int config_read_string(const struct reader *reader, const struct toml_node *node, const char *what,
                       const char **string)
{
    if (node->kind != TOML_STRING) {
        config_fail(reader, node->at, "%s must be a string, but is %s", what,
                    toml_kind_name(node->kind));
        err_hint(reader->err, "Put the value in quotes.");
        return -EINVAL;
    }
    if (has_nul(node->string))
        return config_fail(reader, node->at, "%s must not contain U+0000", what);
    *string = (const char *)node->string.data;
    return 0;
}

static int read_steward(const struct reader *reader, const struct toml_node *node)
{
    static const char scheme[] = "https://";
    const char *url;
    int status = config_read_string(reader, node, "steward", &url);
    if (status < 0)
        return status;
    if (strncmp(url, "http://", 7) == 0) {
        config_fail(reader, node->at, "refusing to use an unencrypted steward url");
        err_hint(reader->err, "Write https:// in place of http://.");
        return -EINVAL;
    }
    size_t host = strncmp(url, scheme, strlen(scheme)) == 0 ? strlen(scheme) : 0;
    if (host == 0 || strcspn(url + host, "/?#") == 0 || strpbrk(url, " \t\r\n")) {
        config_fail(reader, node->at, "steward must be an https URL with a host");
        err_hint(reader->err, "For example: steward = \"https://attest.example.com\"");
        return -EINVAL;
    }
    reader->config->steward = url;
    return 0;
}

static int read_args(const struct reader *reader, const struct toml_node *node)
{
    struct config *config = reader->config;
    if (node->kind != TOML_ARRAY) {
        config_fail(reader, node->at, "args must be an array of strings, but is %s",
                    toml_kind_name(node->kind));
        err_hint(reader->err, "For example: args = [\"--verbose\", \"input.txt\"]");
        return -EINVAL;
    }
    config->args = calloc(toml_count(node) + 1, sizeof(*config->args));
    if (!config->args)
        return err_set(reader->err, ERR_IO, ENOMEM, "read the args of %s", reader->name);
    for (const struct toml_node *arg = toml_first(node); arg; arg = arg->next) {
        int status =
            config_read_string(reader, arg, "an element of args", &config->args[config->arg_count]);
        if (status < 0)
            return status;
        config->arg_count++;
    }
    return 0;
}

int config_check_variable(const char *key, struct err *err)
{
    if (key[0] == '\0' || strchr(key, '=')) {
        err_set(err, ERR_CONFIG, 0, "\"%s\" cannot be the name of an environment variable", key);
        err_hint(err, "A name is not empty and has no '=' in it.");
        return -EINVAL;
    }
    if (strcmp(key, "FD_COUNT") == 0 || strcmp(key, "FD_NAMES") == 0) {
        err_set(err, ERR_CONFIG, 0, "the environment variable %s is set by Enarx", key);
        err_hint(err, "It describes the [[files]]; use another name for your own variable.");
        return -EINVAL;
    }
    return 0;
}

static int read_env(const struct reader *reader, const struct toml_node *node)
{
    struct config *config = reader->config;
    if (node->kind != TOML_TABLE) {
        config_fail(reader, node->at, "env must be a table of strings, but is %s",
                    toml_kind_name(node->kind));
        err_hint(reader->err, "Write [env] on a line, below it lines such as KEY = \"value\".");
        return -EINVAL;
    }
    config->env = calloc(toml_count(node) + 1, sizeof(*config->env));
    if (!config->env)
        return err_set(reader->err, ERR_IO, ENOMEM, "read the env of %s", reader->name);
    for (const struct toml_node *pair = toml_first(node); pair; pair = pair->next) {
        struct config_variable *variable = &config->env[config->env_count];
        if (has_nul(pair->key))
            return config_fail(reader, pair->key_at, "a name in env must not contain U+0000");
        variable->key = (const char *)pair->key.data;
        int status = config_check_variable(variable->key, reader->err);
        if (status < 0) {
            err_context(reader->err, "%s:%u:%u", reader->name, pair->key_at.line,
                        pair->key_at.column);
            return status;
        }
        status = config_read_string(reader, pair, "a value in env", &variable->value);
        if (status < 0)
            return status;
        config->env_count++;
    }
    return 0;
}

/* --- Files ----------------------------------------------------------------------------------- */

static int read_name(const struct reader *reader, const struct toml_node *node,
                     struct config_file *file)
{
    int status = config_read_string(reader, node, "name", &file->name);
    if (status < 0)
        return status;
    if (strchr(file->name, ':')) {
        config_fail(reader, node->at, "file name must not contain ':'");
        err_hint(reader->err, "FD_NAMES separates the names with ':'; use '-' or '_'.");
        return -EINVAL;
    }
    return 0;
}

static int read_protocol(const struct reader *reader, const struct toml_node *node,
                         struct config_file *file)
{
    const char *word;
    int status = config_read_string(reader, node, "prot", &word);
    if (status < 0)
        return status;
    for (size_t i = 0; i < PROTOCOLS; i++) {
        if (strcmp(protocols[i].word, word) == 0) {
            file->protocol = (enum file_protocol)i;
            return 0;
        }
    }
    config_fail(reader, node->at, "\"%.40s\" is not a protocol", word);
    err_hint(reader->err, "prot is \"tcp\", \"tls\", \"udp\" or \"dtls\".");
    return -EINVAL;
}

const char *file_protocol_word(enum file_protocol protocol)
{
    return protocols[protocol].word;
}

static int read_host(const struct reader *reader, const struct toml_node *node,
                     struct config_file *file)
{
    const char *key = (const char *)node->key.data;
    int status = config_read_string(reader, node, key, &file->host);
    if (status == 0 && (file->host[0] == '\0' || strlen(file->host) > 253))
        return config_fail(reader, node->at, "%s must have 1 to 253 characters", key);
    return status;
}

static int read_port(const struct reader *reader, const struct toml_node *node,
                     struct config_file *file)
{
    if (node->kind != TOML_INTEGER) {
        config_fail(reader, node->at, "port must be an integer, but is %s",
                    toml_kind_name(node->kind));
        err_hint(reader->err, "Write the number without quotes: port = 8080");
        return -EINVAL;
    }
    if (node->integer < 0 || node->integer > UINT16_MAX)
        return config_fail(reader, node->at, "port must be from 0 to 65535");
    file->port = (uint16_t)node->integer;
    return 0;
}

/* Absolute, and already in its shortest form, so that equal directories have equal names. */
static bool is_clean_path(const char *path)
{
    if (path[0] != '/')
        return false;
    if (path[1] == '\0')
        return true;
    while (*path == '/') {
        size_t size = strcspn(path + 1, "/");
        bool dots = (size == 1 && path[1] == '.') || (size == 2 && !strncmp(path + 1, "..", 2));
        if (size == 0 || dots)
            return false;
        path += 1 + size;
    }
    return true;
}

static int read_path(const struct reader *reader, const struct toml_node *node,
                     struct config_file *file)
{
    int status = config_read_string(reader, node, "path", &file->path);
    if (status < 0)
        return status;
    if (!is_clean_path(file->path)) {
        config_fail(reader, node->at,
                    "path must be an absolute directory name without \".\", \"..\" or //");
        err_hint(reader->err, "It is the GUEST part of --dir HOST::GUEST, for example \"/data\".");
        return -EINVAL;
    }
    return 0;
}

static int read_flag(const struct reader *reader, const struct toml_node *node, bool *flag)
{
    if (node->kind != TOML_BOOLEAN)
        return config_fail(reader, node->at, "%s must be true or false, but is %s",
                           (const char *)node->key.data, toml_kind_name(node->kind));
    *flag = node->boolean;
    return 0;
}

static int read_read_only(const struct reader *reader, const struct toml_node *node,
                          struct config_file *file)
{
    return read_flag(reader, node, &file->read_only);
}

static int read_sealed(const struct reader *reader, const struct toml_node *node,
                       struct config_file *file)
{
    return read_flag(reader, node, &file->sealed);
}

enum field {
    FIELD_NAME = 1,
    FIELD_PROT = 2,
    FIELD_ADDR = 4,
    FIELD_HOST = 8,
    FIELD_PORT = 16,
    FIELD_PATH = 32,
    FIELD_READ_ONLY = 64,
    FIELD_SEALED = 128,
    FIELD_TLS = 256, /* several, of which each may be missing */
};

static const struct field_rule {
    const char *key;
    enum field field;
    int (*read)(const struct reader *, const struct toml_node *, struct config_file *);
    const char *example;
} field_rules[] = {
    {"name", FIELD_NAME, read_name, "name = \"input\""},
    {"prot", FIELD_PROT, read_protocol, "prot = \"tcp\""},
    {"addr", FIELD_ADDR, read_host, "addr = \"127.0.0.1\""},
    {"host", FIELD_HOST, read_host, "host = \"localhost\""},
    {"port", FIELD_PORT, read_port, "port = 8080"},
    {"path", FIELD_PATH, read_path, "path = \"/data\""},
    {"read_only", FIELD_READ_ONLY, read_read_only, "read_only = true"},
    {"sealed", FIELD_SEALED, read_sealed, "sealed = true"},
    {"ca", FIELD_TLS, config_read_ca, ""},
    {"alpn", FIELD_TLS, config_read_alpn, ""},
    {"server_name", FIELD_TLS, config_read_server_name, ""},
    {"min_version", FIELD_TLS, config_read_min_version, ""},
    {"peer_workload", FIELD_TLS, config_read_peer_workload, ""},
    {"peer_measurement", FIELD_TLS, config_read_peer_measurement, ""},
};
enum { FIELD_RULES = sizeof(field_rules) / sizeof(field_rules[0]) };

static const struct kind_rule {
    const char *word;
    enum field required;
    enum field optional;
    const char *keys; /* for hints */
} kind_rules[] = {
    [FILE_NULL] = {"null", 0, FIELD_NAME, "kind, name"},
    [FILE_STDIN] = {"stdin", 0, FIELD_NAME, "kind, name"},
    [FILE_STDOUT] = {"stdout", 0, FIELD_NAME, "kind, name"},
    [FILE_STDERR] = {"stderr", 0, FIELD_NAME, "kind, name"},
    [FILE_LISTEN] = {"listen", FIELD_NAME | FIELD_PROT, FIELD_ADDR | FIELD_PORT | FIELD_TLS,
                     "kind, name, prot, addr, port, and for TLS and DTLS ca, alpn, min_version, "
                     "peer_workload, peer_measurement"},
    [FILE_CONNECT] = {"connect", FIELD_HOST | FIELD_PROT, FIELD_NAME | FIELD_PORT | FIELD_TLS,
                      "kind, name, prot, host, port, and for TLS and DTLS ca, alpn, server_name, "
                      "min_version, peer_workload, peer_measurement"},
    [FILE_DIR] = {"dir", FIELD_PATH, FIELD_NAME | FIELD_READ_ONLY | FIELD_SEALED,
                  "kind, name, path, read_only, sealed"},
};
enum { KIND_RULES = sizeof(kind_rules) / sizeof(kind_rules[0]) };

const char *file_kind_word(enum file_kind kind)
{
    return kind_rules[kind].word;
}

static int read_kind(const struct reader *reader, const struct toml_node *entry,
                     struct config_file *file)
{
    const struct toml_node *node = toml_get(entry, "kind");
    if (!node) {
        config_fail(reader, entry->at, "\"kind\" is missing in this [[files]] entry");
        err_hint(reader->err,
                 "Add for example kind = \"stdin\"; the kinds are null, stdin, stdout, stderr, "
                 "listen, connect and dir.");
        return -EINVAL;
    }
    const char *word;
    int status = config_read_string(reader, node, "kind", &word);
    if (status < 0)
        return status;
    for (size_t i = 0; i < KIND_RULES; i++) {
        if (strcmp(kind_rules[i].word, word) == 0) {
            file->kind = (enum file_kind)i;
            return 0;
        }
    }
    config_fail(reader, node->at, "\"%.40s\" is not a kind of file", word);
    err_hint(reader->err, "The kinds are null, stdin, stdout, stderr, listen, connect and dir.");
    return -EINVAL;
}

static int read_field(const struct reader *reader, const struct toml_node *pair,
                      struct config_file *file, unsigned *seen)
{
    const struct kind_rule *kind = &kind_rules[file->kind];
    for (size_t i = 0; i < FIELD_RULES; i++) {
        const struct field_rule *rule = &field_rules[i];
        if (!span_equal(pair->key, span_of(rule->key, strlen(rule->key))))
            continue;
        if (!((kind->required | kind->optional) & rule->field))
            break;
        *seen |= rule->field;
        return rule->read(reader, pair, file);
    }
    config_fail(reader, pair->key_at, "unknown key \"%.40s\" in a file of kind \"%s\"",
                (const char *)pair->key.data, kind->word);
    err_hint(reader->err, "The keys of this kind are: %s.", kind->keys);
    return -EINVAL;
}

static void set_defaults(struct config_file *file, unsigned seen)
{
    if (!(seen & FIELD_PORT))
        file->port = protocols[file->protocol].port;
    if (file->kind == FILE_LISTEN && !(seen & FIELD_ADDR))
        file->host = "::";
    if (seen & FIELD_NAME)
        return;
    file->name = file->kind == FILE_CONNECT ? file->host
                 : file->kind == FILE_DIR   ? file->path
                                            : file_kind_word(file->kind);
}

static int check_port(const struct reader *reader, const struct toml_node *entry,
                      const struct config_file *file, unsigned seen)
{
    if (!protocol_is_datagram(file->protocol) || (seen & FIELD_PORT))
        return 0;
    config_fail(reader, entry->at, "\"port\" is missing in this file with prot = \"%s\"",
                file_protocol_word(file->protocol));
    err_hint(reader->err, "Add a line such as port = 5684; only tcp and tls have a default.");
    return -EINVAL;
}

static int read_file(const struct reader *reader, const struct toml_node *entry,
                     struct config_file *file)
{
    *file = (struct config_file){.at = entry->at};
    int status = read_kind(reader, entry, file);
    unsigned seen = 0;
    for (const struct toml_node *pair = toml_first(entry); pair && status == 0; pair = pair->next) {
        if (!span_equal(pair->key, SPAN_LITERAL("kind")))
            status = read_field(reader, pair, file, &seen);
    }
    if (status < 0)
        return status;
    for (size_t i = 0; i < FIELD_RULES; i++) {
        const struct field_rule *rule = &field_rules[i];
        if (!(kind_rules[file->kind].required & rule->field & ~seen))
            continue;
        config_fail(reader, entry->at, "\"%s\" is missing in this file of kind \"%s\"", rule->key,
                    file_kind_word(file->kind));
        err_hint(reader->err, "Add a line such as %s", rule->example);
        return -EINVAL;
    }
    set_defaults(file, seen);
    status = check_port(reader, entry, file, seen);
    if (status == 0)
        status = config_check_tls(reader, entry, file);
    if (status < 0)
        return status;
    if (strchr(file->name, ':')) { /* a default name: an IPv6 address, or a path */
        config_fail(reader, entry->at, "file name must not contain ':'");
        err_hint(reader->err, "Give this file a name of its own: name = \"…\"");
        return -EINVAL;
    }
    return 0;
}

/* A sealed directory has one owner. */
static int check_owner(const struct reader *reader, const struct config_file *file)
{
    for (const struct config_file *other = reader->config->files; other < file; other++) {
        if (file->path && other->path && (file->sealed || other->sealed) &&
            strcmp(file->path, other->path) == 0)
            return config_fail(reader, file->at, "the sealed directory \"%s\" is named twice",
                               file->path);
    }
    return 0;
}

static int read_files(const struct reader *reader, const struct toml_node *node)
{
    struct config *config = reader->config;
    if (node->kind != TOML_ARRAY) {
        config_fail(reader, node->at, "files must be an array of tables, but is %s",
                    toml_kind_name(node->kind));
        err_hint(reader->err, "Write [[files]] with two brackets.");
        return -EINVAL;
    }
    if (toml_count(node) > CONFIG_FILES_MAX)
        return config_fail(reader, node->at, "there are more than %d files", CONFIG_FILES_MAX);
    config->files = calloc(toml_count(node) + 1, sizeof(*config->files));
    if (!config->files)
        return err_set(reader->err, ERR_IO, ENOMEM, "read the files of %s", reader->name);
    for (const struct toml_node *entry = toml_first(node); entry; entry = entry->next) {
        if (entry->kind != TOML_TABLE)
            return config_fail(reader, entry->at, "an element of files must be a table, but is %s",
                               toml_kind_name(entry->kind));
        struct config_file *file = &config->files[config->file_count++];
        int status = read_file(reader, entry, file);
        if (status == 0)
            status = check_owner(reader, file);
        if (status < 0)
            return status;
    }
    return 0;
}

/* --- The document ---------------------------------------------------------------------------- */

static const struct section {
    const char *key;
    int (*read)(const struct reader *, const struct toml_node *);
} sections[] = {
    {"steward", read_steward}, {"args", read_args},          {"env", read_env},
    {"files", read_files},     {"roots", config_read_roots}, {"steward_ca", config_read_steward_ca},
};
enum { SECTIONS = sizeof(sections) / sizeof(sections[0]) };

static int unknown_key(const struct reader *reader, const struct toml_node *node)
{
    static const char *const words[] = {"steward", "args", "env", "files", "roots", "steward_ca"};
    const char *key = (const char *)node->key.data;
    config_fail(reader, node->key_at, "unknown key \"%.40s\"", key);
    const char *meant = suggest(key, words, sizeof(words) / sizeof(words[0]));
    if (meant)
        err_hint(reader->err, "Did you mean \"%s\"?", meant);
    else
        err_hint(reader->err,
                 "The keys are steward, steward_ca, args, env, [roots] and [[files]].");
    return -EINVAL;
}

static int read_document(const struct reader *reader, const struct toml_node *root)
{
    for (const struct toml_node *node = toml_first(root); node; node = node->next) {
        size_t i = 0;
        while (i < SECTIONS &&
               !span_equal(node->key, span_of(sections[i].key, strlen(sections[i].key))))
            i++;
        int status = i < SECTIONS ? sections[i].read(reader, node) : unknown_key(reader, node);
        if (status < 0)
            return status;
    }
    return 0;
}

static int parse(const struct reader *reader, struct span text)
{
    if (text.size > CONFIG_SIZE_MAX) {
        err_set(reader->err, ERR_CONFIG, 0, "%s is larger than %d bytes", reader->name,
                CONFIG_SIZE_MAX);
        return -EFBIG;
    }
    size_t room = TOML_MEMORY(text.size);
    reader->config->memory = malloc(room);
    if (!reader->config->memory)
        return err_set(reader->err, ERR_IO, ENOMEM, "parse %s", reader->name);
    const struct toml_node *root;
    struct toml_error error;
    int status = toml_parse(text, reader->config->memory, room, &root, &error);
    if (status < 0) {
        config_fail(reader, error.at, "%s", error.message);
        return status;
    }
    status = read_document(reader, root);
    return status < 0 ? status : config_check_roots(reader);
}

int config_parse(struct span text, const char *name, struct config *config, struct err *err)
{
    *config = (struct config){0};
    struct reader reader = {name, config, err};
    int status = parse(&reader, text);
    if (status < 0)
        config_free(config);
    return status;
}

int config_default(struct config *config, struct err *err)
{
    return config_parse(SPAN_LITERAL("files = [{kind = 'stdin'}, {kind = 'stdout'}, "
                                     "{kind = 'stderr'}]"),
                        "the default configuration", config, err);
}

void config_free(struct config *config)
{
    for (size_t i = 0; i < config->file_count; i++)
        config_free_tls(&config->files[i].tls);
    free(config->args);
    free(config->env);
    free(config->files);
    free(config->roots);
    free(config->steward_ca.items);
    free(config->memory);
    *config = (struct config){0};
}
