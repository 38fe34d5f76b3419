// SPDX-License-Identifier: Apache-2.0
/*
 * Both sides of sallyport in one process: the generated guest stager against the real executor, and
 * against a host that does what no honest host does.
 */
#include "sallyport/guest/stage.h"
#include "sallyport/host/execute.h"
#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

enum { CANARY = 0xa5, CANARY_SIZE = 64 };

/* A block between two stretches of bytes that nobody may touch. */
static struct {
    uint8_t before[CANARY_SIZE];
    _Alignas(8) uint8_t block[SP_BLOCK_SIZE];
    uint8_t after[CANARY_SIZE];
} shared;

static struct sp_port port = {.block = shared.block};
static struct sp_handles handles;
static struct sp_host host = {.block = shared.block, .handles = &handles};

static void (*hostile)(void); /* runs instead of the executor */
static jmp_buf attacked;
static const char *attack;

/* The guest's own memory: everything it gives away and takes back lies in here. */
static struct {
    uint8_t before[CANARY_SIZE];
    uint8_t bytes[4096];
    uint8_t after[CANARY_SIZE];
} guest;

void sp_port_exit(struct sp_port *unused)
{
    (void)unused;
    if (hostile)
        hostile();
    else
        CHECK_INT(sp_host_execute(&host), 0);
}

int sp_port_copy_in(struct sp_port *unused, void *block, const void *from, uint64_t size)
{
    (void)unused;
    memcpy(block, from, size);
    return 0;
}

int sp_port_copy_out(struct sp_port *unused, void *to, const void *block, uint64_t size)
{
    (void)unused;
    const uint8_t *at = block;
    CHECK(at >= shared.block && size <= SP_BLOCK_SIZE);
    CHECK((size_t)(at - shared.block) <= SP_BLOCK_SIZE - size);
    memcpy(to, block, size);
    return 0;
}

void sp_port_interrupted(struct sp_port *unused)
{
    (void)unused;
}

void sp_port_attacked(struct sp_port *unused, const char *why)
{
    (void)unused;
    attack = why;
    longjmp(attacked, 1);
}

static void set_up(void)
{
    memset(&shared, CANARY, sizeof(shared));
    memset(&guest, CANARY, sizeof(guest));
    int fds[3] = {open("/dev/zero", O_RDWR), -1, open("/dev/null", O_RDWR)};
    CHECK(sp_handles_init(&handles, fds, 3) == 0);
}

static void check_canaries(void)
{
    for (int i = 0; i < CANARY_SIZE; i++) {
        CHECK_INT(shared.before[i], CANARY);
        CHECK_INT(shared.after[i], CANARY);
        CHECK_INT(guest.before[i], CANARY);
        CHECK_INT(guest.after[i], CANARY);
    }
}

static struct sp_item *first_item(void)
{
    return (struct sp_item *)shared.block;
}

TEST(read_and_write, "bytes travel both ways through the real executor")
{
    set_up();
    CHECK_INT(sp_read(&port, 0, guest.bytes, 100), 100);
    CHECK_INT(guest.bytes[99], 0);
    CHECK_INT(guest.bytes[100], CANARY);
    CHECK_INT(sp_write(&port, 2, guest.bytes, sizeof(guest.bytes)), sizeof(guest.bytes));
    check_canaries();
}

TEST(partial, "a transfer that does not fit into the block becomes shorter, not an error")
{
    set_up();
    uint8_t *large = calloc(1, 2 * SP_BLOCK_SIZE);
    int64_t got = sp_write(&port, 2, large, 2 * SP_BLOCK_SIZE);
    CHECK(got > SP_BLOCK_SIZE / 2 && got < SP_BLOCK_SIZE);
    got = sp_read(&port, 0, large, UINT64_MAX);
    CHECK(got > SP_BLOCK_SIZE / 2 && got < SP_BLOCK_SIZE);
    check_canaries();
    free(large);
}

TEST(datagram, "the largest UDP datagram travels in one piece")
{
    set_up();
    static uint8_t datagram[65507];
    CHECK_INT(sp_write(&port, 2, datagram, sizeof(datagram)), sizeof(datagram));
}

