// SPDX-License-Identifier: Apache-2.0
#include "exec/guest.h"

#include "exec/socket.h"
#include "exec/tls_file.h"
#include "exec/udp_file.h"
#include "sealed/sealed.h"

#include "base/log.h"
#include "codec/base64.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* --- Arguments and environment ---------------------------------------------------------------- */

static int make_arguments(struct guest *guest, const struct config *config,
                          const struct control *control, struct err *err)
{
    guest->argv = calloc(config->arg_count + control->arg_count + 2, sizeof(*guest->argv));
    if (!guest->argv)
        return err_set(err, ERR_IO, ENOMEM, "make the arguments");
    guest->argv[guest->argc++] = "main.wasm";
    for (size_t i = 0; i < config->arg_count; i++)
        guest->argv[guest->argc++] = config->args[i];
    for (size_t i = 0; i < control->arg_count; i++)
        guest->argv[guest->argc++] = control->args[i];
    return 0;
}

/* Bytes of all variables that are composed here, with their NULs. */
static size_t environment_size(const struct guest *guest, const struct config *config)
{
    size_t size = sizeof("FD_COUNT=") + 20 + sizeof("FD_NAMES=");
    for (size_t i = 0; i < guest->file_count; i++)
        size += strlen(guest->files[i].name) + 1;
    for (size_t i = 0; i < config->env_count; i++)
        size += strlen(config->env[i].key) + strlen(config->env[i].value) + 2;
    return size;
}

/* Ends the variable that was written at the end of `text`. */
static void add_variable(struct guest *guest, struct text *text, size_t begin)
{
    guest->envp[guest->envc++] = text->data + begin;
    text_add_span(text, span_of("", 1));
}

static void compose_variables(struct guest *guest, const struct config *config, struct text *text)
{
    text_printf(text, "FD_COUNT=%zu", guest->file_count);
    add_variable(guest, text, 0);
    size_t begin = text->size;
    text_add(text, "FD_NAMES=");
    for (size_t i = 0; i < guest->file_count; i++) {
        text_add(text, i ? ":" : "");
        text_add(text, guest->files[i].name);
    }
    add_variable(guest, text, begin);
    for (size_t i = 0; i < config->env_count; i++) {
        begin = text->size;
        text_add(text, config->env[i].key);
        text_add(text, "=");
        text_add(text, config->env[i].value);
        add_variable(guest, text, begin);
    }
}

/* Whether variable KEY=VALUE is already there, under the first `count` ones. */
static bool is_set(const struct guest *guest, const char *variable, size_t count)
{
    size_t size = strcspn(variable, "=") + 1;
    for (size_t i = 0; i < count; i++) {
        if (strncmp(guest->envp[i], variable, size) == 0)
            return true;
    }
    return false;
}

static int add_host_variables(struct guest *guest, const struct control *control, struct err *err)
{
    size_t own = guest->envc;
    for (size_t i = 0; i < control->env_count; i++) {
        const char *variable = control->env[i];
        if (is_set(guest, variable, own)) {
            err_set(err, ERR_CONFIG, 0, "the environment variable %.*s is already set",
                    (int)strcspn(variable, "="), variable);
            err_hint(err,
                     "--env can add to Enarx.toml and to what Enarx sets, but change nothing.");
            return -EINVAL;
        }
        guest->envp[guest->envc++] = variable;
    }
    return 0;
}

static int make_environment(struct guest *guest, const struct config *config,
                            const struct control *control, struct err *err)
{
    size_t size = environment_size(guest, config);
    guest->envp = calloc(config->env_count + control->env_count + 3, sizeof(*guest->envp));
    guest->storage = malloc(size);
    if (!guest->envp || !guest->storage)
        return err_set(err, ERR_IO, ENOMEM, "make the environment");
    struct text text = text_init(guest->storage, size);
    compose_variables(guest, config, &text);
    if (text.overflow)
        return err_set(err, ERR_INTERNAL, 0, "the environment was measured wrongly");
    return add_host_variables(guest, control, err);
}

/* --- Files ----------------------------------------------------------------------------------- */

static const struct control_dir *find_grant(const struct control *control, const char *path)
{
    for (size_t i = 0; i < control->dir_count; i++) {
        if (strcmp(control->dirs[i].path, path) == 0)
            return &control->dirs[i];
    }
    return NULL;
}

static int not_sealed(const struct control_dir *grant, struct err *err)
{
    err_set(err, ERR_CONFIG, 0,
            "a version is demanded of the directory \"%s\", which is not sealed", grant->path);
    err_hint(err, "Leave --sealed-min out, or write sealed = true in Enarx.toml.");
    return -EINVAL;
}

