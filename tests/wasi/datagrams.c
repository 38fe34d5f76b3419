/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Descriptor 3 is connected to somebody who sends each datagram back, also one of as many bytes as
 * the first argument says. With a second one that somebody says at last that it goes, as DTLS can.
 */
#include "datagrams.h"

#include <sys/uio.h>

static char data[70000];

static void expect(const char *text)
{
    int cut;
    size_t got = receive(3, data, sizeof(data), 0, 0, &cut);
    CHECK(got == strlen(text) && memcmp(data, text, got) == 0);
    CHECK(!cut);
}

/* Borders are kept, whatever the pieces. */
static void borders(size_t size)
{
    struct iovec pieces[3] = {{"t", 1}, {"", 0}, {"wo", 2}};
    int cut;
    CHECK(write(3, "one", 3) == 3);
    expect("one");
    CHECK(writev(3, pieces, 3) == 3);
    CHECK(receive(3, data, 1, 9, 0, &cut) == 3 && !cut);
    CHECK(memcmp(data, "two", 3) == 0);
    memset(data, 'x', size);
    CHECK(send(3, data, size, 0) == (ssize_t)size);
    memset(data, 0, size);
    CHECK(receive(3, data, 500, 60000, 0, &cut) == size && !cut);
    CHECK(data[0] == 'x' && data[size - 1] == 'x');
}

/* What does not fit is lost, and nothing else. */
static void truncation(void)
{
    int cut;
    CHECK(write(3, "abcdefgh", 8) == 8);
    CHECK(receive(3, data, 4, 0, __WASI_RIFLAGS_RECV_PEEK, &cut) == 4 && cut);
    CHECK(receive(3, data, 2, 1, 0, &cut) == 3 && cut);
    CHECK(memcmp(data, "abc", 3) == 0);
    CHECK(write(3, "after", 5) == 5);
    expect("after");
    set_blocking(3, 0);
    CHECK_ERRNO(read(3, data, 1), EAGAIN);
    set_blocking(3, 1);
    CHECK(write(3, "blocking", 8) == 8);
    CHECK(read(3, data, 3) == 3);
    CHECK_ERRNO(write(3, data, sizeof(data)), EMSGSIZE);
}

/* Nobody is to be reached but whom Enarx.toml names. */
static void nothing_else(void)
{
    CHECK(accept(3, NULL, NULL) == -1);
    for (int fd = 4; fd < 100; fd++)
        CHECK_ERRNO(write(fd, "x", 1), EBADF);
}

int main(int argc, char **argv)
{
    CHECK(argc > 1);
    check_type(3);
    borders((size_t)atoi(argv[1]));
    truncation();
    nothing_else();
    CHECK(write(3, "bye", 3) == 3);
    if (argc > 2) {
        await(3);
        CHECK(read(3, data, sizeof(data)) == 3);
        await(3);
        CHECK(read(3, data, sizeof(data)) == 0);
        CHECK(read(3, data, sizeof(data)) == 0);
    }
    CHECK(shutdown(3, SHUT_RDWR) == 0);
    CHECK(read(3, data, sizeof(data)) == 0);
    CHECK(write(3, "x", 1) == -1);
    puts("ok");
    return 0;
}
