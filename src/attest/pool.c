// SPDX-License-Identifier: Apache-2.0
#include "attest/pool.h"

#include "codec/der.h"

#include <string.h>

static enum pool_kind classify_json(struct span bytes)
{
    static const struct {
        const char *name;
        enum pool_kind kind;
    } documents[] = {{"\"tcbInfo\"", POOL_TCB_INFO}, {"\"enclaveIdentity\"", POOL_IDENTITY}};
    size_t at = 0;
    while (at < bytes.size && strchr(" \t\r\n{", bytes.data[at]))
        at++;
    for (size_t i = 0; i < sizeof(documents) / sizeof(documents[0]); i++) {
        size_t size = strlen(documents[i].name);
        if (bytes.size - at > size && memcmp(bytes.data + at, documents[i].name, size) == 0)
            return documents[i].kind;
    }
    return POOL_UNKNOWN;
}

/* What is signed begins with [0] for a certificate of version 3 and with INTEGER for a list. */
static enum pool_kind classify_der(struct span bytes)
{
    struct der top = der_of(bytes);
    struct der outer = der_enter(&top, DER_SEQUENCE);
    struct der body = der_enter(&outer, DER_SEQUENCE);
    uint8_t first = der_peek(&body);
    if (!der_end(&top))
        return POOL_UNKNOWN;
    if (first == (DER_CONTEXT_CONSTRUCTED | 0))
        return POOL_CERTIFICATE;
    der_next(&body);
    return first == DER_INTEGER && der_peek(&body) == DER_SEQUENCE ? POOL_CRL : POOL_UNKNOWN;
}

enum pool_kind pool_classify(struct span bytes)
{
    if (bytes.size == 0)
        return POOL_UNKNOWN;
    return bytes.data[0] == DER_SEQUENCE ? classify_der(bytes) : classify_json(bytes);
}

bool pool_add(struct pool *pool, struct span bytes)
{
    enum pool_kind kind = pool_classify(bytes);
    if (kind == POOL_UNKNOWN || pool->count == POOL_MAX)
        return false;
    pool->items[pool->count] = bytes;
    pool->kinds[pool->count++] = (uint8_t)kind;
    return true;
}

bool pool_next(const struct pool *pool, enum pool_kind kind, size_t *cursor, struct span *bytes)
{
    while (*cursor < pool->count) {
        size_t at = (*cursor)++;
        if (pool->kinds[at] == kind) {
            *bytes = pool->items[at];
            return true;
        }
    }
    return false;
}
