// SPDX-License-Identifier: Apache-2.0
#include "drawbridge/program/options.h"

#include "base/cleanup.h"
#include "base/read_all.h"
#include "base/suggest.h"
#include "codec/toml.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

enum { FILE_SIZE_MAX = 1 << 20 };

#define AT(member) offsetof(struct options, member)

enum kind { TEXT, NUMBER, LIST, FLAG };

static const struct row {
    const char *name;
    enum kind kind;
    const char *value, *preset;
    size_t at;
    const char *help;
} rows[] = {
    {"addr", TEXT, "IP:PORT", "0.0.0.0:8080", AT(addr), "Where to listen"},
    {"store", TEXT, "DIR|s3://BUCKET", NULL, AT(store),
     "The store: a directory, or object storage, s3://BUCKET[/PREFIX]; what is empty becomes one"},
    {"s3-endpoint", TEXT, "URL", NULL, AT(s3_endpoint), "Where the object storage is"},
    {"s3-region", TEXT, "NAME", "us-east-1", AT(s3_region), "Its region, which signatures name"},
    {"s3-style", TEXT, "STYLE", "path", AT(s3_style),
     "Where requests name the bucket: path, or virtual: in the host's name"},
    {"s3-key-id", TEXT, "ID", NULL, AT(s3_key_id), "The name of the access key"},
    {"s3-secret-file", TEXT, "FILE", NULL, AT(s3_secret_file),
     "… and its secret, in a file of nobody else; or in AWS_SECRET_ACCESS_KEY"},
    {"s3-ca", TEXT, "FILE", NULL, AT(s3_ca),
     "Whom to believe about the object storage, PEM, instead of the system's roots"},
    {"s3-timeout", NUMBER, "SECONDS", "30", AT(s3_timeout),
     "How long it may be silent before an attempt is repeated"},
    {"scratch", TEXT, "DIR", "/var/tmp/drawbridge", AT(scratch),
     "With object storage: a directory for files that live as long as the program"},
    {"cert", TEXT, "FILE", NULL, AT(cert), "The server's certificate chain, PEM: serve HTTPS"},
    {"key", TEXT, "FILE", NULL, AT(key), "… and its key, PEM"},
    {"ca", TEXT, "FILE", NULL, AT(ca),
     "The Steward's certificate, PEM: believe Keeps that have one"},
    {"oidc-issuer", TEXT, "URL", NULL, AT(oidc_issuer), "The OpenID provider"},
    {"oidc-audience", TEXT, "TEXT", NULL, AT(oidc_audience), "What tokens have to be for"},
    {"oidc-ca", TEXT, "FILE", NULL, AT(oidc_ca),
     "Whom to believe about the provider, PEM, instead of the system's roots"},
    {"keep-technologies", LIST, "LIST", "sgx,snp,tdx", AT(technologies),
     "Technologies of Keeps that may read, separated by commas"},
    {"metrics-addr", TEXT, "IP:PORT", NULL, AT(metrics_addr), "Serve /metrics (Prometheus) there"},
    {"threads", NUMBER, "N", "2", AT(threads), "Threads that serve"},
    {"file-max", NUMBER, "BYTES", "0", AT(file_max), "Largest file of a package; 0: any"},
    {"user-bytes-max", NUMBER, "BYTES", "0", AT(user_bytes_max),
     "Bytes that a user may store; 0: any"},
    {"user-repositories-max", NUMBER, "N", "0", AT(user_repositories_max),
     "Repositories that a user may have; 0: any"},
    {"users-per-subject", NUMBER, "N", "1", AT(users_per_subject),
     "Users that a person may register; 0: any"},
    {"retention", NUMBER, "SECONDS", "604800", AT(retention),
     "How long a deleted tag can be restored"},
    {"care-interval", NUMBER, "SECONDS", "3600", AT(care_interval), "How often garbage is removed"},
    {"timeout", NUMBER, "SECONDS", "30", AT(timeout), "For a request, and for an idle connection"},
    {"rate-min", NUMBER, "BYTES", "16384", AT(rate),
     "Bytes in a second that a client has to send or take"},
    {"connections-max", NUMBER, "N", "1024", AT(connections_max), "Connections of each thread"},
    {"client-connections-max", NUMBER, "N", "128", AT(client_connections_max),
     "… from one address"},
    {"log-filter", TEXT, "FILTER", "info", AT(log_filter), "What to log to stderr"},
    {"log-format", TEXT, "FORMAT", "text", AT(log_format), "text, or json: an object a line"},
    {"config", TEXT, "FILE", NULL, AT(config), "Read options from a TOML file; @FILE is the same"},
    {"check-config", FLAG, NULL, NULL, AT(check_config), "Read everything, serve nothing"},
    {"help", FLAG, NULL, NULL, AT(help), "Print this"},
    {"version", FLAG, NULL, NULL, AT(version), "Print the version"},
};

enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

static const struct {
    const char *word;
    enum options_command command;
} commands[] = {{"fsck", COMMAND_FSCK}, {"collect", COMMAND_COLLECT}};

/* What is being read: where it stands is for messages. */
struct source {
    struct options *options;
    bool given[ROWS];
    const char *file; /* NULL: the command line */
    struct err *err;
};

static const struct row *find_row(const char *name, size_t size)
{
    for (size_t i = 0; i < ROWS; i++) {
        if (strlen(rows[i].name) == size && strncmp(rows[i].name, name, size) == 0)
            return &rows[i];
    }
    return NULL;
}

static int fail(const struct source *source, const char *name, const char *what)
{
    if (source->file)
        return err_set(source->err, ERR_CONFIG, 0, "%s: %s %s", source->file, name, what);
    return err_set(source->err, ERR_USAGE, 0, "the option --%s %s", name, what);
}

static int set_number(const struct source *source, const struct row *row, const char *text)
{
    char *end;
    errno = 0;
    unsigned long long number = strtoull(text, &end, 10);
    if (errno || *end || text[0] < '0' || text[0] > '9' || number > INT64_MAX)
        return fail(source, row->name, "has to be a number");
    uint64_t value = number;
    memcpy((char *)source->options + row->at, &value, sizeof(value));
    return 0;
}

/* Memory for a value, which lives as long as the options. */
static char *keep(struct options *options, const char *text, size_t size)
{
    struct block {
        struct block *next;
        char text[];
    } *block = malloc(sizeof(*block) + size + 1);
    if (!block)
        return NULL;
    block->next = options->memory;
    options->memory = block;
    memcpy(block->text, text, size);
    block->text[size] = '\0';
    return block->text;
}

/* Splits a text at its commas. */
static int set_list(const struct source *source, const struct row *row, const char *words)
{
    const char **list = (const char **)((char *)source->options + row->at);
    char *text = keep(source->options, words, strlen(words));
    size_t count = 0;
    if (!text)
        return -ENOMEM;
    for (char *word = strtok(text, ","); word; word = strtok(NULL, ",")) {
        if (count == OPTIONS_LIST_MAX)
            return fail(source, row->name, "has too many words");
        list[count++] = word;
    }
    list[count] = NULL;
    return 0;
}

static int set(struct source *source, const struct row *row, char *value)
{
    char *place = (char *)source->options + row->at;
    source->given[row - rows] = true;
    if (row->kind == NUMBER)
        return set_number(source, row, value);
    if (row->kind == LIST)
        return set_list(source, row, value);
    if (row->kind == FLAG)
        *(bool *)place = true;
    else
        memcpy(place, &value, sizeof(value));
    return 0;
}

static int parse_word(char **argv, int *at, struct source *source)
{
    char *word = argv[*at];
    bool long_name = word[0] == '-' && word[1] == '-';
    char *name = word + 2, *equals = long_name ? strchr(word, '=') : NULL, *value = NULL;
    if (word[0] == '@')
        return set(source, find_row("config", 6), word + 1);
    const struct row *row =
        long_name ? find_row(name, equals ? (size_t)(equals - name) : strlen(name)) : NULL;
    if (!row) {
        err_set(source->err, ERR_USAGE, 0, "drawbridge does not understand \"%s\"", word);
        err_hint(source->err, "drawbridge --help lists the options.");
        return -EINVAL;
    }
    if (row->kind != FLAG)
        value = equals ? equals + 1 : argv[++*at];
    if (row->kind == FLAG ? equals != NULL : !value)
        return fail(source, row->name, row->kind == FLAG ? "takes no value" : "needs a value");
    return set(source, row, value);
}

static int parse_words(int argc, char **argv, struct source *source)
{
    int first = 1, status = 0;
    for (size_t i = 0; argc > 1 && i < sizeof(commands) / sizeof(commands[0]); i++) {
        if (strcmp(argv[1], commands[i].word) == 0) {
            source->options->command = commands[i].command;
            first = 2;
        }
    }
    for (int i = first; status == 0 && i < argc; i++)
        status = parse_word(argv, &i, source);
    return status;
}

