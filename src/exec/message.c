// SPDX-License-Identifier: Apache-2.0
#include "exec/message.h"

#include "base/cleanup.h"
#include "codec/toml.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* ---- Transport ------------------------------------------------------------------------------ */

enum { FIRST_ROOM = 4096 };

struct message_reader message_reader_of(int fd, size_t limit)
{
    return (struct message_reader){.fd = fd, .limit = limit};
}

void message_reader_free(struct message_reader *reader)
{
    free(reader->buffer);
    reader->buffer = NULL;
}

static int64_t now_ms(void)
{
    struct timespec time = {0};
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

/* Waits for bytes until the deadline; negative: for ever. */
static int wait_for_bytes(int fd, int64_t deadline)
{
    for (;;) {
        struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
        int64_t left = deadline < 0 ? -1 : deadline - now_ms();
        int count = poll(&poll_fd, 1, deadline >= 0 && left < 0 ? 0 : (int)left);
        if (count > 0)
            return 0;
        if (count == 0)
            return -ETIMEDOUT;
        if (errno != EINTR)
            return -errno;
    }
}

/* Room for at least one byte more; a message of `limit` bytes and its NUL fits. */
static int make_room(struct message_reader *reader)
{
    if (reader->size < reader->room)
        return 0;
    if (reader->size > reader->limit)
        return -EFBIG;
    size_t room = reader->room ? 2 * reader->room : FIRST_ROOM;
    room = room > reader->limit + 1 ? reader->limit + 1 : room;
    char *buffer = realloc(reader->buffer, room);
    if (!buffer)
        return -ENOMEM;
    reader->buffer = buffer;
    reader->room = room;
    return 0;
}

static int read_more(struct message_reader *reader, int64_t deadline)
{
    int status = make_room(reader);
    if (status == 0)
        status = wait_for_bytes(reader->fd, deadline);
    if (status < 0)
        return status;
    size_t room = reader->room - reader->size;
    ssize_t got = read(reader->fd, reader->buffer + reader->size, room);
    if (got < 0)
        return errno == EINTR || errno == EAGAIN ? 1 : -errno;
    if (got == 0)
        return reader->size > 0 ? -EBADMSG : 0;
    if ((size_t)got > room)
        return -EPROTO;
    reader->size += (size_t)got;
    return 1;
}

int message_next(struct message_reader *reader, int milliseconds, struct span *message)
{
    int64_t deadline = milliseconds < 0 ? -1 : now_ms() + milliseconds;
    if (reader->taken > 0)
        memmove(reader->buffer, reader->buffer + reader->taken, reader->size - reader->taken);
    reader->size -= reader->taken;
    reader->taken = 0;
    for (size_t searched = 0;;) {
        const char *end = reader->size > searched
                              ? memchr(reader->buffer + searched, 0, reader->size - searched)
                              : NULL;
        if (end) {
            *message = span_of(reader->buffer, (size_t)(end - reader->buffer));
            reader->taken = message->size + 1;
            return 1;
        }
        searched = reader->size;
        int status = read_more(reader, deadline);
        if (status <= 0)
            return status;
    }
}

int message_send(int fd, const struct text *text)
{
    const char *at = text->data;
    size_t left = text->size + 1;
    if (text->overflow)
        return -EMSGSIZE;
    while (left > 0) {
        ssize_t sent = send(fd, at, left, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0)
            return -errno;
        if ((size_t)sent > left)
            return -EPROTO;
        at += sent;
        left -= (size_t)sent;
    }
    return 0;
}

/* ---- Writing -------------------------------------------------------------------------------- */

static void write_string(const char *key, const char *value, struct text *text)
{
    if (!value)
        return;
    text_printf(text, "%s = ", key);
    text_add_quoted(text, value);
    text_add(text, "\n");
}

void message_write_resolve(const char *name, struct text *text)
{
    text_add(text, "[resolve]\n");
    write_string("name", name, text);
}

void message_write_ready(const struct message_ready *ready, struct text *text)
{
    text_add(text, "[ready]\n");
    write_string("workload", ready->workload, text);
    write_string("steward", ready->steward, text);
    write_string("certificate", ready->certificate, text);
    text_printf(text, "expires = %llu\n", (unsigned long long)ready->expires);
}

/* The numbers of a report, by their names. */
static const struct {
    const char *key;
    size_t offset;
} report_fields[] = {
    {"started", offsetof(struct message_report, started)},
    {"admitted", offsetof(struct message_report, admitted)},
    {"fetched", offsetof(struct message_report, fetched)},
    {"loaded", offsetof(struct message_report, loaded)},
    {"certified", offsetof(struct message_report, certified)},
    {"entered", offsetof(struct message_report, entered)},
    {"ended", offsetof(struct message_report, ended)},
    {"compiled", offsetof(struct message_report, compiled)},
};
enum { REPORT_FIELDS = sizeof(report_fields) / sizeof(report_fields[0]) };

void message_write_report(const struct message_report *report, struct text *text)
{
    text_add(text, "[report]\n");
    for (size_t i = 0; i < REPORT_FIELDS; i++) {
        uint64_t value;
        memcpy(&value, (const char *)report + report_fields[i].offset, sizeof(value));
        text_printf(text, "%s = %llu\n", report_fields[i].key, (unsigned long long)value);
    }
}

void message_write_addresses(const char *name, const struct message_addresses *addresses,
                             struct text *text)
{
    write_string("name", name, text);
    text_add(text, "addresses = [");
    for (size_t i = 0; i < addresses->count; i++) {
        text_add(text, i > 0 ? ", " : "");
        text_add_quoted(text, addresses->items[i]);
    }
    text_add(text, "]\n");
}

/* ---- Reading -------------------------------------------------------------------------------- */

static int malformed(struct err *err, const struct toml_node *node, const char *expected)
{
    return err_set(err, ERR_PROTOCOL, 0, "control message, line %u: %s", node->at.line, expected);
}

static int parse(struct span text, void **storage, const struct toml_node **root, struct err *err)
{
    struct toml_error error;
    size_t room = TOML_MEMORY(text.size);
    *storage = NULL;
    if (text.size > MESSAGE_SIZE_MAX)
        return err_set(err, ERR_PROTOCOL, EFBIG, "control message");
    *storage = malloc(room);
    if (!*storage)
        return err_set(err, ERR_IO, ENOMEM, "read a control message");
    int status = toml_parse(text, *storage, room, root, &error);
    if (status < 0)
        err_set(err, ERR_PROTOCOL, 0, "control message, line %u, column %u: %s", error.at.line,
                error.at.column, error.message);
    return status;
}

/* A string, or NULL where it is absent. */
static int take_string(const struct toml_node *table, const char *key, const char **value,
                       struct err *err)
{
    const struct toml_node *node = toml_get(table, key);
    *value = NULL;
    if (!node)
        return 0;
    if (node->kind != TOML_STRING || strlen((const char *)node->string.data) != node->string.size)
        return malformed(err, node, "a string without U+0000 is expected");
    *value = (const char *)node->string.data;
    return 0;
}

static int take_number(const struct toml_node *table, const char *key, uint64_t *value,
                       struct err *err)
{
    const struct toml_node *node = toml_get(table, key);
    *value = 0;
    if (!node)
        return 0;
    if (node->kind != TOML_INTEGER || node->integer < 0)
        return malformed(err, node, "a number that is not negative is expected");
    *value = (uint64_t)node->integer;
    return 0;
}

static int take_resolve(const struct toml_node *table, struct message *message, struct err *err)
{
    int status = take_string(table, "name", &message->name, err);
    return status == 0 && !message->name ? malformed(err, table, "name is missing") : status;
}

static int take_ready(const struct toml_node *table, struct message *message, struct err *err)
{
    struct message_ready *ready = &message->ready;
    int status = take_string(table, "workload", &ready->workload, err);
    if (status == 0)
        status = take_string(table, "steward", &ready->steward, err);
    if (status == 0)
        status = take_string(table, "certificate", &ready->certificate, err);
    if (status == 0)
        status = take_number(table, "expires", &ready->expires, err);
    return status == 0 && !ready->workload ? malformed(err, table, "workload is missing") : status;
}

static int take_report(const struct toml_node *table, struct message *message, struct err *err)
{
    for (size_t i = 0; i < REPORT_FIELDS; i++) {
        uint64_t value;
        int status = take_number(table, report_fields[i].key, &value, err);
        if (status < 0)
            return status;
        memcpy((char *)&message->report + report_fields[i].offset, &value, sizeof(value));
    }
    return 0;
}

static const struct {
    const char *name;
    int (*take)(const struct toml_node *, struct message *, struct err *);
} kinds[] = {
    [MESSAGE_RESOLVE] = {"resolve", take_resolve},
    [MESSAGE_READY] = {"ready", take_ready},
    [MESSAGE_REPORT] = {"report", take_report},
};

int message_parse(struct span text, struct message *message, struct err *err)
{
    const struct toml_node *root;
    *message = (struct message){0};
    int status = parse(text, &message->storage, &root, err);
    if (status < 0)
        return status;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        const struct toml_node *table = toml_get(root, kinds[i].name);
        if (!table)
            continue;
        message->kind = (enum message_kind)i;
        return table->kind == TOML_TABLE ? kinds[i].take(table, message, err)
                                         : malformed(err, table, "a table is expected");
    }
    return malformed(err, root, "this kind of message is not known");
}

