// SPDX-License-Identifier: Apache-2.0
/* Whom TLS and DTLS files of Enarx.toml believe. */
#include "exec/config_reader.h"

#include "codec/base64.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { ALPN_NAME_MAX = 255, DIGEST_DIGITS_SHORT = 64, DIGEST_DIGITS_LONG = 96 };

/* An array of strings, not empty. */
static int read_strings(const struct reader *reader, const struct toml_node *node, const char *what,
                        struct config_strings *strings)
{
    if (node->kind != TOML_ARRAY || toml_count(node) == 0) {
        config_fail(reader, node->at, "%s must be an array of strings, at least one", what);
        err_hint(reader->err, "Leave the key out where nothing is meant.");
        return -EINVAL;
    }
    strings->items = calloc(toml_count(node), sizeof(*strings->items));
    if (!strings->items)
        return err_set(reader->err, ERR_IO, ENOMEM, "read %s of %s", what, reader->name);
    for (const struct toml_node *item = toml_first(node); item; item = item->next) {
        int status = config_read_string(reader, item, what, &strings->items[strings->count]);
        if (status < 0)
            return status;
        strings->count++;
    }
    return 0;
}

/* { custom = ["name", …] } */
static int read_authorities(const struct reader *reader, const struct toml_node *node,
                            const char *key, struct config_strings *names)
{
    const struct toml_node *custom = toml_get(node, "custom");
    if (!custom || toml_count(node) != 1) {
        config_fail(reader, node->at, "%s must be a table with the key \"custom\"", key);
        err_hint(reader->err,
                 "For example: %s = { custom = [\"name\"] }, and below [roots] the line "
                 "name = \"\"\"-----BEGIN CERTIFICATE----- …\"\"\"",
                 key);
        return -EINVAL;
    }
    return read_strings(reader, custom, "custom", names);
}

int config_read_ca(const struct reader *reader, const struct toml_node *node,
                   struct config_file *file)
{
    file->tls.given = true;
    return read_authorities(reader, node, "ca", &file->tls.ca);
}

int config_read_steward_ca(const struct reader *reader, const struct toml_node *node)
{
    return read_authorities(reader, node, "steward_ca", &reader->config->steward_ca);
}

int config_read_alpn(const struct reader *reader, const struct toml_node *node,
                     struct config_file *file)
{
    file->tls.given = true;
    int status = read_strings(reader, node, "alpn", &file->tls.alpn);
    for (size_t i = 0; status == 0 && i < file->tls.alpn.count; i++) {
        size_t size = strlen(file->tls.alpn.items[i]);
        if (size == 0 || size > ALPN_NAME_MAX)
            return config_fail(reader, node->at, "a protocol in alpn has 1 to 255 bytes");
    }
    return status;
}

int config_read_server_name(const struct reader *reader, const struct toml_node *node,
                            struct config_file *file)
{
    file->tls.given = true;
    int status = config_read_string(reader, node, "server_name", &file->tls.server_name);
    if (status < 0)
        return status;
    size_t size = strlen(file->tls.server_name);
    return size == 0 || size > 253
               ? config_fail(reader, node->at, "server_name must have 1 to 253 characters")
               : 0;
}

int config_read_min_version(const struct reader *reader, const struct toml_node *node,
                            struct config_file *file)
{
    const char *word;
    file->tls.given = true;
    int status = config_read_string(reader, node, "min_version", &word);
    if (status < 0)
        return status;
    file->tls.min_version = strcmp(word, "1.2") == 0   ? VERSION_1_2
                            : strcmp(word, "1.3") == 0 ? VERSION_1_3
                                                       : VERSION_PRESET;
    return file->tls.min_version
               ? 0
               : config_fail(reader, node->at, "min_version is \"1.2\" or \"1.3\"");
}

/* Digests in hexadecimal of so many digits, in lower case. */
static int read_digests(const struct reader *reader, const struct toml_node *node, const char *what,
                        struct config_strings *strings, bool measurement)
{
    int status = read_strings(reader, node, what, strings);
    for (size_t i = 0; status == 0 && i < strings->count; i++) {
        size_t size = strlen(strings->items[i]);
        bool right = size == DIGEST_DIGITS_SHORT || (measurement && size == DIGEST_DIGITS_LONG);
        if (right && strspn(strings->items[i], "0123456789abcdef") == size)
            continue;
        return config_fail(reader, node->at, "%s takes digests of %s lower-case hexadecimal digits",
                           what, measurement ? "64 or 96" : "64");
    }
    return status;
}

int config_read_peer_workload(const struct reader *reader, const struct toml_node *node,
                              struct config_file *file)
{
    file->tls.given = true;
    return read_digests(reader, node, "peer_workload", &file->tls.peer_workload, false);
}

int config_read_peer_measurement(const struct reader *reader, const struct toml_node *node,
                                 struct config_file *file)
{
    file->tls.given = true;
    return read_digests(reader, node, "peer_measurement", &file->tls.peer_measurement, true);
}

