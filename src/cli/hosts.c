// SPDX-License-Identifier: Apache-2.0
#include "cli/hosts.h"

#include "base/cleanup.h"
#include "base/read_all.h"
#include "codec/url.h"
#include "exec/config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <string.h>

enum { ADDRESSES_MAX = 4 }; /* of one name */

/* One name and one of its addresses. */
struct entry {
    char name[URL_HOST_MAX + 1], address[INET6_ADDRSTRLEN];
};

static bool is_literal(const char *host)
{
    uint8_t bytes[sizeof(struct in6_addr)];
    return strcmp(host, "localhost") == 0 || inet_pton(AF_INET, host, bytes) == 1 ||
           inet_pton(AF_INET6, host, bytes) == 1;
}

static bool is_known(const struct hosts *hosts, const char *name)
{
    const struct entry *entries = hosts->storage;
    for (size_t i = 0; i < hosts->count; i++) {
        if (strcmp(entries[i].name, name) == 0)
            return true;
    }
    return false;
}

static void add_addresses(struct hosts *hosts, const char *name)
{
    const struct addrinfo wanted = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    struct entry *entries = hosts->storage;
    if (is_literal(name) || strlen(name) > URL_HOST_MAX || is_known(hosts, name) ||
        getaddrinfo(name, NULL, &wanted, &found) != 0)
        return;
    size_t count = 0;
    for (const struct addrinfo *each = found; each && count < ADDRESSES_MAX; each = each->ai_next) {
        struct entry *entry = &entries[hosts->count];
        if (getnameinfo(each->ai_addr, each->ai_addrlen, entry->address, sizeof(entry->address),
                        NULL, 0, NI_NUMERICHOST) != 0)
            continue;
        strcpy(entry->name, name);
        hosts->count++;
        count++;
    }
    freeaddrinfo(found);
}

static void add_steward(struct hosts *hosts, const char *steward)
{
    char name[URL_HOST_MAX + 1];
    struct url url;
    if (!steward || url_parse(span_of(steward, strlen(steward)), &url) < 0)
        return;
    memcpy(name, url.host.data, url.host.size);
    name[url.host.size] = '\0';
    add_addresses(hosts, name);
}

static int add_all(struct hosts *hosts, const struct config *config, struct err *err)
{
    size_t room = (config->file_count + 1) * ADDRESSES_MAX;
    hosts->storage = calloc(room, sizeof(struct entry));
    hosts->items = calloc(room, sizeof(*hosts->items));
    if (!hosts->storage || !hosts->items)
        return err_set(err, ERR_IO, ENOMEM, "look up the names in Enarx.toml");
    add_steward(hosts, config->steward);
    for (size_t i = 0; i < config->file_count; i++) {
        if (config->files[i].kind == FILE_CONNECT)
            add_addresses(hosts, config->files[i].host);
    }
    const struct entry *entries = hosts->storage;
    for (size_t i = 0; i < hosts->count; i++)
        hosts->items[i] = (struct control_host){entries[i].name, entries[i].address};
    return 0;
}

int hosts_find(int config_fd, struct hosts *hosts, struct err *err)
{
    struct config config __attribute__((cleanup(config_free))) = {0};
    struct err ignored = {0};
    autofree uint8_t *text = NULL;
    size_t size = 0;
    *hosts = (struct hosts){0};
    if (config_fd < 0 || lseek(config_fd, 0, SEEK_SET) < 0 ||
        read_all(config_fd, CONFIG_SIZE_MAX, &text, &size) < 0)
        return 0;
    lseek(config_fd, 0, SEEK_SET); /* for the Keep */
    if (config_parse(span_of(text, size), "Enarx.toml", &config, &ignored) < 0)
        return 0;
    int status = add_all(hosts, &config, err);
    if (status < 0)
        hosts_free(hosts);
    return status;
}

void hosts_free(struct hosts *hosts)
{
    free(hosts->items);
    free(hosts->storage);
    *hosts = (struct hosts){0};
}
