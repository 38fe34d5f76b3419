// SPDX-License-Identifier: Apache-2.0
#include "crypto/tls.h"

#include <errno.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <stdlib.h>

struct crypto_tls_context {
    SSL_CTX *context;
};

struct crypto_tls {
    SSL *ssl;
    bool wants_write, broken;
};

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

static bool use_key(SSL_CTX *context, struct span text)
{
    BIO *bio = BIO_new_mem_buf(text.data, (int)text.size);
    EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL) : NULL;
    bool good =
        key && SSL_CTX_use_PrivateKey(context, key) == 1 && SSL_CTX_check_private_key(context) == 1;
    EVP_PKEY_free(key);
    BIO_free(bio);
    return good;
}

int crypto_tls_context_new(struct span chain, struct span key, struct crypto_tls_context **context)
{
    struct crypto_tls_context *made = calloc(1, sizeof(*made));
    if (!made || chain.size > INT_MAX || key.size > INT_MAX) {
        free(made);
        return -EINVAL;
    }
    made->context = SSL_CTX_new(TLS_server_method());
    bool good = made->context &&
                SSL_CTX_set_min_proto_version(made->context, TLS1_2_VERSION) == 1 &&
                use_chain(made->context, chain) && use_key(made->context, key);
    if (!good) {
        crypto_tls_context_free(made);
        return -EINVAL;
    }
    SSL_CTX_set_options(made->context, SSL_OP_NO_RENEGOTIATION);
    SSL_CTX_set_mode(made->context, SSL_MODE_ENABLE_PARTIAL_WRITE |
                                        SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                        SSL_MODE_RELEASE_BUFFERS);
    *context = made;
    return 0;
}

void crypto_tls_context_free(struct crypto_tls_context *context)
{
    if (!context)
        return;
    SSL_CTX_free(context->context);
    free(context);
}

struct crypto_tls *crypto_tls_accept(struct crypto_tls_context *context, int fd)
{
    struct crypto_tls *tls = calloc(1, sizeof(*tls));
    if (!tls)
        return NULL;
    tls->ssl = SSL_new(context->context);
    if (!tls->ssl || SSL_set_fd(tls->ssl, fd) != 1) {
        crypto_tls_free(tls);
        return NULL;
    }
    SSL_set_accept_state(tls->ssl);
    return tls;
}

void crypto_tls_free(struct crypto_tls *tls)
{
    if (!tls)
        return;
    if (tls->ssl && !tls->broken && SSL_is_init_finished(tls->ssl))
        SSL_shutdown(tls->ssl);
    SSL_free(tls->ssl);
    ERR_clear_error();
    free(tls);
}

static ssize_t result_of(struct crypto_tls *tls, int status)
{
    int error = SSL_get_error(tls->ssl, status);
    ERR_clear_error();
    tls->wants_write = error == SSL_ERROR_WANT_WRITE;
    if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE)
        return -EAGAIN;
    if (error == SSL_ERROR_ZERO_RETURN)
        return 0;
    tls->broken = true;
    return -EIO;
}

ssize_t crypto_tls_read(struct crypto_tls *tls, void *buffer, size_t size)
{
    size_t done;
    tls->wants_write = false;
    int status = SSL_read_ex(tls->ssl, buffer, size, &done);
    return status == 1 ? (ssize_t)done : result_of(tls, status);
}

ssize_t crypto_tls_write(struct crypto_tls *tls, const void *buffer, size_t size)
{
    size_t done;
    tls->wants_write = false;
    int status = SSL_write_ex(tls->ssl, buffer, size, &done);
    return status == 1 ? (ssize_t)done : result_of(tls, status);
}

bool crypto_tls_wants_write(const struct crypto_tls *tls)
{
    return tls->wants_write;
}
