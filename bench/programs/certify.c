// SPDX-License-Identifier: Apache-2.0
/*
 * Has a request certified by a running Steward again and again, over HTTP and HTTPS, on one
 * connection and on a new one each, and does nothing but the cryptography that this contains. Lines
 * of "name nanoseconds". Built by Meson; arguments: tests/vectors, the URLs with http and https,
 * and PEM files of the certificate and the key of the latter.
 */
#include "attest/roots.h"
#include "crypto/crypto.h"
#include "crypto/sign.h"
#include "http/client.h"
#include "measure.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

/* What a request with an SNP report contains: the signatures of request and report, of VCEK, ASK
 * and ARK, and of the revocation list; and the signature of what is issued. */
enum { P384_CHECKS = 2, RSA_CHECKS = 4, ROUNDS = 4, REPETITIONS = 40, HANDSHAKES = 4 };

static uint8_t csr[64 * 1024];
static struct http_call call = {.method = "POST"};
static struct http_client_config config = {.seconds = 30, .body_max = 1 << 20};
static struct http_client *kept;
static struct x509_certificate rsa_root;
static struct x509_request request;
static struct crypto_signer *p256;
static struct crypto_tls_context *server, *client;

static void fail(const char *what)
{
    fprintf(stderr, "%s\n", what);
    exit(1);
}

static size_t read_file(const char *path, uint8_t *bytes, size_t max)
{
    FILE *file = fopen(path, "rb");
    if (!file)
        fail(path);
    size_t size = fread(bytes, 1, max, file);
    fclose(file);
    return size;
}

static void ask(struct http_client *asked)
{
    struct err err = {0};
    struct http_reply reply;
    if (http_client_call(asked, &call, &reply, &err) < 0)
        fail(err.message);
    if (reply.head.status != 200)
        fail("the Steward refuses");
    http_reply_free(&reply);
}

static void ask_kept(void)
{
    for (int i = 0; i < ROUNDS; i++)
        ask(kept);
}

static void ask_anew(void)
{
    for (int i = 0; i < ROUNDS; i++) {
        struct http_client *fresh = http_client_new(&config);
        ask(fresh);
        http_client_free(fresh);
    }
}

static void do_cryptography(void)
{
    static uint8_t message[672];
    memset(message, 0x11, sizeof(message)); /* also in the place of a signature */
    uint8_t signature[CRYPTO_SIGNATURE_MAX];
    size_t size;
    struct span signed_bytes = span_of(message, sizeof(message));
    for (int i = 0; i < ROUNDS; i++) {
        unsigned good = 0;
        for (int k = 0; k < RSA_CHECKS; k++)
            good += crypto_verify(&rsa_root.key, &rsa_root.signature) == 0;
        for (int k = 0; k < P384_CHECKS; k++) /* a wrong one takes as long */
            good += crypto_verify_raw(&request.key, X509_ECDSA_SHA384, signed_bytes,
                                      span_of(message, 96)) < 0;
        good += crypto_sign(p256, signed_bytes, signature, &size) == 0;
        if (good != RSA_CHECKS + P384_CHECKS + 1)
            fail("a signature is not as expected");
    }
}

/* Both sides of a handshake, and a byte each way. */
static void shake_hands(void)
{
    for (int i = 0; i < HANDSHAKES; i++) {
        int ends[2];
        uint8_t byte = 0;
        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) < 0)
            fail("socketpair");
        struct crypto_tls *accepting = crypto_tls_accept(server, ends[0]);
        struct crypto_tls *connecting = crypto_tls_connect(client, ends[1], "127.0.0.1");
        while (crypto_tls_write(connecting, &byte, 1) < 0)
            (void)!crypto_tls_read(accepting, &byte, 1);
        while (crypto_tls_read(accepting, &byte, 1) < 0)
            ;
        crypto_tls_free(connecting);
        crypto_tls_free(accepting);
        close(ends[0]);
        close(ends[1]);
    }
}

static void measure(const char *name, const char *url)
{
    char label[32];
    call.url = url;
    kept = http_client_new(&config);
    snprintf(label, sizeof(label), "%s-kept", name);
    report(label, best_of(REPETITIONS, ask_kept) / ROUNDS);
    http_client_free(kept);
    snprintf(label, sizeof(label), "%s-new", name);
    report(label, best_of(REPETITIONS, ask_anew) / ROUNDS);
}

static void make_contexts(const char *chain_path, const char *key_path)
{
    static uint8_t chain[8192], key[8192];
    struct crypto_tls_config own = {.chain = span_of(chain, read_file(chain_path, chain, 8192)),
                                    .key = span_of(key, read_file(key_path, key, 8192))};
    struct crypto_tls_config trust = {.trust = own.chain};
    if (crypto_tls_context_new(CRYPTO_TLS_SERVER, &own, &server) < 0 ||
        crypto_tls_context_new(CRYPTO_TLS_CLIENT, &trust, &client) < 0)
        fail("the certificate cannot be used");
    config.tls = client;
}

int main(int argc, char **argv)
{
    static const struct http1_field type = {"Content-Type", "application/pkcs10"};
    char path[1024];
    if (argc != 6)
        return 4;
    signal(SIGPIPE, SIG_IGN);
    snprintf(path, sizeof(path), "%s/enarx/steward/milan.signed.crl.csr", argv[1]);
    call.body = span_of(csr, read_file(path, csr, sizeof(csr)));
    call.fields = &type;
    call.field_count = 1;
    make_contexts(argv[4], argv[5]);
    if (x509_parse(span_of(amd_milan_ark, sizeof(amd_milan_ark)), &rsa_root) < 0 ||
        x509_request_parse(call.body, &request) < 0 ||
        crypto_signer_generate(X509_KEY_P256, &p256) < 0)
        fail("the keys cannot be made");
    measure("http", argv[2]);
    measure("https", argv[3]);
    report("cryptography", best_of(REPETITIONS, do_cryptography) / ROUNDS);
    report("handshake", best_of(REPETITIONS, shake_hands) / HANDSHAKES);
    return 0;
}
