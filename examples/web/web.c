// SPDX-License-Identifier: Apache-2.0
/*
 * An HTTP server in one file of ordinary C. Enarx.toml gives it a socket that listens; TLS, key and
 * certificate are the Keep's, so that there is nothing of them here.
 *
 *     clang --target=wasm32-wasi -O2 -o main.wasm web.c
 *     enarx deploy .
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { CLIENTS_MAX = 256, HEAD_MAX = 8192, ANSWER_MAX = 4096, IDLE_SECONDS = 30 };

struct client {
    int fd;
    time_t since; /* it last said something */
    size_t got, have, sent;
    bool last; /* the connection ends when everything is sent */
    char head[HEAD_MAX];
    char answer[ANSWER_MAX];
};

static struct client clients[CLIENTS_MAX];
static struct pollfd polled[CLIENTS_MAX + 1];
static size_t client_count;
static unsigned long served;

/* The descriptor that Enarx.toml calls by this name. */
static int find_file(const char *name)
{
    const char *names = getenv("FD_NAMES");
    for (int fd = 0; names && *names; fd++) {
        size_t size = strcspn(names, ":");
        if (size == strlen(name) && strncmp(names, name, size) == 0)
            return fd;
        names += size + (names[size] == ':');
    }
    return -1;
}

/* ---- Requests -------------------------------------------------------------------------------- */

static const char *body_of(const char *path, const char **type, char *buffer, size_t size)
{
    *type = "text/plain; charset=utf-8";
    if (strcmp(path, "/healthz") == 0)
        return "ok\n";
    if (strcmp(path, "/") != 0)
        return NULL;
    *type = "text/html; charset=utf-8";
    snprintf(buffer, size,
             "<!DOCTYPE html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n"
             "<title>In a Keep</title>\n"
             "<h1>Hello from a Keep</h1>\n"
             "<p>This page was made by a WebAssembly program. The certificate of this connection "
             "names it by its digest.</p>\n"
             "<p>Pages served: %lu</p>\n</html>\n",
             ++served);
    return buffer;
}

static bool header_says(const char *head, const char *header)
{
    for (const char *line = head; (line = strchr(line, '\n'));) {
        line++;
        if (strncasecmp(line, header, strlen(header)) == 0)
            return true;
    }
    return false;
}

/* Answers the request whose head, without its last empty line, is a string. */
static void answer(struct client *client, const char *head)
{
    char method[8] = "", path[256] = "", page[2048];
    unsigned minor = 0;
    const char *type = "text/plain", *status = "200 OK", *body = NULL;
    if (sscanf(head, "%7s %255s HTTP/1.%u", method, path, &minor) != 3) {
        status = "400 Bad Request";
        body = "This is not HTTP/1.1.\n";
        client->last = true;
    } else if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0) {
        status = "405 Method Not Allowed";
        body = "Only GET and HEAD.\n";
        client->last = true; /* a body may follow */
    } else if (!(body = body_of(path, &type, page, sizeof(page)))) {
        status = "404 Not Found";
        body = "There is nothing here.\n";
    }
    client->last = client->last || minor == 0 || header_says(head, "connection: close");
    client->have += (size_t)snprintf(
        client->answer + client->have, ANSWER_MAX - client->have,
        "HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\nConnection: %s\r\n\r\n%s",
        status, type, strlen(body), client->last ? "close" : "keep-alive",
        strcmp(method, "HEAD") == 0 ? "" : body);
}

/* Takes one whole head out of what was received. False: there is none. */
static bool take_request(struct client *client)
{
    client->head[client->got] = '\0';
    char *end = strstr(client->head, "\r\n\r\n");
    if (!end)
        return false;
    *end = '\0';
    answer(client, client->head);
    size_t used = (size_t)(end + 4 - client->head);
    memmove(client->head, client->head + used, client->got - used);
    client->got -= used;
    return true;
}

/* ---- Connections ----------------------------------------------------------------------------- */

static bool would_block(void)
{
    return errno == EAGAIN || errno == EINTR;
}

/* False: the connection is over. */
static bool receive(struct client *client)
{
    ssize_t got = read(client->fd, client->head + client->got, HEAD_MAX - 1 - client->got);
    if (got <= 0)
        return got < 0 && would_block();
    client->got += (size_t)got;
    client->since = time(NULL);
    return true;
}

static bool transmit(struct client *client)
{
    ssize_t sent = write(client->fd, client->answer + client->sent, client->have - client->sent);
    if (sent < 0)
        return would_block();
    client->sent += (size_t)sent;
    client->since = time(NULL);
    if (client->sent == client->have)
        client->sent = client->have = 0;
    return true;
}

/* Goes on as far as it goes without waiting. False: the connection is over. */
static bool serve(struct client *client, short events)
{
    if (events & POLLOUT && client->have > 0 && !transmit(client))
        return false;
    if (events & (POLLIN | POLLHUP) && client->have == 0 && !receive(client))
        return false;
    while (client->have == 0 && !client->last && take_request(client)) {
        if (!transmit(client))
            return false;
    }
    if (client->last && client->have == 0)
        return false;
    return client->got < HEAD_MAX - 1; /* a head that is too long */
}

static void accept_clients(int listener)
{
    while (client_count < CLIENTS_MAX) {
        int fd = accept(listener, NULL, NULL);
        if (fd < 0)
            return;
        fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
        struct client *client = &clients[client_count++];
        client->fd = fd;
        client->since = time(NULL);
        client->got = client->have = client->sent = 0;
        client->last = false;
    }
}

static void drop(size_t i)
{
    shutdown(clients[i].fd, SHUT_RDWR);
    close(clients[i].fd);
    if (i != --client_count)
        memcpy(&clients[i], &clients[client_count], sizeof(clients[i]));
}

int main(void)
{
    int listener = find_file("web");
    if (listener < 0) {
        fputs("Enarx.toml has no file with the name web.\n", stderr);
        return 1;
    }
    fcntl(listener, F_SETFL, fcntl(listener, F_GETFL) | O_NONBLOCK);
    for (;;) {
        size_t count = client_count;
        polled[0] =
            (struct pollfd){.fd = client_count < CLIENTS_MAX ? listener : -1, .events = POLLIN};
        for (size_t i = 0; i < count; i++)
            polled[i + 1] = (struct pollfd){.fd = clients[i].fd,
                                            .events = clients[i].have > 0 ? POLLOUT : POLLIN};
        if (poll(polled, count + 1, 1000) < 0 && errno != EINTR) {
            perror("poll");
            return 1;
        }
        for (size_t i = count; i-- > 0;) { /* backwards: drop moves the last one */
            bool idle = time(NULL) - clients[i].since > IDLE_SECONDS;
            if ((polled[i + 1].revents && !serve(&clients[i], polled[i + 1].revents)) || idle)
                drop(i);
        }
        if (polled[0].revents)
            accept_clients(listener);
    }
}
