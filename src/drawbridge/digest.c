// SPDX-License-Identifier: Apache-2.0
#include "drawbridge/digest.h"

#include "codec/base64.h"
#include "codec/http1.h"
#include "codec/json.h"
#include "crypto/crypto.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_MAX = BASE64_ENCODED(DIGEST_SIZE_MAX) };

static const struct {
    const char *name;
    enum crypto_hash hash;
    size_t size;
} algorithms[DIGEST_COUNT] = {
    [DIGEST_SHA224] = {"sha-224", CRYPTO_SHA224, 28},
    [DIGEST_SHA256] = {"sha-256", CRYPTO_SHA256, 32},
    [DIGEST_SHA384] = {"sha-384", CRYPTO_SHA384, 48},
    [DIGEST_SHA512] = {"sha-512", CRYPTO_SHA512, 64},
};

size_t digest_size(enum digest_algorithm algorithm)
{
    return algorithms[algorithm].size;
}

const char *digest_name(enum digest_algorithm algorithm)
{
    return algorithms[algorithm].name;
}

bool digests_empty(const struct digests *digests)
{
    for (size_t i = 0; i < DIGEST_COUNT; i++) {
        if (digests->has[i])
            return false;
    }
    return true;
}

bool digests_match(const struct digests *wanted, const struct digests *actual)
{
    for (size_t i = 0; i < DIGEST_COUNT; i++) {
        if (wanted->has[i] && (!actual->has[i] ||
                               memcmp(wanted->value[i], actual->value[i], algorithms[i].size) != 0))
            return false;
    }
    return true;
}

static int set_value(struct digests *digests, size_t at, struct span text)
{
    uint8_t bytes[BASE64_DECODED(TEXT_MAX)];
    size_t size;
    /* Blanks, which base64_decode skips, make the text longer than it should be. */
    if (text.size != BASE64_ENCODED(algorithms[at].size) || base64_decode(text, bytes, &size) < 0 ||
        size != algorithms[at].size)
        return -EINVAL;
    memcpy(digests->value[at], bytes, size);
    digests->has[at] = true;
    return 0;
}

/* "sha-256=:B64:" */
static int parse_item(struct span item, struct digests *digests)
{
    const uint8_t *equals = memchr(item.data, '=', item.size);
    size_t name = equals ? (size_t)(equals - item.data) : 0;
    if (!equals || item.size - name < 3 || item.data[name + 1] != ':' ||
        item.data[item.size - 1] != ':')
        return -EINVAL;
    for (size_t i = 0; i < DIGEST_COUNT; i++) {
        if (http1_equal(span_of(item.data, name), algorithms[i].name))
            return set_value(digests, i, span_of(item.data + name + 2, item.size - name - 3));
    }
    return -EINVAL;
}

int digests_parse_header(struct span value, struct digests *digests)
{
    int status = value.size > 0 ? 0 : -EINVAL;
    while (status == 0) {
        const uint8_t *comma = memchr(value.data, ',', value.size);
        size_t size = comma ? (size_t)(comma - value.data) : value.size;
        status = size > 0 ? parse_item(span_of(value.data, size), digests) : -EINVAL;
        if (!comma)
            break;
        value = span_of(comma + 1, value.size - size - 1);
    }
    return status;
}

static void write_value(const struct digests *digests, size_t at, struct text *text)
{
    char encoded[TEXT_MAX];
    size_t size = base64_encode(span_of(digests->value[at], algorithms[at].size), false, encoded);
    text_add_span(text, span_of(encoded, size));
}

void digests_write_header(const struct digests *digests, struct text *text)
{
    const char *separator = "";
    for (size_t i = 0; i < DIGEST_COUNT; i++) {
        if (!digests->has[i])
            continue;
        text_printf(text, "%s%s=:", separator, algorithms[i].name);
        write_value(digests, i, text);
        text_add(text, ":");
        separator = ",";
    }
}

int digests_parse_json(struct span value, struct digests *digests)
{
    struct json_member member;
    *digests = (struct digests){0};
    if (value.size == 0 || value.data[0] != '{')
        return -EINVAL;
    for (struct json_cursor cursor = json_members(value); json_next(&cursor, &member);) {
        size_t at = 0;
        struct span text;
        while (at < DIGEST_COUNT && !http1_equal(member.key, algorithms[at].name))
            at++;
        if (at == DIGEST_COUNT || digests->has[at] || !json_text(member.value, &text) ||
            set_value(digests, at, text) < 0)
            return -EINVAL;
    }
    return 0;
}

void digests_write_json(const struct digests *digests, struct text *text)
{
    const char *separator = "";
    text_add(text, "{");
    for (size_t i = 0; i < DIGEST_COUNT; i++) {
        if (!digests->has[i])
            continue;
        text_printf(text, "%s\"%s\":\"", separator, algorithms[i].name);
        write_value(digests, i, text);
        text_add(text, "\"");
        separator = ",";
    }
    text_add(text, "}");
}

struct digester {
    struct crypto_hasher *hashers[DIGEST_COUNT];
};

struct digester *digester_new(void)
{
    struct digester *digester = calloc(1, sizeof(*digester));
    for (size_t i = 0; digester && i < DIGEST_COUNT; i++) {
        digester->hashers[i] = crypto_hasher_new(algorithms[i].hash);
        if (!digester->hashers[i]) {
            digester_free(digester);
            return NULL;
        }
    }
    return digester;
}

void digester_free(struct digester *digester)
{
    if (!digester)
        return;
    for (size_t i = 0; i < DIGEST_COUNT; i++)
        crypto_hasher_free(digester->hashers[i]);
    free(digester);
}

int digester_add(struct digester *digester, struct span bytes)
{
    int status = 0;
    for (size_t i = 0; status == 0 && i < DIGEST_COUNT; i++)
        status = crypto_hasher_add(digester->hashers[i], bytes);
    return status;
}

int digester_end(struct digester *digester, struct digests *digests)
{
    int status = 0;
    *digests = (struct digests){0};
    for (size_t i = 0; status == 0 && i < DIGEST_COUNT; i++) {
        status = crypto_hasher_end(digester->hashers[i], digests->value[i]);
        digests->has[i] = true;
    }
    return status;
}

int digests_of(struct span bytes, struct digests *digests)
{
    int status = 0;
    *digests = (struct digests){0};
    for (size_t i = 0; status == 0 && i < DIGEST_COUNT; i++) {
        status = crypto_hash(algorithms[i].hash, &bytes, 1, digests->value[i]);
        digests->has[i] = true;
    }
    return status;
}
