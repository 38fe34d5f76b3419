// SPDX-License-Identifier: Apache-2.0
#include "keep/sandbox/seccomp.h"

#include "sallyport/host/execute.h"

#include <asm/ioctls.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* What a filter says to a system call. */
enum verdict {
    UNKNOWN, /* ENOSYS */
    ALLOW,
    DEADLY,      /* no honest program has a reason to try: ends the process */
    NO_CODE,     /* memory that is not executable */
    ITSELF,      /* signals to this process */
    THREAD,      /* a new thread, but no new process */
    TERMINAL,    /* requests that change nothing but the mode of a descriptor */
    NETWORK,     /* sockets, but not those of this machine's own services */
    CONNECTED,   /* pairs of sockets that cannot be pointed elsewhere */
    THE_PROGRAM, /* executing the program, once: afterwards its descriptor is closed */
};

struct rule {
    int number;
    enum verdict verdict;
};

/* What the host's own threads need to serve a Keep, beside what sallyport proxies. */
static const struct rule host_rules[] = {
    {SYS_ioctl, ALLOW},
    {SYS_futex, ALLOW},
    {SYS_madvise, ALLOW},
    {SYS_munmap, ALLOW},
    {SYS_brk, ALLOW},
    {SYS_clock_gettime, ALLOW},
    {SYS_clock_nanosleep, ALLOW},
    {SYS_sched_yield, ALLOW},
    {SYS_rt_sigreturn, ALLOW},
    {SYS_rt_sigaction, ALLOW},
    {SYS_rt_sigprocmask, ALLOW},
    {SYS_getpid, ALLOW},
    {SYS_gettid, ALLOW},
    {SYS_clone, ALLOW},
    {SYS_clone3, ALLOW},
    {SYS_set_robust_list, ALLOW},
    {SYS_rseq, ALLOW},
    {SYS_exit, ALLOW},
    {SYS_exit_group, ALLOW},
    {SYS_restart_syscall, ALLOW},
    {SYS_writev, ALLOW},
    {SYS_sched_getaffinity, ALLOW},
    {SYS_prlimit64, ALLOW},
    {SYS_getrandom, ALLOW},
    {SYS_sigaltstack, ALLOW},
    {SYS_mmap, NO_CODE},
    {SYS_mprotect, NO_CODE},
    {SYS_tgkill, ITSELF},
    {SYS_setitimer, ALLOW},
};

/* What a program that runs as a process may do: what the shim of a Keep answers, … */
static const struct rule keep_rules[] = {
#define CALL(name, function)       {SYS_##name, ALLOW},
#define CALL_WHOLE(name, function) CALL(name, function)
#include "shim/vm/syscall_table.inc"
#undef CALL
#undef CALL_WHOLE
};

/* … and how it differs there. */
static const struct rule program_rules[] = {
    {SYS_execveat, THE_PROGRAM}, {SYS_restart_syscall, ALLOW}, {SYS_clone, THREAD},
    {SYS_kill, ITSELF},          {SYS_tkill, ITSELF},          {SYS_tgkill, ITSELF},
    {SYS_ioctl, TERMINAL},       {SYS_socket, NETWORK},        {SYS_socketpair, CONNECTED},
};

static const struct rule deadly_rules[] = {
    {SYS_execve, DEADLY},
    {SYS_execveat, DEADLY},
    {SYS_ptrace, DEADLY},
    {SYS_process_vm_readv, DEADLY},
    {SYS_process_vm_writev, DEADLY},
    {SYS_bpf, DEADLY},
    {SYS_mount, DEADLY},
    {SYS_setns, DEADLY},
    {SYS_unshare, DEADLY},
    {SYS_kexec_load, DEADLY},
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum { NUMBERS = 512, CODE_MAX = 1024, JUMP_MAX = 255 };

struct filter {
    uint8_t verdicts[NUMBERS]; /* of each system call; what has a higher number is unknown */
    int program;               /* descriptor of THE_PROGRAM, or -1 */
    struct sock_filter code[CODE_MAX];
    unsigned short size;
    bool full;
};

static void add_rules(struct filter *filter, const struct rule *rules, size_t count)
{
    for (size_t i = 0; i < count; i++)
        filter->verdicts[rules[i].number] = (uint8_t)rules[i].verdict;
}

static void emit(struct filter *filter, struct sock_filter instruction)
{
    if (filter->size < CODE_MAX)
        filter->code[filter->size++] = instruction;
    else
        filter->full = true;
}

static void emit_load(struct filter *filter, size_t offset)
{
    emit(filter, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (unsigned)offset));
}

static void emit_return(struct filter *filter, unsigned action)
{
    emit(filter, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, action));
}

/* The lower half of a call's argument: those that are looked at are of 32 bits. */
static void emit_load_argument(struct filter *filter, size_t index)
{
    emit_load(filter, offsetof(struct seccomp_data, args) + index * sizeof(uint64_t));
}