void message_free(struct message *message)
{
    free(message->storage);
    *message = (struct message){0};
}

static bool is_address(const char *text)
{
    uint8_t bytes[sizeof(struct in6_addr)];
    return inet_pton(AF_INET, text, bytes) == 1 || inet_pton(AF_INET6, text, bytes) == 1;
}

static int take_address(const struct toml_node *node, struct message_addresses *addresses,
                        struct err *err)
{
    const struct span *text = &node->string;
    if (node->kind != TOML_STRING || text->size >= MESSAGE_ADDRESS_SIZE ||
        strlen((const char *)text->data) != text->size || !is_address((const char *)text->data))
        return malformed(err, node, "an address of IPv4 or IPv6 is expected");
    if (addresses->count == MESSAGE_ADDRESSES_MAX)
        return malformed(err, node, "these are too many addresses");
    memcpy(addresses->items[addresses->count++], text->data, text->size + 1);
    return 0;
}

int message_parse_addresses(struct span text, const char *name, struct message_addresses *addresses,
                            struct err *err)
{
    autofree void *storage = NULL;
    const struct toml_node *root;
    const char *answered;
    *addresses = (struct message_addresses){0};
    int status = parse(text, &storage, &root, err);
    if (status == 0)
        status = take_string(root, "name", &answered, err);
    if (status < 0)
        return status;
    if (!answered)
        return malformed(err, root, "name is missing");
    if (strcmp(answered, name) != 0)
        return -EAGAIN;
    const struct toml_node *list = toml_get(root, "addresses");
    if (!list || list->kind != TOML_ARRAY)
        return malformed(err, list ? list : root, "an array of addresses is expected");
    for (const struct toml_node *node = toml_first(list); node && status == 0; node = node->next)
        status = take_address(node, addresses, err);
    return status;
}
