// SPDX-License-Identifier: Apache-2.0
#include "crypto/tls_internal.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <string.h>

/* ---- The link, as OpenSSL wants it ------------------------------------------------------------
 */

static int moved(BIO *bio, ssize_t count, int retry)
{
    BIO_clear_retry_flags(bio);
    if (count == -EAGAIN)
        BIO_set_flags(bio, retry | BIO_FLAGS_SHOULD_RETRY);
    return count < 0 ? -1 : (int)count;
}

enum { EMPTY_MAX = 4096 }; /* datagrams without bytes that are passed over at a time */

/* A datagram without bytes says nothing, and would be taken for the end. */
static int link_read(BIO *bio, char *data, int size)
{
    const struct crypto_dtls_link *link = BIO_get_data(bio);
    ssize_t count = 0;
    for (int i = 0; i < EMPTY_MAX && count == 0; i++)
        count = link->receive(link->env, data, (size_t)size);
    return moved(bio, count == 0 ? -EAGAIN : count, BIO_FLAGS_READ);
}

static int link_write(BIO *bio, const char *data, int size)
{
    const struct crypto_dtls_link *link = BIO_get_data(bio);
    return moved(bio, link->send(link->env, data, (size_t)size), BIO_FLAGS_WRITE);
}

static long link_control(BIO *bio, int command, long argument, void *pointer)
{
    (void)bio, (void)argument, (void)pointer;
    return command ==
           BIO_CTRL_FLUSH; /* nothing waits to be sent; no other question has an answer */
}

static BIO_METHOD *link_method;

static void make_link_method(void)
{
    link_method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "datagrams of a peer");
    if (!link_method)
        return;
    BIO_meth_set_read(link_method, link_read);
    BIO_meth_set_write(link_method, link_write);
    BIO_meth_set_ctrl(link_method, link_control);
}

void crypto_dtls_attach(struct crypto_tls *tls, const struct crypto_dtls_link *link)
{
    tls->link = *link;
}

bool crypto_dtls_prepare(struct crypto_tls *tls)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, make_link_method);
    BIO *bio = link_method ? BIO_new(link_method) : NULL;
    if (!bio)
        return false;
    BIO_set_data(bio, &tls->link);
    BIO_set_init(bio, 1);
    SSL_set_bio(tls->ssl, bio, bio);
    return SSL_set_mtu(tls->ssl, CRYPTO_DTLS_DATAGRAM_SIZE) > 0 &&
           SSL_set_app_data(tls->ssl, tls) == 1;
}

/* ---- Cookies ----------------------------------------------------------------------------------
 */

/* Of the process, so that a client's cookie is good for a context that replaces another one, too.
 */
static uint8_t cookie_key[COOKIE_SIZE];
static bool has_cookie_key;

static void make_cookie_key(void)
{
    has_cookie_key = RAND_bytes(cookie_key, COOKIE_SIZE) == 1;
}

static int make_cookie(SSL *ssl, unsigned char *cookie, unsigned *size)
{
    const struct crypto_tls *tls = SSL_get_app_data(ssl);
    memcpy(cookie, tls->cookie, COOKIE_SIZE);
    *size = COOKIE_SIZE;
    return 1;
}

static int check_cookie(SSL *ssl, const unsigned char *cookie, unsigned size)
{
    const struct crypto_tls *tls = SSL_get_app_data(ssl);
    return size == COOKIE_SIZE && CRYPTO_memcmp(cookie, tls->cookie, COOKIE_SIZE) == 0;
}

/* RFC 9325 has no others with version 1.2 that are fresh for each connection and authenticate what
 * they encrypt. CCM with tags of 8 bytes, which OpenSSL counts with CCM, is left out: forged
 * records are dropped and not counted, so that somebody may try for as long as a connection lasts
 * (RFC 9147, section 4.5.3). */
#define CIPHERS "ECDHE+AESGCM:ECDHE+CHACHA20:ECDHE+AESCCM:!AESCCM8"

bool crypto_dtls_configure(SSL_CTX *context)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, make_cookie_key);
    SSL_CTX_set_options(context, SSL_OP_NO_QUERY_MTU);
    SSL_CTX_set_cookie_generate_cb(context, make_cookie);
    SSL_CTX_set_cookie_verify_cb(context, check_cookie);
    return has_cookie_key && SSL_CTX_set_min_proto_version(context, DTLS1_2_VERSION) == 1 &&
           SSL_CTX_set_max_proto_version(context, DTLS1_2_VERSION) == 1 &&
           SSL_CTX_set_cipher_list(context, CIPHERS) == 1;
}

/* ---- Greeting ---------------------------------------------------------------------------------
 */

/* One datagram comes in, and at most one goes out. */
struct exchange {
    struct span in;
    uint8_t *answer;
    size_t answer_size;
};

static ssize_t exchange_receive(void *env, void *buffer, size_t size)
{
    struct exchange *exchange = env;
    size_t count = exchange->in.size < size ? exchange->in.size : size;
    if (count == 0)
        return -EAGAIN;
    memcpy(buffer, exchange->in.data, count);
    exchange->in.size = 0;
    return (ssize_t)count;
}

static ssize_t exchange_send(void *env, const void *data, size_t size)
{
    struct exchange *exchange = env;
    if (size > CRYPTO_DTLS_ANSWER_MAX)
        return -EMSGSIZE;
    memcpy(exchange->answer, data, size);
    exchange->answer_size = size;
    return (ssize_t)size;
}

static int listen_once(struct crypto_tls *tls)
{
    BIO_ADDR *unused = BIO_ADDR_new();
    int status = unused ? DTLSv1_listen(tls->ssl, unused) : -1;
    BIO_ADDR_free(unused);
    ERR_clear_error();
    return status;
}

int crypto_dtls_greet(struct crypto_tls_context *context, struct span address, struct span datagram,
                      uint8_t answer[CRYPTO_DTLS_ANSWER_MAX], size_t *answer_size,
                      struct crypto_tls **out)
{
    struct exchange exchange = {.in = datagram, .answer = answer};
    unsigned size = COOKIE_SIZE;
    *answer_size = 0;
    if (!context->greeting)
        context->greeting = crypto_tls_new(context);
    struct crypto_tls *tls = context->greeting;
    if (!tls || !HMAC(EVP_sha256(), cookie_key, COOKIE_SIZE, address.data, address.size,
                      tls->cookie, &size))
        return -ENOMEM;
    crypto_dtls_attach(tls, &(struct crypto_dtls_link){exchange_receive, exchange_send, &exchange});
    SSL_set_accept_state(tls->ssl);
    int status = listen_once(tls);
    *answer_size = exchange.answer_size;
    if (status == 0)
        return 0;
    context->greeting = NULL;
    if (status < 0) { /* it may not be of use any more */
        crypto_tls_free(tls);
        return 0;
    }
    tls->link = (struct crypto_dtls_link){0};
    *out = tls;
    return 1;
}
