// SPDX-License-Identifier: Apache-2.0
#include "codec/der.h"
#include "codec/json.h"
#include "jose/jws.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { COORDINATE = 32, HEADER_SIZE = 512 };

static void add_base64url(struct text *text, struct span bytes)
{
    char encoded[BASE64_ENCODED(HEADER_SIZE)];
    text_add_span(text, span_of(encoded, base64_encode(bytes, true, encoded)));
}

/* {"alg":"ES256","jwk":{…}} of the key's SubjectPublicKeyInfo, which ends with 04 || x || y. */
static int write_header(struct span info, struct text *header, struct span *jwk)
{
    if (info.size <= 2 * COORDINATE || info.data[info.size - 2 * COORDINATE - 1] != 4)
        return -EINVAL;
    const uint8_t *point = info.data + info.size - 2 * COORDINATE;
    text_add(header, "{\"alg\":\"ES256\",\"jwk\":");
    size_t begin = header->size;
    text_add(header, "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"");
    add_base64url(header, span_of(point, COORDINATE));
    text_add(header, "\",\"y\":\"");
    add_base64url(header, span_of(point + COORDINATE, COORDINATE));
    text_add(header, "\"}");
    *jwk = span_of(header->data + begin, header->size - begin);
    text_add(header, "}");
    return header->overflow ? -EINVAL : 0;
}

/* r and s of a signature in DER, as RFC 7518 section 3.4 has them. */
static int write_raw(struct span der, uint8_t raw[2 * COORDINATE])
{
    struct der top = der_of(der), pair = der_enter(&top, DER_SEQUENCE);
    memset(raw, 0, 2 * COORDINATE);
    for (size_t end = COORDINATE; end <= 2 * COORDINATE; end += COORDINATE) {
        struct span number = der_unsigned(&pair);
        if (number.size > COORDINATE)
            return -EINVAL;
        memcpy(raw + end - number.size, number.data, number.size);
    }
    return der_end(&pair) && der_end(&top) ? 0 : -EINVAL;
}

int jws_sign_detached(const struct crypto_signer *signer, struct span payload, struct text *text,
                      uint8_t thumbprint[JWK_THUMBPRINT_SIZE])
{
    char buffer[HEADER_SIZE];
    struct text header = text_init(buffer, sizeof(buffer));
    struct span jwk;
    uint8_t der[CRYPTO_SIGNATURE_MAX], raw[2 * COORDINATE];
    size_t der_size, room = BASE64_ENCODED(HEADER_SIZE) + 2 + BASE64_ENCODED(payload.size);
    if (crypto_signer_kind(signer) != X509_KEY_P256)
        return -EINVAL;
    int status = write_header(crypto_signer_info(signer), &header, &jwk);
    if (status == 0 && json_parse(jwk, &jwk) == 0)
        status = jwk_thumbprint(jwk, thumbprint);
    if (status < 0)
        return status;
    char *message = malloc(room);
    if (!message)
        return -ENOMEM;
    size_t head = base64_encode(text_span(&header), true, message);
    message[head] = '.';
    size_t size = head + 1 + base64_encode(payload, true, message + head + 1);
    status = crypto_sign(signer, span_of(message, size), der, &der_size);
    if (status == 0)
        status = write_raw(span_of(der, der_size), raw);
    if (status == 0) {
        text_add(text, "{\"protected\":\"");
        text_add_span(text, span_of(message, head));
        text_add(text, "\",\"signature\":\"");
        add_base64url(text, span_of(raw, sizeof(raw)));
        text_add(text, "\"}");
    }
    free(message);
    return status < 0 || !text->overflow ? status : -EINVAL;
}
