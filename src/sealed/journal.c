// SPDX-License-Identifier: Apache-2.0
#include "sealed/journal.h"

#include "sealed/host.h"
#include "sealed/table.h"

#include "base/bytes.h"
#include "crypto/crypto.h"
#include "crypto/sign.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define JOURNAL_SEGMENT 0x80000030u
enum { HEAD_SIZE = JOURNAL_HEAD_SIZE, SALT_SIZE = 32, KEY_NAME_SIZE = 16 };

static const uint8_t magic[8] = "EnarxSL1";

/* Places in the header. */
enum { AT_GENERATION = 8, AT_VERSION = 16, AT_STORE = 24, AT_KEY_NAME = 40, AT_ZERO = 56 };

static void store_le32(uint8_t *at, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        at[i] = (uint8_t)(value >> (8 * i));
}

static void store_le64(uint8_t *at, uint64_t value)
{
    store_le32(at, (uint32_t)value);
    store_le32(at + 4, (uint32_t)(value >> 32));
}

/* ---- Keys -------------------------------------------------------------------------------------
 */

/* Tells a log of another key from one that was changed, and says nothing about the key. */
static int name_key(const uint8_t key[SEALED_KEY_SIZE], uint8_t name[KEY_NAME_SIZE])
{
    return seal_derive(span_of(key, SEALED_KEY_SIZE), span_of(NULL, 0),
                       SPAN_LITERAL("enarx sealed storage: name of the key"), name, KEY_NAME_SIZE);
}

static int derive_journal_key(struct journal *journal, const uint8_t key[SEALED_KEY_SIZE],
                              const uint8_t header[JOURNAL_HEADER_SIZE])
{
    static const char purpose[] = "enarx sealed storage: key of a log";
    uint8_t info[sizeof(purpose) + JOURNAL_HEADER_SIZE];
    memcpy(info, purpose, sizeof(purpose));
    memcpy(info + sizeof(purpose), header, JOURNAL_HEADER_SIZE);
    return seal_derive(span_of(key, SEALED_KEY_SIZE), span_of(NULL, 0), span_of(info, sizeof(info)),
                       journal->key, sizeof(journal->key));
}

static int add_segment(struct journal *journal, uint64_t at, const uint8_t chain[SEAL_TAG_SIZE],
                       const uint8_t salt[SALT_SIZE])
{
    static const char purpose[] = "enarx sealed storage: key of a segment";
    uint8_t info[sizeof(purpose) + SEAL_TAG_SIZE + 8];
    if (journal->segment_count == journal->segment_room) {
        size_t room = journal->segment_room ? journal->segment_room * 2 : 8;
        struct journal_segment *grown = calloc(room, sizeof(*grown)); /* no copy stays behind */
        if (!grown)
            return -ENOMEM;
        if (journal->segments) {
            memcpy(grown, journal->segments, journal->segment_count * sizeof(*grown));
            explicit_bzero(journal->segments, journal->segment_count * sizeof(*grown));
        }
        free(journal->segments);
        journal->segments = grown;
        journal->segment_room = room;
    }
    struct journal_segment *segment = &journal->segments[journal->segment_count];
    memcpy(info, purpose, sizeof(purpose));
    memcpy(info + sizeof(purpose), chain, SEAL_TAG_SIZE);
    store_le64(info + sizeof(purpose) + SEAL_TAG_SIZE, at);
    segment->begin = at;
    int status = seal_derive(span_of(journal->key, sizeof(journal->key)), span_of(salt, SALT_SIZE),
                             span_of(info, sizeof(info)), segment->key, sizeof(segment->key));
    journal->segment_count += status == 0;
    return status;
}

static void drop_segments(struct journal *journal, size_t count)
{
    while (journal->segment_count > count) {
        journal->segment_count--;
        explicit_bzero(&journal->segments[journal->segment_count], sizeof(*journal->segments));
    }
    if (journal->reader_segment >= count)
        journal->reader_segment = SIZE_MAX;
}

static void put_head(uint8_t out[HEAD_SIZE], uint32_t word, uint64_t at)
{
    store_le32(out, word);
    store_le32(out + 4, (uint32_t)table_hash(word, at));
}

static bool check_head(const uint8_t head[HEAD_SIZE], uint64_t at)
{
    return load_le32(head + 4) == (uint32_t)table_hash(load_le32(head), at);
}

static void make_nonce(uint64_t at, uint8_t nonce[SEAL_NONCE_SIZE])
{
    memset(nonce, 0, SEAL_NONCE_SIZE - 8);
    store_le64(nonce + SEAL_NONCE_SIZE - 8, at);
}

