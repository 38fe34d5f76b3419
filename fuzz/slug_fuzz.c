// SPDX-License-Identifier: Apache-2.0
/* libFuzzer target: the first byte chooses the kind of a slug. One that is accepted has the parts
 * of its kind, and a path of characters that mean nothing else in a URL. */
#include "drawbridge/client/slug.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char allowed[] =
        "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-._+/";
    struct slug slug;
    if (size == 0)
        return 0;
    enum slug_kind kind = (enum slug_kind)(data[0] % (SLUG_TAG + 1));
    char path[1024], *slug_text = strndup((const char *)data + 1, size - 1);
    struct text text = text_init(path, sizeof(path));
    if (slug_text && slug_parse(slug_text, kind, &slug, NULL) == 0) {
        slug_write_path(&slug, &text);
        if (text.overflow || strspn(path, allowed) != text.size || strstr(path, "//") ||
            (slug.repository.size > 0) != (kind != SLUG_USER) ||
            (slug.tag.size > 0) != (kind == SLUG_TAG) ||
            (slug.host.size > 0 && !slug_is_host(slug.host)))
            abort();
    }
    free(slug_text);
    return 0;
}
