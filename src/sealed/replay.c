// SPDX-License-Identifier: Apache-2.0
/* Reading a log from its beginning. */
#include "sealed/store.h"

#include "base/bytes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { STAGE_MAX = 16 << 20, BLOCK_OP_SIZE = 24 };

/* What a transaction will do, once its end is seen. */
struct stage {
    uint8_t *ops;
    size_t ops_size, ops_room;
    uint64_t (*blocks)[3]; /* inode, number, offset */
    size_t block_count, block_room;
};

static void *grow(void *items, size_t size, size_t count, size_t *room, size_t more)
{
    if (count + more <= *room)
        return items;
    size_t wanted = (count + more) * 2;
    void *grown = wanted * size <= STAGE_MAX ? realloc(items, wanted * size) : NULL;
    if (grown)
        *room = wanted;
    return grown;
}

static int stage_record(struct stage *stage, const struct journal_record *record)
{
    struct span contents = record->contents;
    if (record->kind == JOURNAL_OPS) {
        void *grown = grow(stage->ops, 1, stage->ops_size, &stage->ops_room, contents.size);
        if (!grown)
            return -ENOMEM;
        stage->ops = grown;
        memcpy(stage->ops + stage->ops_size, contents.data, contents.size);
        stage->ops_size += contents.size;
        return 0;
    }
    if (contents.size < JOURNAL_BLOCK_HEAD || contents.size > JOURNAL_BLOCK_HEAD + SEALED_BLOCK)
        return -EBADMSG;
    void *grown =
        grow(stage->blocks, sizeof(*stage->blocks), stage->block_count, &stage->block_room, 1);
    if (!grown)
        return -ENOMEM;
    stage->blocks = grown;
    uint64_t *block = stage->blocks[stage->block_count++];
    block[0] = load_le64(contents.data);
    block[1] = load_le64(contents.data + 8);
    block[2] = record->at;
    return 0;
}

static int apply_stage(struct tree *tree, struct stage *stage)
{
    struct span ops = span_of(stage->ops, stage->ops_size);
    struct tree_op op;
    int status = 0;
    while (status == 0 && ops.size > 0)
        status = tree_decode(&ops, &op) ? tree_apply(tree, &op) : -EBADMSG;
    for (size_t i = 0; i < stage->block_count && status == 0; i++) {
        op = (struct tree_op){.kind = TREE_BLOCK,
                              .inode = stage->blocks[i][0],
                              .block = stage->blocks[i][1],
                              .offset = stage->blocks[i][2]};
        status = tree_apply(tree, &op);
    }
    stage->ops_size = stage->block_count = 0;
    return status == -ENOSPC ? -EBADMSG : status;
}

/* The first transaction is a whole tree, of any size: nothing is made of a part of it, so that it
 * is applied while it is read. Those that follow are applied when their end is there. */
static int replay(struct sealed *store, struct journal_cursor *cursor, struct stage *stage)
{
    bool first = true;
    struct journal_record record;
    int status;
    while ((status = journal_next(&store->journal, cursor, &record)) == 1) {
        status = stage_record(stage, &record);
        if (status == 0 && (record.last || first))
            status = apply_stage(&store->tree, stage);
        if (status < 0)
            return status;
        first = first && !record.last;
    }
    return status == 0 && first ? -ENODATA : status;
}

static const struct {
    int status;
    const char *sentence;
} reasons[] = {
    {-EBADMSG, "its record at byte %llu is not what was written there"},
    {-ENODATA, "it was cut off at byte %llu, within its beginning"},
    {-ENOMEM, "there is not enough memory for what it says up to byte %llu"},
    {-EIO, "the host cannot read it at byte %llu"},
};

int store_replay(struct sealed *store, struct err *err)
{
    struct journal_cursor *cursor = calloc(1, sizeof(*cursor));
    struct stage stage = {0};
    int status = -ENOMEM;
    uint64_t at = JOURNAL_HEADER_SIZE;
    if (cursor)
        cursor->data = malloc(JOURNAL_BUFFER_SIZE);
    if (cursor && cursor->data) {
        cursor->at = at;
        status = replay(store, cursor, &stage);
        at = cursor->at;
        explicit_bzero(cursor->plain, sizeof(cursor->plain));
    }
    free(cursor ? cursor->data : NULL);
    free(cursor);
    free(stage.ops);
    free(stage.blocks);
    for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]) && status < 0; i++) {
        if (reasons[i].status == status) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
            err_set(err, ERR_IO, 0, reasons[i].sentence, (unsigned long long)at);
#pragma GCC diagnostic pop
            break;
        }
    }
    return status == -ENODATA ? -EBADMSG : status;
}