TEST(unknown_handles, "a Keep cannot name a descriptor that it was not given")
{
    set_up();
    CHECK_INT(sp_read(&port, 1, guest.bytes, 1), -EBADF);
    CHECK_INT(sp_read(&port, 7, guest.bytes, 1), -EBADF);
    CHECK_INT(sp_read(&port, UINT64_MAX, guest.bytes, 1), -EBADF);
    CHECK_INT(sp_close(&port, 5), -EBADF);
}

TEST(close_frees, "a closed handle is gone and its number is given again")
{
    set_up();
    CHECK_INT(sp_close(&port, 0), 0);
    CHECK_INT(sp_read(&port, 0, guest.bytes, 1), -EBADF);
    CHECK_INT(sp_eventfd2(&port, 0, 0), 0);
}

TEST(several_calls, "several staged calls travel in one exit")
{
    set_up();
    struct sp_call write, read;
    sp_reset(&port);
    CHECK_INT(sp_stage_write(&port, &write, 2, guest.bytes, 10), 0);
    CHECK_INT(sp_stage_read(&port, &read, 0, 20), 0);
    sp_port_exit(&port);
    CHECK_INT(sp_collect_write(&port, &write), 10);
    CHECK_INT(sp_collect_read(&port, &read, guest.bytes), 20);
    CHECK_INT(guest.bytes[19], 0);
}

TEST(full_block, "a block that is full refuses more instead of overflowing")
{
    set_up();
    struct sp_call call;
    sp_reset(&port);
    int status = 0, count = 0;
    while ((status = sp_stage_fsync(&port, &call, 0)) == 0)
        count++;
    CHECK_INT(status, -ENOMEM);
    CHECK(count > 1000);
    check_canaries();
}

TEST(paths_stay_beneath, "no path leads out of a directory that was given")
{
    set_up();
    char name[] = "/tmp/sallyport-XXXXXX";
    CHECK(mkdtemp(name) != NULL);
    int dir = open(name, O_RDONLY | O_DIRECTORY);
    CHECK(symlinkat("/etc", dir, "out") == 0);
    CHECK(symlinkat("..", dir, "up") == 0);
    CHECK(sp_handles_init(&handles, &dir, 1) == 0);
    struct sp_open_how how = {.flags = O_RDONLY};
    static const char *const escapes[] = {"/etc/passwd", "../etc/passwd", "out/passwd",
                                          "up/tmp",      "./../x",        "out"};
    for (size_t i = 0; i < sizeof(escapes) / sizeof(escapes[0]); i++) {
        size_t size = strlen(escapes[i]) + 1;
        CHECK_INT(sp_openat2(&port, 0, escapes[i], size, &how), -EXDEV);
        int64_t made = sp_mkdirat(&port, 0, escapes[i], size, 0777);
        CHECK(made == -EXDEV || made == -EEXIST);
        CHECK_INT(sp_newfstatat(&port, 0, escapes[i], size, guest.bytes, 0), -EXDEV);
        CHECK_INT(sp_utimensat(&port, 0, escapes[i], size, NULL, 0), -EXDEV);
    }
    static const char inside[] = "dir";
    CHECK_INT(sp_mkdirat(&port, 0, inside, sizeof(inside), 0700), 0);
    CHECK_INT(sp_newfstatat(&port, 0, inside, sizeof(inside), guest.bytes, 0), 0);
    static const char link[] = "out";
    CHECK_INT(sp_readlinkat(&port, 0, link, sizeof(link), guest.bytes, 100), 4);
    CHECK(memcmp(guest.bytes, "/etc", 4) == 0);
    CHECK_INT(sp_unlinkat(&port, 0, inside, sizeof(inside), AT_REMOVEDIR), 0);
    CHECK_INT(sp_unlinkat(&port, 0, link, sizeof(link), 0), 0);
    CHECK_INT(sp_unlinkat(&port, 0, "up", 3, 0), 0);
    CHECK(rmdir(name) == 0);
}

