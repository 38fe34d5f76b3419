// SPDX-License-Identifier: Apache-2.0
/* The way to a certificate: evidence, a request, a Steward, and a look at its answer. */
#include "exec/identity.h"

#include "exec/again.h"
#include "exec/socket.h"

#include "base/cleanup.h"
#include "codec/base64.h"
#include "codec/x509.h"
#include "crypto/x509_sign.h"
#include "http/client.h"

#include <attest.h>
#include <errno.h>
#include <string.h>

enum {
    REQUEST_MAX = 4096,
    ANSWER_MAX = 128 * 1024,
    PATIENT_SECONDS = 60, /* for one answer */
    HASTY_SECONDS = 10,
    CHAIN_MAX = 8,    /* certificates */
    CLOCK_SKEW = 300, /* seconds that the clocks of a Steward and of a host may be apart */
};

#define OID_UNPROTECTED SPAN_LITERAL("\x2B\x06\x01\x04\x01\x83\xC7\x1E\x01\x01")
#define OID_CLAIMS      SPAN_LITERAL("\x2B\x06\x01\x04\x01\x83\xC7\x1E\x01\x05")
#define OID_RESULT      SPAN_LITERAL("\x2B\x06\x01\x04\x01\x83\xC7\x1E\x01\x07")

/* ---- The request ------------------------------------------------------------------------------
 */

/* Evidence of a Keep without hardware is empty: docs/evidence.md. */
static int make_request(const struct identity *identity, const struct certification *wanted,
                        uint8_t buffer[REQUEST_MAX], struct span *request)
{
    uint8_t claims_buffer[REQUEST_MAX / 4];
    struct attest_workload workload = {.bound = true};
    struct attest_bytes claims;
    memcpy(workload.digest, wanted->workload, sizeof(workload.digest));
    if (strlen(wanted->url) < sizeof(workload.steward))
        strcpy(workload.steward, wanted->url);
    int status = attest_claims_write(&workload, claims_buffer, sizeof(claims_buffer), &claims);
    if (status < 0)
        return status;
    struct der_writer writer = der_writer_of(buffer, REQUEST_MAX);
    size_t mark = der_mark(&writer), extension = mark;
    der_put_raw(&writer, span_of(claims.data, claims.size));
    x509_close_extension(&writer, extension, OID_CLAIMS, false);
    extension = der_mark(&writer);
    x509_close_extension(&writer, extension, OID_UNPROTECTED, false);
    return x509_sign_request(&writer, mark, identity->signer, request);
}

/* ---- The answer -------------------------------------------------------------------------------
 */

/* A PkiPath: the root first. */
struct path {
    struct span certificates[CHAIN_MAX];
    size_t count;
};

static int read_path(struct span answer, struct path *path)
{
    struct der top = der_of(answer), all = der_enter(&top, DER_SEQUENCE);
    path->count = 0;
    while (der_peek(&all) && path->count < CHAIN_MAX)
        path->certificates[path->count++] = der_whole(&all, DER_SEQUENCE);
    return der_end(&all) && der_end(&top) && path->count >= 2 ? 0 : -EINVAL;
}

/* Whether each certificate is signed by the one before it, which is an authority. */
static bool is_chain(const struct path *path)
{
    struct x509_certificate issuer, subject;
    for (size_t i = 1; i < path->count; i++) {
        if (x509_parse(path->certificates[i - 1], &issuer) < 0 ||
            x509_parse(path->certificates[i], &subject) < 0 || !issuer.is_authority ||
            !span_equal(issuer.subject, subject.issuer) ||
            crypto_verify(&issuer.key, &subject.signature) < 0)
            return false;
    }
    return true;
}

/* What is wrong with the certificate that was issued, or NULL. */
static const char *find_defect(const struct identity *identity, const struct certification *wanted,
                               int64_t now, const struct path *path)
{
    struct x509_certificate leaf;
    struct x509_extension extension;
    struct attest_result result;
    if (!is_chain(path) || x509_parse(path->certificates[path->count - 1], &leaf) < 0)
        return "its certificates do not vouch for one another";
    if (!span_equal(leaf.key.info, crypto_signer_info(identity->signer)))
        return "the certificate is for another key";
    if (now + CLOCK_SKEW < leaf.not_before || now - CLOCK_SKEW > leaf.not_after)
        return "the certificate is not valid now";
    if (!x509_extension_find(leaf.extensions, OID_RESULT, &extension) ||
        attest_result_read((struct attest_bytes){extension.value.data, extension.value.size},
                           &result) < 0)
        return "the certificate does not say what was verified";
    if (result.workload.size != 32 || memcmp(result.workload.data, wanted->workload, 32) != 0)
        return "the certificate is for another workload";
    return NULL;
}

