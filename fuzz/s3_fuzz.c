// SPDX-License-Identifier: Apache-2.0
/* What object storage answers and keeps: lists as XML, the log, the head. The first byte picks. */
#include "crypto/crypto.h"
#include "drawbridge/s3_list.h"
#include "drawbridge/s3_log.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int see(void *context, const struct s3_item *item)
{
    unsigned *count = context;
    return item->name[0] && ++*count < 100 ? 0 : -1;
}

static void read_lists(struct span bytes)
{
    static struct s3_page page;
    char value[32];
    unsigned count = 0;
    (void)!s3_parse_page(bytes, "p/", see, &count, &page);
    (void)!s3_parse_value(bytes, "UploadId", value, sizeof(value));
}

static void read_units(struct span bytes)
{
    struct s3_unit unit;
    struct s3_op op;
    while (s3_unit_next(&bytes, &unit) > 0) {
        while (s3_op_next(&unit.ops, &op) > 0)
            continue;
    }
}

static void read_ops(struct span bytes)
{
    struct s3_bytes again = {0};
    struct span rest = bytes;
    struct s3_op op;
    while (s3_op_next(&rest, &op) > 0)
        s3_op_add(&again, &op);
    /* What was read is written the same way. */
    size_t used = bytes.size - rest.size;
    if (again.size > used || (again.size > 0 && memcmp(again.data, bytes.data, again.size) != 0))
        abort();
    s3_bytes_fini(&again);
}

/* The sum is made right, so that what is behind it is reached. */
static void read_head(struct span bytes)
{
    static struct s3_head head;
    struct s3_bytes copy = {0};
    uint8_t sum[STORE_SHA256];
    s3_bytes_add(&copy, bytes);
    if (crypto_hash(CRYPTO_SHA256, &bytes, 1, sum) == 0)
        s3_bytes_add(&copy, span_of(sum, sizeof(sum)));
    if (s3_head_read(span_of(copy.data, copy.size), &head) == 0)
        read_units(span_of(head.tail.data, head.tail.size));
    s3_bytes_fini(&head.tail);
    s3_bytes_fini(&copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const readers[])(struct span) = {read_lists, read_units, read_ops, read_head};
    if (size > 0)
        readers[data[0] % 4](span_of(data + 1, size - 1));
    return 0;
}