int config_check_tls(const struct reader *reader, const struct toml_node *entry,
                     const struct config_file *file)
{
    const struct config_tls *tls = &file->tls;
    if (tls->given && !protocol_is_secure(file->protocol)) {
        bool datagrams = protocol_is_datagram(file->protocol);
        config_fail(reader, entry->at, "this file has keys for %s, but prot = \"%s\"",
                    datagrams ? "DTLS" : "TLS", file_protocol_word(file->protocol));
        err_hint(reader->err, "Write prot = \"%s\", or leave them out.",
                 file_protocol_word(datagrams ? PROTOCOL_DTLS : PROTOCOL_TLS));
        return -EINVAL;
    }
    if (file->protocol == PROTOCOL_DTLS && tls->min_version == VERSION_1_3) {
        config_fail(reader, entry->at,
                    "min_version = \"1.3\" is not possible with prot = \"dtls\"");
        err_hint(reader->err, "The only version of DTLS here is 1.2; leave min_version out.");
        return -EINVAL;
    }
    if (file->kind == FILE_LISTEN && tls->server_name)
        return config_fail(reader, entry->at, "server_name is for files of kind \"connect\"");
    if (file->kind == FILE_LISTEN && tls->ca.count == 0 &&
        tls->peer_workload.count + tls->peer_measurement.count > 0) {
        config_fail(reader, entry->at,
                    "clients whose workload or measurement is to be known need a ca");
        err_hint(reader->err, "Name in ca the Steward that certifies them.");
        return -EINVAL;
    }
    return 0;
}

/* --- [roots] --------------------------------------------------------------------------------- */

/* PEM of certificates and nothing else. */
static bool is_certificates(struct span text)
{
    struct pem_block block;
    int status, count = 0;
    while ((status = pem_next(&text, &block)) > 0) {
        if (!span_equal(block.label, SPAN_LITERAL("CERTIFICATE")))
            return false;
        count++;
    }
    return status == 0 && count > 0;
}

int config_read_roots(const struct reader *reader, const struct toml_node *node)
{
    struct config *config = reader->config;
    if (node->kind != TOML_TABLE) {
        config_fail(reader, node->at, "roots must be a table of certificates, but is %s",
                    toml_kind_name(node->kind));
        err_hint(reader->err, "Write [roots] on a line, below it name = \"\"\"-----BEGIN "
                              "CERTIFICATE----- …\"\"\"");
        return -EINVAL;
    }
    config->roots = calloc(toml_count(node) + 1, sizeof(*config->roots));
    if (!config->roots)
        return err_set(reader->err, ERR_IO, ENOMEM, "read the roots of %s", reader->name);
    for (const struct toml_node *pair = toml_first(node); pair; pair = pair->next) {
        const char *text;
        int status = config_read_string(reader, pair, "a certificate in roots", &text);
        if (status < 0)
            return status;
        struct span pem = span_of(text, strlen(text));
        if (!is_certificates(pem))
            return config_fail(reader, pair->at, "\"%.40s\" is not a certificate in PEM",
                               (const char *)pair->key.data);
        config->roots[config->root_count++] =
            (struct config_root){(const char *)pair->key.data, pem};
    }
    return 0;
}

const struct config_root *config_find_root(const struct config *config, const char *name)
{
    for (size_t i = 0; i < config->root_count; i++) {
        if (strcmp(config->roots[i].name, name) == 0)
            return &config->roots[i];
    }
    return NULL;
}

static int check_names(const struct reader *reader, const struct config_strings *names,
                       struct toml_position at)
{
    for (size_t i = 0; i < names->count; i++) {
        if (config_find_root(reader->config, names->items[i]))
            continue;
        config_fail(reader, at, "there is no \"%.40s\" in [roots]", names->items[i]);
        err_hint(reader->err, "Add its certificate below [roots].");
        return -EINVAL;
    }
    return 0;
}

int config_check_roots(const struct reader *reader)
{
    const struct config *config = reader->config;
    int status = check_names(reader, &config->steward_ca, (struct toml_position){1, 1});
    for (size_t f = 0; f < config->file_count && status == 0; f++)
        status = check_names(reader, &config->files[f].tls.ca, config->files[f].at);
    return status;
}

struct span config_gather_roots(const struct config *config, const struct config_strings *names)
{
    size_t size = 1, at = 0;
    for (size_t i = 0; i < names->count; i++)
        size += config_find_root(config, names->items[i])->pem.size + 1;
    char *text = malloc(size);
    for (size_t i = 0; text && i < names->count; i++) {
        struct span pem = config_find_root(config, names->items[i])->pem;
        memcpy(text + at, pem.data, pem.size);
        at += pem.size;
        text[at++] = '\n';
    }
    return span_of(text, at);
}

void config_free_tls(struct config_tls *tls)
{
    free(tls->ca.items);
    free(tls->alpn.items);
    free(tls->peer_workload.items);
    free(tls->peer_measurement.items);
    *tls = (struct config_tls){0};
}