TEST(addresses, "socket addresses and pairs come back as handles and bytes")
{
    set_up();
    int32_t pair[2];
    CHECK_INT(sp_socketpair(&port, AF_UNIX, SOCK_STREAM, 0, pair), 0);
    CHECK_INT(sp_write(&port, (uint64_t)pair[0], "hello", 5), 5);
    struct sp_poll entry = {.handle = pair[1], .events = POLLIN};
    CHECK_INT(sp_poll(&port, &entry, sizeof(entry), 0), 1);
    CHECK_INT(entry.revents, POLLIN);
    struct sp_address from;
    CHECK_INT(sp_recvfrom(&port, (uint64_t)pair[1], guest.bytes, 100, 0, &from), 5);
    CHECK(memcmp(guest.bytes, "hello", 5) == 0);
    CHECK(sp_getsockname(&port, (uint64_t)pair[0], &from) == 0 && from.size <= SP_ADDRESS_MAX);
}

TEST(unix_services, "a Keep cannot reach the host's own services through Unix sockets")
{
    set_up();
    struct sockaddr_un name = {.sun_family = AF_UNIX, .sun_path = "/run/service"};
    int64_t fd = sp_socket(&port, AF_UNIX, SOCK_STREAM, 0);
    CHECK(fd >= 0);
    CHECK_INT(sp_connect(&port, (uint64_t)fd, &name, sizeof(name)), -EACCES);
    fd = sp_socket(&port, AF_UNIX, SOCK_DGRAM, 0);
    CHECK_INT(sp_sendto(&port, (uint64_t)fd, "x", 1, 0, &name, sizeof(name)), -EACCES);
    CHECK_INT(sp_connect(&port, (uint64_t)fd, &name, 1), -EINVAL);
    fd = sp_socket(&port, AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in closed = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    CHECK_INT(sp_connect(&port, (uint64_t)fd, &closed, sizeof(closed)), -ECONNREFUSED);
}

/* --- what a Keep may not do to the host --------------------------------------------------------
 */

/* Makes a block with one item and lets the executor work on it. */
static int execute(struct sp_item item)
{
    memcpy(shared.block, &item, sizeof(item));
    memset(shared.block + sizeof(item) + (item.size < 64 ? item.size : 64), 0, 64);
    return sp_host_execute(&host);
}

TEST(host_refuses_bad_items, "offsets, lengths and sizes that a guest made up end the Keep")
{
    set_up();
    struct sp_item read = {
        .size = 64, .kind = SP_SYSCALL, .number = SP_SYS_READ, .args = {0, 0, 64}};
    CHECK_INT(execute(read), 0);
    struct sp_item bad = read;
    bad.args[2] = 65;
    CHECK_INT(execute(bad), -EPROTO);
    bad.args[2] = UINT64_MAX;
    CHECK_INT(execute(bad), -EPROTO);
    bad = read;
    bad.args[1] = 1;
    CHECK_INT(execute(bad), -EPROTO);
    bad.args[1] = UINT64_MAX - 8;
    CHECK_INT(execute(bad), -EPROTO);
    bad.args[1] = 4; /* inside, but structures could not be read there */
    bad.args[2] = 8;
    CHECK_INT(execute(bad), -EPROTO);
    bad = read;
    bad.size = 63;
    CHECK_INT(execute(bad), -EPROTO);
    bad.size = SP_BLOCK_SIZE;
    CHECK_INT(execute(bad), -EPROTO);
    bad.size = UINT32_MAX & ~7u;
    CHECK_INT(execute(bad), -EPROTO);
    check_canaries();
}

TEST(host_refuses_bad_paths, "a path without its NUL, or longer than any, is refused")
{
    set_up();
    struct sp_item item = {.size = 64, .kind = SP_SYSCALL, .number = SP_SYS_MKDIRAT};
    memset(shared.block + sizeof(item), 'a', 64);
    item.args[1] = 64ull << 32;
    memcpy(shared.block, &item, sizeof(item));
    CHECK_INT(sp_host_execute(&host), -EPROTO);
    item.args[1] = 0;
    memcpy(shared.block, &item, sizeof(item));
    CHECK_INT(sp_host_execute(&host), -EPROTO);
    item.args[1] = (uint64_t)(SP_PATH_MAX + 1) << 32;
    memcpy(shared.block, &item, sizeof(item));
    CHECK_INT(sp_host_execute(&host), -EPROTO);
}

TEST(host_skips_unknown, "a call that the host does not know leaves ENOSYS and harms nothing")
{
    set_up();
    struct sp_item item = {.kind = SP_SYSCALL, .number = SYS_execve, .result = -ENOSYS};
    CHECK_INT(execute(item), 0);
    CHECK_INT(first_item()->result, -ENOSYS);
    item.kind = 9;
    CHECK_INT(execute(item), 0);
}

/* --- what a host may not do to a Keep ----------------------------------------------------------
 */

static int64_t answer;

static void answer_number(void)
{
    first_item()->result = answer;
}

static bool is_attack(void (*behaviour)(void), int64_t (*call)(void))
{
    hostile = behaviour;
    attack = NULL;
    if (setjmp(attacked) == 0)
        call();
    hostile = NULL;
    check_canaries();
    return attack != NULL;
}

static int64_t call_read(void)
{
    return sp_read(&port, 0, guest.bytes, sizeof(guest.bytes));
}

static int64_t call_write(void)
{
    return sp_write(&port, 0, guest.bytes, 100);
}

static int64_t call_fsync(void)
{
    return sp_fsync(&port, 0);
}

static int64_t call_eventfd(void)
{
    return sp_eventfd2(&port, 0, 0);
}

static int64_t call_epoll_wait(void)
{
    return sp_epoll_wait(&port, 0, guest.bytes, 10 * sizeof(struct sp_event), 0);
}

static int64_t call_getsockopt(void)
{
    return sp_getsockopt(&port, 0, 1, 1, guest.bytes, 4);
}

static int64_t call_recv(void)
{
    return sp_recvfrom(&port, 0, guest.bytes, 100, 0, NULL);
}

static int64_t call_recv_whole_size(void)
{
    return sp_recvfrom(&port, 0, guest.bytes, 100, MSG_TRUNC, NULL);
}

TEST(answers_out_of_range, "counts, handles and errors that cannot be are attacks")
{
    set_up();
    static const struct {
        int64_t (*call)(void);
        int64_t answer;
        bool attack;
    } cases[] = {
        {call_read, sizeof(guest.bytes), false},
        {call_read, sizeof(guest.bytes) + 1, true},
        {call_read, INT64_MAX, true},
        {call_read, INT64_MIN, true},
        {call_read, -4096, true},
        {call_read, -4095, false},
        {call_write, 100, false},
        {call_write, 101, true},
        {call_fsync, 0, false},
        {call_fsync, 1, true},
        {call_eventfd, SP_HANDLES_MAX - 1, false},
        {call_eventfd, SP_HANDLES_MAX, true},
        {call_eventfd, -5000, true},
        {call_epoll_wait, 10, false},
        {call_epoll_wait, 11, true},
        {call_recv, 100, false},
        {call_recv, 101, true},
        {call_recv_whole_size, 101, false},
        {call_getsockopt, 4, false},
        {call_getsockopt, 5, true},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        answer = cases[i].answer;
        if (is_attack(answer_number, cases[i].call) != cases[i].attack)
            tap_fail(__FILE__, __LINE__, "case %zu: answer %lld", i, (long long)answer);
    }
}

static void rewrite_block(void)
{
    for (size_t i = 0; i < SP_BLOCK_SIZE; i++)
        shared.block[i] = 0xff;
    first_item()->result = 8;
}

static void rewrite_header(void)
{
    struct sp_item *item = first_item();
    *item = (struct sp_item){.size = UINT32_MAX, .kind = 99, .number = 1, .result = 8};
    for (int i = 0; i < 6; i++)
        item->args[i] = UINT64_MAX;
}

TEST(rewritten_block, "what the host writes over header and arguments is never read back")
{
    set_up();
    CHECK(!is_attack(rewrite_block, call_read));
    CHECK_INT(guest.bytes[7], 0xff);
    CHECK_INT(guest.bytes[8], CANARY);
    memset(guest.bytes, CANARY, sizeof(guest.bytes));
    CHECK(!is_attack(rewrite_header, call_read));
    CHECK_INT(guest.bytes[8], CANARY);
}

TEST(silent_host, "a host that does nothing is seen as one that lacks the call")
{
    set_up();
    answer = -ENOSYS;
    hostile = answer_number;
    CHECK_INT(call_read(), -ENOSYS);
    CHECK_INT(guest.bytes[0], CANARY);
    hostile = NULL;
}

TAP_MAIN()
