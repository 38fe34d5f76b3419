// SPDX-License-Identifier: Apache-2.0
/* System calls about memory, time and the system itself. */
#include "shim/vm/sys_system.h"

#include <linux/random.h>
#include <linux/resource.h>
#include <linux/sysinfo.h>
#include <linux/time.h>
#include <linux/time_types.h>
#include <linux/utsname.h>

#include <asm/prctl.h>

enum { PROCESS = 1000, USER = 1000, STACK_LIMIT = STACK_SIZE, FILES_LIMIT = 1024 };

#define NANOSECONDS 1000000000ll

int64_t sys_mmap(struct regs *regs)
{
    return space_mmap(regs->rdi, regs->rsi, (uint32_t)regs->rdx, (uint32_t)regs->r10, (int)regs->r8,
                      regs->r9);
}

int64_t sys_munmap(struct regs *regs)
{
    return space_munmap(regs->rdi, regs->rsi);
}

int64_t sys_mprotect(struct regs *regs)
{
    return space_mprotect(regs->rdi, regs->rsi, (uint32_t)regs->rdx);
}

int64_t sys_mremap(struct regs *regs)
{
    return space_mremap(regs->rdi, regs->rsi, regs->rdx, (uint32_t)regs->r10);
}

int64_t sys_madvise(struct regs *regs)
{
    return space_madvise(regs->rdi, regs->rsi, (int)regs->rdx);
}

int64_t sys_brk(struct regs *regs)
{
    return space_brk(regs->rdi);
}

/* Nothing is ever paged out of a Keep. */
int64_t sys_mlock(struct regs *regs)
{
    (void)regs;
    return 0;
}

int64_t sys_arch_prctl(struct regs *regs)
{
    uint64_t address = regs->rsi;
    switch (regs->rdi) {
    case ARCH_SET_FS:
    case ARCH_SET_GS:
        if (address >= USER_END)
            return -EPERM;
        if (regs->rdi == ARCH_SET_FS)
            cpu_set_fs_base(address);
        else
            cpu_set_gs_base(address);
        return 0;
    case ARCH_GET_FS:
    case ARCH_GET_GS:
        address = regs->rdi == ARCH_GET_FS ? cpu_get_fs_base() : cpu_get_gs_base();
        return user_write(regs->rsi, &address, sizeof(address));
    }
    return -EINVAL;
}

/* Reads a clock in nanoseconds; false if there is none of that number. */
static bool read_clock(uint64_t number, uint64_t *now)
{
    switch (number) {
    case CLOCK_REALTIME:
    case CLOCK_REALTIME_COARSE:
    case CLOCK_TAI:
        *now = clock_realtime();
        return true;
    case CLOCK_MONOTONIC:
    case CLOCK_MONOTONIC_RAW:
    case CLOCK_MONOTONIC_COARSE:
    case CLOCK_BOOTTIME:
    case CLOCK_PROCESS_CPUTIME_ID:
    case CLOCK_THREAD_CPUTIME_ID:
        *now = clock_monotonic();
        return true;
    }
    return false;
}

static int64_t write_timespec(uint64_t to, uint64_t nanoseconds)
{
    struct __kernel_timespec time = {(int64_t)(nanoseconds / NANOSECONDS),
                                     (int64_t)(nanoseconds % NANOSECONDS)};
    return user_write(to, &time, sizeof(time));
}

int64_t sys_clock_gettime(struct regs *regs)
{
    uint64_t now;
    return read_clock(regs->rdi, &now) ? write_timespec(regs->rsi, now) : -EINVAL;
}

int64_t sys_clock_getres(struct regs *regs)
{
    uint64_t now;
    if (!read_clock(regs->rdi, &now))
        return -EINVAL;
    return regs->rsi ? write_timespec(regs->rsi, 1) : 0;
}

int64_t sys_gettimeofday(struct regs *regs)
{
    uint64_t now = clock_realtime();
    int64_t time[2] = {(int64_t)(now / NANOSECONDS), (int64_t)(now % NANOSECONDS / 1000)};
    return regs->rdi ? user_write(regs->rdi, time, sizeof(time)) : 0;
}

int64_t sys_time(struct regs *regs)
{
    int64_t seconds = (int64_t)(clock_realtime() / NANOSECONDS);
    if (regs->rdi && user_write(regs->rdi, &seconds, sizeof(seconds)) < 0)
        return -EFAULT;
    return seconds;
}

static int64_t read_timespec(uint64_t from, uint64_t *nanoseconds)
{
    struct __kernel_timespec time;
    if (user_read(&time, from, sizeof(time)) < 0)
        return -EFAULT;
    if (time.tv_sec < 0 || time.tv_nsec < 0 || time.tv_nsec >= NANOSECONDS)
        return -EINVAL;
    if (time.tv_sec > INT32_MAX)
        time.tv_sec = INT32_MAX;
    *nanoseconds = (uint64_t)(time.tv_sec * NANOSECONDS + time.tv_nsec);
    return 0;
}

