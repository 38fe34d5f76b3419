// SPDX-License-Identifier: Apache-2.0
#include "keep/sandbox/seccomp.h"

#include "sallyport/host/execute.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* What the host's own threads need, the most frequent first. */
static const int own_calls[] = {
    SYS_ioctl,
    SYS_futex,
    SYS_madvise,
    SYS_munmap,
    SYS_brk,
    SYS_clock_gettime,
    SYS_clock_nanosleep,
    SYS_sched_yield,
    SYS_rt_sigreturn,
    SYS_rt_sigaction,
    SYS_rt_sigprocmask,
    SYS_getpid,
    SYS_gettid,
    SYS_clone,
    SYS_clone3,
    SYS_set_robust_list,
    SYS_rseq,
    SYS_exit,
    SYS_exit_group,
    SYS_restart_syscall,
    SYS_writev,
    SYS_sched_getaffinity,
    SYS_prlimit64,
    SYS_getrandom,
    SYS_sigaltstack,
};

/* What no part of a Keep's host has a reason to try. */
static const int deadly_calls[] = {
    SYS_execve, SYS_execveat, SYS_ptrace, SYS_process_vm_readv, SYS_process_vm_writev,
    SYS_bpf,    SYS_mount,    SYS_setns,  SYS_unshare,          SYS_kexec_load,
};

enum { CALLS_MAX = 120 };

struct program {
    struct sock_filter code[2 * CALLS_MAX + 24];
    unsigned short size;
};

static void emit(struct program *program, struct sock_filter instruction)
{
    if (program->size < sizeof(program->code) / sizeof(program->code[0]))
        program->code[program->size++] = instruction;
}

/* If the loaded number is `number`, returns `action`. */
static void emit_case(struct program *program, int number, unsigned action)
{
    emit(program, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)number, 0, 1));
    emit(program, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, action));
}

static void emit_load(struct program *program, size_t offset)
{
    emit(program, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (unsigned)offset));
}

/* Where the lower half of a call's argument is. */
static size_t argument(int index)
{
    return offsetof(struct seccomp_data, args) + (size_t)index * sizeof(uint64_t);
}

/* Calls that are allowed by what they ask for: memory that is not executable, signals to this
 * process. Each block is skipped by other calls and ends with a verdict. */
static void emit_checked(struct program *program)
{
    static const int mapping[] = {SYS_mmap, SYS_mprotect};
    for (size_t i = 0; i < sizeof(mapping) / sizeof(mapping[0]); i++) {
        emit(program,
             (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)mapping[i], 0, 4));
        emit_load(program, argument(2));
        emit(program, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, PROT_EXEC, 0, 1));
        emit(program, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM));
        emit(program, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
    }
    emit(program, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_tgkill, 0, 4));
    emit_load(program, argument(0));
    emit(program,
         (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)getpid(), 0, 1));
    emit(program, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
    emit(program, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM));
}

static void build(struct program *program)
{
    emit_load(program, offsetof(struct seccomp_data, arch));
    emit(program, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0));
    emit(program, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS));
    emit_load(program, offsetof(struct seccomp_data, nr));
    for (size_t i = 0; i < sizeof(own_calls) / sizeof(own_calls[0]); i++)
        emit_case(program, own_calls[i], SECCOMP_RET_ALLOW);
    for (size_t i = 0; sp_host_proxied(i) >= 0; i++)
        emit_case(program, sp_host_proxied(i), SECCOMP_RET_ALLOW);
    emit_checked(program);
    for (size_t i = 0; i < sizeof(deadly_calls) / sizeof(deadly_calls[0]); i++)
        emit_case(program, deadly_calls[i], SECCOMP_RET_KILL_PROCESS);
    emit(program, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS));
}

int seccomp_enter(struct err *err)
{
    struct program program = {.size = 0};
    build(&program);
    if (program.size == sizeof(program.code) / sizeof(program.code[0]))
        return err_set(err, ERR_INTERNAL, 0, "the list of system calls is longer than its filter");
    struct sock_fprog filter = {.len = program.size, .filter = program.code};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
        syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter) < 0)
        return err_set(err, ERR_IO, errno, "limit the system calls of the Keep's host process");
    return 0;
}
