// SPDX-License-Identifier: Apache-2.0
/* Threads: each is a processor of its own, which the host starts, parks and wakes. */
#include "shim/vm/syscall.h"

#include <linux/sched.h>

/* What every thread library asks for; other ways to clone do not exist in a Keep. */
#define CLONE_NEEDED (CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD)
#define CLONE_KNOWN                                                                                \
    (CLONE_NEEDED | CLONE_SYSVSEM | CLONE_SETTLS | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID |    \
     CLONE_CHILD_SETTID | CLONE_DETACHED)

enum { FIRST_TID = 1000 };

uint32_t cpu_count = 1;

static uint32_t tid_of(const struct cpu *cpu)
{
    return FIRST_TID + cpu->id;
}

/* A processor on which nothing runs; NULL if there is none, or no memory. */
static struct cpu *free_cpu(void)
{
    uint32_t limit = info->cpus < CPUS_MAX ? info->cpus : CPUS_MAX;
    for (uint32_t id = 1; id < cpu_count; id++) {
        if (!cpu_at(id)->running)
            return cpu_at(id);
    }
    if (cpu_count >= limit || table_map_cpu(cpu_count) < 0)
        return NULL;
    struct cpu *cpu = cpu_at(cpu_count);
    cpu_init(cpu, cpu_count++);
    return cpu;
}

int64_t sys_clone(struct regs *regs)
{
    uint64_t flags = regs->rdi;
    if ((flags & CLONE_NEEDED) != CLONE_NEEDED || flags & ~(uint64_t)CLONE_KNOWN)
        return -ENOSYS;
    if (flags & CLONE_SETTLS && regs->r8 >= USER_END)
        return -EPERM;
    struct cpu *child = free_cpu();
    if (!child)
        return -EAGAIN;
    uint32_t tid = tid_of(child);
    if ((flags & CLONE_PARENT_SETTID && user_write(regs->rdx, &tid, sizeof(tid)) < 0) ||
        (flags & CLONE_CHILD_SETTID && user_write(regs->r10, &tid, sizeof(tid)) < 0))
        return -EFAULT;

    struct regs *frame = user_regs(child);
    *frame = *regs;
    frame->rax = 0;
    frame->rsp = regs->rsi;
    child->fs_base = flags & CLONE_SETTLS ? regs->r8 : cpu_get_fs_base();
    child->clear_tid = flags & CLONE_CHILD_CLEARTID ? regs->r10 : 0;
    signal_inherit(child, this_cpu());
    child->running = true;
    cpu_begin_threads();
    this_cpu()->attention = true; /* the lock is held now */
    int64_t result = sp_thread_spawn(port_hold(), child->id);
    if (result < 0) {
        child->running = false;
        return -EAGAIN;
    }
    return tid;
}

int64_t sys_exit(struct regs *regs)
{
    struct cpu *cpu = this_cpu();
    if (cpu->clear_tid) {
        uint32_t zero = 0;
        if (user_write(cpu->clear_tid, &zero, sizeof(zero)) == 0)
            futex_wake(cpu->clear_tid, 1, UINT32_MAX);
        cpu->clear_tid = 0;
    }
    bool others = false;
    for (uint32_t id = 0; id < cpu_count && !others; id++)
        others = id != cpu->id && cpu_at(id)->running;
    if (!others)
        exit_group((int)regs->rdi);
    /* Another thread may take this processor over from here on; the host starts it there only when
     * this call has been made. */
    cpu->running = false;
    sp_exit_thread(port_get());
    shim_panic("the host entered a thread that had ended");
}

int64_t sys_set_tid_address(struct regs *regs)
{
    struct cpu *cpu = this_cpu();
    cpu->clear_tid = regs->rdi;
    return tid_of(cpu);
}

int64_t sys_gettid(struct regs *regs)
{
    (void)regs;
    return tid_of(this_cpu());
}

int64_t sys_sched_yield(struct regs *regs)
{
    (void)regs;
    sp_thread_park(port_get(), 0);
    return 0;
}

int thread_sleep(const bool *woken, uint64_t deadline)
{
    struct cpu *cpu = this_cpu();
    while (!__atomic_load_n(woken, __ATOMIC_ACQUIRE)) {
        if (signal_waiting(cpu))
            return -EINTR;
        uint64_t timeout = UINT64_MAX;
        if (deadline != UINT64_MAX) {
            uint64_t now = clock_monotonic();
            if (now >= deadline)
                return -ETIMEDOUT;
            timeout = deadline - now;
        }
        if (sp_thread_park(port_get(), timeout) == -EINTR)
            signal_take();
    }
    return 0;
}

void thread_wake(struct cpu *cpu)
{
    sp_thread_unpark(port_hold(), cpu->id);
}

/* kill(2) and its kin name threads by their number. */
static struct cpu *thread_find(uint64_t tid)
{
    uint64_t id = tid - FIRST_TID;
    if (id >= cpu_count || !cpu_at((uint32_t)id)->running)
        return NULL;
    return cpu_at((uint32_t)id);
}

static int64_t send(uint64_t tid, int number)
{
    struct cpu *cpu = thread_find(tid);
    if (!cpu)
        return -ESRCH;
    if (number < 0 || number > SIGNALS)
        return -EINVAL;
    return number ? signal_send(cpu, number) : 0;
}

int64_t sys_kill(struct regs *regs)
{
    int64_t process = (int)regs->rdi;
    if (process != FIRST_TID && process != 0)
        return -ESRCH;
    return send(tid_of(this_cpu()), (int)regs->rsi);
}

int64_t sys_tkill(struct regs *regs)
{
    return send(regs->rdi, (int)regs->rsi);
}

int64_t sys_tgkill(struct regs *regs)
{
    return regs->rdi == FIRST_TID ? send(regs->rsi, (int)regs->rdx) : -ESRCH;
}
