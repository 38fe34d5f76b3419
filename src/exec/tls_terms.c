// SPDX-License-Identifier: Apache-2.0
#include "exec/tls_terms.h"

#include "exec/renewal.h"

#include "base/cleanup.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct tls_terms *tls_terms_get(struct tls_terms *terms)
{
    atomic_fetch_add(&terms->references, 1);
    return terms;
}

void tls_terms_release(struct tls_terms *terms)
{
    if (atomic_fetch_sub(&terms->references, 1) > 1)
        return;
    crypto_tls_context_free(terms->context);
    free(terms);
}

/* The certificates that the file believes; an owned copy. Without a ca a client believes who
 * certified the Keep itself. */
static int gather_trust(const struct config *config, const struct config_file *file,
                        const struct identity *identity, struct span *trust, struct err *err)
{
    bool inherited = file->kind == FILE_CONNECT && file->tls.ca.count == 0;
    if (inherited && identity->trust.size == 0) {
        err_set(err, ERR_CONFIG, 0, "no certificate authority is named that vouches for %s",
                file->host);
        err_hint(err, "Add ca = { custom = [\"name\"] } and its certificate below [roots].");
        return -EINVAL;
    }
    *trust = config_gather_roots(config, &file->tls.ca);
    if (inherited) {
        free((void *)trust->data);
        *trust = span_of(malloc(identity->trust.size), identity->trust.size);
    }
    if (!trust->data)
        return err_set(err, ERR_IO, ENOMEM, "keep the certificates of the authorities");
    if (inherited)
        memcpy((void *)trust->data, identity->trust.data, identity->trust.size);
    return 0;
}

/* The list of protocols in the form of RFC 7301; an owned copy. */
static int gather_alpn(const struct config_strings *names, struct span *alpn)
{
    size_t size = 0;
    for (size_t i = 0; i < names->count; i++)
        size += 1 + strlen(names->items[i]);
    uint8_t *list = malloc(size + 1), *at = list;
    if (!list)
        return -ENOMEM;
    for (size_t i = 0; i < names->count; i++) {
        size_t length = strlen(names->items[i]);
        *at++ = (uint8_t)length;
        memcpy(at, names->items[i], length);
        at += length;
    }
    *alpn = span_of(list, size);
    return 0;
}

int tls_terms_new(const struct config *config, const struct config_file *file,
                  struct identity *identity, struct tls_terms **out, struct err *err)
{
    struct crypto_tls_config wanted = {
        .chain = identity->chain,
        .signer = identity->signer,
        .tls13 = file->tls.min_version != VERSION_1_2,
        .datagrams = file->protocol == PROTOCOL_DTLS,
        .client_required = true,
    };
    enum crypto_tls_side side = file->kind == FILE_LISTEN ? CRYPTO_TLS_SERVER : CRYPTO_TLS_CLIENT;
    int status = gather_trust(config, file, identity, &wanted.trust, err);
    autofree __attribute__((unused)) void *trust = (void *)wanted.trust.data;
    if (status < 0)
        return status;
    status = gather_alpn(&file->tls.alpn, &wanted.alpn);
    autofree __attribute__((unused)) void *alpn = (void *)wanted.alpn.data;
    struct tls_terms *terms = calloc(1, sizeof(*terms));
    if (!terms || status < 0) {
        free(terms);
        return err_set(err, ERR_IO, ENOMEM, "prepare TLS");
    }
    if (crypto_tls_context_new(side, &wanted, &terms->context) < 0) {
        free(terms);
        err_set(err, ERR_CONFIG, 0,
                "the certificates in [roots] that this file names are not valid");
        err_hint(err, "Check them with openssl x509 -text.");
        return -EINVAL;
    }
    terms->config = config;
    terms->file = file;
    terms->identity = identity;
    terms->generation = identity->generation;
    atomic_init(&terms->references, 1);
    *out = terms;
    return 0;
}

bool tls_terms_refresh(struct tls_terms **terms, bool waits)
{
    struct tls_terms *old = *terms, *fresh = NULL;
    bool good = renewal_look(old->identity, time(NULL), waits);
    renewal_lock();
    if (old->generation != old->identity->generation &&
        tls_terms_new(old->config, old->file, old->identity, &fresh, NULL) == 0) {
        *terms = fresh;
        tls_terms_release(old);
    }
    renewal_unlock();
    return good;
}
