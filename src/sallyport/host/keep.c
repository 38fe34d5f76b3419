// SPDX-License-Identifier: Apache-2.0
/* The keep calls: checked here, served by the backend. */
#include "sallyport/host/calls.h"

#include <errno.h>
#include <string.h>

int64_t sp_host_exit_group(struct sp_host *host, uint64_t status)
{
    host->ops->exit_group(host, (int)(status & 0xff));
    return 0;
}

int64_t sp_host_exit_thread(struct sp_host *host)
{
    host->ops->exit_thread(host);
    return 0;
}

int64_t sp_host_memory_add(struct sp_host *host, uint64_t address, uint64_t size)
{
    return host->ops->memory_add(host, address, size);
}

int64_t sp_host_memory_discard(struct sp_host *host, uint64_t address, uint64_t size)
{
    return host->ops->memory_discard(host, address, size);
}

int64_t sp_host_thread_spawn(struct sp_host *host, uint64_t thread)
{
    return host->ops->thread_spawn(host, thread);
}

int64_t sp_host_thread_park(struct sp_host *host, uint64_t timeout)
{
    return host->ops->thread_park(host, timeout);
}

int64_t sp_host_thread_unpark(struct sp_host *host, uint64_t thread)
{
    return host->ops->thread_unpark(host, thread);
}

int64_t sp_host_thread_kick(struct sp_host *host, uint64_t thread)
{
    return host->ops->thread_kick(host, thread);
}

int64_t sp_host_signal_take(struct sp_host *host)
{
    return host->ops->signal_take(host);
}

int64_t sp_host_clocks(struct sp_host *host, void *clocks)
{
    struct sp_clocks now;
    int status = host->ops->clocks(host, &now);
    if (status == 0)
        memcpy(clocks, &now, sizeof(now));
    return status;
}

int64_t sp_host_panic(struct sp_host *host, void *message, uint64_t size)
{
    char text[256];
    size_t length = size < sizeof(text) - 1 ? size : sizeof(text) - 1;
    memcpy(text, message, length);
    text[length] = '\0';
    for (size_t i = 0; i < length; i++) {
        if (text[i] < ' ' || text[i] > '~')
            text[i] = '?';
    }
    host->ops->panic(host, text);
    return 0;
}
