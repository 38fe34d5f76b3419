// SPDX-License-Identifier: Apache-2.0
/*
 * Signals: faults of exec become SIGSEGV, SIGBUS, SIGILL, SIGFPE and SIGTRAP as on Linux, with
 * siginfo, ucontext and rt_sigreturn; kill(2) and its kin send to threads of the Keep. The extended
 * state is saved and restored at ring 3 (stubs.S), where the processor's own instructions for it
 * can be used on every kind of hypervisor.
 */
#include "shim/vm/syscall.h"

#include <asm-generic/siginfo.h>
#include <asm/sigcontext.h>
#include <asm/signal.h>
#include <asm/unistd_64.h>
#include <linux/signal.h>

enum {
    RED_ZONE = 128,
    XSAVE_HEADER = 512,   /* offset of the header in an XSAVE area */
    XSAVE_SOFTWARE = 464, /* offset of the bytes that software may use */
    XSAVE_HEADER_SIZE = 64,
    SIGNAL_SET_SIZE = 8,
    SYSCALL_SIZE = 2, /* bytes of the instruction */
};

struct action {
    uint64_t handler, flags, restorer, mask;
};

struct user_context {
    uint64_t flags, link;
    struct {
        uint64_t base;
        int32_t flags;
        uint64_t size;
    } stack;
    struct sigcontext registers;
    uint64_t mask;
};

struct frame {
    uint64_t return_address;
    struct user_context context;
    uint8_t info[128];
};

_Static_assert(offsetof(struct user_context, registers) == 40, "as Linux lays it out");
_Static_assert(sizeof(struct sigcontext) == 256, "as Linux lays it out");

static struct action actions[SIGNALS + 1];

extern const uint8_t stubs[], stub_signal[], stub_resume[];

static uint64_t bit(int number)
{
    return 1ull << (number - 1);
}

bool signal_waiting(const struct cpu *cpu)
{
    return cpu->pending & ~cpu->signal_mask;
}

void signal_inherit(struct cpu *child, const struct cpu *parent)
{
    child->signal_mask = parent->signal_mask;
    child->pending = 0;
    child->alternate.size = 0;
    child->alternate.flags = SS_DISABLE;
}

static bool on_alternate(const struct cpu *cpu, uint64_t sp)
{
    return cpu->alternate.size && sp - cpu->alternate.base <= cpu->alternate.size;
}

static void save_registers(struct sigcontext *to, const struct regs *regs)
{
    to->r8 = regs->r8;
    to->r9 = regs->r9;
    to->r10 = regs->r10;
    to->r11 = regs->r11;
    to->r12 = regs->r12;
    to->r13 = regs->r13;
    to->r14 = regs->r14;
    to->r15 = regs->r15;
    to->rdi = regs->rdi;
    to->rsi = regs->rsi;
    to->rbp = regs->rbp;
    to->rbx = regs->rbx;
    to->rdx = regs->rdx;
    to->rax = regs->rax;
    to->rcx = regs->rcx;
    to->rsp = regs->rsp;
    to->rip = regs->rip;
    to->eflags = regs->rflags;
    to->cs = SELECTOR_USER_CODE;
    to->ss = SELECTOR_USER_DATA;
    to->err = regs->error;
    to->trapno = regs->vector;
}

static void restore_registers(struct regs *regs, const struct sigcontext *from)
{
    regs->r8 = from->r8;
    regs->r9 = from->r9;
    regs->r10 = from->r10;
    regs->r11 = from->r11;
    regs->r12 = from->r12;
    regs->r13 = from->r13;
    regs->r14 = from->r14;
    regs->r15 = from->r15;
    regs->rdi = from->rdi;
    regs->rsi = from->rsi;
    regs->rbp = from->rbp;
    regs->rbx = from->rbx;
    regs->rdx = from->rdx;
    regs->rax = from->rax;
    regs->rcx = from->rcx;
    regs->rsp = from->rsp;
    regs->rip = from->rip;
    regs->rflags = (from->eflags & FLAGS_ALLOWED) | FLAGS_FORCED;
}