/* The reader gets the key of the segment that holds an offset. */
static int set_reader(struct journal *journal, uint64_t at)
{
    size_t low = 0, high = journal->segment_count;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (journal->segments[middle].begin <= at)
            low = middle;
        else
            high = middle;
    }
    if (high == 0 || journal->segments[low].begin > at)
        return -EBADMSG;
    if (journal->reader_segment == low)
        return 0;
    int status = sealer_set_key(journal->reader, journal->segments[low].key);
    journal->reader_segment = status == 0 ? low : SIZE_MAX;
    return status;
}

/* ---- Life -------------------------------------------------------------------------------------
 */

int journal_init(struct journal *journal)
{
    *journal = (struct journal){.fd = -1, .reader_segment = SIZE_MAX};
    journal->buffer = malloc(JOURNAL_BUFFER_SIZE);
    journal->writer = sealer_new();
    journal->reader = sealer_new();
    if (journal->buffer && journal->writer && journal->reader)
        return 0;
    journal_fini(journal);
    return -ENOMEM;
}

void journal_fini(struct journal *journal)
{
    if (journal->fd >= 0)
        close(journal->fd);
    drop_segments(journal, 0);
    free(journal->segments);
    sealer_free(journal->writer);
    sealer_free(journal->reader);
    free(journal->buffer);
    explicit_bzero(journal, sizeof(*journal));
    journal->fd = -1;
}

/* What holds before the first record. */
static void begin(struct journal *journal)
{
    journal->end = journal->at = JOURNAL_HEADER_SIZE;
    memset(journal->chain, 0, sizeof(journal->chain));
}

/* ---- Writing ----------------------------------------------------------------------------------
 */

int journal_create(struct journal *journal, int fd, const uint8_t key[SEALED_KEY_SIZE],
                   const struct journal *old)
{
    uint8_t header[JOURNAL_HEADER_SIZE] = {0};
    journal->fd = fd;
    journal->generation = old ? old->generation + 1 : 1;
    journal->version = old ? old->version : 0;
    if (old)
        memcpy(journal->store, old->store, sizeof(journal->store));
    else if (crypto_random(journal->store, sizeof(journal->store)) < 0)
        return -EIO;
    memcpy(header, magic, sizeof(magic));
    store_le64(header + AT_GENERATION, journal->generation);
    store_le64(header + AT_VERSION, journal->version);
    memcpy(header + AT_STORE, journal->store, sizeof(journal->store));
    int status = name_key(key, header + AT_KEY_NAME);
    if (status == 0)
        status = derive_journal_key(journal, key, header);
    if (status == 0)
        status = host_write(fd, header, sizeof(header), 0);
    begin(journal);
    return status;
}

static int flush_buffer(struct journal *journal)
{
    int status = host_write(journal->fd, journal->buffer, journal->buffered,
                            journal->at - journal->buffered);
    journal->buffered = 0;
    return status;
}

static int make_room(struct journal *journal, size_t size)
{
    return JOURNAL_BUFFER_SIZE - journal->buffered < size ? flush_buffer(journal) : 0;
}

static int begin_segment(struct journal *journal)
{
    uint8_t nonce[SEAL_NONCE_SIZE], *out = journal->buffer + journal->buffered;
    put_head(out, JOURNAL_SEGMENT, journal->at);
    if (crypto_random(out + HEAD_SIZE, SALT_SIZE) < 0)
        return -EIO;
    int status = add_segment(journal, journal->at, journal->tag, out + HEAD_SIZE);
    if (status == 0)
        status = sealer_set_key(journal->writer, journal->segments[journal->segment_count - 1].key);
    if (status < 0)
        return status;
    make_nonce(journal->at, nonce);
    status = sealer_seal(journal->writer, nonce, span_of(out, HEAD_SIZE + SALT_SIZE),
                         span_of(NULL, 0), out + HEAD_SIZE + SALT_SIZE);
    memcpy(journal->tag, out + HEAD_SIZE + SALT_SIZE, SEAL_TAG_SIZE);
    journal->at += JOURNAL_SEGMENT_SIZE;
    journal->buffered += JOURNAL_SEGMENT_SIZE;
    journal->writing = true;
    return status;
}

/* At the first record of a transaction. */
static int begin_transaction(struct journal *journal)
{
    if (journal->at != journal->end)
        return 0;
    memcpy(journal->tag, journal->chain, sizeof(journal->tag));
    return journal->writing ? 0 : begin_segment(journal);
}

