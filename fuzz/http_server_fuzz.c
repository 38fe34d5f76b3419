// SPDX-License-Identifier: Apache-2.0
/* libFuzzer target: any bytes from a client, in pieces, to a server with little memory. Whatever it
 * is sent, it answers with HTTP, and no connection and no memory stays behind. The first byte says
 * how large the pieces are, the second how much memory there is. */
#include "http/server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { BODY_MAX = 32 * 1024, ANSWERS_MAX = 1 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool condition)
{
    if (!condition)
        abort();
}

static void answer_request(void *context, const struct http_exchange *exchange,
                           struct http_answer *answer)
{
    (void)context;
    check(exchange->body.size <= BODY_MAX);
    answer->status = 200;
    answer->content_type = "application/octet-stream";
    answer->body = exchange->body; /* back to the client */
    answer->headers[0] = (struct http1_field){"X-Served", "yes"};
}

static struct http_server *new_server(int listener, size_t memory)
{
    const struct http_server_config config = {
        .listener = listener,
        .body_max = BODY_MAX,
        .memory_max = memory,
        .connections_max = 4,
        .client_connections_max = 4,
        .seconds = 10,
        .rate = 1 << 20,
        .answer = answer_request,
    };
    return http_server_new(&config);
}

static int make_listener(struct sockaddr_un *address, socklen_t *address_size)
{
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    /* A name that the system chooses. */
    check(listener >= 0 && bind(listener, (struct sockaddr *)address, sizeof(sa_family_t)) == 0);
    *address_size = sizeof(*address);
    check(getsockname(listener, (struct sockaddr *)address, address_size) == 0);
    check(listen(listener, 4) == 0);
    return listener;
}

/* Reads what there is; false at the end. */
static bool take_answers(int fd, char *answers, size_t *size)
{
    ssize_t got = recv(fd, answers + *size, ANSWERS_MAX - *size, MSG_DONTWAIT);
    *size += got > 0 ? (size_t)got : 0;
    check(*size < ANSWERS_MAX);
    return got != 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct sockaddr_un address;
    static socklen_t address_size;
    static int listener = -1;
    static char answers[ANSWERS_MAX];
    if (size < 2 || size > ANSWERS_MAX / 4)
        return 0;
    if (listener < 0)
        listener = make_listener(&address, &address_size);
    size_t step = 1 + (size_t)data[0] * data[0], heard = 0;
    struct http_server *server = new_server(listener, (size_t)data[1] * 1024);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    check(server && fd >= 0 && connect(fd, (struct sockaddr *)&address, address_size) == 0);
    for (size_t at = 2; at < size;) {
        size_t piece = size - at < step ? size - at : step;
        ssize_t sent = send(fd, data + at, piece, MSG_NOSIGNAL | MSG_DONTWAIT);
        at = sent > 0 ? at + (size_t)sent : size;
        check(http_server_step(server, 0) == 0);
        if (!take_answers(fd, answers, &heard))
            break;
    }
    shutdown(fd, SHUT_WR);
    while (http_server_step(server, 0) == 0 && take_answers(fd, answers, &heard))
        ;
    check(heard == 0 || memcmp(answers, "HTTP/1.1 ", heard < 9 ? heard : 9) == 0);
    close(fd);
    while (http_server_stats(server).connections > 0)
        check(http_server_step(server, 0) == 0);
    check(http_server_stats(server).memory == 0);
    http_server_free(server);
    return 0;
}
