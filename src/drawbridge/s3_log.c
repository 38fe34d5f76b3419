// SPDX-License-Identifier: Apache-2.0
#include "drawbridge/s3_log.h"

#include "base/bytes.h"
#include "codec/base64.h"
#include "crypto/crypto.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PART_SIZE = 24 + S3_NONCE + STORE_SHA256, CONTENT_MAX = 64 << 20 };

static const uint8_t magic[16] = "drawbridge head1";

void s3_bytes_add(struct s3_bytes *bytes, struct span more)
{
    if (bytes->failed || more.size == 0)
        return;
    if (more.size > bytes->capacity - bytes->size) {
        size_t capacity = (bytes->size + more.size) * 2 + 256;
        uint8_t *larger = realloc(bytes->data, capacity);
        if (!larger) {
            bytes->failed = true;
            return;
        }
        bytes->data = larger;
        bytes->capacity = capacity;
    }
    memcpy(bytes->data + bytes->size, more.data, more.size);
    bytes->size += more.size;
}

void s3_bytes_fini(struct s3_bytes *bytes)
{
    free(bytes->data);
    *bytes = (struct s3_bytes){0};
}

static void add_number(struct s3_bytes *bytes, uint64_t number, size_t size)
{
    uint8_t buffer[8];
    for (size_t i = 0; i < size; i++)
        buffer[i] = (uint8_t)(number >> 8 * i);
    s3_bytes_add(bytes, span_of(buffer, size));
}

static void add_sized(struct s3_bytes *bytes, struct span more)
{
    add_number(bytes, more.size, 4);
    s3_bytes_add(bytes, more);
}

static bool take(struct span *rest, size_t size, struct span *out)
{
    if (rest->size < size)
        return false;
    *out = span_of(rest->data, size);
    *rest = span_of(rest->data + size, rest->size - size);
    return true;
}

static bool take_number(struct span *rest, size_t size, uint64_t *number)
{
    struct span bytes;
    if (!take(rest, size, &bytes))
        return false;
    *number = 0;
    for (size_t i = 0; i < size; i++)
        *number |= (uint64_t)bytes.data[i] << 8 * i;
    return true;
}

static bool take_sized(struct span *rest, size_t max, struct span *out)
{
    uint64_t size;
    return take_number(rest, 4, &size) && size <= max && take(rest, (size_t)size, out);
}

static bool take_hash(struct span *rest, const uint8_t **hash)
{
    struct span bytes;
    if (!take(rest, STORE_SHA256, &bytes))
        return false;
    *hash = bytes.data;
    return true;
}

void s3_op_add(struct s3_bytes *bytes, const struct s3_op *op)
{
    add_number(bytes, (uint64_t)op->kind, 1);
    switch (op->kind) {
    case S3_OP_RECORD:
        add_sized(bytes, op->key);
        add_sized(bytes, op->value);
        add_number(bytes, op->content != NULL, 1);
        s3_bytes_add(bytes, span_of(op->content, op->content ? STORE_SHA256 : 0));
        break;
    case S3_OP_NO_RECORD:
        add_sized(bytes, op->key);
        break;
    case S3_OP_CONTENT:
        s3_bytes_add(bytes, span_of(op->content, STORE_SHA256));
        add_number(bytes, op->length, 8);
        add_number(bytes, op->data.data != NULL, 1);
        add_sized(bytes, op->data.data ? op->data : op->place);
        break;
    case S3_OP_NO_CONTENT:
        s3_bytes_add(bytes, span_of(op->content, STORE_SHA256));
        break;
    }
}

static bool take_key(struct span *rest, struct span *key)
{
    return take_sized(rest, STORE_KEY_MAX, key) && key->size > 0 &&
           !memchr(key->data, 0, key->size);
}

static bool take_record(struct span *rest, struct s3_op *op)
{
    uint64_t has;
    return take_key(rest, &op->key) && take_sized(rest, STORE_VALUE_MAX, &op->value) &&
           take_number(rest, 1, &has) && has <= 1 && (!has || take_hash(rest, &op->content));
}

static bool take_content(struct span *rest, struct s3_op *op)
{
    uint64_t within;
    struct span bytes;
    if (!take_hash(rest, &op->content) || !take_number(rest, 8, &op->length) ||
        op->length > INT64_MAX || !take_number(rest, 1, &within) || within > 1 ||
        !take_sized(rest, CONTENT_MAX, &bytes))
        return false;
    *(within ? &op->data : &op->place) = bytes;
    return within ? bytes.size == op->length
                  : bytes.size >= S3_NONCE && (bytes.size - S3_NONCE) % STORE_SHA256 == 0;
}

int s3_op_next(struct span *rest, struct s3_op *op)
{
    uint64_t kind;
    bool good = false;
    *op = (struct s3_op){0};
    if (!take_number(rest, 1, &kind))
        return 0;
    op->kind = (enum s3_op_kind)kind;
    if (kind == S3_OP_RECORD)
        good = take_record(rest, op);
    else if (kind == S3_OP_NO_RECORD)
        good = take_key(rest, &op->key);
    else if (kind == S3_OP_CONTENT)
        good = take_content(rest, op);
    else if (kind == S3_OP_NO_CONTENT)
        good = take_hash(rest, &op->content);
    return good ? 1 : -EINVAL;
}

