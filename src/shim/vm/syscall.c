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
    [__NR_read] = sys_read,
    [__NR_write] = sys_write,
    [__NR_open] = sys_no_such_file,
    [__NR_close] = sys_close,
    [__NR_stat] = sys_no_such_file,
    [__NR_fstat] = sys_fstat,
    [__NR_lstat] = sys_no_such_file,
    [__NR_poll] = sys_poll,
    [__NR_lseek] = sys_lseek,
    [__NR_mmap] = sys_mmap,
    [__NR_mprotect] = sys_mprotect,
    [__NR_munmap] = sys_munmap,
    [__NR_brk] = sys_brk,
    [__NR_rt_sigaction] = sys_rt_sigaction,
    [__NR_rt_sigprocmask] = sys_rt_sigprocmask,
    [__NR_rt_sigreturn] = sys_rt_sigreturn,
    [__NR_ioctl] = sys_ioctl,
    [__NR_pread64] = sys_pread64,
    [__NR_pwrite64] = sys_pwrite64,
    [__NR_readv] = sys_readv,
    [__NR_writev] = sys_writev,
    [__NR_access] = sys_no_such_file,
    [__NR_pipe] = sys_pipe,
    [__NR_sched_yield] = sys_sched_yield,
    [__NR_mremap] = sys_mremap,
    [__NR_madvise] = sys_madvise,
    [__NR_dup] = sys_dup,
    [__NR_dup2] = sys_dup2,
    [__NR_nanosleep] = sys_nanosleep,
    [__NR_getpid] = sys_getpid,
    [__NR_socket] = sys_socket,
    [__NR_connect] = sys_connect,
    [__NR_accept] = sys_accept,
    [__NR_sendto] = sys_sendto,
    [__NR_recvfrom] = sys_recvfrom,
    [__NR_sendmsg] = sys_sendmsg,
    [__NR_recvmsg] = sys_recvmsg,
    [__NR_shutdown] = sys_shutdown,
    [__NR_bind] = sys_bind,
    [__NR_listen] = sys_listen,
    [__NR_getsockname] = sys_getsockname,
    [__NR_getpeername] = sys_getpeername,
    [__NR_socketpair] = sys_socketpair,
    [__NR_setsockopt] = sys_setsockopt,
    [__NR_getsockopt] = sys_getsockopt,
    [__NR_clone] = sys_clone,
    [__NR_exit] = sys_exit,
    [__NR_kill] = sys_kill,
    [__NR_uname] = sys_uname,
    [__NR_fcntl] = sys_fcntl,
    [__NR_fsync] = sys_fsync,
    [__NR_fdatasync] = sys_fdatasync,
    [__NR_ftruncate] = sys_ftruncate,
    [__NR_getcwd] = sys_getcwd,
    [__NR_readlink] = sys_readlink,
    [__NR_umask] = sys_umask,
    [__NR_gettimeofday] = sys_gettimeofday,
    [__NR_getrlimit] = sys_getrlimit,
    [__NR_getuid] = sys_getuid,
    [__NR_getgid] = sys_getuid,
    [__NR_geteuid] = sys_getuid,
    [__NR_getegid] = sys_getuid,
    [__NR_getppid] = sys_getppid,
    [__NR_rt_sigpending] = sys_rt_sigpending,
    [__NR_sigaltstack] = sys_sigaltstack,
    [__NR_mlock] = sys_mlock,
    [__NR_munlock] = sys_mlock,
    [__NR_mlockall] = sys_mlock,
    [__NR_munlockall] = sys_mlock,
    [__NR_arch_prctl] = sys_arch_prctl,
    [__NR_sync] = sys_sync,
    [__NR_gettid] = sys_gettid,
    [__NR_tkill] = sys_tkill,
    [__NR_time] = sys_time,
    [__NR_futex] = sys_futex,
    [__NR_sched_getaffinity] = sys_sched_getaffinity,
    [__NR_epoll_create] = sys_epoll_create,
    [__NR_getdents64] = sys_getdents64,
    [__NR_set_tid_address] = sys_set_tid_address,
    [__NR_fadvise64] = sys_fadvise64,
    [__NR_clock_gettime] = sys_clock_gettime,
    [__NR_clock_getres] = sys_clock_getres,
    [__NR_clock_nanosleep] = sys_clock_nanosleep,
    [__NR_exit_group] = sys_exit_group,
    [__NR_epoll_wait] = sys_epoll_wait,
    [__NR_epoll_ctl] = sys_epoll_ctl,
    [__NR_tgkill] = sys_tgkill,
    [__NR_openat] = sys_openat,
    [__NR_mkdirat] = sys_mkdirat,
    [__NR_newfstatat] = sys_newfstatat,
    [__NR_unlinkat] = sys_unlinkat,
    [__NR_renameat] = sys_renameat,
    [__NR_linkat] = sys_linkat,
    [__NR_symlinkat] = sys_symlinkat,
    [__NR_readlinkat] = sys_readlinkat,
    [__NR_pselect6] = sys_pselect6,
    [__NR_ppoll] = sys_ppoll,
    [__NR_utimensat] = sys_utimensat,
    [__NR_epoll_pwait] = sys_epoll_pwait,
    [__NR_fallocate] = sys_fallocate,
    [__NR_accept4] = sys_accept4,
    [__NR_eventfd2] = sys_eventfd2,
    [__NR_epoll_create1] = sys_epoll_create1,
    [__NR_dup3] = sys_dup3,
    [__NR_pipe2] = sys_pipe2,
    [__NR_preadv] = sys_preadv,
    [__NR_pwritev] = sys_pwritev,
    [__NR_prlimit64] = sys_prlimit64,
    [__NR_renameat2] = sys_renameat2,
    [__NR_getrandom] = sys_getrandom,
    [__NR_openat2] = sys_openat2,
    /* Every libc asks for these when it starts, and does without. */
    [__NR_set_robust_list] = sys_unsupported,
    [__NR_rseq] = sys_unsupported,
};

int64_t syscall_dispatch(struct regs *regs)
{
    uint64_t number = regs->rax;
    if (number < SYSCALL_TABLE_SIZE && syscall_table[number])
        return syscall_table[number](regs);
    switch (number) {
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
    regs->rflags = (regs->rflags & FLAGS_ALLOWED) | FLAGS_FORCED;
    int64_t result = syscall_dispatch(regs);
    if (result != SYSCALL_REGISTERS_SET)
        regs->rax = (uint64_t)result;
    leave(cpu, regs);
}

void shim_leave(struct regs *regs)
{
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
    else if (regs->vector != VECTOR_KICK)
        exception_signal(regs);
    leave(cpu, regs);
}
