// SPDX-License-Identifier: Apache-2.0
/* The client against a process that says what a test wants. TLS is in tests/e2e/platform.sh. */
#include "http/client.h"
#include "tap.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SECONDS = 20, BODY_MAX = 1000 };

/* A connection of the scripted server: what it answers to each request; NULL: it closes. */
struct script {
    const char *answers[3];
};

static void read_request(int fd)
{
    char text[4096] = "";
    for (size_t size = 0; !strstr(text, "\r\n\r\n");) {
        ssize_t got = read(fd, text + size, sizeof(text) - 1 - size);
        if (got <= 0)
            _exit(1);
        size += (size_t)got;
        text[size] = '\0';
    }
}

static void play(int listener, const struct script *scripts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int fd = accept(listener, NULL, NULL);
        for (size_t j = 0; j < 3 && scripts[i].answers[j]; j++) {
            const char *answer = scripts[i].answers[j];
            read_request(fd);
            if (write(fd, answer, strlen(answer)) < 0)
                _exit(1);
        }
        close(fd);
    }
    _exit(0);
}

/* Starts a server; the URL of it is written to `url`. */
static void serve(const struct script *scripts, size_t count, char url[64])
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    CHECK(bind(listener, (struct sockaddr *)&address, sizeof(address)) == 0);
    CHECK(listen(listener, 8) == 0);
    CHECK(getsockname(listener, (struct sockaddr *)&address, &size) == 0);
    snprintf(url, 64, "http://127.0.0.1:%u/a?b", ntohs(address.sin_port));
    fflush(stdout);
    if (fork() == 0)
        play(listener, scripts, count);
    close(listener);
}

static struct http_client *new_client(unsigned seconds)
{
    struct http_client *client =
        http_client_new(&(struct http_client_config){.seconds = seconds, .body_max = BODY_MAX});
    CHECK(client != NULL);
    return client;
}

static int get(struct http_client *client, const char *url, struct http_reply *reply,
               struct err *err)
{
    return http_client_call(client, &(struct http_call){.method = "GET", .url = url}, reply, err);
}