static int make_file(struct guest_file *file, const struct config_file *config,
                     const struct control *control, struct err *err)
{
    *file = (struct guest_file){
        .kind = config->kind,
        .name = config->name,
        .fd = -1,
        .path = config->path,
        .read_only = config->read_only,
        .config = config,
    };
    if (config->kind == FILE_STDIN || config->kind == FILE_STDOUT || config->kind == FILE_STDERR)
        file->fd = (int)(config->kind - FILE_STDIN);
    if (config->kind != FILE_DIR)
        return 0;
    const struct control_dir *grant = find_grant(control, config->path);
    if (!grant) {
        err_set(err, ERR_CONFIG, 0, "Enarx.toml:%u:%u: the directory \"%s\" is not granted",
                config->at.line, config->at.column, config->path);
        err_hint(err, "Add --dir HOST::%s to the command line.", config->path);
        return -EINVAL;
    }
    if (grant->minimum > 0 && !config->sealed)
        return not_sealed(grant, err);
    file->fd = grant->fd;
    file->read_only = file->read_only || grant->read_only;
    file->minimum = grant->minimum;
    return 0;
}

static int check_grants(const struct control *control, const struct config *config, struct err *err)
{
    for (size_t i = 0; i < control->dir_count; i++) {
        size_t k = 0;
        while (k < config->file_count && !(config->files[k].kind == FILE_DIR &&
                                           !strcmp(config->files[k].path, control->dirs[i].path)))
            k++;
        if (k < config->file_count)
            continue;
        err_set(err, ERR_CONFIG, 0, "the directory \"%s\" is granted, but not named in Enarx.toml",
                control->dirs[i].path);
        err_hint(err, "Add [[files]] with kind = \"dir\" and path = \"%s\".",
                 control->dirs[i].path);
        return -EINVAL;
    }
    return 0;
}

static int make_files(struct guest *guest, const struct config *config, bool has_config,
                      const struct control *control, struct err *err)
{
    guest->files = calloc(config->file_count + control->dir_count + 1, sizeof(*guest->files));
    if (!guest->files)
        return err_set(err, ERR_IO, ENOMEM, "make the files");
    for (size_t i = 0; i < config->file_count; i++) {
        int status = make_file(&guest->files[i], &config->files[i], control, err);
        if (status < 0)
            return status;
        guest->file_count++;
    }
    if (has_config)
        return check_grants(control, config, err);
    for (size_t i = 0; i < control->dir_count; i++) {
        const struct control_dir *grant = &control->dirs[i];
        if (grant->minimum > 0)
            return not_sealed(grant, err);
        guest->files[guest->file_count++] = (struct guest_file){
            .kind = FILE_DIR,
            .name = grant->path,
            .fd = grant->fd,
            .path = grant->path,
            .read_only = grant->read_only,
        };
    }
    return 0;
}

int guest_init(struct guest *guest, const struct config *config, bool has_config,
               const struct control *control, struct err *err)
{
    *guest = (struct guest){0};
    int status = make_files(guest, config, has_config, control, err);
    if (status == 0)
        status = make_arguments(guest, config, control, err);
    if (status == 0)
        status = make_environment(guest, config, control, err);
    if (status < 0)
        guest_free(guest);
    return status;
}

int guest_certify(struct guest *guest, const struct config *config, struct attendant *attendant,
                  const uint8_t *digest, struct err *err)
{
    struct certification *wanted = &guest->certification;
    *wanted =
        (struct certification){.url = config->steward, .workload = digest, .attendant = attendant};
    if (config->steward_ca.count == 0) {
        err_set(err, ERR_CONFIG, 0,
                "no certificate authority is named that vouches for the Steward %s",
                config->steward);
        err_hint(err,
                 "Add steward_ca = { custom = [\"name\"] } and its certificate below [roots].");
        return -EINVAL;
    }
    wanted->trust = config_gather_roots(config, &config->steward_ca);
    if (!wanted->trust.data)
        return err_set(err, ERR_IO, ENOMEM, "keep the certificates of the authorities");
    int64_t now = time(NULL);
    int status = guest->identity.signer ? 0 : identity_new(&guest->identity, now, err);
    if (status == 0)
        status = identity_certify(&guest->identity, wanted, now, true, err);
    guest->identity.renewal = wanted;
    return status;
}

/* --- Sealed directories ---------------------------------------------------------------------- */

