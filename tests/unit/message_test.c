// SPDX-License-Identifier: Apache-2.0
#include "exec/message.h"
#include "tap.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static struct message parse(const char *text)
{
    struct message message;
    struct err err = {0};
    if (message_parse(span_of(text, strlen(text)), &message, &err) < 0)
        tap_fail(__FILE__, __LINE__, "%s in\n%s", err.message, text);
    return message;
}

TEST(round_trip, "what a Keep writes is what its host reads")
{
    char buffer[1024];
    struct text text = text_init(buffer, sizeof(buffer));
    message_write_resolve("db.example.com", &text);
    struct message message = parse(buffer);
    CHECK_INT(message.kind, MESSAGE_RESOLVE);
    CHECK_STR(message.name, "db.example.com");
    message_free(&message);

    text = text_init(buffer, sizeof(buffer));
    const struct message_ready ready = {"00ff", NULL, "-----BEGIN\nx\n", 77};
    message_write_ready(&ready, &text);
    message = parse(buffer);
    CHECK_INT(message.kind, MESSAGE_READY);
    CHECK_STR(message.ready.workload, "00ff");
    CHECK(!message.ready.steward);
    CHECK_STR(message.ready.certificate, "-----BEGIN\nx\n");
    CHECK_INT(message.ready.expires, 77);
    message_free(&message);

    text = text_init(buffer, sizeof(buffer));
    const struct message_report report = {1, 20, 300, 4000, 50000, 600000, 7000000, 8};
    message_write_report(&report, &text);
    message = parse(buffer);
    CHECK_INT(message.kind, MESSAGE_REPORT);
    CHECK(memcmp(&message.report, &report, sizeof(report)) == 0);
    message_free(&message);
}

TEST(hostile_keep, "a Keep cannot confuse its host")
{
    static const struct {
        const char *text, *message;
    } attacks[] = {
        {"", "control message, line 1: this kind of message is not known"},
        {"\xFF", NULL},
        {"[shutdown]", "control message, line 1: this kind of message is not known"},
        {"resolve = 1", "control message, line 1: a table is expected"},
        {"[resolve]", "control message, line 1: name is missing"},
        {"[resolve]\nname = 1", "control message, line 2: a string without U+0000 is expected"},
        {"[resolve]\nname = \"a\\u0000b\"",
         "control message, line 2: a string without U+0000 is expected"},
        {"[ready]\nexpires = 1", "control message, line 1: workload is missing"},
        {"[ready]\nworkload = ''\nexpires = -1",
         "control message, line 3: a number that is not negative is expected"},
        {"[report]\nstarted = -1",
         "control message, line 2: a number that is not negative is expected"},
        {"[report]\nstarted = 'x'",
         "control message, line 2: a number that is not negative is expected"},
    };
    for (size_t i = 0; i < sizeof(attacks) / sizeof(attacks[0]); i++) {
        struct message message;
        struct err err = {0};
        CHECK(message_parse(span_of(attacks[i].text, strlen(attacks[i].text)), &message, &err) < 0);
        CHECK_INT(err.class, ERR_PROTOCOL);
        if (attacks[i].message)
            CHECK_STR(err.message, attacks[i].message);
        message_free(&message);
    }
}

TEST(addresses, "a Keep takes addresses and nothing else for an answer")
{
    struct message_addresses sent = {{"192.0.2.7", "2001:db8::1"}, 2}, got;
    char buffer[256];
    struct text text = text_init(buffer, sizeof(buffer));
    message_write_addresses("db.example", &sent, &text);
    CHECK_INT(message_parse_addresses(text_span(&text), "db.example", &got, NULL), 0);
    CHECK_INT(got.count, 2);
    CHECK_STR(got.items[1], "2001:db8::1");
    CHECK_INT(message_parse_addresses(text_span(&text), "other.example", &got, NULL), -EAGAIN);
    static const char *const attacks[] = {
        "",
        "addresses = []",
        "name = 1\naddresses = []",
        "name = 'n'",
        "name = 'n'\naddresses = 1",
        "name = 'n'\naddresses = [1]",
        "name = 'n'\naddresses = ['example.com']",
        "name = 'n'\naddresses = ['1.2.3.4;rm']",
        "name = 'n'\naddresses = [\"1.2.3.4\\u0000\"]",
        "name = 'n'\naddresses = ['1.1.1.1', '1.1.1.2', '1.1.1.3', '1.1.1.4', '1.1.1.5']",
        "name = 'n'\naddresses = ['0000000000000000000000000000000000000000000000000000:1']",
    };
    for (size_t i = 0; i < sizeof(attacks) / sizeof(attacks[0]); i++)
        CHECK(message_parse_addresses(span_of(attacks[i], strlen(attacks[i])), "n", &got, NULL) ==
              -EINVAL);
}

TEST(stream, "messages come out of a stream one by one, however they were cut")
{
    int fds[2];
    struct span message;
    CHECK_INT(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    struct message_reader reader = message_reader_of(fds[0], 8);
    CHECK_INT(message_next(&reader, 0, &message), -ETIMEDOUT);
    CHECK_INT(write(fds[1], "one\0tw", 6), 6);
    CHECK_INT(message_next(&reader, 0, &message), 1);
    CHECK_STR((const char *)message.data, "one");
    CHECK_INT(message_next(&reader, 0, &message), -ETIMEDOUT);
    CHECK_INT(write(fds[1], "o\0\0eightbyt\0", 12), 12);
    CHECK_INT(message_next(&reader, 0, &message), 1);
    CHECK_STR((const char *)message.data, "two");
    CHECK_INT(message_next(&reader, 0, &message), 1);
    CHECK_INT(message.size, 0);
    CHECK_INT(message_next(&reader, 0, &message), 1);
    CHECK_STR((const char *)message.data, "eightbyt");
    CHECK_INT(write(fds[1], "ninebytes\0", 10), 10);
    CHECK_INT(message_next(&reader, 0, &message), -EFBIG);
    message_reader_free(&reader);
    close(fds[0]);
    close(fds[1]);
}

TEST(ends, "a stream that ends is at its end between messages, and broken within one")
{
    int fds[2];
    struct span message;
    CHECK_INT(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    struct message_reader reader = message_reader_of(fds[0], 8);
    CHECK_INT(write(fds[1], "one\0tw", 6), 6);
    close(fds[1]);
    CHECK_INT(message_next(&reader, -1, &message), 1);
    CHECK_INT(message_next(&reader, -1, &message), -EBADMSG);
    message_reader_free(&reader);
    close(fds[0]);
    CHECK_INT(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    close(fds[1]);
    reader = message_reader_of(fds[0], 8);
    CHECK_INT(message_next(&reader, -1, &message), 0);
    message_reader_free(&reader);
    close(fds[0]);
}

TAP_MAIN()