/* Allows a call whose argument is one of the values; others fail with `code`. */
static void emit_one_of(struct filter *filter, size_t argument, const unsigned *values,
                        size_t count, int code)
{
    emit_load_argument(filter, argument);
    for (size_t i = 0; i < count; i++)
        emit(filter, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, values[i],
                                                  (uint8_t)(count - i), 0));
    emit_return(filter, SECCOMP_RET_ERRNO | (unsigned)code);
    emit_return(filter, SECCOMP_RET_ALLOW);
}

/* Allows a call whose argument has one of the bits, or none of them; others fail. */
static void emit_bits(struct filter *filter, size_t argument, unsigned bits, bool set)
{
    const unsigned refused = SECCOMP_RET_ERRNO | EPERM;
    emit_load_argument(filter, argument);
    emit(filter, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, bits, 0, 1));
    emit_return(filter, set ? SECCOMP_RET_ALLOW : refused);
    emit_return(filter, set ? refused : SECCOMP_RET_ALLOW);
}

static void emit_verdict(struct filter *filter, enum verdict verdict)
{
    static const unsigned requests[] = {FIONREAD, FIONBIO, TIOCGWINSZ, TCGETS};
    static const unsigned families[] = {AF_INET, AF_INET6};
    const unsigned self = (unsigned)getpid(), program = (unsigned)filter->program;
    switch (verdict) {
    case UNKNOWN:
        emit_return(filter, SECCOMP_RET_ERRNO | ENOSYS);
        break;
    case ALLOW:
        emit_return(filter, SECCOMP_RET_ALLOW);
        break;
    case DEADLY:
        emit_return(filter, SECCOMP_RET_KILL_PROCESS);
        break;
    case NO_CODE:
        emit_bits(filter, 2, PROT_EXEC, false);
        break;
    case ITSELF:
        emit_one_of(filter, 0, &self, 1, EPERM);
        break;
    case THREAD:
        emit_bits(filter, 0, CLONE_THREAD, true);
        break;
    case TERMINAL:
        emit_one_of(filter, 1, requests, COUNT(requests), ENOTTY);
        break;
    case NETWORK:
        emit_one_of(filter, 0, families, COUNT(families), EAFNOSUPPORT);
        break;
    case CONNECTED:
        /* SOCK_STREAM and SOCK_SEQPACKET are odd; a pair of SOCK_DGRAM can send to any name. */
        emit_bits(filter, 1, SOCK_STREAM, true);
        break;
    case THE_PROGRAM:
        emit_one_of(filter, 0, &program, 1, EACCES);
        break;
    }
}

/*
 * Finds the verdict on the number that is loaded, which lies between two starts of runs of equal
 * verdicts, by bisection. The kernel tries the filter for each number when it is installed, so that
 * a list to be searched from its beginning would cost a tenth of a millisecond at each start.
 */
static void emit_search(struct filter *filter, const uint16_t *starts, size_t from, size_t to)
{
    if (to - from == 1) {
        unsigned number = starts[from];
        emit_verdict(filter, number < NUMBERS ? filter->verdicts[number] : UNKNOWN);
        return;
    }
    size_t middle = from + (to - from) / 2;
    unsigned short branch = filter->size;
    emit(filter, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, starts[middle], 0, 0));
    emit_search(filter, starts, from, middle);
    int distance = filter->size - branch - 1;
    if (filter->full || distance > JUMP_MAX) {
        filter->full = true;
        return;
    }
    filter->code[branch].jt = (uint8_t)distance;
    emit_search(filter, starts, middle, to);
}

static void build(struct filter *filter)
{
    uint16_t starts[NUMBERS + 1];
    size_t count = 0;
    for (unsigned number = 0; number < NUMBERS; number++) {
        if (number == 0 || filter->verdicts[number] != filter->verdicts[number - 1])
            starts[count++] = (uint16_t)number;
    }
    starts[count++] = NUMBERS;
    emit_load(filter, offsetof(struct seccomp_data, arch));
    emit(filter, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0));
    emit_return(filter, SECCOMP_RET_KILL_PROCESS);
    emit_load(filter, offsetof(struct seccomp_data, nr));
    emit_search(filter, starts, 0, count);
}

/* Installs what the verdicts say. 0 or -errno; -E2BIG if the filter is too long for its jumps. */
static int enter(struct filter *filter)
{
    build(filter);
    if (filter->full)
        return -E2BIG;
    struct sock_fprog code = {.len = filter->size, .filter = filter->code};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
        syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &code) < 0)
        return -errno;
    return 0;
}

int seccomp_enter_host(void)
{
    struct filter filter = {.program = -1};
    add_rules(&filter, host_rules, COUNT(host_rules));
    for (size_t i = 0; sp_host_proxied(i) >= 0; i++)
        filter.verdicts[sp_host_proxied(i)] = ALLOW;
    add_rules(&filter, deadly_rules, COUNT(deadly_rules));
    return enter(&filter);
}

int seccomp_enter_program(int program)
{
    struct filter filter = {.program = program};
    add_rules(&filter, keep_rules, COUNT(keep_rules));
    add_rules(&filter, deadly_rules, COUNT(deadly_rules));
    add_rules(&filter, program_rules, COUNT(program_rules));
    return enter(&filter);
}
