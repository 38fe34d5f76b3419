/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A server with many clients, on one thread: what echo, chat and kv share. It waits with poll for
 * whoever is ready, so that nobody waits for somebody slow, and holds a bounded amount for each:
 *
 *  - of what a client sends, one request that is not complete yet (input_max),
 *  - of what it does not fetch, output_max. A client that lets more come together is dropped, and
 * so is one that fetches nothing for half a minute. While something waits for it, no further
 * request of it is taken.
 *
 * TLS is the Keep's: Enarx.toml says which descriptor listens, and how.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct client;

struct service {
    size_t clients_max;           /* further ones wait until somebody leaves */
    size_t input_max, output_max; /* bytes */
    unsigned idle_seconds; /* how long a client may say nothing; half a minute before its first
                              request */

    /* Takes one request from the beginning of what a client sent and returns its size; 0: it is not
     * complete. What is not complete in input_max bytes ends the connection. */
    size_t (*take)(struct client *client, const char *bytes, size_t size);

    void (*left)(struct client *client); /* may be NULL: the client is about to be freed */
};

/* Serves whoever connects to the file of this name. Returns, after a message, only if that is
 * impossible: the exit status. */
int clients_serve(const char *name, const struct service *service);

/* Queues bytes for a client. */
void client_send(struct client *client, const void *bytes, size_t size);
__attribute__((format(printf, 2, 3))) void client_print(struct client *client, const char *format,
                                                        ...); /* up to 1023 bytes */

/* Ends a connection when everything that is queued has been sent. */
void client_end(struct client *client);

/* Whatever the service wants to remember of a client; NULL at first. */
void *client_get_state(const struct client *client);
void client_set_state(struct client *client, void *state);

/* All clients, one after the other: the first one for NULL, NULL after the last one. */
struct client *client_next(const struct client *client);

/* The descriptor that Enarx.toml calls by this name; -1, after a message: there is none. */
int find_file(const char *name);
