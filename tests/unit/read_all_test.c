// SPDX-License-Identifier: Apache-2.0
#include "base/read_all.h"

#include "base/cleanup.h"
#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>

/* A file in memory with `size` bytes that count. */
static int counting_file(size_t size)
{
    int fd = memfd_create("counting", MFD_CLOEXEC);
    uint8_t block[4096];
    for (size_t done = 0; done < size;) {
        size_t part = size - done < sizeof(block) ? size - done : sizeof(block);
        for (size_t i = 0; i < part; i++)
            block[i] = (uint8_t)((done + i) % 251);
        CHECK_INT(write(fd, block, part), (long)part);
        done += part;
    }
    lseek(fd, 0, SEEK_SET);
    return fd;
}

static void check_whole(int fd, size_t expected)
{
    autofree uint8_t *data = NULL;
    size_t size = 0, wrong = 0;
    CHECK_INT(read_all(fd, 64 << 20, &data, &size), 0);
    CHECK_INT((long)size, (long)expected);
    CHECK(data != NULL);
    for (size_t i = 0; i < size; i++)
        wrong += data[i] != i % 251;
    CHECK_INT((long)wrong, 0);
}

TEST(files, "files of every kind of size arrive whole")
{
    static const size_t sizes[] = {0, 1, 16383, 16384, 16385, (4 << 20) - 1, 5 << 20};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        autoclose int fd = counting_file(sizes[i]);
        check_whole(fd, sizes[i]);
    }
}

TEST(pipes, "what has no size, and much more than was first made room for, arrives whole")
{
    int ends[2];
    CHECK_INT(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        close(ends[0]);
        for (size_t i = 0; i < 9 << 20;) {
            uint8_t block[1000];
            for (size_t k = 0; k < sizeof(block); k++)
                block[k] = (uint8_t)((i + k) % 251);
            ssize_t done = write(ends[1], block, sizeof(block));
            if (done <= 0)
                _exit(1);
            i += (size_t)done;
        }
        _exit(0);
    }
    close(ends[1]);
    autoclose int from = ends[0];
    check_whole(from, ((9 << 20) + 999) / 1000 * 1000);
    waitpid(child, NULL, 0);
}

TEST(limits, "one byte beyond the limit is refused, whatever the size claims; errors are told")
{
    autofree uint8_t *data = NULL;
    size_t size = 0;
    autoclose int fd = counting_file(100);
    CHECK_INT(read_all(fd, 99, &data, &size), -EFBIG);
    lseek(fd, 0, SEEK_SET);
    CHECK_INT(read_all(fd, 100, &data, &size), 0);
    CHECK_INT((long)size, 100);
    CHECK_INT(read_all(-1, 100, &data, &size), -EBADF);
    autoclose int zero = open("/dev/zero", O_RDONLY | O_CLOEXEC);
    uint8_t *endless = NULL;
    CHECK_INT(read_all(zero, 3 << 20, &endless, &size), -EFBIG);
    CHECK(endless == NULL);
}

TAP_MAIN()
