// SPDX-License-Identifier: Apache-2.0
/* Gives back each line to whoever sent it, to many clients at once. TLS, key and certificate are
 * the Keep's: there is nothing of them here. */
#include "../clients/clients.h"

#include <string.h>

static size_t take_line(struct client *client, const char *bytes, size_t size)
{
    const char *end = memchr(bytes, '\n', size);
    if (!end)
        return 0;
    size_t length = (size_t)(end + 1 - bytes);
    client_send(client, bytes, length);
    return length;
}

int main(void)
{
    static const struct service echo = {
        .clients_max = 100,
        .input_max = 4096,
        .output_max = 4096,
        .idle_seconds = 300,
        .take = take_line,
    };
    return clients_serve("echo", &echo);
}
