// SPDX-License-Identifier: Apache-2.0
/* What is taken apart lies inside of the text and can be sent. */
#include "codec/http1.h"
#include "codec/url.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct url url;
    uint8_t *decoded = malloc(size + 1);
    size_t decoded_size;
    if (decoded && url_decode(span_of(data, size), decoded, &decoded_size) == 0 &&
        decoded_size > size)
        abort();
    free(decoded);
    char target[4096], head[8192];
    if (url_parse(span_of(data, size), &url) < 0)
        return 0;
    if (url.host.data < data || url.host.data + url.host.size > url.target.data ||
        url.target.data + url.target.size != data + size || url.port == 0)
        abort();
    if (url.target.size == 0 || url.target.size >= sizeof(target))
        return 0;
    memcpy(target, url.target.data, url.target.size);
    target[url.target.size] = '\0';
    struct text text = text_init(head, sizeof(head));
    http1_begin_request(&text, "GET", target);
    if (text.overflow)
        abort();
    return 0;
}
