// SPDX-License-Identifier: Apache-2.0
#include "steward/options.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AT(member) offsetof(struct options, member)

/* Names, short forms and variables of the original, and additions. */
static const struct row {
    const char *name;
    char letter;
    const char *value; /* NULL: a flag */
    const char *env, *preset;
    size_t at;
    const char *help;
} rows[] = {
    {"key", 'k', "FILE", "STEWARD_KEY", NULL, AT(key),
     "The authority's key: PEM, or the PKCS#11 URI of a token's key"},
    {"crt", 'c', "FILE", "STEWARD_CRT", NULL, AT(crt), "The authority's certificate, PEM or DER"},
    {"host", 0, "NAME", "RENDER_EXTERNAL_HOSTNAME", NULL, AT(host),
     "Make an authority for NAME at each start, instead of --key and --crt"},
    {"san", 0, "NAME", "STEWARD_SAN", NULL, AT(san), "A DNS name for every certificate"},
    {"addr", 'a', "IP", "ROCKET_ADDRESS", "::", AT(addr), "Where to listen"},
    {"port", 'p', "N", "ROCKET_PORT", "3000", AT(port), "Port to listen on"},
    {"metrics", 0, "IP:PORT", NULL, NULL, AT(metrics),
     "Serve /metrics (Prometheus) there, without TLS"},
    {"config", 0, "FILE", NULL, NULL, AT(config),
     "The policy, steward.toml; - is stdin (none: nothing passes)"},
    {"collateral", 0, "DIR", NULL, NULL, AT(collateral),
     "TCB infos, identities, lists and certificates, besides those in requests"},
    {"refresh", 0, "HOURS", NULL, NULL, AT(refresh),
     "Fetch what is in DIR again, at once and every HOURS"},
    {"service", 0, "URL", NULL, NULL, AT(service), "… from a mirror of the vendors' services"},
    {"ca-bundle", 0, "FILE", "ENARX_CA_BUNDLE", NULL, AT(ca_bundle),
     "… that these roots vouch for, PEM"},
    {"audit", 0, "FILE", NULL, NULL, AT(audit), "Append every decision to FILE"},
    {"tls-key", 0, "FILE", NULL, NULL, AT(tls_key), "Serve HTTPS with this key, PEM"},
    {"tls-crt", 0, "FILE", NULL, NULL, AT(tls_crt), "… and this certificate chain, PEM"},
    {"time", 0, "RFC3339", NULL, NULL, AT(time),
     "Judge and issue as of this moment: for replays, never for production"},
    {"log-filter", 0, "FILTER", "ENARX_LOG", "info", AT(log_filter), "What to log to stderr"},
    {"log-format", 0, "FORMAT", NULL, "text", AT(log_format), "text, or json: an object a line"},
    {"check-config", 0, NULL, NULL, NULL, AT(check_config), "Read everything, serve nothing"},
    {"help", 'h', NULL, NULL, NULL, AT(help), "Print this"},
    {"version", 'V', NULL, NULL, NULL, AT(version), "Print the version"},
};

enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

static const struct row *find_row(const char *word, size_t size, bool letter)
{
    for (size_t i = 0; i < ROWS; i++) {
        if (letter ? size == 1 && rows[i].letter == word[0]
                   : strlen(rows[i].name) == size && strncmp(rows[i].name, word, size) == 0)
            return &rows[i];
    }
    return NULL;
}

static void set(struct options *options, const struct row *row, const char *value)
{
    char *place = (char *)options + row->at;
    if (row->value)
        memcpy(place, &value, sizeof(value));
    else
        *(bool *)place = true;
}

static const char *get(const struct options *options, const struct row *row)
{
    const char *value = NULL;
    if (row->value)
        memcpy(&value, (const char *)options + row->at, sizeof(value));
    return value;
}

static int parse_word(char **argv, int *at, struct options *options, struct err *err)
{
    const char *word = argv[*at], *value = NULL;
    bool letter = word[0] == '-' && word[1] != '-';
    const char *name = word + (letter ? 1 : 2);
    const char *equals = letter ? NULL : strchr(word, '=');
    size_t size = equals ? (size_t)(equals - name) : strlen(name);
    const struct row *row = word[0] == '-' && size > 0 ? find_row(name, size, letter) : NULL;
    if (!row) {
        err_set(err, ERR_USAGE, 0, "steward does not understand \"%s\"", word);
        err_hint(err, "steward --help lists the options.");
        return -EINVAL;
    }
    if (row->value)
        value = equals ? equals + 1 : argv[++*at];
    if (row->value ? !value : equals != NULL)
        return err_set(err, ERR_USAGE, 0, "the option --%s %s", row->name,
                       row->value ? "needs a value" : "takes no value");
    set(options, row, value);
    return 0;
}

int options_parse(int argc, char **argv, struct options *options, struct err *err)
{
    *options = (struct options){0};
    for (int i = 1; i < argc; i++) {
        int status = parse_word(argv, &i, options, err);
        if (status < 0)
            return status;
    }
    for (size_t i = 0; i < ROWS; i++) {
        const char *env = rows[i].env ? getenv(rows[i].env) : NULL;
        if (rows[i].value && !get(options, &rows[i]))
            set(options, &rows[i], env && *env ? env : rows[i].preset);
    }
    if (options->help || options->version)
        return 0;
    bool loaded = options->key && options->crt, made = !options->key && !options->crt;
    if (!loaded && !(made && options->host)) {
        err_set(err, ERR_USAGE, 0, "invalid configuration: there is no certificate authority");
        err_hint(err, "Give either --key and --crt, or --host without both.");
        return -EINVAL;
    }
    if (!options->tls_key != !options->tls_crt)
        return err_set(err, ERR_USAGE, 0, "--tls-key and --tls-crt belong together");
    if (options->refresh && !options->collateral)
        return err_set(err, ERR_USAGE, 0, "--refresh needs --collateral");
    if (strcmp(options->log_format, "text") != 0 && strcmp(options->log_format, "json") != 0)
        return err_set(err, ERR_USAGE, 0, "--log-format is text or json, not \"%s\"",
                       options->log_format);
    return 0;
}

void options_print_help(void)
{
    printf("Usage: steward [OPTIONS] [@FILE]\n\n"
           "A certificate authority that issues certificates to Keeps that prove what they are.\n"
           "@FILE stands for options in a TOML file.\n\n");
    for (size_t i = 0; i < ROWS; i++) {
        char name[64], letter[] = "-x, ";
        letter[1] = rows[i].letter;
        snprintf(name, sizeof(name), "%s--%s %s", rows[i].letter ? letter : "    ", rows[i].name,
                 rows[i].value ? rows[i].value : "");
        printf("  %-26s %s%s%s%s\n", name, rows[i].help, rows[i].env ? " [" : "",
               rows[i].env ? rows[i].env : "", rows[i].env ? "]" : "");
    }
}
