// SPDX-License-Identifier: Apache-2.0
#include "http/peer.h"

#include <netinet/in.h>
#include <string.h>

static const uint8_t mapped[12] = {[10] = 0xFF, [11] = 0xFF};

struct http_peer http_peer_of(const struct sockaddr_storage *address)
{
    struct http_peer peer = {0};
    if (address->ss_family == AF_INET6) {
        const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)address;
        memcpy(peer.address, &six->sin6_addr, sizeof(peer.address));
    } else if (address->ss_family == AF_INET) {
        const struct sockaddr_in *four = (const struct sockaddr_in *)address;
        memcpy(peer.address, mapped, sizeof(mapped));
        memcpy(peer.address + sizeof(mapped), &four->sin_addr, sizeof(four->sin_addr));
    }
    return peer;
}

struct http_peer http_peer_client(const struct http_peer *peer)
{
    struct http_peer client = *peer;
    if (memcmp(client.address, mapped, sizeof(mapped)) != 0)
        memset(client.address + 8, 0, 8);
    return client;
}

bool http_peer_equal(const struct http_peer *a, const struct http_peer *b)
{
    return memcmp(a->address, b->address, sizeof(a->address)) == 0;
}
