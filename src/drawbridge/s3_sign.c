// SPDX-License-Identifier: Apache-2.0
#include "drawbridge/s3_sign.h"

#include "base/date.h"
#include "codec/base64.h"
#include "crypto/crypto.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum {
    HASH = CRYPTO_SHA256_SIZE,
    HMAC_BLOCK = 64,
    CANONICAL_MAX = 8192,
    KEY_MAX = 256,
    DAY = 8 /* characters of a date that are the day */
};

#define ALGORITHM "AWS4-HMAC-SHA256"
#define SCOPE_END "/s3/aws4_request"

/* HMAC (RFC 2104) with SHA-256. */
static int hmac(struct span key, struct span message, uint8_t out[HASH])
{
    uint8_t inner[HMAC_BLOCK] = {0}, outer[HMAC_BLOCK], digest[HASH];
    int status = 0;
    if (key.size > HMAC_BLOCK)
        status = crypto_hash(CRYPTO_SHA256, &key, 1, inner);
    else if (key.size > 0)
        memcpy(inner, key.data, key.size);
    for (size_t i = 0; i < HMAC_BLOCK; i++) {
        outer[i] = inner[i] ^ 0x5c;
        inner[i] ^= 0x36;
    }
    struct span first[] = {span_of(inner, sizeof(inner)), message};
    struct span second[] = {span_of(outer, sizeof(outer)), span_of(digest, sizeof(digest))};
    if (status == 0)
        status = crypto_hash(CRYPTO_SHA256, first, 2, digest);
    if (status == 0)
        status = crypto_hash(CRYPTO_SHA256, second, 2, out);
    explicit_bzero(inner, sizeof(inner));
    explicit_bzero(outer, sizeof(outer));
    return status;
}

int s3_hash(struct span bytes, char digits[S3_HASH_SIZE])
{
    uint8_t hash[HASH];
    int status = crypto_hash(CRYPTO_SHA256, &bytes, 1, hash);
    hex_encode(span_of(hash, status == 0 ? sizeof(hash) : 0), digits);
    return status;
}

void s3_date(int64_t seconds, char date[S3_DATE_SIZE])
{
    struct date parts;
    date[0] = '\0';
    if (date_from_seconds(seconds, &parts))
        snprintf(date, S3_DATE_SIZE, "%04u%02u%02uT%02u%02u%02uZ", parts.year % 10000,
                 parts.month % 100, parts.day % 100, parts.hour % 100, parts.minute % 100,
                 parts.second % 100);
}

/* The names of the headers that are signed. */
static void add_names(const struct s3_request *request, struct text *text)
{
    for (size_t i = 0; i < request->field_count; i++)
        text_printf(text, "%s%s", i > 0 ? ";" : "", request->fields[i].name);
}

static int hash_canonical(const struct s3_request *request, char digits[S3_HASH_SIZE])
{
    char buffer[CANONICAL_MAX];
    struct text text = text_init(buffer, sizeof(buffer));
    text_printf(&text, "%s\n%s\n%s\n", request->method, request->path, request->query);
    for (size_t i = 0; i < request->field_count; i++)
        text_printf(&text, "%s:%s\n", request->fields[i].name, request->fields[i].value);
    text_add(&text, "\n");
    add_names(request, &text);
    text_printf(&text, "\n%s", request->body_hash);
    return text.overflow ? -EMSGSIZE : s3_hash(text_span(&text), digits);
}

/* The key of a day, a region and this service, out of the secret. */
static int derive_key(const struct s3_request *request, const struct s3_credentials *credentials,
                      uint8_t key[HASH])
{
    const struct span steps[] = {
        span_of(request->date, DAY),
        span_of(credentials->region, strlen(credentials->region)),
        SPAN_LITERAL("s3"),
        SPAN_LITERAL("aws4_request"),
    };
    char first[KEY_MAX];
    int size = snprintf(first, sizeof(first), "AWS4%s", credentials->secret);
    int status = size > 0 && (size_t)size < sizeof(first) ? 0 : -EMSGSIZE;
    struct span secret = span_of(first, (size_t)size);
    for (size_t i = 0; status == 0 && i < sizeof(steps) / sizeof(steps[0]); i++) {
        status = hmac(secret, steps[i], key);
        secret = span_of(key, HASH);
    }
    explicit_bzero(first, sizeof(first));
    return status;
}

int s3_sign(const struct s3_request *request, const struct s3_credentials *credentials,
            char authorization[S3_AUTHORIZATION_MAX])
{
    char canonical[S3_HASH_SIZE], digits[S3_HASH_SIZE], buffer[CANONICAL_MAX];
    uint8_t key[HASH], signature[HASH];
    struct text message = text_init(buffer, sizeof(buffer));
    struct text out = text_init(authorization, S3_AUTHORIZATION_MAX);
    if (strlen(request->date) != S3_DATE_SIZE - 1)
        return -EMSGSIZE;
    int status = hash_canonical(request, canonical);
    if (status == 0)
        status = derive_key(request, credentials, key);
    text_printf(&message, ALGORITHM "\n%s\n%.8s/%s" SCOPE_END "\n%s", request->date, request->date,
                credentials->region, canonical);
    if (status == 0)
        status = hmac(span_of(key, sizeof(key)), text_span(&message), signature);
    explicit_bzero(key, sizeof(key));
    if (status < 0)
        return status;
    hex_encode(span_of(signature, sizeof(signature)), digits);
    text_printf(&out, ALGORITHM " Credential=%s/%.8s/%s" SCOPE_END ", SignedHeaders=",
                credentials->key_id, request->date, credentials->region);
    add_names(request, &out);
    text_printf(&out, ", Signature=%s", digits);
    return message.overflow || out.overflow ? -EMSGSIZE : 0;
}
