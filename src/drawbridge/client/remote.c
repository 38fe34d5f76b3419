// SPDX-License-Identifier: Apache-2.0
#include "drawbridge/client/remote.h"

#include "base/cleanup.h"
#include "base/read_all.h"
#include "codec/json.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

enum { BUNDLE_MAX = 4 << 20, SAID_MAX = 400, FIELDS_MAX = 6, BASE_MAX = 32 };

struct remote {
    struct crypto_tls_context *tls;
    struct http_client *client;
    char host[SLUG_HOST_MAX + 1];
    char *authorization; /* "Bearer …", or NULL */
    const char *agent;
};

void remote_printable(struct span bytes, struct text *text)
{
    for (size_t i = 0; i < bytes.size; i++) {
        bool shown = bytes.data[i] >= 0x20 && bytes.data[i] < 0x7F;
        text_add_span(text, shown ? span_of(bytes.data + i, 1) : SPAN_LITERAL("?"));
    }
}

static int read_bundle(const char *path, uint8_t **data, size_t *size, struct err *err)
{
    autoclose int fd = open(path, O_RDONLY | O_CLOEXEC);
    int status = fd < 0 ? -errno : read_all(fd, BUNDLE_MAX, data, size);
    return status < 0 ? err_set(err, ERR_CONFIG, -status, "cannot read the roots in %s", path) : 0;
}

int remote_client_new(const char *ca_bundle, struct crypto_tls_context **tls,
                      struct http_client **client, struct err *err)
{
    autofree uint8_t *data = NULL;
    size_t size = 0;
    *tls = NULL;
    int status = ca_bundle ? read_bundle(ca_bundle, &data, &size, err) : 0;
    if (status < 0)
        return status;
    struct crypto_tls_config trust = {.trust = span_of(data, size), .system_trust = !ca_bundle};
    if (crypto_tls_context_new(CRYPTO_TLS_CLIENT, &trust, tls) < 0)
        return err_set(err, ERR_CONFIG, 0, "there are no certificates of roots in %s",
                       ca_bundle ? ca_bundle : "the places of this system");
    struct http_client_config config = {
        .tls = *tls, .seconds = REMOTE_SECONDS, .patient = true, .body_max = REMOTE_BODY_MAX};
    *client = http_client_new(&config);
    return *client ? 0 : err_set(err, ERR_IO, ENOMEM, "cannot make a client");
}

static int set_token(struct remote *remote, const char *token, struct err *err)
{
    for (const char *at = token; *at; at++) {
        if (*at <= 0x20 || *at >= 0x7F)
            return err_set(err, ERR_CONFIG, 0, "the token has characters that tokens do not have");
    }
    if (*token == '\0')
        return err_set(err, ERR_CONFIG, 0, "the token is empty");
    if (asprintf(&remote->authorization, "Bearer %s", token) < 0) {
        remote->authorization = NULL;
        return err_set(err, ERR_IO, ENOMEM, "cannot hold the token");
    }
    return 0;
}

int remote_open(const struct remote_config *config, struct remote **remote, struct err *err)
{
    struct remote *made = calloc(1, sizeof(*made));
    if (!made)
        return err_set(err, ERR_IO, ENOMEM, "cannot make a client");
    made->agent = config->agent;
    int status = slug_is_host(config->host)
                     ? 0
                     : err_set(err, ERR_USAGE, 0, "\"%.*s\" is not a host", (int)config->host.size,
                               (const char *)config->host.data);
    if (status == 0) {
        memcpy(made->host, config->host.data, config->host.size);
        status = remote_client_new(config->ca_bundle, &made->tls, &made->client, err);
    }
    if (status == 0 && config->token)
        status = set_token(made, config->token, err);
    if (status < 0)
        remote_close(made);
    else
        *remote = made;
    return status;
}

void remote_close(struct remote *remote)
{
    if (!remote)
        return;
    if (remote->authorization)
        explicit_bzero(remote->authorization, strlen(remote->authorization));
    free(remote->authorization);
    http_client_free(remote->client);
    crypto_tls_context_free(remote->tls);
    free(remote);
}

static int refuse(const struct remote_call *call, const struct http_reply *reply, struct err *err)
{
    static const struct {
        unsigned status;
        int error;
    } errors[] = {{401, -EKEYREJECTED}, {404, -ENOENT}, {409, -EEXIST}};
    char buffer[SAID_MAX];
    struct text said = text_init(buffer, sizeof(buffer));
    struct span body = reply->body;
    while (body.size > 0 && body.data[body.size - 1] == '\n')
        body.size--;
    remote_printable(body, &said);
    err_set(err, ERR_IO, 0, "%s request failed: request failed with status code `%u`%s%s",
            call->method, reply->head.status, said.size > 0 ? ": " : "", buffer);
    for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
        if (errors[i].status == reply->head.status)
            return errors[i].error;
    }
    return -EREMOTEIO;
}

int remote_call(struct remote *remote, const struct remote_call *call, struct http_reply *reply,
                struct err *err)
{
    char url[REMOTE_PATH_MAX + SLUG_HOST_MAX + BASE_MAX], digests[DIGEST_HEADER_MAX];
    struct text text = text_init(url, sizeof(url));
    struct text digest = text_init(digests, sizeof(digests));
    struct http1_field fields[FIELDS_MAX] = {{"User-Agent", remote->agent},
                                             {"Accept-Encoding", "identity"}};
    size_t count = 2;
    text_printf(&text, "https://%s/api/v0.1.0/%s", remote->host, call->path);
    if (text.overflow)
        return err_set(err, ERR_USAGE, 0, "the path is too long");
    if (remote->authorization)
        fields[count++] = (struct http1_field){"Authorization", remote->authorization};
    if (call->type)
        fields[count++] = (struct http1_field){"Content-Type", call->type};
    if (call->digests) {
        digests_write_header(call->digests, &digest);
        fields[count++] = (struct http1_field){"Content-Digest", digests};
    }
    if (call->more.name)
        fields[count++] = call->more;
    struct http_call http = {.method = call->method,
                             .url = url,
                             .fields = fields,
                             .field_count = count,
                             .body = call->body,
                             .take = call->take,
                             .context = call->context};
    int status = http_client_call(remote->client, &http, reply, err);
    if (status < 0 || (reply->head.status >= 200 && reply->head.status < 300))
        return status;
    status = refuse(call, reply, err);
    http_reply_free(reply);
    return status;
}

int remote_get_json(struct remote *remote, const char *path, struct http_reply *reply,
                    struct span *value, struct err *err)
{
    struct remote_call call = {.method = "GET", .path = path};
    int status = remote_call(remote, &call, reply, err);
    if (status < 0 || json_parse(reply->body, value) == 0)
        return status;
    http_reply_free(reply);
    return err_set(err, ERR_IO, 0, "GET request failed: the answer is not JSON");
}
