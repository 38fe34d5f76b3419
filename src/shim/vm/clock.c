// SPDX-License-Identifier: Apache-2.0
/*
 * Time. The host is asked once for its clocks and for the frequency of the time stamp counter; from
 * then on time is read from the counter, here and in the vDSO, without leaving the Keep, and it
 * never goes back. Where the counter's frequency is not known, the host is asked each time.
 */
#include "shim/vm/shim.h"

enum { TSC_KHZ_MIN = 100 * 1000, TSC_KHZ_MAX = 10 * 1000 * 1000 };

static uint64_t last_monotonic;

static struct vdso_data *data(void)
{
    return direct(info->vdso_data);
}

static uint64_t read_tsc(void)
{
    uint32_t low, high;
    __asm__ volatile("lfence; rdtsc" : "=a"(low), "=d"(high)::"memory");
    return (uint64_t)high << 32 | low;
}

static struct sp_clocks ask(void)
{
    struct sp_clocks clocks = {0};
    if (sp_clocks(port_hold(), &clocks) < 0)
        shim_panic("the host has no clocks");
    if (clocks.monotonic < last_monotonic)
        clocks.monotonic = last_monotonic;
    last_monotonic = clocks.monotonic;
    return clocks;
}

/* Nanoseconds since the clocks were taken, or false if the counter cannot be used. */
static bool elapsed(uint64_t *nanoseconds)
{
    struct vdso_data *clock = data();
    static bool tried;
    if (!tried) {
        tried = true;
        struct sp_clocks now = ask();
        if (now.tsc_khz >= TSC_KHZ_MIN && now.tsc_khz <= TSC_KHZ_MAX) {
            clock->tsc_base = read_tsc();
            clock->multiplier = (1000000ull << 32) / now.tsc_khz;
            clock->monotonic = now.monotonic;
            clock->realtime = now.realtime;
            __atomic_store_n(&clock->ready, 1, __ATOMIC_RELEASE);
        }
    }
    if (!clock->ready)
        return false;
    uint64_t ticks = read_tsc() - clock->tsc_base;
    *nanoseconds = (uint64_t)((unsigned __int128)ticks * clock->multiplier >> 32);
    return true;
}

uint64_t clock_monotonic(void)
{
    uint64_t since;
    return elapsed(&since) ? data()->monotonic + since : ask().monotonic;
}

uint64_t clock_realtime(void)
{
    uint64_t since;
    return elapsed(&since) ? data()->realtime + since : ask().realtime;
}
