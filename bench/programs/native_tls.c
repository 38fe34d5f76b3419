// SPDX-License-Identifier: Apache-2.0
/*
 * The socket calls of examples/web, natively, over the same TLS and the same OpenSSL that a Keep
 * has: what the example is measured beside. web.c is compiled with its calls renamed (bench_…) and
 * linked with this. PORT, and CHAIN and KEY in PEM, come from the environment.
 */
#include "base/read_all.h"
#include "crypto/tls.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { FDS = 1024, PEM_MAX = 1 << 20 };

int bench_accept(int fd, struct sockaddr *address, socklen_t *size);
ssize_t bench_read(int fd, void *buffer, size_t size);
ssize_t bench_write(int fd, const void *buffer, size_t size);
int bench_close(int fd);
int bench_poll(struct pollfd *polled, nfds_t count, int milliseconds);

static struct crypto_tls_context *context;
static struct crypto_tls *connections[FDS];

static struct span read_pem(const char *variable)
{
    uint8_t *data;
    size_t size;
    int fd = open(getenv(variable), O_RDONLY);
    if (fd < 0 || read_all(fd, PEM_MAX, &data, &size) < 0)
        abort();
    close(fd);
    return span_of(data, size);
}

/* Makes the listening socket that Enarx.toml would give: descriptor 3. */
__attribute__((constructor)) static void prepare(void)
{
    const int yes = 1;
    const uint8_t alpn[] = "\x08http/1.1";
    struct crypto_tls_config config = {.chain = read_pem("CHAIN"),
                                       .key = read_pem("KEY"),
                                       .tls13 = true,
                                       .alpn = span_of(alpn, sizeof(alpn) - 1)};
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)atoi(getenv("PORT"))),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    signal(SIGPIPE, SIG_IGN);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
    if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, 128) < 0 ||
        dup2(fd, 3) < 0 || crypto_tls_context_new(CRYPTO_TLS_SERVER, &config, &context) < 0)
        abort();
    if (fd != 3)
        close(fd);
    setenv("FD_NAMES", "null:stdout:stderr:web", 1);
}

int bench_accept(int listener, struct sockaddr *address, socklen_t *size)
{
    int fd = accept4(listener, address, size, SOCK_NONBLOCK);
    if (fd < 0)
        return fd;
    if (fd >= FDS || !(connections[fd] = crypto_tls_accept(context, fd)))
        abort();
    return fd;
}

static ssize_t result_of(ssize_t result)
{
    if (result >= 0)
        return result;
    errno = (int)-result;
    return -1;
}

ssize_t bench_read(int fd, void *buffer, size_t size)
{
    return result_of(crypto_tls_read(connections[fd], buffer, size));
}

ssize_t bench_write(int fd, const void *buffer, size_t size)
{
    return result_of(crypto_tls_write(connections[fd], buffer, size));
}

int bench_close(int fd)
{
    crypto_tls_free(connections[fd]);
    connections[fd] = NULL;
    return close(fd);
}

/* What is decrypted already is ready. */
int bench_poll(struct pollfd *polled, nfds_t count, int milliseconds)
{
    int ready = 0;
    for (nfds_t i = 0; i < count; i++) {
        int fd = polled[i].fd;
        polled[i].revents = 0;
        if (fd >= 0 && connections[fd] && polled[i].events & POLLIN &&
            crypto_tls_ready(connections[fd]) > 0) {
            polled[i].revents = POLLIN;
            ready++;
        }
    }
    return ready > 0 ? ready : poll(polled, count, milliseconds);
}
