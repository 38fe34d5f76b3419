// SPDX-License-Identifier: Apache-2.0
/* A package by HTTP: asked for, received within its bounds, compared with what was promised. */
#include "exec/workload.h"

#include "exec/again.h"
#include "exec/socket.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "codec/json.h"
#include "codec/url.h"
#include "crypto/crypto.h"
#include "drawbridge/tree.h"
#include "http/client.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    FETCH_SECONDS = 60,      /* without a byte */
    DIRECTORY_MAX = 2 << 20, /* bytes of a directory */
    PIECE_MIN = 64 * 1024,   /* first room of a content */
    LOCATION_MAX = 4096,     /* of a URL */
    REFUSAL_MAX = 4096,      /* of the body of an error */
    SAID_MAX = 160,          /* of it that is told */
};

#define MODULE_NAME SPAN_LITERAL("main.wasm")
#define CONFIG_NAME SPAN_LITERAL("Enarx.toml")

/* One content that is fetched. */
struct download {
    struct http_client *client;
    const char *url;
    const struct entry *promised; /* NULL: the root, of which only the digest is known */
    size_t limit;
    uint8_t *data;
    size_t size, room;
    bool is_directory; /* as the server says */
};

static void start_anew(struct download *download)
{
    free(download->data);
    download->data = NULL;
    download->size = download->room = 0;
}

static int take_piece(void *context, struct span piece, struct err *err)
{
    struct download *download = context;
    if (piece.size > download->limit - download->size)
        return err_set(err, ERR_IO, EFBIG, "%s has more than %zu bytes", download->url,
                       download->limit);
    if (piece.size > download->room - download->size) {
        size_t room = download->room ? 2 * download->room : PIECE_MIN;
        while (room - download->size < piece.size)
            room *= 2;
        uint8_t *data = realloc(download->data, room);
        if (!data)
            return err_set(err, ERR_IO, ENOMEM, "cannot hold %s", download->url);
        download->data = data;
        download->room = room;
    }
    memcpy(download->data + download->size, piece.data, piece.size);
    download->size += piece.size;
    return 0;
}

/* What a server that refuses says, of characters that can be shown. */
static void quote(struct span body, struct text *said)
{
    for (size_t i = 0; i < body.size && i < SAID_MAX / 2; i++) {
        bool shown = body.data[i] >= ' ' && body.data[i] < 0x7F;
        text_add_span(said, shown ? span_of(&body.data[i], 1) : SPAN_LITERAL(" "));
    }
}

static int refused(const struct download *download, const struct http_reply *reply, struct err *err)
{
    char buffer[SAID_MAX];
    struct text said = text_init(buffer, sizeof(buffer));
    unsigned status = reply->head.status;
    quote(reply->body, &said);
    err_set(err, ERR_IO, 0, "the server does not give %s: status %u%s%s", download->url, status,
            said.size > 0 ? ", " : "", buffer);
    if (status >= 300 && status < 400)
        err_hint(err, "It is elsewhere; write the URL where it is.");
    return again_is_worth_http(status)      ? -EBUSY
           : status == 401 || status == 403 ? -EACCES
                                            : -EREMOTEIO;
}

static bool says_directory(const struct http_reply *reply)
{
    const struct span *type = http1_header_find(&reply->head.head, "Content-Type");
    return type && span_equal(media_type_essence(*type), SPAN_LITERAL(TYPE_DIRECTORY));
}

static int attempt(void *context, struct err *err)
{
    struct download *download = context;
    const struct http1_field fields[] = {{"Accept-Encoding", "identity"}, {"Accept", "*/*"}};
    const struct http_call call = {.method = "GET",
                                   .url = download->url,
                                   .fields = fields,
                                   .field_count = 2,
                                   .take = take_piece,
                                   .context = download};
    struct http_reply reply;
    start_anew(download);
    int status = http_client_call(download->client, &call, &reply, err);
    if (status < 0)
        return status;
    if (reply.head.status != 200)
        status = refused(download, &reply, err);
    download->is_directory = says_directory(&reply);
    http_reply_free(&reply);
    return status;
}

static int differs(const struct download *download, struct err *err)
{
    err_set(err, ERR_IO, 0, "%s is not what was promised: its digest differs", download->url);
    err_hint(err,
             "Nothing of it was run. Either the server or the path to it changed the package.");
    return -EBADMSG;
}

/* Gets a content and compares it with the entry that its directory has of it. */
static int get_promised(struct download *download, struct err *err)
{
    struct digests real;
    int status = again(attempt, download, err);
    if (status < 0)
        return status;
    if (digests_of(span_of(download->data, download->size), &real) < 0)
        return err_set(err, ERR_IO, ENOMEM, "cannot digest %s", download->url);
    if (download->size != download->promised->length ||
        !digests_match(&download->promised->digests, &real))
        return differs(download, err);
    return 0;
}