int journal_add(struct journal *journal, enum journal_kind kind, bool last, struct span head,
                struct span contents, uint64_t *at)
{
    uint8_t nonce[SEAL_NONCE_SIZE];
    size_t size = 2 + head.size + contents.size;
    if (size > 2 + JOURNAL_CONTENTS_MAX)
        return -EINVAL;
    int status = make_room(journal, JOURNAL_SEGMENT_SIZE + JOURNAL_RECORD_MAX);
    if (status == 0)
        status = begin_transaction(journal);
    if (status < 0)
        return status;
    uint8_t *out = journal->buffer + journal->buffered, *plain = out + HEAD_SIZE;
    put_head(out, (uint32_t)(size + SEAL_TAG_SIZE), journal->at);
    plain[0] = last ? JOURNAL_LAST : 0;
    plain[1] = (uint8_t)kind;
    if (head.size)
        memcpy(plain + 2, head.data, head.size);
    if (contents.size)
        memcpy(plain + 2 + head.size, contents.data, contents.size);
    *at = journal->at;
    make_nonce(journal->at, nonce);
    journal->at += HEAD_SIZE + size + SEAL_TAG_SIZE;
    journal->buffered += HEAD_SIZE + size + SEAL_TAG_SIZE;
    status =
        sealer_seal(journal->writer, nonce, span_of(out, HEAD_SIZE), span_of(plain, size), plain);
    if (status < 0)
        explicit_bzero(plain, size);
    memcpy(journal->tag, plain + size, SEAL_TAG_SIZE);
    return status;
}

int journal_commit(struct journal *journal)
{
    int status = flush_buffer(journal);
    if (status < 0)
        return status;
    journal->end = journal->at;
    journal->segments_before = journal->segment_count;
    memcpy(journal->chain, journal->tag, sizeof(journal->chain));
    journal->version++;
    return 0;
}

int journal_cancel(struct journal *journal)
{
    journal->buffered = 0;
    drop_segments(journal, journal->segments_before);
    journal->at = journal->end;
    journal->writing = false; /* the next bytes at this offset get another key */
    return ftruncate(journal->fd, (off_t)journal->end) < 0 ? -EIO : 0;
}

/* ---- Reading ----------------------------------------------------------------------------------
 */

int journal_open(struct journal *journal, int fd, const uint8_t key[SEALED_KEY_SIZE])
{
    uint8_t header[JOURNAL_HEADER_SIZE], name[KEY_NAME_SIZE];
    static const uint8_t zero[JOURNAL_HEADER_SIZE - AT_ZERO];
    size_t got = 0;
    journal->fd = fd;
    int status = host_read(fd, header, sizeof(header), 0, &got);
    if (status == 0 && (got < sizeof(header) || memcmp(header, magic, sizeof(magic)) != 0 ||
                        memcmp(header + AT_ZERO, zero, sizeof(zero)) != 0))
        status = -EBADMSG;
    if (status == 0)
        status = name_key(key, name);
    if (status == 0 && !crypto_equal(name, header + AT_KEY_NAME, sizeof(name)))
        status = -EKEYREJECTED;
    if (status < 0)
        return status;
    journal->generation = load_le64(header + AT_GENERATION);
    journal->version = load_le64(header + AT_VERSION);
    memcpy(journal->store, header + AT_STORE, sizeof(journal->store));
    begin(journal);
    return derive_journal_key(journal, key, header);
}

/* Makes `size` bytes at the cursor available. *have is less only at the end of the file. */
static int look(const struct journal *journal, struct journal_cursor *cursor, size_t size,
                const uint8_t **data, size_t *have)
{
    size_t skip = (size_t)(cursor->at - cursor->from);
    if (cursor->at < cursor->from || skip > cursor->size || cursor->size - skip < size) {
        int status =
            host_read(journal->fd, cursor->data, JOURNAL_BUFFER_SIZE, cursor->at, &cursor->size);
        if (status < 0)
            return status;
        cursor->from = cursor->at;
        skip = 0;
    }
    *data = cursor->data + skip;
    *have = cursor->size - skip < size ? cursor->size - skip : size;
    return 0;
}

/* Whether nothing but zeros follows up to the end: what some file systems leave after a crash. */
static int is_blank(const struct journal *journal, const struct journal_cursor *cursor)
{
    struct journal_cursor rest = {.at = cursor->at, .data = cursor->data};
    for (;;) {
        const uint8_t *data;
        size_t have;
        int status = look(journal, &rest, JOURNAL_BUFFER_SIZE, &data, &have);
        if (status < 0 || have == 0)
            return status < 0 ? status : 1;
        for (size_t i = 0; i < have; i++) {
            if (data[i])
                return 0;
        }
        rest.at += have;
        rest.size = 0;
    }
}

/* 1: the segment was read; 0: it is torn. */
static int next_segment(struct journal *journal, struct journal_cursor *cursor)
{
    uint8_t nonce[SEAL_NONCE_SIZE], nothing[1];
    const uint8_t *data;
    size_t have;
    int status = look(journal, cursor, JOURNAL_SEGMENT_SIZE, &data, &have);
    if (status < 0 || have < JOURNAL_SEGMENT_SIZE)
        return status;
    status = add_segment(journal, cursor->at, journal->tag, data + HEAD_SIZE);
    if (status == 0)
        status = set_reader(journal, cursor->at);
    if (status < 0)
        return status;
    make_nonce(cursor->at, nonce);
    const uint8_t *tag = data + HEAD_SIZE + SALT_SIZE;
    status = sealer_open(journal->reader, nonce, span_of(data, HEAD_SIZE + SALT_SIZE),
                         span_of(tag, SEAL_TAG_SIZE), nothing);
    if (status < 0)
        return status;
    memcpy(journal->tag, tag, SEAL_TAG_SIZE);
    cursor->at += JOURNAL_SEGMENT_SIZE;
    journal->at = cursor->at;
    return 1;
}

