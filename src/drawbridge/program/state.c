// SPDX-License-Identifier: Apache-2.0
#include "drawbridge/program/state.h"

#include "base/cleanup.h"
#include "base/read_all.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

enum { FILE_SIZE_MAX = 4 << 20 };

struct file {
    uint8_t *data;
    size_t size;
};

static int read_file(const char *path, struct file *file, struct err *err)
{
    autoclose int fd = open(path, O_RDONLY | O_CLOEXEC);
    int status = fd < 0 ? -errno : read_all(fd, FILE_SIZE_MAX, &file->data, &file->size);
    return status == 0 ? 0 : err_set(err, ERR_CONFIG, -status, "cannot read %s", path);
}

/* Keys may be among them. */
static void wipe(struct file *file)
{
    if (file->data)
        explicit_bzero(file->data, file->size);
    free(file->data);
}

static int make_tls(struct state *state, struct err *err)
{
    const struct options *options = &state->options;
    struct file cert = {0}, key = {0}, ca = {0};
    int status = read_file(options->cert, &cert, err);
    if (status == 0)
        status = read_file(options->key, &key, err);
    if (status == 0 && options->ca)
        status = read_file(options->ca, &ca, err);
    struct crypto_tls_config config = {.chain = span_of(cert.data, cert.size),
                                       .key = span_of(key.data, key.size),
                                       .trust = span_of(ca.data, ca.size)};
    if (status == 0 && crypto_tls_context_new(CRYPTO_TLS_SERVER, &config, &state->tls) < 0)
        status = err_set(err, ERR_CONFIG, 0,
                         "%s and %s are not a certificate and its key, or %s is no certificate",
                         options->cert, options->key, options->ca ? options->ca : "the CA");
    wipe(&cert);
    wipe(&key);
    wipe(&ca);
    return status;
}

static int read_trust(struct state *state, struct err *err)
{
    struct file file = {0};
    state->trust.system_trust = !state->options.oidc_ca;
    if (!state->options.oidc_ca)
        return 0;
    int status = read_file(state->options.oidc_ca, &file, err);
    state->trust_text = file.data;
    state->trust.trust = span_of(file.data, file.size);
    return status;
}

static void make_rules(struct state *state)
{
    const struct options *options = &state->options;
    struct service_rules *rules = &state->rules;
    *rules = (struct service_rules){
        .issuer = options->oidc_issuer,
        .audience = options->oidc_audience,
        .file_max = options->file_max,
        .user_bytes_max = options->user_bytes_max,
        .user_repositories_max = options->user_repositories_max,
        .users_per_subject = options->users_per_subject,
        .retention = (int64_t)options->retention,
    };
    for (size_t i = 0; i < OPTIONS_LIST_MAX && options->technologies[i]; i++)
        rules->technologies[i] = options->technologies[i];
}

int state_load(int argc, char **argv, struct state **loaded, struct err *err)
{
    struct state *state = calloc(1, sizeof(*state));
    if (!state)
        return err_set(err, ERR_IO, ENOMEM, "cannot start");
    int status = options_parse(argc, argv, &state->options, err);
    bool serves =
        state->options.command == COMMAND_SERVE && !state->options.help && !state->options.version;
    if (status == 0 && serves)
        status = provider_check_issuer(state->options.oidc_issuer, err);
    if (status == 0 && serves && state->options.cert)
        status = make_tls(state, err);
    if (status == 0 && serves)
        status = read_trust(state, err);
    if (status < 0) {
        state_free(state);
        return status;
    }
    make_rules(state);
    *loaded = state;
    return 0;
}

void state_free(struct state *state)
{
    if (!state)
        return;
    crypto_tls_context_free(state->tls);
    free(state->trust_text);
    options_free(&state->options);
    free(state);
}
