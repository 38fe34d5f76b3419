// SPDX-License-Identifier: Apache-2.0
/* Processors: descriptor tables, the one lock, TLB shoot-down, and the ways to end. */
#include "shim/vm/shim.h"
#include "shim/vm/tlb.h"

enum {
    MSR_FS_BASE = 0xc0000100,
    MSR_GS_BASE = 0xc0000101,
    SPINS_BEFORE_YIELD = 16,
};

bool threaded;

static volatile uint32_t lock;
static volatile uint64_t generation; /* counts removals of translations */

static void write_msr(uint32_t number, uint64_t value)
{
    __asm__ volatile("wrmsr" ::"c"(number), "a"((uint32_t)value), "d"((uint32_t)(value >> 32)));
}

static uint64_t read_msr(uint32_t number)
{
    uint32_t low, high;
    __asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(number));
    return (uint64_t)high << 32 | low;
}

void cpu_set_fs_base(uint64_t address)
{
    write_msr(MSR_FS_BASE, address);
}

uint64_t cpu_get_fs_base(void)
{
    return read_msr(MSR_FS_BASE);
}

void cpu_set_gs_base(uint64_t address)
{
    write_msr(MSR_GS_BASE, address);
}

uint64_t cpu_get_gs_base(void)
{
    return read_msr(MSR_GS_BASE);
}

void cpu_init(struct cpu *cpu, uint32_t id)
{
    cpu->id = id;
    cpu->stack_top = (uint64_t)cpu;
    cpu->task[TASK_STACK] = (uint32_t)(uint64_t)cpu;
    cpu->task[TASK_STACK + 1] = (uint32_t)((uint64_t)cpu >> 32);
    cpu->task[TASK_PORTS] = TASK_SIZE << 16;
    cpu->port.block = (uint8_t *)(BLOCKS_BASE + (uint64_t)id * SP_BLOCK_SIZE);
}

/* A single thread needs no lock: the first clone(2) takes it. */
void cpu_begin_threads(void)
{
    if (!threaded)
        lock = 1;
    threaded = true;
}

void shim_lock(void)
{
    if (!threaded)
        return;
    unsigned spins = 0;
    while (__atomic_exchange_n(&lock, 1, __ATOMIC_ACQUIRE)) {
        while (lock) {
            __asm__ volatile("pause");
            if (++spins % SPINS_BEFORE_YIELD == 0)
                __asm__ volatile("outl %%eax, %1" ::"a"(0), "n"(PORT_YIELD));
        }
    }
    /* Translations may have been removed while this processor was elsewhere. */
    struct cpu *cpu = this_cpu();
    if (cpu->flushed < generation) {
        tlb_forget_all();
        cpu->flushed = generation;
    }
}

void shim_unlock(void)
{
    if (!threaded)
        return;
    __atomic_store_n(&lock, 0, __ATOMIC_RELEASE);
}

void cpu_shootdown(void)
{
    if (!threaded)
        return;

    struct cpu *self = this_cpu();
    uint64_t wanted = __atomic_add_fetch(&generation, 1, __ATOMIC_SEQ_CST);
    self->flushed = wanted;
    for (uint32_t id = 0; id < cpu_count; id++) {
        struct cpu *cpu = cpu_at(id);
        if (id == self->id || !cpu->running)
            continue;
        bool kicked = false;
        /* One that is in the shim flushes when it gets the lock. */
        while (__atomic_load_n(&cpu->in_user, __ATOMIC_SEQ_CST) && cpu->flushed < wanted) {
            if (!kicked)
                sp_thread_kick(port_hold(), id);
            kicked = true;
            __asm__ volatile("pause");
        }
    }
}

/* Appends text, then a number in hexadecimal unless it is 0. */
static uint64_t append(char *to, uint64_t at, uint64_t size, const char *text, uint64_t number)
{
    while (*text && at < size)
        to[at++] = *text++;
    if (!number)
        return at;
    for (int shift = 60; shift >= 0 && at < size; shift -= 4) {
        if (number >> shift)
            to[at++] = "0123456789abcdef"[number >> shift & 15];
    }
    return at;
}

__attribute__((noreturn)) static void panic_with(const char *why, const struct regs *regs,
                                                 uint64_t address)
{
    static bool panicking;
    char text[160];
    struct cpu *cpu = this_cpu();
    if (!panicking) {
        panicking = true;
        uint64_t size = append(text, 0, sizeof(text), why, 0);
        if (regs) {
            size = append(text, size, sizeof(text), ": vector 0x", regs->vector);
            size = append(text, size, sizeof(text), ", error 0x", regs->error);
            size = append(text, size, sizeof(text), ", at 0x", regs->rip);
            size = append(text, size, sizeof(text), ", address 0x", address);
        }
        cpu->hold_lock = true;
        sp_panic(&cpu->port, text, size);
    }
    for (;;)
        __asm__ volatile("outl %%eax, %1" ::"a"(0), "n"(PORT_CRASH));
}

void shim_panic(const char *why)
{
    panic_with(why, NULL, 0);
}

void shim_panic_exception(const struct regs *regs, uint64_t address)
{
    panic_with("an exception in the shim", regs, address);
}

void exit_group(int status)
{
    sp_exit_group(port_hold(), (uint64_t)status & 0xff);
    shim_panic("the host entered a Keep that had ended");
}

/* A way out that cannot be used again: whoever enters once more has attacked. */
void sp_port_attacked(struct sp_port *port, const char *why)
{
    (void)port;
    shim_panic(why);
}