/* Builds the frame on exec's stack and points the registers at the handler. 0 or -EFAULT. */
static int enter_handler(struct regs *regs, const struct action *action, int number,
                         const siginfo_t *siginfo, uint64_t address)
{
    static struct frame frame; /* under the lock; too large for the stack */
    static const uint8_t zeroes[XSAVE_HEADER + XSAVE_HEADER_SIZE - XSAVE_SOFTWARE];
    struct cpu *cpu = this_cpu();

    uint64_t sp = regs->rsp - RED_ZONE;
    bool switches =
        action->flags & SA_ONSTACK && cpu->alternate.size && !on_alternate(cpu, regs->rsp);
    if (switches)
        sp = cpu->alternate.base + cpu->alternate.size;
    uint64_t extended = (sp - EXTENDED_SIZE) & ~63ull;
    uint64_t at = ((extended - sizeof(frame)) & ~15ull) - 8;
    if (switches && at < cpu->alternate.base)
        return -EFAULT;

    frame = (struct frame){.return_address = action->restorer};
    frame.context.stack.base = cpu->alternate.base;
    frame.context.stack.size = cpu->alternate.size;
    frame.context.stack.flags = (int32_t)cpu->alternate.flags;
    frame.context.mask = cpu->masked ? cpu->outer_mask : cpu->signal_mask;
    save_registers(&frame.context.registers, regs);
    frame.context.registers.cr2 = address;
    frame.context.registers.fpstate = (struct _fpstate *)extended;
    __builtin_memcpy(frame.info, siginfo, sizeof(frame.info));
    if (user_write(at, &frame, sizeof(frame)) < 0 ||
        user_write(extended + XSAVE_SOFTWARE, zeroes, sizeof(zeroes)) < 0)
        return -EFAULT;

    cpu->masked = false;
    cpu->signal_mask |= action->mask | (action->flags & SA_NODEFER ? 0 : bit(number));
    regs->rbx = action->handler;
    regs->rbp = extended;
    regs->r12 = at + offsetof(struct frame, context);
    regs->rdi = (uint64_t)number;
    regs->rsi = at + offsetof(struct frame, info);
    regs->rsp = at;
    regs->rip = STUBS_BASE + (uint64_t)(stub_signal - stubs);
    regs->rflags = FLAGS_FORCED;
    return 0;
}

static bool ignored_by_default(int number)
{
    return number == SIGCHLD || number == SIGURG || number == SIGWINCH || number == SIGCONT;
}

static bool is_ignored(int number)
{
    uint64_t handler = actions[number].handler;
    return handler == (uint64_t)SIG_IGN ||
           (handler == (uint64_t)SIG_DFL && ignored_by_default(number));
}

/* Whether Linux makes a system call again after a handler with SA_RESTART. */
static bool can_be_repeated(const struct regs *regs, uint64_t number)
{
    switch (number) {
    case __NR_poll:
    case __NR_ppoll:
    case __NR_pselect6:
    case __NR_epoll_wait:
    case __NR_epoll_pwait:
    case __NR_nanosleep:
    case __NR_clock_nanosleep:
    case __NR_rt_sigsuspend:
    case __NR_pause:
        return false;
    case __NR_futex:
        return regs->r10 == 0; /* without a timeout */
    }
    return true;
}

/* Goes back to the system call that a signal has ended. */
static void repeat_call(struct cpu *cpu, struct regs *regs)
{
    regs->rax = cpu->interrupted - 1;
    regs->rip -= SYSCALL_SIZE;
}

/* Handles one signal as exec has asked for; ends the Keep if that is what the signal does. */
static void handle(struct regs *regs, int number, const siginfo_t *siginfo, uint64_t address,
                   bool fault)
{
    struct action action = actions[number];
    bool blocked = this_cpu()->signal_mask & bit(number);
    bool ignored = is_ignored(number);
    if (!fault && ignored)
        return;
    if (action.handler == (uint64_t)SIG_DFL || (fault && (blocked || ignored)))
        exit_group(128 + number);
    if (action.flags & SA_RESETHAND)
        actions[number].handler = (uint64_t)SIG_DFL;
    struct cpu *cpu = this_cpu();
    if (cpu->interrupted && action.flags & SA_RESTART &&
        can_be_repeated(regs, cpu->interrupted - 1))
        repeat_call(cpu, regs);
    cpu->interrupted = 0;
    if (enter_handler(regs, &action, number, siginfo, address) < 0)
        exit_group(128 + SIGSEGV);
}

