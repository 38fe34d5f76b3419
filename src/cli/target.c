// SPDX-License-Identifier: Apache-2.0
#include "cli/target.h"

#include "base/cleanup.h"
#include "cli/store.h"
#include "codec/base64.h"
#include "codec/json.h"
#include "codec/url.h"
#include "exec/workload.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static bool begins(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

/* ---- On this machine ------------------------------------------------------------------------- */

static int take_directory(const char *path, struct target *target, struct err *err)
{
    static const char *const names[] = {"main.wasm", "Enarx.toml"};
    for (int i = 0; i < 2; i++) {
        struct text text = text_init(target->paths[i], sizeof(target->paths[i]));
        text_printf(&text, "%s/%s", path, names[i]);
        if (text.overflow)
            return err_set(err, ERR_IO, ENAMETOOLONG, "%.64s…", path);
        if (access(target->paths[i], R_OK) < 0) {
            err_set(err, ERR_IO, errno, "%s is no package: its file %s", path, names[i]);
            err_hint(err, "A package is a directory with main.wasm and Enarx.toml.");
            return -ENOENT;
        }
    }
    target->module = target->paths[0];
    target->config = target->paths[1];
    return 0;
}

static int take_path(const char *path, struct target *target, struct err *err)
{
    struct stat status;
    if (stat(path, &status) < 0) {
        err_set(err, ERR_IO, errno, "no Enarx package or WASM module found at %s", path);
        err_hint(err, "Give a file, a directory, a URL, or HOST/USER/REPO:TAG.");
        return -ENOENT;
    }
    if (S_ISDIR(status.st_mode))
        return take_directory(path, target, err);
    target->module = path;
    return 0;
}

/* ---- By HTTP --------------------------------------------------------------------------------- */

/* The file of roots that the Keep is given: that of --ca-bundle, or the system's. */
static int find_roots(const struct invocation *invocation, struct target *target, struct err *err)
{
    const char *own = getenv("SSL_CERT_FILE"), *given = invocation_value(invocation, "ca-bundle");
    const char *places[] = {given, own, "/etc/ssl/certs/ca-certificates.crt", "/etc/ssl/cert.pem",
                            "/etc/pki/tls/certs/ca-bundle.crt"};
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        if (!places[i] || !places[i][0] || (access(places[i], R_OK) < 0 && i > 0))
            continue;
        struct text text = text_init(target->roots, sizeof(target->roots));
        text_add(&text, places[i]);
        return text.overflow ? err_set(err, ERR_IO, ENAMETOOLONG, "%.64s…", places[i]) : 0;
    }
    err_set(err, ERR_IO, 0,
            "this system has no certificates of authorities that the Keep could use");
    err_hint(err, "Install the package ca-certificates, or give --ca-bundle FILE.");
    return -ENOENT;
}

static int take_url(const char *url, struct target *target, struct err *err)
{
    struct url parsed;
    struct text text = text_init(target->url, sizeof(target->url));
    text_add(&text, url);
    if (text.overflow || url_parse(span_of(url, strlen(url)), &parsed) < 0)
        return err_set(err, ERR_USAGE, 0, "\"%.200s\" is not a URL of http or https", url);
    if (parsed.secure || target->digest[0])
        return 0;
    err_set(err, ERR_USAGE, 0, "%s is without TLS: whoever is on the way can change it", url);
    err_hint(err, "Use https, or say what has to come, with --digest.");
    return -EINVAL;
}

/* ---- Of a Drawbridge ------------------------------------------------------------------------- */

/* https://HOST/api/v0.1.0/USER/REPO/_tag/TAG, or …/tree, as a slug; "" for other URLs. */
static void slug_of_url(const char *url, char slug[TARGET_URL_SIZE])
{
    char host[256], user[256], repository[256], tag[256], rest[8] = "";
    int version[3], end = 0;
    struct text text = text_init(slug, TARGET_URL_SIZE);
    int count =
        sscanf(url, "https://%255[^/]/api/v%d.%d.%d/%255[^/]/%255[^/]/_tag/%255[^/]%n%7s", host,
               &version[0], &version[1], &version[2], user, repository, tag, &end, rest);
    if (count == 7 || (count == 8 && (!strcmp(rest, "/") || !strcmp(rest, "/tree"))))
        text_printf(&text, "%s/%s/%s:%s", host, user, repository, tag);
}

static int take_digest(struct span value, struct target *target)
{
    uint8_t bytes[64];
    size_t size;
    struct span text;
    if (!json_get_text(value, "sha-256", &text) || text.size > 64 ||
        base64_decode(text, bytes, &size) < 0 || size != WORKLOAD_DIGEST_SIZE)
        return -EINVAL;
    hex_encode(span_of(bytes, size), target->digest);
    return 0;
}

/* url_parse takes no character that could harm a terminal. */
static bool is_steward(const char *text)
{
    struct url url;
    return url_parse(span_of(text, strlen(text)), &url) == 0 && url.secure;
}

