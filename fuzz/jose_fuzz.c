// SPDX-License-Identifier: Apache-2.0
/* libFuzzer target: the first byte chooses what the others are: a token, a key set, a flattened
 * signature or a discovery document. */
#include "drawbridge/oidc.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_token(struct span bytes)
{
    static const char set[] = "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"kid\":\"1\","
                              "\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","
                              "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}]}";
    static const struct oidc_rules rules = {"https://a", "b", 1700000000};
    static struct jwk_set keys;
    struct identity identity;
    const char *reason;
    if (keys.count == 0 && jwk_set_parse(SPAN_LITERAL(set), &keys) < 0)
        abort();
    if (oidc_check(bytes, &keys, &rules, &identity, &reason) == OIDC_GOOD)
        abort(); /* nobody has this key */
}

static void try_set(struct span bytes)
{
    struct jwk_set keys;
    if (jwk_set_parse(bytes, &keys) == 0)
        jwk_set_free(&keys);
}

static void try_flattened(struct span bytes)
{
    uint8_t *memory = malloc(bytes.size + 1);
    struct jws_signed result;
    static const struct span payload = SPAN_INIT("x");
    (void)!jws_verify_flattened(bytes, NULL, memory, bytes.size, &result);
    (void)!jws_verify_flattened(bytes, &payload, memory, bytes.size, &result);
    free(memory);
}

static void try_discovery(struct span bytes)
{
    char uri[OIDC_URL_MAX];
    (void)!oidc_parse_discovery(bytes, "https://a", uri, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const targets[])(struct span) = {try_token, try_set, try_flattened,
                                                   try_discovery};
    if (size == 0 || size > JWS_TOKEN_MAX)
        return 0;
    targets[data[0] % 4](span_of(data + 1, size - 1));
    return 0;
}