static int get_root(const struct workload_source *source, struct download *download,
                    uint8_t *digest, struct err *err)
{
    uint8_t wanted[WORKLOAD_DIGEST_SIZE];
    int status = again(attempt, download, err);
    if (status < 0)
        return status;
    struct span content = span_of(download->data, download->size);
    if (crypto_hash(CRYPTO_SHA256, &content, 1, digest) < 0)
        return err_set(err, ERR_IO, ENOMEM, "cannot digest %s", download->url);
    if (control_package_digest(source->wanted, wanted) &&
        !crypto_equal(wanted, digest, sizeof(wanted)))
        return differs(download, err);
    return 0;
}

/* A file of a package that is a directory. */
static int get_file(const struct workload_source *source, const struct download *root,
                    struct span name, size_t limit, struct span *content, struct err *err)
{
    char url[LOCATION_MAX];
    struct text text = text_init(url, sizeof(url));
    struct entry entry;
    struct download download = {.client = root->client, .url = url, .promised = &entry};
    if (!directory_find(span_of(root->data, root->size), name, &entry) ||
        digests_empty(&entry.digests))
        return err_set(err, ERR_IO, 0, "the package %s has no %.*s", root->url, (int)name.size,
                       (const char *)name.data);
    text_add(&text, source->wanted->url);
    text_add(&text, "/");
    text_add_span(&text, name);
    if (text.overflow)
        return err_set(err, ERR_IO, ENAMETOOLONG, "%.64s…", url);
    if (entry.length > limit)
        return err_set(err, ERR_IO, EFBIG, "%s has more than %zu bytes", url, limit);
    download.limit = (size_t)entry.length;
    int status = get_promised(&download, err);
    if (status == 0 && !download.data && !(download.data = calloc(1, 1))) /* an empty file is one */
        status = err_set(err, ERR_IO, ENOMEM, "cannot hold %s", url);
    if (status < 0)
        free(download.data);
    else
        *content = span_of(download.data, download.size);
    return status;
}

/* Whether the bytes are a directory just as Drawbridge writes it: what it is found by later. */
static bool is_canonical(const struct download *root)
{
    struct span value, bytes = span_of(root->data, root->size);
    autofree char *buffer = malloc(root->size + 1);
    if (!buffer || json_parse(bytes, &value) < 0)
        return false;
    struct text text = text_init(buffer, root->size + 1);
    return directory_canonical(bytes, &text) == 0 && span_equal(text_span(&text), bytes);
}

static int get_files(const struct workload_source *source, const struct download *root,
                     struct workload *workload, struct err *err)
{
    if (root->size > DIRECTORY_MAX || !is_canonical(root))
        return err_set(err, ERR_IO, 0, "%s is not a directory in canonical form", root->url);
    int status = get_file(source, root, CONFIG_NAME, CONFIG_SIZE_MAX, &workload->config, err);
    return status == 0
               ? get_file(source, root, MODULE_NAME, WORKLOAD_MODULE_MAX, &workload->module, err)
               : status;
}

static int connect_out(void *context, const char *host, uint16_t port, struct err *err)
{
    return socket_connect(host, port, context, err);
}

static int fetch_with(const struct workload_source *source, struct crypto_tls_context *tls,
                      struct workload *workload, struct err *err)
{
    struct http_client_config config = {.tls = tls,
                                        .connect = connect_out,
                                        .connect_context = source->attendant,
                                        .seconds = FETCH_SECONDS,
                                        .patient = true,
                                        .body_max = REFUSAL_MAX};
    struct download root = {.client = http_client_new(&config),
                            .url = source->wanted->url,
                            .limit = WORKLOAD_MODULE_MAX};
    if (!root.client)
        return err_set(err, ERR_IO, ENOMEM, "cannot fetch the package");
    int status = get_root(source, &root, workload->digest, err);
    if (status == 0 && root.is_directory)
        status = get_files(source, &root, workload, err);
    else if (status == 0)
        workload->module = span_of(take_ptr(root.data), root.size);
    free(root.data);
    http_client_free(root.client);
    log_info("enarx::exec", "the package has %zu bytes of code and %zu of configuration",
             workload->module.size, workload->config.size);
    return status;
}

int workload_fetch(const struct workload_source *source, struct workload *workload, struct err *err)
{
    const struct identity *identity = source->identity;
    struct crypto_tls_context *tls = NULL;
    struct crypto_tls_config config = {.trust = source->roots};
    *workload = (struct workload){0};
    if (identity->signer) {
        config.chain = identity->chain;
        config.signer = identity->signer;
    }
    if (source->roots.size > 0 && crypto_tls_context_new(CRYPTO_TLS_CLIENT, &config, &tls) < 0)
        return err_set(err, ERR_CONFIG, 0,
                       "the roots that vouch for the server are not certificates");
    int status = fetch_with(source, tls, workload, err);
    crypto_tls_context_free(tls);
    bool refused = status == -EACCES || (status == -EPIPE && identity->signer);
    if (refused && err && !err->hint[0])
        err_hint(err,
                 "Private packages are for Keeps that are certified for this very workload, by "
                 "a Steward that the Drawbridge trusts.");
    if (status < 0) {
        err_context(err, "cannot fetch the workload");
        workload_free(workload);
    }
    return status;
}
