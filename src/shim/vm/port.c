// SPDX-License-Identifier: Apache-2.0
/* Calls to the host: what sallyport/guest/stage.h leaves to its includer. */
#include "shim/vm/shim.h"

#include <linux/uio.h>

struct sp_port *port_get(void)
{
    struct cpu *cpu = this_cpu();
    cpu->hold_lock = false;
    return &cpu->port;
}

struct sp_port *port_hold(void)
{
    struct cpu *cpu = this_cpu();
    cpu->hold_lock = true;
    return &cpu->port;
}

void sp_port_exit(struct sp_port *port)
{
    (void)port;
    struct cpu *cpu = this_cpu();
    bool hold = cpu->hold_lock;
    cpu->hold_lock = false;
    if (!hold)
        shim_unlock();
    __asm__ volatile("outl %%eax, %1" ::"a"(0), "n"(PORT_CALL) : "memory");
    if (!hold)
        shim_lock();
}

void sp_port_interrupted(struct sp_port *port)
{
    (void)port;
    this_cpu()->attention = true; /* shim_leave sees to the rest */
}

void port_put_aside(struct port_aside *aside)
{
    const struct cpu *cpu = this_cpu();
    aside->matters = cpu->copying || cpu->bulk.state != BULK_NONE;
    if (!aside->matters)
        return;
    aside->hold = cpu->hold_lock;
    aside->port = cpu->port;
    __builtin_memcpy(aside->bytes, cpu->port.block, sizeof(aside->bytes));
}

void port_bring_back(const struct port_aside *aside)
{
    struct cpu *cpu = this_cpu();
    if (!aside->matters)
        return;
    cpu->hold_lock = aside->hold;
    cpu->port = aside->port;
    __builtin_memcpy(cpu->port.block, aside->bytes, sizeof(aside->bytes));
}

/* Moves bytes between the block and the pieces that cpu->iov names. */
static int copy_pieces(struct cpu *cpu, uint8_t *block, uint64_t size, bool out)
{
    for (uint64_t i = 0; i < cpu->iov_count && size > 0; i++) {
        uint64_t address = (uint64_t)cpu->iov[i].iov_base, part = cpu->iov[i].iov_len;
        if (part > size)
            part = size;
        int status = out ? user_write(address, block, part) : user_read(block, address, part);
        if (status < 0)
            return status;
        block += part;
        size -= part;
    }
    return 0;
}

/* The shim's own objects lie in the upper half; everything else is exec's and checked. */
static bool is_shim_object(const void *pointer)
{
    return (int64_t)pointer < 0;
}

int sp_port_copy_in(struct sp_port *port, void *block, const void *from, uint64_t size)
{
    struct cpu *cpu = this_cpu();
    if (is_shim_object(from)) {
        __builtin_memcpy(block, from, size);
        return 0;
    }
    if (cpu->bulk.state == BULK_READY && block == port->block + sizeof(struct sp_item)) {
        cpu->bulk.state = BULK_NONE;
        return 0;
    }
    cpu->copying = true;
    int status =
        cpu->iov ? copy_pieces(cpu, block, size, false) : user_read(block, (uint64_t)from, size);
    cpu->copying = false;
    return status;
}

int sp_port_copy_out(struct sp_port *port, void *to, const void *block, uint64_t size)
{
    (void)port;
    struct cpu *cpu = this_cpu();
    if (is_shim_object(to)) {
        __builtin_memcpy(to, block, size);
        return 0;
    }
    if (!cpu->iov && bulk_out(cpu, (uint64_t)to, block, size))
        return 0;
    cpu->copying = true;
    int status = cpu->iov ? copy_pieces(cpu, (uint8_t *)block, size, true)
                          : user_write((uint64_t)to, block, size);
    cpu->copying = false;
    return status;
}
