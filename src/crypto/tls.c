// SPDX-License-Identifier: Apache-2.0
#include "crypto/tls_internal.h"

#include "crypto/signer.h"

#include <errno.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

static int no_password(char *buffer, int size, int writing, void *context)
{
    (void)buffer, (void)size, (void)writing, (void)context;
    return -1;
}

static bool use_chain(SSL_CTX *context, struct span text)
{
    BIO *bio = BIO_new_mem_buf(text.data, (int)text.size);
    X509 *certificate = bio ? PEM_read_bio_X509(bio, NULL, no_password, NULL) : NULL;
    bool good = certificate && SSL_CTX_use_certificate(context, certificate) == 1;
    X509_free(certificate);
    while (good && (certificate = PEM_read_bio_X509(bio, NULL, no_password, NULL))) {
        good = SSL_CTX_add1_chain_cert(context, certificate) == 1;
        X509_free(certificate);
    }
    BIO_free(bio);
    ERR_clear_error(); /* the end of the text counts as an error */
    return good;
}

static bool use_key(SSL_CTX *context, const struct crypto_tls_config *config)
{
    if (config->signer)
        return SSL_CTX_use_PrivateKey(context, config->signer->pair) == 1 &&
               SSL_CTX_check_private_key(context) == 1;
    BIO *bio = BIO_new_mem_buf(config->key.data, (int)config->key.size);
    EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL) : NULL;
    bool good =
        key && SSL_CTX_use_PrivateKey(context, key) == 1 && SSL_CTX_check_private_key(context) == 1;
    EVP_PKEY_free(key);
    BIO_free(bio);
    return good;
}

/* Adds the certificates of a text to those that are believed. */
static bool use_trust(SSL_CTX *context, struct span text)
{
    BIO *bio = BIO_new_mem_buf(text.data, (int)text.size);
    X509_STORE *store = SSL_CTX_get_cert_store(context);
    X509 *certificate;
    bool good = bio, any = false;
    while (good && (certificate = PEM_read_bio_X509(bio, NULL, no_password, NULL))) {
        good = X509_STORE_add_cert(store, certificate) == 1;
        any = true;
        X509_free(certificate);
    }
    BIO_free(bio);
    ERR_clear_error();
    return good && any;
}

/* Who issues to clients may itself be issued by somebody: it is believed all the same, and only it.
 * A session that is taken up again would bring a certificate that nobody verified this time. */
static bool judge_clients(SSL_CTX *context)
{
    X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(context), X509_V_FLAG_PARTIAL_CHAIN);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
    return SSL_CTX_set_num_tickets(context, 0) == 1;
}

/* The groups for key agreement; those of later releases of OpenSSL first. */
static bool use_groups(SSL_CTX *context)
{
    bool good = SSL_CTX_set1_groups_list(context, "X25519MLKEM768:X25519:P-256:P-384") == 1 ||
                SSL_CTX_set1_groups_list(context, "X25519:P-256:P-384") == 1;
    ERR_clear_error();
    return good;
}

static int select_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_size,
                           const unsigned char *offered, unsigned size, void *env)
{
    const struct crypto_tls_context *context = env;
    unsigned char *selected;
    (void)ssl;
    if (SSL_select_next_proto(&selected, out_size, context->alpn, context->alpn_size, offered,
                              size) != OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *out = selected;
    return SSL_TLSEXT_ERR_OK;
}

static bool use_protocols(struct crypto_tls_context *made, enum crypto_tls_side side,
                          struct span alpn)
{
    if (alpn.size == 0)
        return true;
    if (side == CRYPTO_TLS_CLIENT) /* 0 is success here */
        return SSL_CTX_set_alpn_protos(made->context, alpn.data, (unsigned)alpn.size) == 0;
    made->alpn = malloc(alpn.size);
    if (!made->alpn)
        return false;
    memcpy(made->alpn, alpn.data, alpn.size);
    made->alpn_size = (unsigned)alpn.size;
    SSL_CTX_set_alpn_select_cb(made->context, select_protocol, made);
    return true;
}

static bool use_config(SSL_CTX *context, enum crypto_tls_side side,
                       const struct crypto_tls_config *config)
{
    bool has_key = config->key.size > 0 || config->signer;
    if ((side == CRYPTO_TLS_SERVER || has_key) &&
        (!use_chain(context, config->chain) || !use_key(context, config)))
        return false;
    if (side == CRYPTO_TLS_SERVER && config->trust.size == 0)
        return true;
    int required = config->client_required ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0;
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | required, NULL);
    if (side == CRYPTO_TLS_SERVER && !judge_clients(context))
        return false;
    if (config->trust.size > 0)
        return use_trust(context, config->trust);
    return config->system_trust && SSL_CTX_set_default_verify_paths(context) == 1;
}

static bool use_versions(SSL_CTX *context, const struct crypto_tls_config *config)
{
    if (config->datagrams)
        return crypto_dtls_configure(context);
    return SSL_CTX_set_min_proto_version(context,
                                         config->tls13 ? TLS1_3_VERSION : TLS1_2_VERSION) == 1;
}

