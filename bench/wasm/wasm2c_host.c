// SPDX-License-Identifier: Apache-2.0
/* The host of a module that wabt's wasm2c made C of (-n prog): what the benchmark programs call of
 * WASI. They write one line and read a clock; everything else answers ENOSYS. */
#include "prog.h"

#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define HOST(name) Z_wasi_snapshot_preview1Z_##name

typedef struct Z_wasi_snapshot_preview1_instance_t host;

enum { WASI_FAULT = 21, WASI_IO = 29, WASI_NOSYS = 52, WASI_SPIPE = 70, CHARACTER_DEVICE = 2 };

static Z_prog_instance_t program;

/* `size` bytes at an address of the module, or NULL if they are not in its memory. */
static void *at(u32 address, u32 size)
{
    const wasm_rt_memory_t *memory = Z_progZ_memory(&program);
    return (u64)address + size <= memory->size ? memory->data + address : NULL;
}

u32 HOST(clock_time_get)(host *h, u32 clock, u64 precision, u32 result)
{
    (void)h, (void)precision;
    struct timespec time;
    void *out = at(result, 8);
    if (!out || clock_gettime(clock == 0 ? CLOCK_REALTIME : CLOCK_MONOTONIC, &time) != 0)
        return WASI_FAULT;
    u64 nanoseconds = (u64)time.tv_sec * 1000000000 + (u64)time.tv_nsec;
    memcpy(out, &nanoseconds, 8);
    return 0;
}

u32 HOST(fd_fdstat_get)(host *h, u32 fd, u32 result)
{
    (void)h, (void)fd;
    u8 *out = at(result, 24);
    if (!out)
        return WASI_FAULT;
    memset(out, 0, 8);
    memset(out + 8, 0xff, 16); /* all rights */
    out[0] = CHARACTER_DEVICE;
    return 0;
}

u32 HOST(fd_write)(host *h, u32 fd, u32 vectors, u32 count, u32 result)
{
    (void)h;
    u32 total = 0;
    for (u32 i = 0; i < count; i++) {
        u32 vector[2];
        const void *from = at(vectors + 8 * i, 8);
        if (!from)
            return WASI_FAULT;
        memcpy(vector, from, 8);
        const void *bytes = at(vector[0], vector[1]);
        if (!bytes)
            return WASI_FAULT;
        ssize_t written = write((int)fd, bytes, vector[1]);
        if (written < 0)
            return WASI_IO;
        total += (u32)written;
    }
    void *out = at(result, 4);
    if (!out)
        return WASI_FAULT;
    memcpy(out, &total, 4);
    return 0;
}

void HOST(proc_exit)(host *h, u32 status)
{
    (void)h;
    _exit((int)status);
}

u32 HOST(fd_close)(host *h, u32 fd)
{
    (void)h, (void)fd;
    return 0;
}

u32 HOST(fd_seek)(host *h, u32 fd, u64 offset, u32 whence, u32 result)
{
    (void)h, (void)fd, (void)offset, (void)whence, (void)result;
    return WASI_SPIPE;
}

u32 HOST(fd_fdstat_set_flags)(host *h, u32 fd, u32 flags)
{
    (void)h, (void)fd, (void)flags;
    return WASI_NOSYS;
}

u32 HOST(fd_prestat_get)(host *h, u32 fd, u32 result)
{
    (void)h, (void)fd, (void)result;
    return 8; /* EBADF: no directories */
}

u32 HOST(fd_prestat_dir_name)(host *h, u32 fd, u32 path, u32 size)
{
    (void)h, (void)fd, (void)path, (void)size;
    return WASI_NOSYS;
}

u32 HOST(fd_read)(host *h, u32 fd, u32 vectors, u32 count, u32 result)
{
    (void)h, (void)fd, (void)vectors, (void)count, (void)result;
    return WASI_NOSYS;
}

u32 HOST(fd_renumber)(host *h, u32 fd, u32 to)
{
    (void)h, (void)fd, (void)to;
    return WASI_NOSYS;
}

u32 HOST(path_open)(host *h, u32 fd, u32 lookup, u32 path, u32 size, u32 flags, u64 rights,
                    u64 inheriting, u32 fd_flags, u32 result)
{
    (void)h, (void)fd, (void)lookup, (void)path, (void)size, (void)flags;
    (void)rights, (void)inheriting, (void)fd_flags, (void)result;
    return WASI_NOSYS;
}

u32 HOST(path_unlink_file)(host *h, u32 fd, u32 path, u32 size)
{
    (void)h, (void)fd, (void)path, (void)size;
    return WASI_NOSYS;
}

int main(void)
{
    wasm_rt_init();
    Z_prog_init_module();
    Z_prog_instantiate(&program, NULL);
    Z_progZ__start(&program);
    return 0;
}
