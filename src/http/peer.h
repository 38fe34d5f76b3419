/* SPDX-License-Identifier: Apache-2.0 */
/* Who is at the other end of a connection, and who counts as the same client. Host side. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

struct http_peer {
    uint8_t address[16]; /* of IPv6; ::ffff:a.b.c.d for IPv4; zeros for other families */
};

struct http_peer http_peer_of(const struct sockaddr_storage *address);

/* The client for whom a peer counts when limits are applied: an address of IPv4, or the first 64
 * bits of one of IPv6, because a single host commonly has all of the rest. */
struct http_peer http_peer_client(const struct http_peer *peer);
bool http_peer_equal(const struct http_peer *a, const struct http_peer *b);