/* Opens the record whose bytes are there. */
static int open_record(struct journal *journal, uint64_t at, struct span bytes, uint8_t *plain)
{
    uint8_t nonce[SEAL_NONCE_SIZE];
    int status = set_reader(journal, at);
    if (status < 0)
        return status;
    make_nonce(at, nonce);
    struct span sealed = span_of(bytes.data + HEAD_SIZE, bytes.size - HEAD_SIZE);
    return sealer_open(journal->reader, nonce, span_of(bytes.data, HEAD_SIZE), sealed, plain);
}

static int next_record(struct journal *journal, struct journal_cursor *cursor, uint32_t word,
                       struct journal_record *record)
{
    const uint8_t *data;
    size_t have, size = HEAD_SIZE + (size_t)word;
    if (word < 2 + SEAL_TAG_SIZE || size > JOURNAL_RECORD_MAX)
        return -EBADMSG;
    int status = look(journal, cursor, size, &data, &have);
    if (status < 0 || have < size)
        return status;
    status = open_record(journal, cursor->at, span_of(data, size), cursor->plain);
    if (status < 0)
        return status;
    *record = (struct journal_record){
        .kind = (enum journal_kind)cursor->plain[1],
        .last = cursor->plain[0] == JOURNAL_LAST,
        .at = cursor->at,
        .contents = span_of(cursor->plain + 2, word - SEAL_TAG_SIZE - 2),
    };
    if (cursor->plain[0] > JOURNAL_LAST ||
        (record->kind != JOURNAL_OPS && record->kind != JOURNAL_BLOCK))
        return -EBADMSG;
    memcpy(journal->tag, data + size - SEAL_TAG_SIZE, SEAL_TAG_SIZE);
    cursor->at += size;
    journal->at = cursor->at;
    return 1;
}

int journal_next(struct journal *journal, struct journal_cursor *cursor,
                 struct journal_record *record)
{
    if (cursor->at == JOURNAL_HEADER_SIZE)
        memset(journal->tag, 0, sizeof(journal->tag));
    for (;;) {
        const uint8_t *data;
        size_t have;
        int status = look(journal, cursor, HEAD_SIZE, &data, &have);
        if (status < 0 || have < HEAD_SIZE)
            return status;
        uint32_t word = load_le32(data);
        if (!check_head(data, cursor->at)) {
            status = is_blank(journal, cursor);
            return status == 0 ? -EBADMSG : status < 0 ? status : 0;
        }
        if (word != JOURNAL_SEGMENT)
            status = next_record(journal, cursor, word, record);
        else if ((status = next_segment(journal, cursor)) == 1)
            continue;
        if (status == 1 && record->last) {
            journal->end = journal->at;
            memcpy(journal->chain, journal->tag, sizeof(journal->chain));
            journal->segments_before = journal->segment_count;
            journal->version++;
        }
        return status;
    }
}

int journal_read_block(struct journal *journal, uint64_t at, uint64_t inode, uint64_t block,
                       uint8_t data[SEALED_BLOCK])
{
    enum { HEAD = 2 + JOURNAL_BLOCK_HEAD, MAX = HEAD_SIZE + HEAD + SEALED_BLOCK + SEAL_TAG_SIZE };
    uint8_t bytes[MAX];
    size_t got = 0;
    int status = host_read(journal->fd, bytes, sizeof(bytes), at, &got);
    if (status < 0)
        return status;
    size_t size = got < HEAD_SIZE ? 0 : HEAD_SIZE + (size_t)load_le32(bytes);
    if (size < HEAD_SIZE + HEAD + SEAL_TAG_SIZE || size > got)
        return -EBADMSG;
    uint8_t *plain = bytes + HEAD_SIZE;
    status = open_record(journal, at, span_of(bytes, size), plain);
    if (status == 0 && (plain[1] != JOURNAL_BLOCK || load_le64(plain + 2) != inode ||
                        load_le64(plain + 10) != block))
        status = -EBADMSG;
    if (status == 0) {
        size_t length = size - HEAD_SIZE - HEAD - SEAL_TAG_SIZE;
        memcpy(data, plain + HEAD, length);
        memset(data + length, 0, SEALED_BLOCK - length);
    }
    explicit_bzero(bytes, sizeof(bytes));
    return status;
}