void options_free(struct options *options)
{
    while (options->memory) {
        void *next = *(void **)options->memory;
        free(options->memory);
        options->memory = next;
    }
}

/* A value of the file as the text that the command line would have. */
static char *text_of(struct source *source, const struct row *row, const struct toml_node *node)
{
    char buffer[1024] = "";
    if (row->kind == NUMBER && node->kind == TOML_INTEGER && node->integer >= 0) {
        snprintf(buffer, sizeof(buffer), "%lld", (long long)node->integer);
    } else if (row->kind == TEXT && node->kind == TOML_STRING &&
               !memchr(node->string.data, 0, node->string.size)) {
        return keep(source->options, (const char *)node->string.data, node->string.size);
    } else if (row->kind == LIST && node->kind == TOML_ARRAY) {
        for (const struct toml_node *item = toml_first(node); item; item = item->next) {
            size_t used = strlen(buffer);
            if (item->kind != TOML_STRING || used + item->string.size + 2 > sizeof(buffer) ||
                memchr(item->string.data, ',', item->string.size))
                return NULL;
            snprintf(buffer + used, sizeof(buffer) - used, "%s%.*s", used ? "," : "",
                     (int)item->string.size, (const char *)item->string.data);
        }
    } else {
        return NULL;
    }
    return keep(source->options, buffer, strlen(buffer));
}

static int unknown_key(const struct source *source, const struct toml_node *node)
{
    const char *words[ROWS];
    char key[64];
    snprintf(key, sizeof(key), "%.*s", (int)node->key.size, (const char *)node->key.data);
    for (size_t i = 0; i < ROWS; i++)
        words[i] = rows[i].kind == FLAG || rows[i].at == AT(config) ? NULL : rows[i].name;
    const char *near = suggest(key, words, ROWS);
    err_set(source->err, ERR_CONFIG, 0, "%s:%u:%u: the key \"%s\" is unknown", source->file,
            node->key_at.line, node->key_at.column, key);
    if (near)
        err_hint(source->err, "Did you mean \"%s\"?", near);
    return -EINVAL;
}

static int read_keys(struct source *source, const bool *decided, const struct toml_node *root)
{
    int status = 0;
    for (const struct toml_node *node = toml_first(root); status == 0 && node; node = node->next) {
        const struct row *row = find_row((const char *)node->key.data, node->key.size);
        if (!row || row->kind == FLAG || row->at == AT(config))
            return unknown_key(source, node);
        char *text = text_of(source, row, node);
        static const char *const wanted[] = {[TEXT] = "has to be a string",
                                             [NUMBER] = "has to be a number, 0 or more",
                                             [LIST] = "has to be an array of strings"};
        if (!text)
            return fail(source, row->name, wanted[row->kind]);
        if (!decided[row - rows])
            status = set(source, row, text);
    }
    return status;
}

static int read_file(const char *path, uint8_t **data, size_t *size, struct err *err)
{
    autoclose int fd = open(path, O_RDONLY | O_CLOEXEC);
    int status = fd < 0 ? -errno : read_all(fd, FILE_SIZE_MAX, data, size);
    return status == 0 ? 0 : err_set(err, ERR_CONFIG, -status, "cannot read %s", path);
}

static int parse_file(struct options *options, const bool *decided, bool *given, struct err *err)
{
    autofree uint8_t *data = NULL;
    const struct toml_node *root;
    struct toml_error error;
    size_t size = 0;
    int status = read_file(options->config, &data, &size, err);
    if (status < 0)
        return status;
    autofree void *memory = malloc(TOML_MEMORY(size));
    if (!memory)
        return err_set(err, ERR_IO, ENOMEM, "cannot read %s", options->config);
    if (toml_parse(span_of(data, size), memory, TOML_MEMORY(size), &root, &error) < 0)
        return err_set(err, ERR_CONFIG, 0, "%s:%u:%u: %s", options->config, error.at.line,
                       error.at.column, error.message);
    struct source source = {.options = options, .file = options->config, .err = err};
    status = read_keys(&source, decided, root);
    for (size_t i = 0; i < ROWS; i++)
        given[i] = given[i] || source.given[i];
    return status;
}

