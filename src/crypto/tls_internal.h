/* SPDX-License-Identifier: Apache-2.0 */
/* What tls.c and dtls.c share. Internal to src/crypto. */
#pragma once

#include "crypto/dtls.h"
#include "crypto/tls.h"

#include <openssl/ssl.h>

enum { COOKIE_SIZE = 32 };

struct crypto_tls_context {
    SSL_CTX *context;
    uint8_t *alpn; /* of a server */
    unsigned alpn_size;
    bool datagrams;
    struct crypto_tls *greeting; /* what the next ClientHello is looked at with, or NULL */
};

struct crypto_tls {
    SSL *ssl;
    bool wants_write, broken;
    unsigned char *peer; /* the certificate's DER, made when it is asked for */
    int peer_size;
    const char *reason;
    struct crypto_dtls_link link; /* datagrams */
    uint8_t cookie[COOKIE_SIZE];  /* datagrams: what a client at the peer's address has to show */
};

/* A connection of a context, without anything to talk over. NULL without memory. */
struct crypto_tls *crypto_tls_new(struct crypto_tls_context *context);
/* Makes a context speak DTLS 1.2 only. */
bool crypto_dtls_configure(SSL_CTX *context);
/* The same for a connection. */
bool crypto_dtls_prepare(struct crypto_tls *tls);
