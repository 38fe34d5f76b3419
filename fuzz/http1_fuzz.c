// SPDX-License-Identifier: Apache-2.0
/* libFuzzer target: any bytes as request, response and chunked body. A head that was accepted is
 * accepted again alone and not with a byte less; a body comes out the same however it is cut. */
#include "codec/http1.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool condition)
{
    if (!condition)
        abort();
}

static void try_heads(struct span bytes)
{
    struct http1_request request;
    struct http1_response response;
    int size = http1_parse_request(bytes, &request);
    if (size > 0) {
        check((size_t)size <= bytes.size && request.head.count <= HTTP1_HEADERS_MAX);
        check(!(request.head.chunked && request.head.has_length));
        check(http1_parse_request(span_of(bytes.data, (size_t)size), &request) == size);
        check(http1_parse_request(span_of(bytes.data, (size_t)size - 1), &request) == 0);
    }
    size = http1_parse_response(bytes, &response);
    if (size > 0)
        check(http1_parse_response(span_of(bytes.data, (size_t)size - 1), &response) == 0);
}

/* Decodes in steps of so many bytes. */
static int decode(struct span bytes, size_t step, uint8_t *out, size_t *out_size)
{
    struct http1_chunked chunked = {0};
    *out_size = 0;
    while (bytes.size > 0 && !chunked.done) {
        struct span part = span_of(bytes.data, bytes.size < step ? bytes.size : step), piece;
        size_t given = part.size;
        int status;
        while ((status = http1_chunked_next(&chunked, &part, &piece)) > 0) {
            memcpy(out + *out_size, piece.data, piece.size);
            *out_size += piece.size;
        }
        if (status < 0)
            return -1;
        bytes = span_of(bytes.data + given - part.size, bytes.size - given + part.size);
    }
    return chunked.done;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span bytes = span_of(data, size);
    uint8_t *whole = malloc(size + 1), *cut = malloc(size + 1);
    size_t whole_size, cut_size;
    try_heads(bytes);
    if (whole && cut) {
        int status = decode(bytes, size, whole, &whole_size);
        check(decode(bytes, 1, cut, &cut_size) == status);
        check(status < 0 || (whole_size == cut_size && memcmp(whole, cut, cut_size) == 0));
    }
    free(whole);
    free(cut);
    return 0;
}
