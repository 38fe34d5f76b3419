// SPDX-License-Identifier: Apache-2.0
/* libFuzzer target: any bytes as PEM and base64. What is decoded must encode to the same again. */
#include "codec/base64.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_base64(struct span text)
{
    uint8_t *bytes = malloc(BASE64_DECODED(text.size));
    char *back = malloc(BASE64_ENCODED(BASE64_DECODED(text.size)));
    uint8_t *twice = malloc(BASE64_DECODED(text.size) + 4);
    size_t size, again;
    if (bytes && back && twice && base64_decode(text, bytes, &size) == 0) {
        size_t length = base64_encode(span_of(bytes, size), false, back);
        if (base64_decode(span_of(back, length), twice, &again) < 0 || again != size ||
            memcmp(bytes, twice, size) != 0)
            abort();
    }
    free(bytes);
    free(back);
    free(twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span text = span_of(data, size);
    struct pem_block block;
    try_base64(text);
    while (pem_next(&text, &block) > 0)
        try_base64(block.body);
    return 0;
}
