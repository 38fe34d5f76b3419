// SPDX-License-Identifier: Apache-2.0
/*
 * libFuzzer target: a hostile Keep. Any bytes as a block go to the real executor, which makes real
 * system calls. The Keep holds /dev/null, /dev/zero, a pipe and an empty directory; what could wait
 * for ever, leave the machine or fill it is taken out of the block first (see tame()).
 */
#include "sallyport/guest/stage.h"
#include "sallyport/host/execute.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
    CANARY = 0xa5,
    CANARY_SIZE = 64,
    FILE_MAX = 1 << 20, /* bytes that a file can grow to */
    CLEAN_EACH = 256,   /* inputs after which the directory is emptied */
};

static struct {
    uint8_t before[CANARY_SIZE];
    _Alignas(8) uint8_t block[SP_BLOCK_SIZE];
    uint8_t after[CANARY_SIZE];
} shared;

static char directory[] = "/tmp/sallyport-fuzz-XXXXXX";

static void check(bool condition)
{
    if (!condition)
        abort();
}

/* --- Keep calls that do nothing ------------------------------------------------------------------
 */

static int no_range(struct sp_host *host, uint64_t address, uint64_t size)
{
    (void)host;
    return address > size ? -EINVAL : 0;
}

static int no_thread(struct sp_host *host, uint64_t thread)
{
    (void)host;
    return thread > 8 ? -ESRCH : 0;
}

static void no_exit_thread(struct sp_host *host)
{
    (void)host;
}

static void no_exit_group(struct sp_host *host, int status)
{
    (void)host;
    check(status >= 0 && status < 256);
}

static void no_panic(struct sp_host *host, const char *message)
{
    (void)host;
    for (; *message; message++)
        check(*message >= ' ' && *message <= '~');
}

static int no_signal(struct sp_host *host)
{
    (void)host;
    return 0;
}

static int no_clocks(struct sp_host *host, struct sp_clocks *clocks)
{
    (void)host;
    *clocks = (struct sp_clocks){.monotonic = 1};
    return 0;
}

static const struct sp_keep_ops ops = {
    .memory_add = no_range,
    .memory_discard = no_range,
    .thread_spawn = no_thread,
    .thread_park = no_thread,
    .thread_unpark = no_thread,
    .thread_kick = no_thread,
    .signal_take = no_signal,
    .exit_thread = no_exit_thread,
    .exit_group = no_exit_group,
    .panic = no_panic,
    .clocks = no_clocks,
};

/* --- What an input may not do --------------------------------------------------------------------
 */

static void drop(struct sp_item *item)
{
    item->kind = UINT16_MAX;
}

/* Nothing is to block, and no socket to have an address. */
static void tame_call(struct sp_item *item)
{
    switch (item->number) {
    case SP_SYS_SOCKET:
    case SP_SYS_BIND:
    case SP_SYS_CONNECT:
    case SP_SYS_LISTEN:
    case SP_SYS_SYNC:
        drop(item);
        break;
    case SP_SYS_SENDTO:
        item->args[4] = SP_ABSENT;
        item->args[5] = 0;
        break;
    case SP_SYS_SOCKETPAIR:
        item->args[0] = AF_UNIX;
        item->args[1] |= SOCK_NONBLOCK;
        break;
    case SP_SYS_PIPE2:
        item->args[0] |= O_NONBLOCK;
        break;
    case SP_SYS_EVENTFD2:
        item->args[1] |= O_NONBLOCK;
        break;
    case SP_SYS_FCNTL:
        item->args[2] |= O_NONBLOCK;
        break;
    case SP_SYS_IOCTL:
        if ((uint32_t)item->args[1] == FIONBIO)
            drop(item);
        break;
    case SP_SYS_POLL:
        item->args[2] = 0;
        break;
    case SP_SYS_EPOLL_WAIT:
        item->args[3] = 0;
        break;
    }
}

/* Goes over the items as the executor will. */
static void tame(uint8_t *block)
{
    size_t offset = 0;
    while (SP_BLOCK_SIZE - offset >= sizeof(struct sp_item)) {
        struct sp_item *item = (struct sp_item *)(block + offset);
        if (item->kind == SP_END || item->size % 8 != 0 ||
            item->size > SP_BLOCK_SIZE - offset - sizeof(*item))
            return;
        if (item->kind == SP_SYSCALL)
            tame_call(item);
        offset += sizeof(*item) + item->size;
    }
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *walk)
{
    (void)status;
    (void)type;
    return walk->level > 0 ? remove(path) : 0;
}

static void empty_directory(void)
{
    nftw(directory, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

static void remove_directory(void)
{
    empty_directory();
    rmdir(directory);
}

static void nothing(int number)
{
    (void)number;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, nothing); /* libFuzzer takes a signal that is only ignored for itself */
    setrlimit(RLIMIT_FSIZE, &(struct rlimit){FILE_MAX, FILE_MAX});
    check(mkdtemp(directory) != NULL);
    atexit(remove_directory);
    return 0;
}

/* The lowest descriptor that is free. */
static int lowest_free(void)
{
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    check(fd >= 0);
    close(fd);
    return fd;
}

static void execute(struct sp_handles *handles)
{
    struct sp_host host = {.block = shared.block, .handles = handles, .ops = &ops};
    int status = sp_host_execute(&host);
    check(status == 0 || status == -EPROTO);
    check(host.held_count == 0);
    for (size_t i = 0; i < SP_HANDLES_MAX; i++)
        check(handles->entries[i].users == 0 && !handles->entries[i].closing);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static unsigned inputs;
    if (++inputs % CLEAN_EACH == 0)
        empty_directory();
    memset(&shared, 0, sizeof(shared));
    memset(shared.before, CANARY, sizeof(shared.before));
    memset(shared.after, CANARY, sizeof(shared.after));
    memcpy(shared.block, data, size < SP_BLOCK_SIZE ? size : SP_BLOCK_SIZE);
    tame(shared.block);

    int free_before = lowest_free(), fds[5];
    fds[0] = open("/dev/null", O_RDWR | O_CLOEXEC);
    fds[1] = open("/dev/zero", O_RDWR | O_CLOEXEC);
    check(pipe2(&fds[2], O_NONBLOCK | O_CLOEXEC) == 0);
    fds[4] = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    static struct sp_handles handles;
    check(fds[4] >= 0 && sp_handles_init(&handles, fds, 5) == 0);
    execute(&handles);
    sp_handles_fini(&handles);

    check(lowest_free() == free_before); /* no descriptor is left behind */
    for (size_t i = 0; i < CANARY_SIZE; i++)
        check(shared.before[i] == CANARY && shared.after[i] == CANARY);
    return 0;
}
