/* SPDX-License-Identifier: Apache-2.0 */
/* Arguments, environment, clocks, random numbers, and the program's end. */
#include "wick/wasi/context.h"

#include <errno.h>
#include <sched.h>
#include <sys/random.h>

/* ---- Arguments and environment ---------------------------------------------------------------
 */

static enum wasi_errno put_sizes(struct wasi_call *call, const struct wasi_strings *strings)
{
    uint8_t *count = guest_range(&call->memory, call->args[0].u32, 4);
    uint8_t *size = guest_range(&call->memory, call->args[1].u32, 4);
    if (!count || !size)
        return WASI_FAULT;
    put_u32(count, strings->count);
    put_u32(size, (uint32_t)strings->size);
    return WASI_SUCCESS;
}

static enum wasi_errno put_strings(struct wasi_call *call, const struct wasi_strings *strings)
{
    uint32_t address = call->args[1].u32;
    uint8_t *pointers = guest_range(&call->memory, call->args[0].u32, (uint64_t)strings->count * 4);
    uint8_t *bytes = guest_range(&call->memory, address, strings->size);
    if (!pointers || !bytes)
        return WASI_FAULT;
    size_t at = 0;
    for (uint32_t i = 0; i < strings->count; i++) {
        put_u32(pointers + i * 4, address + (uint32_t)at);
        at += strlen(strings->data + at) + 1;
    }
    if (strings->size)
        memcpy(bytes, strings->data, strings->size);
    return WASI_SUCCESS;
}

enum wasi_errno wasi_args_get(struct wasi_call *call)
{
    return put_strings(call, &call->wasi->args);
}

enum wasi_errno wasi_args_sizes_get(struct wasi_call *call)
{
    return put_sizes(call, &call->wasi->args);
}

enum wasi_errno wasi_environ_get(struct wasi_call *call)
{
    return put_strings(call, &call->wasi->env);
}

enum wasi_errno wasi_environ_sizes_get(struct wasi_call *call)
{
    return put_sizes(call, &call->wasi->env);
}

/* ---- Clocks ----------------------------------------------------------------------------------
 */

static const clockid_t clocks[CLOCK_ID_COUNT] = {
    [CLOCK_ID_REALTIME] = CLOCK_REALTIME,
    [CLOCK_ID_MONOTONIC] = CLOCK_MONOTONIC,
    [CLOCK_ID_PROCESS] = CLOCK_PROCESS_CPUTIME_ID,
    [CLOCK_ID_THREAD] = CLOCK_THREAD_CPUTIME_ID,
};

static uint64_t nanoseconds(const struct timespec *time)
{
    return (uint64_t)time->tv_sec * 1000000000u + (uint64_t)time->tv_nsec;
}

enum wasi_errno wasi_clock_res_get(struct wasi_call *call)
{
    uint32_t id = call->args[0].u32;
    struct timespec resolution;
    if (id >= CLOCK_ID_COUNT)
        return WASI_INVAL;
    /* A Keep does not serve this call; its clocks count nanoseconds. */
    if (clock_getres(clocks[id], &resolution))
        resolution = (struct timespec){.tv_nsec = 1};
    return guest_put_u64(&call->memory, call->args[1].u32, nanoseconds(&resolution));
}

enum wasi_errno wasi_clock_time_get(struct wasi_call *call)
{
    uint32_t id = call->args[0].u32;
    struct timespec time;
    if (id >= CLOCK_ID_COUNT)
        return WASI_INVAL;
    if (clock_gettime(clocks[id], &time))
        return wasi_errno_of(errno);
    return guest_put_u64(&call->memory, call->args[2].u32, nanoseconds(&time));
}

/* ---- The program itself ----------------------------------------------------------------------
 */

enum wasi_errno wasi_proc_exit(struct wasi_call *call)
{
    call->ended = true;
    call->exit_status = call->args[0].u32;
    return WASI_SUCCESS;
}

/* A signal acts on the program, never on the process that runs it: it is ignored, or ends the
 * program with the status that a shell would show. Stopping is not possible. */
enum wasi_errno wasi_proc_raise(struct wasi_call *call)
{
    enum { NONE = 0, CHLD = 16, CONT = 17, STOP = 18, TTOU = 21, URG = 22, WINCH = 27 };
    uint32_t signal = call->args[0].u32;
    if (signal >= SIGNAL_COUNT)
        return WASI_INVAL;
    if (signal >= STOP && signal <= TTOU)
        return WASI_NOTSUP;
    if (signal == NONE || signal == CHLD || signal == CONT || signal == URG || signal == WINCH)
        return WASI_SUCCESS;
    call->ended = true;
    call->exit_status = 128 + signal;
    return WASI_SUCCESS;
}

enum wasi_errno wasi_sched_yield(struct wasi_call *call)
{
    (void)call;
    sched_yield();
    return WASI_SUCCESS;
}

enum wasi_errno wasi_random_get(struct wasi_call *call)
{
    size_t size = call->args[1].u32, done = 0;
    uint8_t *out = guest_range(&call->memory, call->args[0].u32, size);
    if (!out)
        return WASI_FAULT;
    while (done < size) {
        ssize_t got = getrandom(out + done, size - done, 0);
        if (got < 0 && errno != EINTR)
            return wasi_errno_of(errno);
        done += got > 0 ? (size_t)got : 0;
    }
    return WASI_SUCCESS;
}
