// SPDX-License-Identifier: Apache-2.0
#include "exec/identity.h"

#include "codec/base64.h"
#include "crypto/x509_sign.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { CERTIFICATE_MAX = 1024, YEAR = 365 * 24 * 3600, SAN_DNS = DER_CONTEXT | 2, BACKDATED = 300 };

static int sign_own(const struct identity *identity, int64_t now, struct der_writer *writer,
                    struct span *certificate)
{
    uint8_t name_buffer[64], id[CRYPTO_HASH_MAX];
    struct der_writer name = der_writer_of(name_buffer, sizeof(name_buffer));
    x509_put_common_name(&name, "localhost");
    struct span info = crypto_signer_info(identity->signer);
    struct x509_body body = {identity->signer, der_written(&name), der_written(&name), info,
                             now - BACKDATED,  now + YEAR};
    size_t mark = der_mark(writer), alternative = mark;
    der_put(writer, SAN_DNS, SPAN_LITERAL("localhost"));
    der_close(writer, DER_SEQUENCE, alternative);
    x509_close_extension(writer, alternative, X509_OID_ALT_NAME, false);
    x509_put_purposes(writer);
    x509_put_usage(writer, 0xA0, 5); /* digitalSignature, keyEncipherment: as the original */
    if (x509_key_id(info, id) < 0)
        return -ENOMEM;
    x509_put_key_ids(writer, span_of(id, X509_KEY_ID_SIZE), (struct span){0});
    x509_put_constraints(writer, false);
    return x509_sign_certificate(writer, mark, &body, certificate);
}

int identity_new(struct identity *identity, int64_t now, struct err *err)
{
    uint8_t buffer[CERTIFICATE_MAX];
    struct der_writer writer = der_writer_of(buffer, sizeof(buffer));
    struct span certificate;
    *identity = (struct identity){0};
    if (crypto_signer_generate(X509_KEY_P256, &identity->signer) < 0 ||
        sign_own(identity, now, &writer, &certificate) < 0) {
        identity_free(identity);
        return err_set(err, ERR_INTERNAL, 0, "cannot make a key and a certificate for it");
    }
    char *pem = malloc(PEM_SIZE("CERTIFICATE", certificate.size));
    if (!pem) {
        identity_free(identity);
        return err_set(err, ERR_IO, ENOMEM, "keep the certificate");
    }
    struct text text = text_init(pem, PEM_SIZE("CERTIFICATE", certificate.size));
    pem_write(&text, "CERTIFICATE", certificate);
    identity->chain = span_of(pem, text.size);
    identity->not_before = now - BACKDATED;
    identity->not_after = now + YEAR;
    return 0;
}

void identity_free(struct identity *identity)
{
    crypto_signer_free(identity->signer);
    free((void *)identity->chain.data);
    free((void *)identity->trust.data);
    *identity = (struct identity){0};
}