static struct span pem_of(const struct path *path, size_t from, size_t count)
{
    size_t size = 1;
    for (size_t i = 0; i < path->count; i++)
        size += PEM_SIZE("CERTIFICATE", path->certificates[i].size);
    char *text = malloc(size);
    if (!text)
        return (struct span){0};
    struct text out = text_init(text, size);
    for (size_t i = 0; i < count; i++)
        pem_write(&out, "CERTIFICATE", path->certificates[from - i]);
    return span_of(text, out.size);
}

/* The leaf and what stands between it and the root, the root apart. */
static int adopt(struct identity *identity, const struct path *path, struct err *err)
{
    struct span chain = pem_of(path, path->count - 1, path->count - 1);
    struct span trust = pem_of(path, 0, 1);
    if (!chain.data || !trust.data) {
        free((void *)chain.data);
        free((void *)trust.data);
        return err_set(err, ERR_IO, ENOMEM, "keep the certificate");
    }
    struct x509_certificate leaf;
    if (x509_parse(path->certificates[path->count - 1], &leaf) == 0) {
        identity->not_before = leaf.not_before;
        identity->not_after = leaf.not_after;
    }
    free((void *)identity->chain.data);
    free((void *)identity->trust.data);
    identity->chain = chain;
    identity->trust = trust;
    identity->generation++;
    return 0;
}

/* ---- The Steward ------------------------------------------------------------------------------
 */

static int connect_out(void *context, const char *host, uint16_t port, struct err *err)
{
    return socket_connect(host, port, context, err);
}

static int refused(const char *url, const struct http_reply *reply, struct err *err)
{
    char reason[160];
    struct text text = text_init(reason, sizeof(reason));
    bool told = reply->body.size > 0 && reply->body.size < sizeof(reason) / 2;
    for (size_t i = 0; told && i < reply->body.size; i++) {
        uint8_t byte = reply->body.data[i];
        text_printf(&text, "%c", byte >= ' ' && byte < 0x7f ? byte : ' ');
    }
    err_set(err, ERR_IO, 0, "the Steward %s refuses this Keep: status %u%s%s", url,
            reply->head.status, told ? ", " : "", told ? reason : "");
    err_hint(err, "Its log says why. A Keep without hardware protection needs debug = true there.");
    return again_is_worth_http(reply->head.status) ? -EBUSY : -EACCES;
}

/* What is asked, of whom, and with what. */
struct question {
    struct identity *identity;
    const struct certification *wanted;
    int64_t now;
    struct span request;
    struct http_client *client;
};

static int take_answer(const struct question *question, const struct http_reply *reply,
                       struct err *err)
{
    const struct certification *wanted = question->wanted;
    struct path path;
    if (reply->head.status != 200)
        return refused(wanted->url, reply, err);
    const char *defect = read_path(reply->body, &path) < 0
                             ? "it is not a path of certificates"
                             : find_defect(question->identity, wanted, question->now, &path);
    if (defect) {
        err_set(err, ERR_IO, 0, "the answer of the Steward %s is of no use: %s", wanted->url,
                defect);
        return -EBADMSG;
    }
    return adopt(question->identity, &path, err);
}

static int ask(void *context, struct err *err)
{
    const struct question *question = context;
    const struct http1_field type = {"Content-Type", "application/pkcs10"};
    const struct http_call call = {.method = "POST",
                                   .url = question->wanted->url,
                                   .fields = &type,
                                   .field_count = 1,
                                   .body = question->request};
    struct http_reply reply;
    int status = http_client_call(question->client, &call, &reply, err);
    if (status < 0) {
        err_context(err, "no certificate from the Steward");
        return status;
    }
    status = take_answer(question, &reply, err);
    http_reply_free(&reply);
    return status;
}

int identity_certify(struct identity *identity, const struct certification *wanted, int64_t now,
                     bool patience, struct err *err)
{
    uint8_t buffer[REQUEST_MAX];
    struct question question = {.identity = identity, .wanted = wanted, .now = now};
    struct crypto_tls_config trust = {.trust = wanted->trust};
    struct http_client_config config = {.connect = connect_out,
                                        .connect_context = wanted->attendant,
                                        .seconds = patience ? PATIENT_SECONDS : HASTY_SECONDS,
                                        .body_max = ANSWER_MAX};
    if (make_request(identity, wanted, buffer, &question.request) < 0)
        return err_set(err, ERR_INTERNAL, 0, "cannot make the request for a certificate");
    if (crypto_tls_context_new(CRYPTO_TLS_CLIENT, &trust, &config.tls) < 0)
        return err_set(err, ERR_CONFIG, 0,
                       "the certificates that vouch for the Steward are not valid");
    question.client = http_client_new(&config);
    int status = !question.client ? err_set(err, ERR_IO, ENOMEM, "ask the Steward")
                 : patience       ? again(ask, &question, err)
                                  : ask(&question, err);
    http_client_free(question.client);
    crypto_tls_context_free(config.tls);
    return status;
}