TEST(answers, "well-formed answers would be misread")
{
    static const struct {
        const char *answer, *body;
        unsigned status;
    } rows[] = {
        {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", "ok", 200},
        {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n", "", 404},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\no\r\n1;x\r\nk\r\n0\r\n\r\n",
         "ok", 200},
        {"HTTP/1.0 200 OK\r\n\r\nto the end", "to the end", 200},
        {"HTTP/1.1 204 No Content\r\n\r\n", "", 204},
        {"HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n", "", 302},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char url[64];
        struct err err = {0};
        struct http_reply reply;
        struct script script = {{rows[i].answer}};
        struct http_client *client = new_client(SECONDS);
        serve(&script, 1, url);
        CHECK(get(client, url, &reply, &err) == 0);
        CHECK_INT(reply.head.status, rows[i].status);
        CHECK(span_equal(reply.body, span_of(rows[i].body, strlen(rows[i].body))));
        http_reply_free(&reply);
        http_client_free(client);
    }
}

TEST(failures, "an answer that is cut, malformed or too large would pass for one that is whole")
{
    static const struct {
        const char *answer, *reason;
    } rows[] = {
        {"", "incomplete"},
        {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok", "incomplete"},
        {"HTTP/1.1 200 OK\r\nContent-Le", "incomplete"},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n", "incomplete"},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx", "malformed"},
        {"SSH-2.0-OpenSSH\r\n\r\n", "not HTTP"},
        {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok", "not HTTP"},
        {"HTTP/1.1 101 Switching\r\n\r\n", "protocol"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char url[64];
        struct err err = {0};
        struct http_reply reply;
        struct script script = {{rows[i].answer}};
        struct http_client *client = new_client(SECONDS);
        serve(&script, 1, url);
        CHECK(get(client, url, &reply, &err) < 0);
        CHECK(reply.memory[0] == NULL && reply.body.size == 0);
        if (!strstr(err.message, rows[i].reason))
            tap_fail(__FILE__, __LINE__, "answer %zu: %s", i, err.message);
        http_client_free(client);
    }
    char url[64], large[BODY_MAX + 100] = "HTTP/1.0 200 OK\r\n\r\n";
    size_t head = strlen(large);
    memset(large + head, 'x', BODY_MAX + 1);
    large[head + BODY_MAX + 1] = '\0';
    struct script script = {{large}};
    struct err err = {0};
    struct http_reply reply;
    struct http_client *client = new_client(SECONDS);
    serve(&script, 1, url);
    CHECK(get(client, url, &reply, &err) == -EMSGSIZE);
    CHECK(strstr(err.message, "more than 1000 bytes"));
    http_client_free(client);
}

TEST(keep, "each call would need a new connection, or fail when a kept one was closed")
{
    static const char ok[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    static const struct script scripts[] = {{{ok, ok}}, {{ok}}};
    char url[64];
    struct err err = {0};
    struct http_reply reply;
    struct http_client *client = new_client(SECONDS);
    serve(scripts, 2, url);
    for (size_t i = 0; i < 3; i++) { /* the third finds the first connection closed */
        CHECK(get(client, url, &reply, &err) == 0);
        CHECK(span_equal(reply.body, SPAN_LITERAL("ok")));
        http_reply_free(&reply);
    }
    http_client_free(client);
}

struct taken {
    size_t size;
    int status;
};

static int take(void *context, struct span piece, struct err *err)
{
    struct taken *taken = context;
    taken->size += piece.size;
    return taken->status < 0 ? err_set(err, ERR_IO, -taken->status, "cannot take") : 0;
}

TEST(pieces, "a body that is larger than memory could not be fetched")
{
    static char large[100 * BODY_MAX + 100] = "HTTP/1.0 200 OK\r\n\r\n";
    memset(large + strlen(large), 'x', 100 * BODY_MAX);
    const struct script scripts[] = {
        {{large}}, {{large}}, {{"HTTP/1.1 404 No\r\nContent-Length: 2\r\n\r\nno"}}};
    char url[64];
    struct err err = {0};
    struct http_reply reply;
    struct taken taken = {0};
    struct http_client *client = new_client(SECONDS);
    serve(scripts, 3, url);
    struct http_call call = {.method = "GET", .url = url, .take = take, .context = &taken};
    CHECK(http_client_call(client, &call, &reply, &err) == 0);
    CHECK_INT(taken.size, 100 * BODY_MAX);
    CHECK_INT(reply.body.size, 0);
    http_reply_free(&reply);
    taken.status = -ENOSPC;
    CHECK(http_client_call(client, &call, &reply, &err) == -ENOSPC);
    CHECK(strstr(err.message, "cannot take"));
    taken = (struct taken){0};
    CHECK(http_client_call(client, &call, &reply, &err) == 0);
    CHECK(taken.size == 0 && span_equal(reply.body, SPAN_LITERAL("no")));
    http_reply_free(&reply);
    http_client_free(client);
}

TEST(deadline, "a server that never answers would be waited for without end")
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    CHECK(bind(listener, (struct sockaddr *)&address, sizeof(address)) == 0);
    CHECK(listen(listener, 8) == 0);
    CHECK(getsockname(listener, (struct sockaddr *)&address, &size) == 0);
    char url[64];
    snprintf(url, sizeof(url), "http://127.0.0.1:%u", ntohs(address.sin_port));
    struct err err = {0};
    struct http_reply reply;
    struct http_client *client = new_client(1);
    CHECK(get(client, url, &reply, &err) == -ETIMEDOUT);
    close(listener);
    CHECK(get(client, url, &reply, &err) == -ECONNREFUSED);
    CHECK(strstr(err.message, "cannot connect to 127.0.0.1 port "));
    http_client_free(client);
}

TEST(usage, "what cannot be sent would be sent somehow")
{
    struct err err = {0};
    struct http_reply reply;
    struct http_client *client = new_client(SECONDS);
    CHECK(get(client, "ftp://example.com", &reply, &err) < 0);
    CHECK_INT(err.class, ERR_USAGE);
    err = (struct err){0};
    CHECK(get(client, "https://example.com", &reply, &err) < 0);
    CHECK(strstr(err.message, "needs TLS"));
    char url[64];
    static const struct script scripts[] = {{{NULL}}};
    serve(scripts, 1, url);
    struct http1_field field = {"X", "a\r\nY: b"};
    struct http_call call = {.method = "GET", .url = url, .fields = &field, .field_count = 1};
    err = (struct err){0};
    CHECK(http_client_call(client, &call, &reply, &err) < 0);
    CHECK_INT(err.class, ERR_USAGE);
    http_client_free(client);
}

TAP_MAIN()
