/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Faults of compiled code. One in the reservation of a linear memory is an out-of-bounds access and
 * becomes a trap; one on a page that is being written is waited for; any other is somebody else's.
 */
#include "wick/compile/code.h"
#include "wick/compile/compile.h"

#include <signal.h>
#include <ucontext.h>

static struct sigaction previous[2];
static const int signals[2] = {SIGSEGV, SIGBUS};

static bool in_a_memory(const struct wasm_instance_t *instance, uintptr_t address)
{
    for (uint32_t i = 0; i < instance->module->memory_count; i++) {
        const struct wasm_memory_t *memory = instance->memories[i];
        if (address - (uintptr_t)memory->base < memory->reserved)
            return true;
    }
    return false;
}

enum { INSTRUCTION_MOST = 15 }; /* bytes */

/* Whether the instruction could not be fetched because a page was being written, which is over now.
 * If that happens again though nothing was written since, there is another reason. */
static bool was_written(const struct code_region *region, uintptr_t pc, uintptr_t address)
{
    static _Thread_local __attribute__((tls_model("initial-exec"))) unsigned long long last;
    unsigned long long writes;
    if (address - pc >= INSTRUCTION_MOST)
        return false;
    while ((writes = atomic_load(&region->writes)) % 2)
        __builtin_ia32_pause();
    bool is_new = writes != last;
    last = writes;
    return is_new;
}

/* True if the program can go on. */
static bool handle(const siginfo_t *info, ucontext_t *context)
{
    greg_t *regs = context->uc_mcontext.gregs;
    uintptr_t pc = (uintptr_t)regs[REG_RIP], address = (uintptr_t)info->si_addr;
    struct code_region *region = code_region_find(pc);
    if (!region)
        return false;
    if (was_written(region, pc, address))
        return true;
    if (!code_func_find(region, pc))
        return false;
    const struct wasm_instance_t *instance =
        (const struct wasm_instance_t *)(uintptr_t)regs[REG_R14];
    if (!in_a_memory(instance, address))
        return false;
    instance->object.store->frame->faulted = true;
    regs[REG_RDI] = WICK_TRAP_MEMORY;
    regs[REG_RSI] = (greg_t)pc;
    regs[REG_RIP] = (greg_t)(uintptr_t)code_stub(region, STUB_FAULT);
    return true;
}

static void on_signal(int signal, siginfo_t *info, void *context)
{
    if (handle(info, context))
        return;
    const struct sigaction *old = &previous[signal == SIGBUS];
    if (old->sa_flags & SA_SIGINFO)
        old->sa_sigaction(signal, info, context);
    else if (old->sa_handler != SIG_DFL && old->sa_handler != SIG_IGN)
        old->sa_handler(signal);
    else
        sigaction(signal, old, NULL); /* the instruction faults again, and that is the end */
}

static void install(void)
{
    struct sigaction action = {.sa_sigaction = on_signal,
                               .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
    sigemptyset(&action.sa_mask);
    for (int i = 0; i < 2; i++)
        sigaction(signals[i], &action, &previous[i]);
}

void signals_install(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, install);
}
