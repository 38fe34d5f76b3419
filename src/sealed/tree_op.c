// SPDX-License-Identifier: Apache-2.0
/* Operations as bytes: the kind, then the numbers that it has, then the names. */
#include "sealed/tree.h"

#include "base/bytes.h"

#include <string.h>

enum { FIELDS_MAX = 5 };

#define FIELD(name) offsetof(struct tree_op, name)

/* Numbers of each kind, as places in a tree_op; 0 ends them, for the kind itself is at 0. */
static const struct layout {
    size_t numbers[FIELDS_MAX];
    bool has_type, has_name, has_to_name;
} layouts[] = {
    [TREE_NODE] = {.numbers = {FIELD(inode)}, .has_type = true},
    [TREE_LINK] = {.numbers = {FIELD(directory), FIELD(inode)}, .has_name = true},
    [TREE_UNLINK] = {.numbers = {FIELD(directory)}, .has_name = true},
    [TREE_RENAME] = {.numbers = {FIELD(directory), FIELD(to)},
                     .has_name = true,
                     .has_to_name = true},
    [TREE_CUT] = {.numbers = {FIELD(inode), FIELD(size)}},
    [TREE_STATE] = {.numbers = {FIELD(inode), FIELD(size), FIELD(accessed), FIELD(modified),
                                FIELD(changed)}},
    [TREE_FREE] = {.numbers = {FIELD(inode)}},
};
enum { KINDS = sizeof(layouts) / sizeof(layouts[0]) };

static size_t put_name(uint8_t *out, struct span name)
{
    out[0] = (uint8_t)name.size;
    memcpy(out + 1, name.data, name.size);
    return 1 + name.size;
}

size_t tree_encode(const struct tree_op *op, uint8_t out[TREE_OP_MAX])
{
    const struct layout *layout = &layouts[op->kind];
    size_t size = 0;
    out[size++] = (uint8_t)op->kind;
    if (layout->has_type)
        out[size++] = op->is_directory;
    for (size_t i = 0; i < FIELDS_MAX && layout->numbers[i]; i++, size += 8) {
        uint64_t number;
        memcpy(&number, (const uint8_t *)op + layout->numbers[i], sizeof(number));
        for (unsigned k = 0; k < 8; k++)
            out[size + k] = (uint8_t)(number >> (8 * k));
    }
    if (layout->has_name)
        size += put_name(out + size, op->name);
    if (layout->has_to_name)
        size += put_name(out + size, op->to_name);
    return size;
}

static bool take(struct span *bytes, size_t size, struct span *out)
{
    if (bytes->size < size)
        return false;
    *out = span_of(bytes->data, size);
    *bytes = span_of(bytes->data + size, bytes->size - size);
    return true;
}

static bool take_name(struct span *bytes, struct span *name)
{
    struct span length;
    return take(bytes, 1, &length) && take(bytes, length.data[0], name);
}

bool tree_decode(struct span *bytes, struct tree_op *op)
{
    struct span part;
    *op = (struct tree_op){0};
    if (!take(bytes, 1, &part) || part.data[0] == 0 || part.data[0] >= KINDS)
        return false;
    op->kind = (enum tree_kind)part.data[0];
    const struct layout *layout = &layouts[op->kind];
    if (layout->has_type) {
        if (!take(bytes, 1, &part) || part.data[0] > 1)
            return false;
        op->is_directory = part.data[0];
    }
    for (size_t i = 0; i < FIELDS_MAX && layout->numbers[i]; i++) {
        if (!take(bytes, 8, &part))
            return false;
        uint64_t number = load_le64(part.data);
        memcpy((uint8_t *)op + layout->numbers[i], &number, sizeof(number));
    }
    return (!layout->has_name || take_name(bytes, &op->name)) &&
           (!layout->has_to_name || take_name(bytes, &op->to_name));
}