static bool is_sealed(const struct guest_file *file)
{
    return file->kind == FILE_DIR && file->config && file->config->sealed;
}

bool guest_is_sealed(const struct guest *guest)
{
    for (size_t i = 0; i < guest->file_count; i++) {
        if (is_sealed(&guest->files[i]))
            return true;
    }
    return false;
}

/* What an owner can write down, to demand it next time. */
static void report_version(const struct guest_file *file, const char *when)
{
    uint8_t digest[SEALED_DIGEST_SIZE];
    char text[2 * SEALED_DIGEST_SIZE + 1];
    uint64_t version = sealed_version(file->sealed, digest);
    hex_encode(span_of(digest, sizeof(digest)), text);
    log_info("enarx::exec", "sealed directory %s: version %llu, digest %s, %s", file->path,
             (unsigned long long)version, text, when);
}

static int unseal(struct guest_file *file, const uint8_t key[SEALING_KEY_SIZE], struct err *err)
{
    struct sealed_options options = {.read_only = file->read_only, .minimum = file->minimum};
    int status = sealed_open(file->fd, key, &options, &file->sealed, err);
    if (status == -EKEYREJECTED)
        err_hint(err, "Only the workload that sealed it can open it, on the same kind of Keep.");
    if (status < 0)
        err_context(err, "cannot open the sealed directory \"%s\"", file->path);
    else
        report_version(file, "opened");
    return status;
}

int guest_unseal(struct guest *guest, const uint8_t digest[WORKLOAD_DIGEST_SIZE], struct err *err)
{
    uint8_t key[SEALING_KEY_SIZE];
    if (!guest_is_sealed(guest))
        return 0;
    int status = sealing_key(digest, key, &guest->development, err);
    for (size_t i = 0; i < guest->file_count && status == 0; i++) {
        if (is_sealed(&guest->files[i]))
            status = unseal(&guest->files[i], key, err);
    }
    explicit_bzero(key, sizeof(key));
    return status;
}

int guest_seal(struct guest *guest, struct err *err)
{
    int result = 0;
    for (size_t i = 0; i < guest->file_count; i++) {
        struct guest_file *file = &guest->files[i];
        if (!file->sealed)
            continue;
        int status = sealed_sync(file->sealed);
        if (status < 0 && result == 0)
            result =
                err_set(err, ERR_IO, -status,
                        "the last changes of the sealed directory \"%s\" are lost", file->path);
        else if (status == 0)
            report_version(file, "closed");
        status = sealed_close(file->sealed);
        if (status < 0 && result == 0)
            result = err_set(err, ERR_IO, -status, "close the sealed directory \"%s\"", file->path);
        file->sealed = NULL;
    }
    return result;
}

static int open_socket(struct guest *guest, const struct config *config,
                       struct attendant *attendant, struct guest_file *file, struct err *err)
{
    struct identity *identity = &guest->identity;
    int fd = socket_open(file->config, attendant, err), status = 0;
    if (fd < 0)
        return fd;
    if (file->config->protocol == PROTOCOL_TCP) {
        file->fd = fd;
        return 0;
    }
    if (file->config->protocol == PROTOCOL_UDP)
        return udp_file_open(file->config, fd, &file->stream, err);
    if (!identity->signer)
        status = identity_new(identity, time(NULL), err);
    if (status < 0) {
        close(fd);
        return status;
    }
    return tls_file_open(config, file->config, identity, fd, &file->stream, err);
}

int guest_open(struct guest *guest, const struct config *config, struct attendant *attendant,
               struct err *err)
{
    for (size_t i = 0; i < guest->file_count; i++) {
        struct guest_file *file = &guest->files[i];
        if (file->kind != FILE_LISTEN && file->kind != FILE_CONNECT)
            continue;
        int status = open_socket(guest, config, attendant, file, err);
        if (status < 0) {
            err_context(err, "file %zu, \"%s\"", i, file->name);
            return status;
        }
    }
    return 0;
}

void guest_free(struct guest *guest)
{
    for (size_t i = 0; i < guest->file_count; i++) {
        struct guest_file *file = &guest->files[i];
        if ((file->kind == FILE_LISTEN || file->kind == FILE_CONNECT) && file->fd >= 0)
            close(file->fd);
        file_stream_close(&file->stream);
        sealed_close(file->sealed); /* only if the program did not run */
    }
    identity_free(&guest->identity);
    free((void *)guest->certification.trust.data);
    free(guest->argv);
    free(guest->envp);
    free(guest->files);
    free(guest->storage);
    *guest = (struct guest){0};
}