static const SSL_METHOD *method_of(enum crypto_tls_side side, bool datagrams)
{
    if (datagrams)
        return side == CRYPTO_TLS_SERVER ? DTLS_server_method() : DTLS_client_method();
    return side == CRYPTO_TLS_SERVER ? TLS_server_method() : TLS_client_method();
}

int crypto_tls_context_new(enum crypto_tls_side side, const struct crypto_tls_config *config,
                           struct crypto_tls_context **context)
{
    struct crypto_tls_context *made = calloc(1, sizeof(*made));
    if (!made || config->chain.size > INT_MAX || config->key.size > INT_MAX ||
        config->trust.size > INT_MAX || config->alpn.size > UINT16_MAX) {
        free(made);
        return -EINVAL;
    }
    made->datagrams = config->datagrams;
    made->context = SSL_CTX_new(method_of(side, config->datagrams));
    bool good = made->context && use_versions(made->context, config) && use_groups(made->context) &&
                use_protocols(made, side, config->alpn) && use_config(made->context, side, config);
    if (!good) {
        crypto_tls_context_free(made);
        return -EINVAL;
    }
    SSL_CTX_set_options(made->context, SSL_OP_NO_RENEGOTIATION);
    SSL_CTX_set_mode(made->context, SSL_MODE_ENABLE_PARTIAL_WRITE |
                                        SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                        SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_read_ahead(made->context, 1); /* a record by one read, not by two */
    *context = made;
    return 0;
}

void crypto_tls_context_free(struct crypto_tls_context *context)
{
    if (!context)
        return;
    crypto_tls_free(context->greeting);
    SSL_CTX_free(context->context);
    free(context->alpn);
    free(context);
}

struct crypto_tls *crypto_tls_new(struct crypto_tls_context *context)
{
    struct crypto_tls *tls = calloc(1, sizeof(*tls));
    if (!tls)
        return NULL;
    tls->reason = "";
    tls->ssl = SSL_new(context->context);
    if (!tls->ssl || (context->datagrams && !crypto_dtls_prepare(tls))) {
        crypto_tls_free(tls);
        return NULL;
    }
    return tls;
}

static struct crypto_tls *open_on(struct crypto_tls_context *context, int fd)
{
    struct crypto_tls *tls = crypto_tls_new(context);
    if (tls && !context->datagrams && SSL_set_fd(tls->ssl, fd) != 1) {
        crypto_tls_free(tls);
        return NULL;
    }
    return tls;
}

struct crypto_tls *crypto_tls_accept(struct crypto_tls_context *context, int fd)
{
    struct crypto_tls *tls = open_on(context, fd);
    if (tls)
        SSL_set_accept_state(tls->ssl);
    return tls;
}

struct crypto_tls *crypto_tls_connect(struct crypto_tls_context *context, int fd, const char *host)
{
    struct crypto_tls *tls = open_on(context, fd);
    if (!tls)
        return NULL;
    X509_VERIFY_PARAM *wanted = SSL_get0_param(tls->ssl);
    bool is_address = X509_VERIFY_PARAM_set1_ip_asc(wanted, host) == 1;
    X509_VERIFY_PARAM_set_hostflags(wanted, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    if (!is_address &&
        (SSL_set1_host(tls->ssl, host) != 1 || SSL_set_tlsext_host_name(tls->ssl, host) != 1)) {
        crypto_tls_free(tls);
        return NULL;
    }
    ERR_clear_error();
    SSL_set_connect_state(tls->ssl);
    return tls;
}

struct crypto_tls *crypto_tls_connect_any(struct crypto_tls_context *context, int fd)
{
    struct crypto_tls *tls = open_on(context, fd);
    if (tls)
        SSL_set_connect_state(tls->ssl);
    return tls;
}

void crypto_tls_free(struct crypto_tls *tls)
{
    if (!tls)
        return;
    if (tls->ssl && !tls->broken && SSL_is_init_finished(tls->ssl))
        SSL_shutdown(tls->ssl);
    SSL_free(tls->ssl);
    OPENSSL_free(tls->peer);
    ERR_clear_error();
    free(tls);
}

static const char *find_reason(const struct crypto_tls *tls)
{
    long verified = SSL_get_verify_result(tls->ssl);
    const char *reason = ERR_reason_error_string(ERR_peek_error());
    if (verified != X509_V_OK)
        return X509_verify_cert_error_string(verified);
    return reason ? reason : "the peer closed the connection";
}

/* Whether the peer says that it does not believe our certificate, or wants one. */
static bool is_refusal(unsigned long error)
{
    static const int alerts[] = {SSL_AD_BAD_CERTIFICATE,     SSL_AD_UNSUPPORTED_CERTIFICATE,
                                 SSL_AD_CERTIFICATE_REVOKED, SSL_AD_CERTIFICATE_EXPIRED,
                                 SSL_AD_CERTIFICATE_UNKNOWN, SSL_AD_UNKNOWN_CA,
                                 SSL_AD_ACCESS_DENIED,       SSL_AD_CERTIFICATE_REQUIRED};
    for (size_t i = 0; i < sizeof(alerts) / sizeof(alerts[0]); i++) {
        if (ERR_GET_LIB(error) == ERR_LIB_SSL &&
            ERR_GET_REASON(error) == SSL_AD_REASON_OFFSET + alerts[i])
            return true;
    }
    return false;
}

static ssize_t result_of(struct crypto_tls *tls, int status)
{
    bool refused = is_refusal(ERR_peek_error());
    int error = SSL_get_error(tls->ssl, status);
    if (error == SSL_ERROR_SSL || error == SSL_ERROR_SYSCALL)
        tls->reason = find_reason(tls);
    ERR_clear_error();
    tls->wants_write = error == SSL_ERROR_WANT_WRITE;
    if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE)
        return -EAGAIN;
    if (error == SSL_ERROR_ZERO_RETURN)
        return 0;
    tls->broken = true;
    return !refused && SSL_get_verify_result(tls->ssl) == X509_V_OK ? -EIO : -EACCES;
}

/* A record without data is not the end, which is told otherwise. OpenSSL drops it, also when it
 * peeks. */
ssize_t crypto_tls_read(struct crypto_tls *tls, void *buffer, size_t size)
{
    size_t done;
    int status;
    tls->wants_write = false;
    do {
        status = SSL_read_ex(tls->ssl, buffer, size, &done);
    } while (status == 1 && done == 0 && size > 0);
    return status == 1 ? (ssize_t)done : result_of(tls, status);
}

ssize_t crypto_tls_peek(struct crypto_tls *tls, void *buffer, size_t size)
{
    size_t done;
    int status;
    tls->wants_write = false;
    do {
        status = SSL_peek_ex(tls->ssl, buffer, size, &done);
    } while (status == 1 && done == 0 && size > 0);
    return status == 1 ? (ssize_t)done : result_of(tls, status);
}

ssize_t crypto_tls_write(struct crypto_tls *tls, const void *buffer, size_t size)
{
    size_t done;
    tls->wants_write = false;
    if (SSL_is_dtls(tls->ssl) && size > CRYPTO_DTLS_MESSAGE_MAX)
        return -EMSGSIZE;
    int status = SSL_write_ex(tls->ssl, buffer, size, &done);
    return status == 1 ? (ssize_t)done : result_of(tls, status);
}

int crypto_tls_handshake(struct crypto_tls *tls)
{
    tls->wants_write = false;
    if (SSL_is_dtls(tls->ssl))
        DTLSv1_handle_timeout(tls->ssl); /* what fails there fails in the next line as well */
    int status = SSL_do_handshake(tls->ssl);
    if (status == 1)
        return 0;
    ssize_t result = result_of(tls, status);
    return result == 0 ? -EIO : (int)result;
}

size_t crypto_tls_ready(struct crypto_tls *tls)
{
    uint8_t message[CRYPTO_DTLS_MESSAGE_MAX];
    bool datagrams = SSL_is_dtls(tls->ssl);
    ssize_t count = crypto_tls_peek(tls, message, datagrams ? sizeof(message) : 1);
    if (count <= 0)
        return count == -EAGAIN ? 0 : 1;
    return datagrams ? (size_t)count : (size_t)SSL_pending(tls->ssl);
}

int crypto_tls_milliseconds(const struct crypto_tls *tls)
{
    struct timeval left;
    if (!SSL_is_dtls(tls->ssl) || DTLSv1_get_timeout(tls->ssl, &left) != 1)
        return -1;
    return (int)(left.tv_sec * 1000 + (left.tv_usec + 999) / 1000);
}

int crypto_tls_finish(struct crypto_tls *tls)
{
    tls->wants_write = false;
    if (tls->broken || !SSL_is_init_finished(tls->ssl))
        return -EIO;
    int status = SSL_shutdown(tls->ssl);
    return status >= 0 ? 0 : (int)result_of(tls, status);
}

bool crypto_tls_wants_write(const struct crypto_tls *tls)
{
    return tls->wants_write;
}

static void find_peer(struct crypto_tls *tls)
{
    X509 *certificate = SSL_get1_peer_certificate(tls->ssl);
    if (certificate && SSL_get_verify_result(tls->ssl) == X509_V_OK)
        tls->peer_size = i2d_X509(certificate, &tls->peer);
    X509_free(certificate);
}

struct span crypto_tls_peer(struct crypto_tls *tls)
{
    if (tls->peer_size == 0 && SSL_is_init_finished(tls->ssl))
        find_peer(tls);
    return span_of(tls->peer, tls->peer_size > 0 ? (size_t)tls->peer_size : 0);
}

const char *crypto_tls_reason(const struct crypto_tls *tls)
{
    return tls->reason;
}
