// SPDX-License-Identifier: Apache-2.0
/* The table of system calls, and what happens on each way into the shim. */
#include "shim/vm/syscall.h"
#include "shim/vm/sys_system.h"
#include "shim/vm/syscalls.h"

#include <asm-generic/siginfo.h>
#include <asm/signal.h>
#include <asm/unistd_64.h>

enum { RING_MASK = 3 };

enum {
    VECTOR_DIVIDE = 0,
    VECTOR_DEBUG = 1,
    VECTOR_BREAKPOINT = 3,
    VECTOR_UNDEFINED = 6,
    VECTOR_FPU = 16,
    VECTOR_ALIGNMENT = 17,
    VECTOR_SIMD = 19,
    FAULT_WRITE = 1 << 1,
    FAULT_FETCH = 1 << 4,
};

extern const syscall_fn syscall_table[];
const syscall_fn syscall_table[SYSCALL_TABLE_SIZE] = {
#define CALL(name, function)       [__NR_##name] = (function),
#define CALL_WHOLE(name, function) /* by way of syscall_dispatch */
#include "shim/vm/syscall_table.inc"
#undef CALL
#undef CALL_WHOLE
};

int64_t syscall_dispatch(struct regs *regs)
{
    uint64_t number = regs->rax;
    if (number < SYSCALL_TABLE_SIZE && syscall_table[number])
        return syscall_table[number](regs);
    switch (number) {
#define CALL(name, function)
#define CALL_WHOLE(name, function)                                                                 \
    case __NR_##name:                                                                              \
        return (function)(regs);
#include "shim/vm/syscall_table.inc"
#undef CALL
#undef CALL_WHOLE
    case SYSCALL_COPIED:
        return bulk_done(regs);
    case SYSCALL_RESUME:
        return sys_resume(regs);
    case SYSCALL_GET_ATTESTATION:
        return sys_get_attestation(regs);
    case SYSCALL_GET_KEY:
        return sys_get_key(regs);
    }
    return -ENOSYS;
}

static void enter(struct cpu *cpu)
{
    cpu->in_user = false;
    shim_lock();
}

static void leave(struct cpu *cpu, struct regs *regs)
{
    if (cpu->attention) {
        if (cpu->bulk.state == BULK_PLANNED)
            bulk_start(regs);
        else if (cpu->bulk.state == BULK_NONE)
            signal_deliver(regs);
        cpu->attention = signal_waiting(cpu);
    }
    if (regs->rip >= USER_END)
        signal_fault(regs, SIGSEGV, SI_KERNEL, 0);
    cpu->in_user = true;
    shim_unlock();
}

void shim_syscall(struct regs *regs)
{
    struct cpu *cpu = this_cpu();
    if (threaded)
        enter(cpu);
    shim_leave(regs, syscall_dispatch(regs));
}

void shim_leave(struct regs *regs, int64_t result)
{
    if (result == -EINTR)
        signal_interrupted(regs->rax);
    if (result != SYSCALL_REGISTERS_SET)
        regs->rax = (uint64_t)result;
    leave(this_cpu(), regs);
}

/* The signal by which Linux reports an exception other than a page fault. */
static void exception_signal(struct regs *regs)
{
    switch (regs->vector) {
    case VECTOR_DIVIDE:
        signal_fault(regs, SIGFPE, FPE_INTDIV, regs->rip);
        break;
    case VECTOR_DEBUG:
    case VECTOR_BREAKPOINT:
        signal_fault(regs, SIGTRAP, TRAP_BRKPT, regs->rip);
        break;
    case VECTOR_UNDEFINED:
        signal_fault(regs, SIGILL, ILL_ILLOPN, regs->rip);
        break;
    case VECTOR_FPU:
    case VECTOR_SIMD:
        signal_fault(regs, SIGFPE, FPE_FLTINV, regs->rip);
        break;
    case VECTOR_ALIGNMENT:
        signal_fault(regs, SIGBUS, BUS_ADRALN, 0);
        break;
    default:
        signal_fault(regs, SIGSEGV, SI_KERNEL, 0);
    }
}

static void page_fault(struct regs *regs, uint64_t address)
{
    int status = space_fault(address, regs->error & FAULT_WRITE, regs->error & FAULT_FETCH);
    if (status == 0 || bulk_fault(regs))
        return;
    if (status < 0)
        signal_fault(regs, SIGBUS, BUS_ADRERR, address);
    else
        signal_fault(regs, SIGSEGV, status, address);
}

void shim_exception(struct regs *regs)
{
    uint64_t address = 0;
    if (regs->vector == VECTOR_PAGE_FAULT)
        __asm__ volatile("mov %%cr2, %0" : "=r"(address));

    if ((regs->cs & RING_MASK) == 0) {
        if (regs->vector != VECTOR_PAGE_FAULT || !user_fault(regs, address))
            shim_panic_exception(regs, address);
        return;
    }
    struct cpu *cpu = this_cpu();
    enter(cpu);
    if (regs->vector == VECTOR_PAGE_FAULT)
        page_fault(regs, address);
    else if (regs->vector == VECTOR_SIGNAL)
        signal_take();
    else if (regs->vector != VECTOR_KICK)
        exception_signal(regs);
    leave(cpu, regs);
}
