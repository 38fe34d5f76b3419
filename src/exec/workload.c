// SPDX-License-Identifier: Apache-2.0
#include "exec/workload.h"

#include "crypto/crypto.h"
#include "drawbridge/tree.h"

#include <errno.h>

static int add_file(struct text *directory, struct span name, struct span content, struct span type)
{
    struct entry entry = {.length = content.size, .type = type};
    if (digests_of(content, &entry.digests) < 0)
        return -ENOMEM;
    directory_add(directory, name, &entry);
    return 0;
}

int workload_digest(struct span module, struct span config, uint8_t digest[WORKLOAD_DIGEST_SIZE])
{
    char buffer[2 * ENTRY_MAX_SIZE];
    struct text directory = text_init(buffer, sizeof(buffer));
    if (!config.data)
        return crypto_hash(CRYPTO_SHA256, &module, 1, digest);
    directory_begin(&directory);
    int status =
        add_file(&directory, SPAN_LITERAL("Enarx.toml"), config, SPAN_LITERAL("application/toml"));
    if (status == 0)
        status = add_file(&directory, SPAN_LITERAL("main.wasm"), module,
                          SPAN_LITERAL("application/wasm"));
    directory_end(&directory);
    struct span written = span_of(buffer, directory.size);
    return status == 0 && !directory.overflow ? crypto_hash(CRYPTO_SHA256, &written, 1, digest)
                                              : -ENOMEM;
}
