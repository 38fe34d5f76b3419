// SPDX-License-Identifier: Apache-2.0
/*
 * Large copies between exec's memory and a block, made at ring 3 by stubs.S. The block's contents
 * are the host's to change at any time, so it costs no trust to let exec's privilege touch them;
 * the processor checks exec's own addresses and takes its page faults as usual. Where ring 0 is
 * emulated, copying there would cost a microsecond for each 8 bytes.
 */
#include "shim/vm/shim.h"

enum { BULK_MIN = 1024 }; /* bytes from which the way through ring 3 is shorter */

extern const uint8_t stub_copy[], stubs[], stubs_end[];

static uint64_t stub_address(const uint8_t *stub)
{
    return STUBS_BASE + (uint64_t)(stub - stubs);
}

bool bulk_out(struct cpu *cpu, uint64_t to, const void *block, uint64_t size)
{
    if (size < BULK_MIN)
        return false;
    cpu->bulk.state = BULK_PLANNED;
    cpu->attention = true;
    cpu->bulk.to = to;
    cpu->bulk.from = (uint64_t)block;
    cpu->bulk.size = size;
    return true;
}

/* Goes to the stub; exec's registers come back in bulk_done. */
static void start(struct bulk *bulk, struct regs *regs)
{
    bulk->saved.rdi = regs->rdi;
    bulk->saved.rsi = regs->rsi;
    bulk->saved.rdx = regs->rdx;
    bulk->saved.rax = regs->rax;
    bulk->saved.rip = regs->rip;
    bulk->saved.rflags = regs->rflags;
    regs->rdi = bulk->to;
    regs->rsi = bulk->from;
    regs->rdx = bulk->size;
    regs->rip = stub_address(stub_copy);
    regs->rflags &= ~0x400ull;
}

/* All other registers are still exec's own: the stub does not touch them. */
static void finish(const struct bulk *bulk, struct regs *regs)
{
    regs->rdi = bulk->saved.rdi;
    regs->rsi = bulk->saved.rsi;
    regs->rdx = bulk->saved.rdx;
    regs->rax = bulk->saved.rax;
    regs->rip = bulk->saved.rip;
    regs->rflags = bulk->saved.rflags;
    regs->rcx = regs->rip;
    regs->r11 = regs->rflags;
}

void bulk_start(struct regs *regs)
{
    struct bulk *bulk = &this_cpu()->bulk;
    if (bulk->state != BULK_PLANNED)
        return;
    bulk->state = BULK_OUT;
    start(bulk, regs);
}

bool bulk_in(struct regs *regs, uint64_t from, uint64_t size)
{
    struct cpu *cpu = this_cpu();
    if (size < BULK_MIN || cpu->bulk.state == BULK_READY)
        return false;
    sp_reset(&cpu->port);
    cpu->bulk.state = BULK_IN;
    cpu->attention = true;
    cpu->bulk.to = (uint64_t)cpu->port.block + sizeof(struct sp_item);
    cpu->bulk.from = from;
    cpu->bulk.size = sp_room(&cpu->port, size);
    start(&cpu->bulk, regs);
    return true;
}

int64_t bulk_done(struct regs *regs)
{
    struct bulk *bulk = &this_cpu()->bulk;
    if (bulk->state != BULK_OUT && bulk->state != BULK_IN)
        return -ENOSYS;
    finish(bulk, regs);
    if (bulk->state == BULK_OUT) {
        bulk->state = BULK_NONE;
        return SYSCALL_REGISTERS_SET;
    }
    bulk->state = BULK_READY;
    int64_t result = syscall_dispatch(regs);
    if (bulk->state == BULK_READY)
        bulk->state = BULK_NONE;
    return result;
}

bool bulk_fault(struct regs *regs)
{
    struct bulk *bulk = &this_cpu()->bulk;
    if (bulk->state != BULK_OUT && bulk->state != BULK_IN)
        return false;
    uint64_t rip = regs->rip;
    if (rip < STUBS_BASE || rip >= STUBS_BASE + (uint64_t)(stubs_end - stubs))
        return false;
    finish(bulk, regs);
    regs->rax = (uint64_t)-EFAULT;
    bulk->state = BULK_NONE;
    return true;
}
