// SPDX-License-Identifier: Apache-2.0
/*
 * The vDSO: time without a system call. A shared object that every libc knows how to use; it runs
 * at exec's privilege and reads the page that clock.c fills (struct vdso_data), which lies in front
 * of it. Until that page is ready it asks the shim.
 */
#include "shim/vm/layout.h"

#include <asm/unistd_64.h>
#include <linux/time.h>
#include <stddef.h>

#define NANOSECONDS 1000000000ull

int __vdso_clock_gettime(int clock, struct timespec *time);
int __vdso_gettimeofday(struct timeval *time, void *zone);
long __vdso_time(long *seconds);
int __vdso_clock_getres(int clock, struct timespec *resolution);

static long system_call(long number, long a, long b)
{
    long result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b)
                     : "rcx", "r11", "memory");
    return result;
}

/* Nanoseconds of the wanted clock, or 0 if the shim has to be asked. */
static uint64_t now(int realtime)
{
    const volatile struct vdso_data *data = (const volatile struct vdso_data *)VDSO_BASE;
    if (!__atomic_load_n(&data->ready, __ATOMIC_ACQUIRE))
        return 0;
    uint32_t low, high;
    __asm__ volatile("lfence; rdtsc" : "=a"(low), "=d"(high)::"memory");
    uint64_t ticks = ((uint64_t)high << 32 | low) - data->tsc_base;
    uint64_t since = (uint64_t)((unsigned __int128)ticks * data->multiplier >> 32);
    return since + (realtime ? data->realtime : data->monotonic);
}

int __vdso_clock_gettime(int clock, struct timespec *time)
{
    uint64_t value = 0;
    if (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)
        value = now(1);
    else if (clock == CLOCK_MONOTONIC || clock == CLOCK_MONOTONIC_RAW ||
             clock == CLOCK_MONOTONIC_COARSE || clock == CLOCK_BOOTTIME)
        value = now(0);
    if (!value)
        return (int)system_call(__NR_clock_gettime, clock, (long)time);
    time->tv_sec = (long)(value / NANOSECONDS);
    time->tv_nsec = (long)(value % NANOSECONDS);
    return 0;
}

int __vdso_gettimeofday(struct timeval *time, void *zone)
{
    uint64_t value = now(1);
    if (!value || zone || !time)
        return (int)system_call(__NR_gettimeofday, (long)time, (long)zone);
    time->tv_sec = (long)(value / NANOSECONDS);
    time->tv_usec = (long)(value % NANOSECONDS / 1000);
    return 0;
}

long __vdso_time(long *seconds)
{
    uint64_t value = now(1);
    if (!value)
        return system_call(__NR_time, (long)seconds, 0);
    long result = (long)(value / NANOSECONDS);
    if (seconds)
        *seconds = result;
    return result;
}

int __vdso_clock_getres(int clock, struct timespec *resolution)
{
    return (int)system_call(__NR_clock_getres, clock, (long)resolution);
}