void s3_unit_add(struct s3_bytes *bytes, const struct s3_unit *unit)
{
    add_number(bytes, unit->sequence, 8);
    s3_bytes_add(bytes, span_of(unit->nonce, S3_NONCE));
    add_sized(bytes, unit->ops);
}

int s3_unit_next(struct span *rest, struct s3_unit *unit)
{
    struct span nonce;
    if (rest->size == 0)
        return 0;
    if (!take_number(rest, 8, &unit->sequence) || !take(rest, S3_NONCE, &nonce) ||
        !take_sized(rest, UINT32_MAX, &unit->ops))
        return -EINVAL;
    unit->nonce = nonce.data;
    return 1;
}

void s3_part_name(const char *folder, const struct s3_part *part, char name[S3_OBJECT_NAME_MAX])
{
    char digits[2 * S3_NONCE + 1];
    hex_encode(span_of(part->nonce, S3_NONCE), digits);
    snprintf(name, S3_OBJECT_NAME_MAX, "%s/%016" PRIx64 "-%s", folder, part->to, digits);
}

void s3_content_name(const uint8_t *sha256, const uint8_t *nonce, char name[S3_OBJECT_NAME_MAX])
{
    char hash[2 * STORE_SHA256 + 1], digits[2 * S3_NONCE + 1];
    hex_encode(span_of(sha256, STORE_SHA256), hash);
    hex_encode(span_of(nonce, S3_NONCE), digits);
    snprintf(name, S3_OBJECT_NAME_MAX, "contents/%s-%s", hash, digits);
}

static void add_part(struct s3_bytes *bytes, const struct s3_part *part)
{
    add_number(bytes, part->from, 8);
    add_number(bytes, part->to, 8);
    add_number(bytes, part->size, 8);
    s3_bytes_add(bytes, span_of(part->nonce, S3_NONCE));
    s3_bytes_add(bytes, span_of(part->sha256, STORE_SHA256));
}

static bool take_part(struct span *rest, struct s3_part *part)
{
    struct span bytes;
    if (!take(rest, PART_SIZE, &bytes))
        return false;
    part->from = load_le64(bytes.data);
    part->to = load_le64(bytes.data + 8);
    part->size = load_le64(bytes.data + 16);
    memcpy(part->nonce, bytes.data + 24, S3_NONCE);
    memcpy(part->sha256, bytes.data + 24 + S3_NONCE, STORE_SHA256);
    return part->size <= INT64_MAX;
}

void s3_head_write(const struct s3_head *head, struct s3_bytes *bytes)
{
    uint8_t sha256[STORE_SHA256];
    size_t begin = bytes->size;
    s3_bytes_add(bytes, span_of(magic, sizeof(magic)));
    add_number(bytes, head->sequence, 8);
    add_part(bytes, &head->snapshot);
    add_number(bytes, head->part_count, 4);
    for (size_t i = 0; i < head->part_count; i++)
        add_part(bytes, &head->parts[i]);
    add_sized(bytes, span_of(head->tail.data, head->tail.size));
    struct span all = span_of(bytes->data + begin, bytes->failed ? 0 : bytes->size - begin);
    if (bytes->failed || crypto_hash(CRYPTO_SHA256, &all, 1, sha256) < 0)
        bytes->failed = true;
    else
        s3_bytes_add(bytes, span_of(sha256, sizeof(sha256)));
}

static bool has_sum(struct span bytes)
{
    uint8_t sha256[STORE_SHA256];
    if (bytes.size < sizeof(magic) + STORE_SHA256 || memcmp(bytes.data, magic, sizeof(magic)) != 0)
        return false;
    struct span all = span_of(bytes.data, bytes.size - STORE_SHA256);
    return crypto_hash(CRYPTO_SHA256, &all, 1, sha256) == 0 &&
           memcmp(sha256, bytes.data + all.size, STORE_SHA256) == 0;
}

/* Parts follow each other without gaps; the first may begin before the snapshot's end. */
static bool parts_fit(const struct s3_head *head)
{
    uint64_t at = head->snapshot.to;
    for (size_t i = 0; i < head->part_count; i++) {
        const struct s3_part *part = &head->parts[i];
        bool follows = i == 0 ? part->from <= at + 1 : part->from == at + 1;
        if (!follows || part->to < part->from || part->to > head->sequence)
            return false;
        at = part->to;
    }
    return at <= head->sequence;
}

int s3_head_read(struct span bytes, struct s3_head *head)
{
    struct span tail, rest;
    uint64_t count;
    *head = (struct s3_head){0};
    if (!has_sum(bytes))
        return -EINVAL;
    rest = span_of(bytes.data + sizeof(magic), bytes.size - sizeof(magic) - STORE_SHA256);
    if (!take_number(&rest, 8, &head->sequence) || !take_part(&rest, &head->snapshot) ||
        !take_number(&rest, 4, &count) || count > S3_LOG_PARTS_MAX)
        return -EINVAL;
    for (; head->part_count < count; head->part_count++) {
        if (!take_part(&rest, &head->parts[head->part_count]))
            return -EINVAL;
    }
    if (!take_sized(&rest, UINT32_MAX, &tail) || rest.size > 0 || !parts_fit(head))
        return -EINVAL;
    s3_bytes_add(&head->tail, tail);
    return head->tail.failed ? -ENOMEM : 0;
}
