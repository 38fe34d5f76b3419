// SPDX-License-Identifier: Apache-2.0
/*
 * libFuzzer target: a hostile host. After each call that a Keep stages, the host writes any bytes
 * it likes into the block, as often as it likes; the Keep may then end, or take an answer that an
 * honest host could have given, but never write outside of the buffer that the caller named.
 *
 * Input: the kind of call, two bytes of its size, then the block as the host leaves it.
 */
#include "sallyport/guest/stage.h"

#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CANARY = 0xa5, CANARY_SIZE = 64, BUFFER_SIZE = 4096 };

static struct {
    uint8_t before[CANARY_SIZE];
    _Alignas(8) uint8_t block[SP_BLOCK_SIZE];
    uint8_t after[CANARY_SIZE];
} shared;

static struct {
    uint8_t before[CANARY_SIZE];
    uint8_t bytes[BUFFER_SIZE];
    uint8_t after[CANARY_SIZE];
} buffer, second;

static struct sp_port port = {.block = shared.block};
static jmp_buf attacked;
static const uint8_t *answer;
static size_t answer_size;

static void check(bool condition)
{
    if (!condition)
        abort();
}

void sp_port_exit(struct sp_port *unused)
{
    (void)unused;
    memcpy(shared.block, answer, answer_size);
}

int sp_port_copy_in(struct sp_port *unused, void *block, const void *from, uint64_t size)
{
    (void)unused;
    size_t at = (size_t)((uint8_t *)block - shared.block);
    check(at <= SP_BLOCK_SIZE && size <= SP_BLOCK_SIZE - at);
    memcpy(block, from, size);
    return 0;
}

int sp_port_copy_out(struct sp_port *unused, void *to, const void *block, uint64_t size)
{
    (void)unused;
    size_t at = (size_t)((const uint8_t *)block - shared.block);
    check(at <= SP_BLOCK_SIZE && size <= SP_BLOCK_SIZE - at);
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
    check(why[0] != '\0');
    longjmp(attacked, 1);
}

static void check_canaries(const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        check(bytes[i] == CANARY);
}

/* --- The calls: each returns how many bytes of the buffer an answer may have changed -------------
 */

static size_t no_more_than(int64_t result, size_t limit)
{
    check(result <= (int64_t)limit);
    return result < 0 ? 0 : (size_t)result;
}

static size_t fuzz_read(size_t size)
{
    return no_more_than(sp_read(&port, 0, buffer.bytes, size), size);
}

static size_t fuzz_write(size_t size)
{
    memset(second.bytes, 1, size);
    no_more_than(sp_write(&port, 0, second.bytes, size), size);
    return 0;
}

static size_t fuzz_fstat(size_t size)
{
    (void)size;
    return sp_fstat(&port, 0, buffer.bytes) == 0 ? 144 : 0;
}

static size_t fuzz_poll(size_t size)
{
    size &= ~(size_t)7;
    int64_t result = sp_poll(&port, buffer.bytes, size, 0);
    return result < 0 ? 0 : size;
}

static size_t fuzz_eventfd(size_t size)
{
    int64_t handle = sp_eventfd2(&port, 0, 0);
    check(handle < SP_HANDLES_MAX);
    (void)size;
    return 0;
}

static size_t fuzz_recvfrom(size_t size)
{
    static struct {
        struct sp_address address;
        uint8_t after[CANARY_SIZE];
    } from;
    memset(&from, CANARY, sizeof(from));
    /* With MSG_TRUNC the result may be the length of a longer datagram: the shim checks that. */
    int64_t result = sp_recvfrom(&port, 0, buffer.bytes, size, 0, &from.address);
    check_canaries(from.after, sizeof(from.after));
    return result < 0 ? 0 : result > (int64_t)size ? size : (size_t)result;
}

static size_t fuzz_getsockopt(size_t size)
{
    return no_more_than(sp_getsockopt(&port, 0, 1, 1, buffer.bytes, size), size);
}

static size_t fuzz_readlinkat(size_t size)
{
    return no_more_than(sp_readlinkat(&port, 0, "link", 5, buffer.bytes, size), size);
}

static size_t fuzz_epoll_wait(size_t size)
{
    size -= size % sizeof(struct sp_event);
    int64_t count = sp_epoll_wait(&port, 0, buffer.bytes, size, 0);
    return no_more_than(count, size / sizeof(struct sp_event)) * sizeof(struct sp_event);
}

static size_t fuzz_pipe2(size_t size)
{
    (void)size;
    return sp_pipe2(&port, 0, buffer.bytes) == 0 ? 8 : 0;
}

static size_t fuzz_clocks(size_t size)
{
    (void)size;
    return sp_clocks(&port, buffer.bytes) == 0 ? sizeof(struct sp_clocks) : 0;
}

/* Two calls in one exit: the answer to one must not reach into that of the other. */
static size_t fuzz_two(size_t size)
{
    struct sp_call write, read;
    sp_reset(&port);
    memset(second.bytes, 1, size);
    if (sp_stage_write(&port, &write, 2, second.bytes, size) < 0 ||
        sp_stage_read(&port, &read, 0, size) < 0)
        return 0;
    sp_port_exit(&port);
    no_more_than(sp_collect_write(&port, &write), size);
    return no_more_than(sp_collect_read(&port, &read, buffer.bytes), size);
}

static size_t (*const calls[])(size_t size) = {
    fuzz_read,       fuzz_write,      fuzz_fstat,      fuzz_poll,  fuzz_eventfd, fuzz_recvfrom,
    fuzz_getsockopt, fuzz_readlinkat, fuzz_epoll_wait, fuzz_pipe2, fuzz_clocks,  fuzz_two,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 3)
        return 0;
    size_t wanted = (data[1] | (size_t)data[2] << 8) % (BUFFER_SIZE + 1);
    answer = data + 3;
    answer_size = size - 3 < SP_BLOCK_SIZE ? size - 3 : SP_BLOCK_SIZE;
    memset(shared.before, CANARY, sizeof(shared.before));
    memset(shared.after, CANARY, sizeof(shared.after));
    memset(&buffer, CANARY, sizeof(buffer));

    volatile size_t changed = BUFFER_SIZE;
    if (setjmp(attacked) == 0)
        changed = calls[data[0] % (sizeof(calls) / sizeof(calls[0]))](wanted);
    check_canaries(shared.before, sizeof(shared.before));
    check_canaries(shared.after, sizeof(shared.after));
    check_canaries(buffer.before, sizeof(buffer.before));
    check_canaries(buffer.bytes + changed, BUFFER_SIZE - changed);
    check_canaries(buffer.after, sizeof(buffer.after));
    return 0;
}