/* What a Drawbridge says to everybody about a tag. */
static int take_meta(struct span meta, struct target *target, struct err *err)
{
    struct span digest, value, text;
    char wanted[TARGET_DIGEST_SIZE];
    memcpy(wanted, target->digest, sizeof(wanted));
    if (!json_get(meta, "digest", &digest) || take_digest(digest, target) < 0)
        return err_set(err, ERR_IO, 0, "the Drawbridge does not say which digest the package has");
    if (wanted[0] && strcmp(wanted, target->digest) != 0) {
        err_set(err, ERR_IO, 0, "the package is another one: its digest is %s", target->digest);
        err_hint(err, "Tags are never replaced by a Drawbridge that keeps to its rules.");
        return -EBADMSG;
    }
    if (json_get(meta, "yanked", &value))
        json_boolean(value, &target->yanked);
    if (target->steward[0] || !json_get(meta, "steward", &value) ||
        span_equal(value, SPAN_LITERAL("null")))
        return 0;
    bool good =
        json_string_decode(value, (uint8_t *)target->steward, sizeof(target->steward) - 1, &text);
    target->steward[good ? text.size : 0] = '\0';
    if (good && strlen(target->steward) == text.size && is_steward(target->steward))
        return 0;
    err_set(err, ERR_IO, 0, "the Drawbridge names a Steward that is no URL of https");
    err_hint(err, "Name the right one with --steward, and tell its publisher.");
    return -EBADMSG;
}

static int ask_drawbridge(const struct invocation *invocation, struct store *store,
                          struct target *target, struct err *err)
{
    struct http_reply reply;
    struct span meta;
    int status = store_connect(invocation, STORE_TOKEN_NONE, store, err);
    if (status == 0)
        status = store_get(store, "/meta", &reply, &meta, err);
    if (status == 0) {
        status = take_meta(meta, target, err);
        http_reply_free(&reply);
    }
    struct text text = text_init(target->url, sizeof(target->url)), *url = &text;
    text_printf(url, "https://%.*s/api/v0.1.0/", (int)store->slug.host.size,
                (const char *)store->slug.host.data);
    slug_write_path(&store->slug, url);
    text_add(url, "/tree");
    return status == 0 && text.overflow ? err_set(err, ERR_USAGE, 0, "the name is too long")
                                        : status;
}

static int take_slug(const char *slug, const struct invocation *invocation, struct target *target,
                     struct err *err)
{
    struct store store;
    int status = store_locate_name(invocation, slug, SLUG_TAG, &store, err);
    if (status < 0)
        return status;
    status = ask_drawbridge(invocation, &store, target, err);
    status = store_finish(&store, status, "cannot learn what the package is", err);
    if (status == -EKEYREJECTED || status == -ENOENT)
        err_hint(err,
                 "Does it exist? Of a private one everybody may know digest and Steward if its "
                 "Enarx.toml named a Steward when it was published.");
    return status;
}

/* ---- Which it is ----------------------------------------------------------------------------- */

static int take_options(const struct invocation *invocation, struct target *target, struct err *err)
{
    const char *digest = invocation_value(invocation, "digest");
    const char *steward = invocation_value(invocation, "steward");
    struct text url = text_init(target->steward, sizeof(target->steward));
    if (digest && begins(digest, "sha256:"))
        digest += strlen("sha256:");
    if (digest && (strlen(digest) != 64 || strspn(digest, "0123456789abcdef") != 64))
        return err_set(err, ERR_USAGE, 0,
                       "--digest is not a SHA-256: 64 lower-case hexadecimal digits");
    strcpy(target->digest, digest ? digest : "");
    text_add(&url, steward ? steward : "");
    if (url.overflow || (steward && !is_steward(steward)))
        return err_set(err, ERR_USAGE, 0, "--steward is not a URL of https: \"%.200s\"", steward);
    return 0;
}

static int not_for_local(struct err *err)
{
    err_set(err, ERR_USAGE, 0, "--digest and --steward are for what the Keep fetches");
    err_hint(err, "What is on this machine is proved as it is; its Enarx.toml names the Steward.");
    return -EINVAL;
}

static bool is_slug(const char *text)
{
    struct slug slug;
    return text[0] != '.' && text[0] != '/' && slug_parse(text, SLUG_TAG, &slug, NULL) == 0;
}

static int take_operand(const struct invocation *invocation, struct target *target, struct err *err)
{
    const char *text = invocation->operands[0];
    char slug[TARGET_URL_SIZE];
    int status;
    slug_of_url(text, slug);
    if (slug[0])
        status = take_slug(slug, invocation, target, err);
    else if (begins(text, "http://") || begins(text, "https://"))
        status = take_url(text, target, err);
    else if (strstr(text, "://") && !begins(text, "file://"))
        status = err_set(err, ERR_USAGE, 0, "unsupported scheme: %.*s",
                         (int)(strstr(text, "://") - text), text);
    else if (is_slug(text))
        status = take_slug(text, invocation, target, err);
    else if (target->digest[0] || target->steward[0])
        status = not_for_local(err);
    else
        status = take_path(begins(text, "file://") ? text + strlen("file://") : text, target, err);
    return status;
}

int target_find(const struct invocation *invocation, struct target *target, struct err *err)
{
    *target = (struct target){0};
    int status = take_options(invocation, target, err);
    if (status == 0)
        status = take_operand(invocation, target, err);
    if (status == 0 && target->steward[0] && !target->digest[0]) {
        err_set(err, ERR_USAGE, 0, "a Steward cannot certify what is not known yet");
        err_hint(err, "Say what has to come, with --digest.");
        return -EINVAL;
    }
    bool needs_roots = target->steward[0] || begins(target->url, "https://");
    return status == 0 && needs_roots ? find_roots(invocation, target, err) : status;
}
