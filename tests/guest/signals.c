// SPDX-License-Identifier: Apache-2.0
/* Faults become signals with siginfo and ucontext; handlers return; extended state survives. */
#include "guest.h"

#include <immintrin.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

static sigjmp_buf escape;
static volatile int seen, code;
static void *volatile address;
static volatile uintptr_t stack_of_handler;

static void jump_out(int number, siginfo_t *info, void *context)
{
    (void)context;
    seen = number;
    code = info->si_code;
    address = info->si_addr;
    stack_of_handler = (uintptr_t)&number;
    siglongjmp(escape, 1);
}

static void install(int number, void (*handler)(int, siginfo_t *, void *), int flags)
{
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | flags};
    CHECK(sigaction(number, &action, NULL) == 0);
}

static void kinds(void)
{
    install(SIGFPE, jump_out, 0);
    install(SIGILL, jump_out, 0);
    install(SIGSEGV, jump_out, 0);
    install(SIGTRAP, jump_out, 0);
    if (sigsetjmp(escape, 1) == 0) {
        volatile int zero = 0;
        __asm__ volatile("idivl %0" ::"m"(zero), "a"(1), "d"(0));
        CHECK(!"division by zero went on");
    }
    CHECK(seen == SIGFPE && code == FPE_INTDIV);
    if (sigsetjmp(escape, 1) == 0)
        __asm__ volatile("ud2");
    CHECK(seen == SIGILL && code == ILL_ILLOPN);
    if (sigsetjmp(escape, 1) == 0)
        __asm__ volatile("hlt");
    CHECK(seen == SIGSEGV && code == SI_KERNEL);
    if (sigsetjmp(escape, 1) == 0)
        __asm__ volatile("movl $1, (%0)" ::"r"(1ul << 63)); /* not canonical */
    CHECK(seen == SIGSEGV);
    if (sigsetjmp(escape, 1) == 0)
        __asm__ volatile("movl $1, 0x1234");
    CHECK(seen == SIGSEGV && code == SEGV_MAPERR && address == (void *)0x1234);
    if (sigsetjmp(escape, 1) == 0)
        __asm__ volatile("int3");
    CHECK(seen == SIGTRAP);
}

static char *page;

/* Makes the page writable and lets the instruction run again. */
static void repair(int number, siginfo_t *info, void *context)
{
    ucontext_t *state = context;
    seen = number;
    CHECK(info->si_addr == page + 8);
    CHECK(state->uc_mcontext.gregs[REG_RIP] != 0);
    CHECK((char *)state->uc_mcontext.gregs[REG_CR2] == page + 8);
    __asm__ volatile("vxorps %%xmm0, %%xmm0, %%xmm0\n vxorps %%xmm15, %%xmm15, %%xmm15" ::
                         : "xmm0", "xmm15");
    CHECK(mprotect(page, 4096, PROT_READ | PROT_WRITE) == 0);
}

static void resume(void)
{
    page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    install(SIGSEGV, repair, 0);
    uint64_t before[4] = {1, 2, 3, 4}, after[4] = {0}, general;
    __asm__ volatile("vmovdqu (%1), %%xmm0\n vmovdqu 16(%1), %%xmm15\n"
                     "mov $0x1122334455667788, %%r13\n"
                     "movb $5, 8(%3)\n"
                     "vmovdqu %%xmm0, (%2)\n vmovdqu %%xmm15, 16(%2)\n mov %%r13, %0"
                     : "=&r"(general)
                     : "r"(before), "r"(after), "r"(page)
                     : "xmm0", "xmm15", "r13", "memory");
    CHECK(seen == SIGSEGV && page[8] == 5);
    CHECK(memcmp(before, after, sizeof(before)) == 0);
    CHECK(general == 0x1122334455667788);
}

/* A handler that changes where the program goes on, as a Wasm engine does with a trap. */
static void skip_instruction(int number, siginfo_t *info, void *context)
{
    (void)info;
    seen = number;
    ((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP] += 2;
    ((ucontext_t *)context)->uc_mcontext.gregs[REG_RAX] = 99;
}

static void redirect(void)
{
    install(SIGILL, skip_instruction, 0);
    long value = 1;
    __asm__ volatile("ud2" : "+a"(value));
    CHECK(seen == SIGILL && value == 99);
}

static void alternate_stack(void)
{
    static char stack[65536];
    stack_t wanted = {.ss_sp = stack, .ss_size = sizeof(stack)}, present;
    CHECK(sigaltstack(&wanted, NULL) == 0);
    CHECK(sigaltstack(NULL, &present) == 0 && present.ss_sp == stack && present.ss_flags == 0);
    install(SIGSEGV, jump_out, SA_ONSTACK);
    if (sigsetjmp(escape, 1) == 0)
        __asm__ volatile("movl $1, 16");
    CHECK(stack_of_handler > (uintptr_t)stack &&
          stack_of_handler < (uintptr_t)stack + sizeof(stack));
    wanted.ss_flags = SS_DISABLE;
    CHECK(sigaltstack(&wanted, NULL) == 0);
}

static __attribute__((noinline)) long deep(long depth)
{
    volatile char frame[4096];
    frame[0] = (char)depth;
    return depth == 0 ? frame[0] : deep(depth - 1) + frame[0];
}

/* A stack that overflows: only an alternate stack can take the signal. */
static void overflow(void)
{
    static char stack[65536];
    stack_t wanted = {.ss_sp = stack, .ss_size = sizeof(stack)};
    CHECK(sigaltstack(&wanted, NULL) == 0);
    install(SIGSEGV, jump_out, SA_ONSTACK);
    if (sigsetjmp(escape, 1) == 0)
        deep(1 << 20);
    CHECK(seen == SIGSEGV);
    wanted.ss_flags = SS_DISABLE;
    CHECK(sigaltstack(&wanted, NULL) == 0);
}

static volatile int count;

static void counter(int number, siginfo_t *info, void *context)
{
    (void)info;
    (void)context;
    seen = number;
    count++;
}

static void sent(void)
{
    install(SIGUSR1, counter, 0);
    CHECK(raise(SIGUSR1) == 0 && count == 1);
    sigset_t set, pending;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    CHECK(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
    CHECK(raise(SIGUSR1) == 0 && count == 1);
    CHECK(sigpending(&pending) == 0 && sigismember(&pending, SIGUSR1) == 1);
    CHECK(sigprocmask(SIG_UNBLOCK, &set, NULL) == 0 && count == 2);
    CHECK(kill(getpid(), 0) == 0);
    signal(SIGUSR1, SIG_IGN);
    CHECK(raise(SIGUSR1) == 0 && count == 2);
    struct sigaction action = {.sa_sigaction = counter, .sa_flags = SA_SIGINFO | SA_RESETHAND};
    CHECK(sigaction(SIGUSR1, &action, NULL) == 0);
    CHECK(raise(SIGUSR1) == 0 && count == 3);
    CHECK(sigaction(SIGUSR1, NULL, &action) == 0 && action.sa_handler == SIG_DFL);
    CHECK(sigaction(SIGKILL, &(struct sigaction){0}, NULL) == -1 && errno == EINVAL);
}

int main(void)
{
    kinds();
    resume();
    redirect();
    alternate_stack();
    overflow();
    sent();
    return 0;
}