void signal_fault(struct regs *regs, int number, int code, uint64_t address)
{
    siginfo_t siginfo = {.si_signo = number, .si_code = code, .si_addr = (void *)address};
    handle(regs, number, &siginfo, address, true);
}

void signal_deliver(struct regs *regs)
{
    struct cpu *cpu = this_cpu();
    uint64_t ready;
    while ((ready = cpu->pending & ~cpu->signal_mask) != 0) {
        int number = __builtin_ctzll(ready) + 1;
        cpu->pending &= ~bit(number);
        siginfo_t siginfo = {.si_signo = number, .si_code = SI_TKILL};
        handle(regs, number, &siginfo, 0, false);
    }
    /* Nothing of it has reached exec. */
    if (cpu->interrupted)
        repeat_call(cpu, regs);
    cpu->interrupted = 0;
    if (cpu->masked)
        cpu->signal_mask = cpu->outer_mask;
    cpu->masked = false;
}

void signal_interrupted(uint64_t number)
{
    signal_take();
    this_cpu()->interrupted = (uint32_t)number + 1;
    this_cpu()->attention = true;
}

/* The thread that takes a signal to the whole Keep: one that does not block it, if there is one. */
static struct cpu *taker(int number)
{
    for (uint32_t id = 0; id < cpu_count; id++) {
        struct cpu *cpu = cpu_at(id);
        if (cpu->running && !(cpu->signal_mask & bit(number)))
            return cpu;
    }
    return this_cpu();
}

void signal_take(void)
{
    int64_t number;
    while ((number = sp_signal_take(port_hold())) > 0) {
        if (number != SIGINT && number != SIGTERM && number != SIGHUP && number != SIGQUIT)
            shim_panic("the host sent a signal that no user sends");
        signal_send(taker((int)number), (int)number);
    }
}

int signal_mask_begin(uint64_t user_mask, uint64_t size)
{
    struct cpu *cpu = this_cpu();
    uint64_t mask;
    if (!user_mask)
        return 0;
    if (size != SIGNAL_SET_SIZE)
        return -EINVAL;
    if (user_read(&mask, user_mask, sizeof(mask)) < 0)
        return -EFAULT;
    cpu->outer_mask = cpu->signal_mask;
    cpu->signal_mask = mask & ~(bit(SIGKILL) | bit(SIGSTOP));
    cpu->masked = true;
    cpu->attention = true;
    return 0;
}

int64_t signal_mask_end(int64_t result)
{
    struct cpu *cpu = this_cpu();
    if (cpu->masked && result != -EINTR) {
        cpu->signal_mask = cpu->outer_mask;
        cpu->masked = false;
    }
    return result;
}

int signal_send(struct cpu *cpu, int number)
{
    bool blocked = cpu->signal_mask & bit(number);
    if (!blocked && is_ignored(number))
        return 0;
    cpu->pending |= bit(number);
    cpu->attention = true;
    /* One that is blocked interrupts nothing. */
    if (cpu != this_cpu() && !blocked) {
        sp_thread_unpark(port_hold(), cpu->id);
        sp_thread_kick(port_hold(), cpu->id);
    }
    return 0;
}

void signal_send_pipe(void)
{
    signal_send(this_cpu(), SIGPIPE);
}

int64_t sys_rt_sigaction(struct regs *regs)
{
    int number = (int)regs->rdi;
    if (number < 1 || number > SIGNALS || regs->r10 != SIGNAL_SET_SIZE)
        return -EINVAL;
    if (regs->rsi && (number == SIGKILL || number == SIGSTOP))
        return -EINVAL;
    struct action wanted, present = actions[number];
    if (regs->rsi && user_read(&wanted, regs->rsi, sizeof(wanted)) < 0)
        return -EFAULT;
    if (regs->rdx && user_write(regs->rdx, &present, sizeof(present)) < 0)
        return -EFAULT;
    if (regs->rsi)
        actions[number] = wanted;
    return 0;
}

