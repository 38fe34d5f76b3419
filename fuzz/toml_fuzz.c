// SPDX-License-Identifier: Apache-2.0
/* libFuzzer target: any bytes as TOML. Besides crashes it looks for a broken memory bound and for
 * trees whose links do not agree. */
#include "codec/toml.h"

#include <errno.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool condition)
{
    if (!condition)
        abort();
}

static void walk(const struct toml_node *node, unsigned depth)
{
    check(depth <= TOML_DEPTH_MAX + 1);
    size_t count = 0;
    for (const struct toml_node *item = toml_first(node); item; item = item->next) {
        count++;
        check(item->at.line > 0 && item->at.column > 0);
        if (node->kind == TOML_TABLE)
            check(toml_find(node, item->key) == item);
        if (item->kind == TOML_STRING)
            check(item->string.data[item->string.size] == 0);
        walk(item, depth + 1);
    }
    check(count == toml_count(node));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t room = TOML_MEMORY(size);
    void *memory = malloc(room);
    if (!memory)
        return 0;
    const struct toml_node *root;
    struct toml_error error;
    int status = toml_parse(span_of(data, size), memory, room, &root, &error);
    check(status == 0 || status == -EINVAL);
    if (status == 0)
        walk(root, 0);
    else
        check(error.message[0] && error.at.line > 0);
    free(memory);
    return 0;
}