/* Sleeps until a monotonic time; tells what was left if a signal came. */
static int64_t sleep_until(uint64_t deadline, uint64_t user_left)
{
    static const bool never;
    int64_t status = thread_sleep(&never, deadline);
    if (status == -EINTR && user_left) {
        uint64_t now = clock_monotonic();
        if (write_timespec(user_left, deadline > now ? deadline - now : 0) < 0)
            return -EFAULT;
    }
    return status == -ETIMEDOUT ? 0 : status;
}

int64_t sys_nanosleep(struct regs *regs)
{
    uint64_t wait;
    int64_t status = read_timespec(regs->rdi, &wait);
    return status < 0 ? status : sleep_until(clock_monotonic() + wait, regs->rsi);
}

int64_t sys_clock_nanosleep(struct regs *regs)
{
    uint64_t time, now;
    if (!read_clock(regs->rdi, &now))
        return -EINVAL;
    int64_t status = read_timespec(regs->rdx, &time);
    if (status < 0)
        return status;
    if (!(regs->rsi & TIMER_ABSTIME))
        return sleep_until(clock_monotonic() + time, regs->r10);
    return sleep_until(time > now ? clock_monotonic() + (time - now) : 0, 0);
}

int64_t sys_getrandom(struct regs *regs)
{
    uint64_t words[32];
    uint64_t size = regs->rsi < sizeof(words) ? regs->rsi : sizeof(words);
    if (regs->rdx & ~(uint64_t)(GRND_NONBLOCK | GRND_RANDOM | GRND_INSECURE))
        return -EINVAL;
    uint64_t done = 0;
    while (done < regs->rsi) {
        uint64_t part = regs->rsi - done < size ? regs->rsi - done : size;
        for (uint64_t i = 0; i < (part + 7) / 8; i++)
            words[i] = random_bits();
        if (user_write(regs->rdi + done, words, part) < 0)
            return done ? (int64_t)done : -EFAULT;
        done += part;
    }
    for (uint64_t i = 0; i < (size + 7) / 8; i++)
        ((volatile uint64_t *)words)[i] = 0;
    return (int64_t)done;
}

int64_t sys_uname(struct regs *regs)
{
    static const struct new_utsname name = {"Linux",    "localhost", "6.1.0",
                                            "#1 enarx", "x86_64",    "(none)"};
    return user_write(regs->rdi, &name, sizeof(name));
}

int64_t sys_getpid(struct regs *regs)
{
    (void)regs;
    return PROCESS;
}

int64_t sys_getppid(struct regs *regs)
{
    (void)regs;
    return 1;
}

int64_t sys_getuid(struct regs *regs)
{
    (void)regs;
    return USER;
}

int64_t sys_umask(struct regs *regs)
{
    (void)regs;
    return 022;
}

static int64_t write_limit(uint64_t resource, uint64_t to)
{
    struct rlimit64 limit = {RLIM64_INFINITY, RLIM64_INFINITY};
    if (resource >= RLIM_NLIMITS)
        return -EINVAL;
    if (resource == RLIMIT_STACK)
        limit.rlim_cur = limit.rlim_max = STACK_LIMIT;
    else if (resource == RLIMIT_NOFILE)
        limit.rlim_cur = limit.rlim_max = FILES_LIMIT;
    else if (resource == RLIMIT_CORE)
        limit.rlim_cur = limit.rlim_max = 0;
    return to ? user_write(to, &limit, sizeof(limit)) : 0;
}

int64_t sys_prlimit64(struct regs *regs)
{
    if (regs->rdi != 0 && regs->rdi != PROCESS)
        return -ESRCH;
    if (regs->rdx)
        return -EPERM;
    return write_limit(regs->rsi, regs->r10);
}

int64_t sys_getrlimit(struct regs *regs)
{
    return write_limit(regs->rdi, regs->rsi);
}

int64_t sys_sched_getaffinity(struct regs *regs)
{
    uint64_t mask[CPUS_MAX / 64] = {0};
    uint64_t processors = info->processors < CPUS_MAX ? info->processors : CPUS_MAX;
    for (uint64_t i = 0; i < processors; i++)
        mask[i / 64] |= 1ull << i % 64;
    uint64_t needed = (processors + 63) / 64 * 8;
    if (regs->rsi < needed || regs->rsi % 8)
        return -EINVAL;
    int status = user_write(regs->rdx, mask, needed);
    return status < 0 ? status : (int64_t)needed;
}

int64_t sys_unsupported(struct regs *regs)
{
    (void)regs;
    return -ENOSYS;
}

int64_t sys_exit_group(struct regs *regs)
{
    exit_group((int)regs->rdi);
}

/* There is no evidence and no sealing key where nothing protects the Keep: technology 0. */
int64_t sys_get_attestation(struct regs *regs)
{
    regs->rdx = 0;
    return 0;
}

int64_t sys_get_key(struct regs *regs)
{
    (void)regs;
    return 0;
}
