// SPDX-License-Identifier: Apache-2.0
#include "jose/jws.h"

#include "base/cleanup.h"
#include "codec/json.h"

#include <errno.h>
#include <string.h>

static int find_algorithm(struct span header, enum crypto_jose *algorithm)
{
    struct span name;
    if (!json_get_text(header, "alg", &name))
        return -EINVAL;
    for (unsigned i = 0; i < CRYPTO_JOSE_COUNT; i++) {
        const char *known = crypto_jose_name((enum crypto_jose)i);
        if (span_equal(name, span_of(known, strlen(known)))) {
            *algorithm = (enum crypto_jose)i;
            return 0;
        }
    }
    return -EOPNOTSUPP;
}

/* Decodes a protected header and checks what all forms have in common. */
static int decode_header(struct span text, uint8_t *out, struct span *header,
                         enum crypto_jose *algorithm)
{
    size_t size;
    struct span ignored;
    if (base64url_decode(text, out, &size) < 0 || json_parse(span_of(out, size), header) < 0 ||
        header->data[0] != '{' || json_get(*header, "crit", &ignored))
        return -EINVAL;
    return find_algorithm(*header, algorithm);
}

/* Takes the part before the next dot, or the rest. */
static struct span take_part(struct span *text)
{
    const uint8_t *dot = text->size > 0 ? memchr(text->data, '.', text->size) : NULL;
    struct span part = span_of(text->data, dot ? (size_t)(dot - text->data) : text->size);
    size_t used = part.size + (dot ? 1 : 0);
    *text = span_of(text->data + used, text->size - used);
    return part;
}

int jws_parse(struct span text, struct jws_token *token)
{
    if (text.size == 0 || text.size > JWS_TOKEN_MAX)
        return -EINVAL;
    struct span rest = text, header = take_part(&rest), payload = take_part(&rest);
    size_t size;
    if (rest.size == 0 || memchr(rest.data, '.', rest.size) ||
        BASE64_DECODED(rest.size) > sizeof(token->signature) ||
        base64url_decode(rest, token->signature, &token->signature_size) < 0)
        return -EINVAL;
    int status = decode_header(header, token->buffer, &token->header, &token->algorithm);
    if (status < 0)
        return status;
    uint8_t *out = token->buffer + BASE64_DECODED(JWS_TOKEN_MAX);
    if (base64url_decode(payload, out, &size) < 0)
        return -EINVAL;
    token->payload = span_of(out, size);
    token->key_id = (struct span){0};
    json_get_text(token->header, "kid", &token->key_id);
    token->signed_bytes = span_of(text.data, header.size + 1 + payload.size);
    return 0;
}

/* "protected.payload" as it was signed, and the check of it. */
static int verify(const struct crypto_jose_key *key, struct span header, struct span payload,
                  struct span signature)
{
    uint8_t decoded[BASE64_DECODED(1400)];
    size_t size, encoded = BASE64_ENCODED(payload.size);
    if (BASE64_DECODED(signature.size) > sizeof(decoded) ||
        base64url_decode(signature, decoded, &size) < 0)
        return -EINVAL;
    autofree char *message = malloc(header.size + 1 + encoded);
    if (!message)
        return -ENOMEM;
    memcpy(message, header.data, header.size);
    message[header.size] = '.';
    size_t length = header.size + 1 + base64_encode(payload, true, message + header.size + 1);
    return crypto_jose_verify(key, span_of(message, length), span_of(decoded, size));
}

/* The members of the object; whatever else is there, "header" for one, was not signed. */
static bool find_members(struct span object, struct span *header, struct span *payload,
                         struct span *signature)
{
    struct json_member member;
    *header = *payload = *signature = (struct span){0};
    for (struct json_cursor cursor = json_members(object); json_next(&cursor, &member);) {
        struct span *place = span_equal(member.key, SPAN_LITERAL("protected"))   ? header
                             : span_equal(member.key, SPAN_LITERAL("payload"))   ? payload
                             : span_equal(member.key, SPAN_LITERAL("signature")) ? signature
                                                                                 : NULL;
        if (!place || !json_text(member.value, place))
            return false;
    }
    return header->data && signature->data && header->size <= JWS_HEADER_MAX;
}

/* Decodes the payload behind the header in `memory` and compares it with the one wanted. */
static int take_payload(struct span encoded, const struct span *wanted, uint8_t *memory,
                        struct jws_signed *result)
{
    size_t size;
    result->detached = !encoded.data;
    if (result->detached)
        return wanted ? 0 : -EINVAL;
    if (base64url_decode(encoded, memory, &size) < 0)
        return -EINVAL;
    result->payload = span_of(memory, size);
    return !wanted || span_equal(*wanted, result->payload) ? 0 : -EBADMSG;
}

int jws_verify_flattened(struct span text, const struct span *payload, uint8_t *memory, size_t size,
                         struct jws_signed *result)
{
    struct span object, header, own, signature, decoded, jwk;
    enum crypto_jose algorithm;
    struct crypto_jose_key *key;
    *result = (struct jws_signed){0};
    if (size < text.size || json_parse(text, &object) < 0 ||
        !find_members(object, &header, &own, &signature))
        return -EINVAL;
    int status = decode_header(header, memory, &decoded, &algorithm);
    if (status < 0)
        return status;
    if (!json_get(decoded, "jwk", &jwk))
        return -EINVAL;
    status = take_payload(own, payload, memory + header.size, result);
    if (status < 0)
        return status;
    status = jwk_parse(jwk, &key);
    if (status < 0)
        return status;
    if (crypto_jose_key_algorithm(key) != algorithm)
        status = -EINVAL;
    if (status == 0)
        status = jwk_thumbprint(jwk, result->thumbprint);
    if (status == 0)
        status = verify(key, header, payload ? *payload : result->payload, signature);
    crypto_jose_key_free(key);
    return status;
}