static int set_presets(struct options *options, const bool *given, struct err *err)
{
    struct source source = {.options = options, .err = err};
    int status = 0;
    for (size_t i = 0; status == 0 && i < ROWS; i++) {
        if (given[i] || !rows[i].preset)
            continue;
        char *text = keep(options, rows[i].preset, strlen(rows[i].preset));
        status = text ? set(&source, &rows[i], text) : -ENOMEM;
    }
    return status;
}

/* Object storage needs to be found and to know who asks; nothing of it is for a directory. */
static int check_s3(const struct options *options, struct err *err)
{
    const bool any =
        options->s3_endpoint || options->s3_key_id || options->s3_secret_file || options->s3_ca;
    if (!options_store_is_s3(options))
        return any ? err_set(err, ERR_USAGE, 0,
                             "--s3-… is for a --store that begins with \"s3://\"")
                   : 0;
    if (!options->s3_endpoint || !options->s3_key_id)
        return err_set(err, ERR_USAGE, 0, "--s3-endpoint and --s3-key-id are missing");
    if (strcmp(options->s3_style, "path") != 0 && strcmp(options->s3_style, "virtual") != 0)
        return err_set(err, ERR_USAGE, 0, "--s3-style is path or virtual, not \"%s\"",
                       options->s3_style);
    if (options->s3_timeout < 1 || options->s3_timeout > 3600)
        return err_set(err, ERR_USAGE, 0, "--s3-timeout has to be from 1 to 3600");
    return 0;
}

bool options_store_is_s3(const struct options *options)
{
    return strncmp(options->store, "s3://", strlen("s3://")) == 0;
}

static int check(const struct options *options, struct err *err)
{
    bool serves = options->command == COMMAND_SERVE;
    if (!options->store)
        return err_set(err, ERR_USAGE, 0, "there is no --store");
    if (check_s3(options, err) < 0)
        return -EINVAL;
    if (serves && (!options->oidc_issuer || !options->oidc_audience)) {
        err_set(err, ERR_USAGE, 0, "--oidc-issuer and --oidc-audience are missing");
        err_hint(err, "Nobody could log in without an OpenID provider.");
        return -EINVAL;
    }
    if (!options->cert != !options->key)
        return err_set(err, ERR_USAGE, 0, "--cert and --key belong together");
    if (options->ca && !options->cert)
        return err_set(err, ERR_USAGE, 0,
                       "--ca needs --cert and --key: only HTTPS has clients' certificates");
    if (strcmp(options->log_format, "text") != 0 && strcmp(options->log_format, "json") != 0)
        return err_set(err, ERR_USAGE, 0, "--log-format is text or json, not \"%s\"",
                       options->log_format);
    if (options->threads < 1 || options->threads > 64)
        return err_set(err, ERR_USAGE, 0, "--threads has to be from 1 to 64");
    if (options->timeout < 1 || options->rate < 1 || options->connections_max < 1 ||
        options->client_connections_max < 1 || options->care_interval < 1 ||
        options->timeout > 86400 || options->rate > UINT32_MAX ||
        options->connections_max > 100000 || options->client_connections_max > 100000)
        return err_set(err, ERR_USAGE, 0,
                       "times, rates and numbers of connections have to be positive and sensible");
    return 0;
}

int options_parse(int argc, char **argv, struct options *options, struct err *err)
{
    *options = (struct options){0};
    struct source words = {.options = options, .err = err};
    int status = parse_words(argc, argv, &words);
    if (status < 0 || options->help || options->version)
        return status;
    bool decided[ROWS], given[ROWS];
    memcpy(decided, words.given, sizeof(decided));
    memcpy(given, words.given, sizeof(given));
    if (options->config)
        status = parse_file(options, decided, given, err);
    if (status == 0)
        status = set_presets(options, given, err);
    return status == 0 ? check(options, err) : status;
}

void options_print_help(void)
{
    printf(
        "Usage: drawbridge [OPTIONS]\n"
        "       drawbridge fsck --store DIR       compares everything with its digests\n"
        "       drawbridge collect --store DIR    removes garbage, as the server does by itself\n\n"
        "A repository for WebAssembly packages.\n\n");
    for (size_t i = 0; i < ROWS; i++) {
        char name[64];
        snprintf(name, sizeof(name), "--%s %s", rows[i].name, rows[i].value ? rows[i].value : "");
        printf("  %-32s %s%s%s%s\n", name, rows[i].help, rows[i].preset ? " [" : "",
               rows[i].preset ? rows[i].preset : "", rows[i].preset ? "]" : "");
    }
}
