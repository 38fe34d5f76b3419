// SPDX-License-Identifier: Apache-2.0
/* futex(2): waiters queue by address, in the order in which they came. */
#include "shim/vm/syscall.h"

#include <linux/futex.h>
#include <linux/time_types.h>

enum { BUCKETS = 64 };

static struct bucket {
    struct cpu *first, *last;
} buckets[BUCKETS];

static struct bucket *bucket_of(uint64_t address)
{
    return &buckets[(address >> 2 ^ address >> 12) % BUCKETS];
}

static void enqueue(struct cpu *cpu, uint64_t address, uint32_t bits)
{
    struct bucket *bucket = bucket_of(address);
    cpu->futex = (struct futex_waiter){.address = address, .bits = bits};
    if (bucket->last)
        bucket->last->futex.next = cpu;
    else
        bucket->first = cpu;
    bucket->last = cpu;
}

/* Takes a waiter, whose predecessor is `before` (NULL: it is the first), out of its queue. */
static void dequeue(struct bucket *bucket, struct cpu *before, struct cpu *cpu)
{
    if (before)
        before->futex.next = cpu->futex.next;
    else
        bucket->first = cpu->futex.next;
    if (bucket->last == cpu)
        bucket->last = before;
    cpu->futex.address = 0;
    cpu->futex.next = NULL;
}

static void forget(struct cpu *cpu)
{
    struct bucket *bucket = bucket_of(cpu->futex.address);
    struct cpu *before = NULL;
    for (struct cpu *at = bucket->first; at; before = at, at = at->futex.next) {
        if (at == cpu) {
            dequeue(bucket, before, cpu);
            return;
        }
    }
}

int futex_wake(uint64_t address, uint32_t count, uint32_t bits)
{
    struct bucket *bucket = bucket_of(address);
    uint32_t woken = 0;
    struct cpu *before = NULL;
    for (struct cpu *at = bucket->first; at && woken < count;) {
        struct cpu *next = at->futex.next;
        if (at->futex.address == address && at->futex.bits & bits) {
            dequeue(bucket, before, at);
            at->futex.woken = true;
            thread_wake(at);
            woken++;
        } else {
            before = at;
        }
        at = next;
    }
    return (int)woken;
}

/* Wakes `count` waiters and moves up to `moved` more to another address. */
static int64_t requeue(uint64_t address, uint32_t count, uint64_t target, uint32_t moved)
{
    int64_t done = futex_wake(address, count, FUTEX_BITSET_MATCH_ANY);
    struct bucket *bucket = bucket_of(address);
    struct cpu *before = NULL;
    for (struct cpu *at = bucket->first; at && moved > 0;) {
        struct cpu *next = at->futex.next;
        if (at->futex.address == address && address != target) {
            uint32_t bits = at->futex.bits;
            dequeue(bucket, before, at);
            enqueue(at, target, bits);
            moved--;
            done++;
        } else {
            before = at;
        }
        at = next;
    }
    return done;
}

static int64_t wait(uint64_t address, uint32_t expected, uint32_t bits, uint64_t deadline)
{
    struct cpu *cpu = this_cpu();
    uint32_t value;
    if (bits == 0)
        return -EINVAL;
    if (user_read(&value, address, sizeof(value)) < 0)
        return -EFAULT;
    if (value != expected)
        return -EAGAIN;
    enqueue(cpu, address, bits);
    int status = thread_sleep(&cpu->futex.woken, deadline);
    if (cpu->futex.woken)
        return 0;
    forget(cpu);
    return status;
}

/* The monotonic time at which a wait ends. 0 or -errno. */
static int64_t deadline_of(uint64_t user_timeout, bool absolute, bool realtime, uint64_t *deadline)
{
    struct __kernel_timespec time;
    *deadline = UINT64_MAX;
    if (!user_timeout)
        return 0;
    if (user_read(&time, user_timeout, sizeof(time)) < 0)
        return -EFAULT;
    if (time.tv_sec < 0 || time.tv_nsec < 0 || time.tv_nsec >= 1000000000)
        return -EINVAL;
    if ((uint64_t)time.tv_sec > UINT64_MAX / 2000000000)
        return 0;
    uint64_t ns = (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
    uint64_t now = clock_monotonic();
    if (!absolute) {
        *deadline = now + ns;
    } else if (realtime) {
        uint64_t real = clock_realtime();
        *deadline = ns > real ? now + (ns - real) : 0;
    } else {
        *deadline = ns;
    }
    return 0;
}

int64_t sys_futex(struct regs *regs)
{
    uint64_t address = regs->rdi, timeout = regs->r10, target = regs->r8;
    uint32_t value = (uint32_t)regs->rdx, expected = (uint32_t)regs->r9, present;
    bool realtime = regs->rsi & FUTEX_CLOCK_REALTIME;
    uint64_t deadline;
    int64_t status;

    if (address & 3 || !user_range(address, 4))
        return address & 3 ? -EINVAL : -EFAULT;
    switch (regs->rsi & FUTEX_CMD_MASK) {
    case FUTEX_WAIT:
        status = deadline_of(timeout, false, false, &deadline);
        return status < 0 ? status : wait(address, value, FUTEX_BITSET_MATCH_ANY, deadline);
    case FUTEX_WAIT_BITSET:
        status = deadline_of(timeout, true, realtime, &deadline);
        return status < 0 ? status : wait(address, value, expected, deadline);
    case FUTEX_WAKE:
        return futex_wake(address, value, FUTEX_BITSET_MATCH_ANY);
    case FUTEX_WAKE_BITSET:
        return expected ? futex_wake(address, value, expected) : -EINVAL;
    case FUTEX_CMP_REQUEUE:
        if (user_read(&present, address, sizeof(present)) < 0)
            return -EFAULT;
        if (present != expected)
            return -EAGAIN;
        return requeue(address, value, target, (uint32_t)timeout);
    case FUTEX_REQUEUE:
        return requeue(address, value, target, (uint32_t)timeout);
    }
    return -ENOSYS;
}