int64_t sys_rt_sigprocmask(struct regs *regs)
{
    struct cpu *cpu = this_cpu();
    uint64_t set, present = cpu->signal_mask;
    if (regs->r10 != SIGNAL_SET_SIZE)
        return -EINVAL;
    if (regs->rsi) {
        if (user_read(&set, regs->rsi, sizeof(set)) < 0)
            return -EFAULT;
        set &= ~(bit(SIGKILL) | bit(SIGSTOP));
        if (regs->rdi == SIG_BLOCK)
            cpu->signal_mask |= set;
        else if (regs->rdi == SIG_UNBLOCK)
            cpu->signal_mask &= ~set;
        else if (regs->rdi == SIG_SETMASK)
            cpu->signal_mask = set;
        else
            return -EINVAL;
        cpu->attention = true;
    }
    return regs->rdx ? user_write(regs->rdx, &present, sizeof(present)) : 0;
}

int64_t sys_pause(struct regs *regs)
{
    static const bool never;
    (void)regs;
    return thread_sleep(&never, UINT64_MAX);
}

int64_t sys_rt_sigsuspend(struct regs *regs)
{
    if (!regs->rdi)
        return -EFAULT;
    int status = signal_mask_begin(regs->rdi, regs->rsi);
    return status < 0 ? status : signal_mask_end(sys_pause(regs));
}

int64_t sys_rt_sigpending(struct regs *regs)
{
    uint64_t pending = this_cpu()->pending & this_cpu()->signal_mask;
    return user_write(regs->rdi, &pending, sizeof(pending));
}

/* Reads the context of the handler that is being left; its frame starts below the stack pointer. */
static int read_context(const struct regs *regs, struct user_context *context)
{
    return user_read(context, regs->rsp, sizeof(*context));
}

int64_t sys_rt_sigreturn(struct regs *regs)
{
    struct user_context context;
    if (read_context(regs, &context) < 0)
        exit_group(128 + SIGSEGV);
    regs->rbp = (uint64_t)context.registers.fpstate;
    regs->rip = STUBS_BASE + (uint64_t)(stub_resume - stubs);
    return SYSCALL_REGISTERS_SET;
}

int64_t sys_resume(struct regs *regs)
{
    struct cpu *cpu = this_cpu();
    struct user_context context;
    if (read_context(regs, &context) < 0 || context.registers.rip >= USER_END)
        exit_group(128 + SIGSEGV);
    cpu->signal_mask = context.mask & ~(bit(SIGKILL) | bit(SIGSTOP));
    cpu->attention = true;
    restore_registers(regs, &context.registers);
    return SYSCALL_REGISTERS_SET;
}

int64_t sys_sigaltstack(struct regs *regs)
{
    struct cpu *cpu = this_cpu();
    stack_t stack, present = {
                       .ss_sp = (void *)cpu->alternate.base,
                       .ss_size = cpu->alternate.size,
                       .ss_flags = cpu->alternate.size ? 0 : SS_DISABLE,
                   };
    bool busy = on_alternate(cpu, regs->rsp);
    if (busy)
        present.ss_flags = SS_ONSTACK;
    if (regs->rdi) {
        if (busy)
            return -EPERM;
        if (user_read(&stack, regs->rdi, sizeof(stack)) < 0)
            return -EFAULT;
        bool disable = stack.ss_flags & SS_DISABLE;
        if (!disable && stack.ss_size < MINSIGSTKSZ)
            return -ENOMEM;
        cpu->alternate.base = disable ? 0 : (uint64_t)stack.ss_sp;
        cpu->alternate.size = disable ? 0 : stack.ss_size;
        cpu->alternate.flags = disable ? SS_DISABLE : 0;
    }
    return regs->rsi ? user_write(regs->rsi, &present, sizeof(present)) : 0;
}
