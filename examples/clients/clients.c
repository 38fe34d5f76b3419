// SPDX-License-Identifier: Apache-2.0
#include "clients.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { PATIENCE_SECONDS = 30 };

struct client {
    struct client *next;
    struct pollfd *polled; /* NULL until it is polled for the first time */
    void *state;
    int fd;
    time_t since;           /* bytes came or went */
    size_t got, begin, end; /* of input; of output from begin to end */
    bool known;             /* it has sent a request */
    bool finished;          /* it sends nothing further */
    bool ended;             /* nothing further is taken */
    bool over;              /* the connection ends now */
    char *input, *output;
};

static const struct service *service;
static struct client *clients;
static size_t client_count;

int find_file(const char *name)
{
    const char *names = getenv("FD_NAMES");
    for (int fd = 0; names && *names; fd++) {
        size_t size = strcspn(names, ":");
        if (size == strlen(name) && strncmp(names, name, size) == 0)
            return fd;
        names += size + (names[size] == ':');
    }
    fprintf(stderr, "Enarx.toml has no file with the name %s.\n", name);
    return -1;
}

/* ---- What a service does with its clients ---------------------------------------------------- */

void client_send(struct client *client, const void *bytes, size_t size)
{
    if (client->over)
        return;
    memmove(client->output, client->output + client->begin, client->end - client->begin);
    client->end -= client->begin;
    client->begin = 0;
    if (size > service->output_max - client->end) { /* too slow */
        client->over = true;
        return;
    }
    memcpy(client->output + client->end, bytes, size);
    client->end += size;
}

void client_print(struct client *client, const char *format, ...)
{
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    if (size > 0)
        client_send(client, text, (size_t)size < sizeof(text) ? (size_t)size : sizeof(text) - 1);
}

void client_end(struct client *client)
{
    client->ended = true;
}

void *client_get_state(const struct client *client)
{
    return client->state;
}

void client_set_state(struct client *client, void *state)
{
    client->state = state;
}

struct client *client_next(const struct client *client)
{
    return client ? client->next : clients;
}

/* ---- Connections ----------------------------------------------------------------------------- */

static bool is_waiting(const struct client *client)
{
    return client->begin < client->end;
}

static void receive(struct client *client)
{
    ssize_t got = read(client->fd, client->input + client->got, service->input_max - client->got);
    if (got > 0) {
        client->got += (size_t)got;
        client->since = time(NULL);
    } else if (got == 0) {
        client->finished = true;
    } else if (errno != EAGAIN && errno != EINTR) {
        client->over = true;
    }
}

static void transmit(struct client *client)
{
    ssize_t sent = write(client->fd, client->output + client->begin, client->end - client->begin);
    if (sent >= 0) {
        client->begin += (size_t)sent;
        client->since = time(NULL);
    } else if (errno != EAGAIN && errno != EINTR) {
        client->over = true;
    }
}

/* Goes on as far as it goes without waiting. */
static void serve(struct client *client)
{
    if (client->polled && client->polled->revents && !is_waiting(client) && !client->finished)
        receive(client);
    size_t used = 0, size = 0;
    for (;;) {
        if (is_waiting(client))
            transmit(client);
        if (client->over || client->ended || is_waiting(client) || used == client->got)
            break;
        size = service->take(client, client->input + used, client->got - used);
        if (size == 0)
            break;
        used += size;
        client->known = true;
    }
    client->got -= used;
    memmove(client->input, client->input + used, client->got);
    if (client->got == service->input_max && !is_waiting(client))
        client->over = true; /* a request that is too long */
    if ((client->finished || client->ended) && !is_waiting(client))
        client->over = true;
    bool hurry = is_waiting(client) || !client->known;
    if (time(NULL) - client->since > (hurry ? PATIENCE_SECONDS : (time_t)service->idle_seconds))
        client->over = true;
}

static void accept_client(int listener)
{
    int fd = accept(listener, NULL, NULL);
    if (fd < 0)
        return;
    struct client *client = calloc(1, sizeof(*client) + service->input_max + service->output_max);
    if (!client) {
        close(fd);
        return;
    }
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    client->input = (char *)(client + 1);
    client->output = client->input + service->input_max;
    client->fd = fd;
    client->since = time(NULL);
    client->next = clients;
    clients = client;
    client_count++;
}

static void drop_those_who_are_over(void)
{
    for (struct client **link = &clients; *link;) {
        struct client *client = *link;
        if (!client->over) {
            link = &client->next;
            continue;
        }
        *link = client->next;
        client_count--;
        if (service->left)
            service->left(client);
        shutdown(client->fd, SHUT_RDWR);
        close(client->fd);
        free(client);
    }
}

int clients_serve(const char *name, const struct service *with)
{
    service = with;
    int listener = find_file(name);
    struct pollfd *polled = calloc(service->clients_max + 1, sizeof(*polled));
    if (listener < 0 || !polled)
        return 1;
    fcntl(listener, F_SETFL, fcntl(listener, F_GETFL) | O_NONBLOCK);
    for (;;) {
        nfds_t count = 0;
        for (struct client *client = clients; client; client = client->next) {
            client->polled = &polled[count++];
            *client->polled =
                (struct pollfd){.fd = client->fd, .events = is_waiting(client) ? POLLOUT : POLLIN};
        }
        bool full = client_count == service->clients_max;
        polled[count] = (struct pollfd){.fd = full ? -1 : listener, .events = POLLIN};
        if (poll(polled, count + 1, 1000) < 0 && errno != EINTR) {
            perror("poll");
            return 1;
        }
        for (struct client *client = clients; client; client = client->next)
            serve(client);
        if (polled[count].revents)
            accept_client(listener);
        drop_those_who_are_over();
    }
}
