// SPDX-License-Identifier: Apache-2.0
/* Copies between exec's memory and the shim's. The processor checks each page; entry.S copies. */
#include "shim/vm/shim.h"

int user_copy(void *to, const void *from, uint64_t size);
extern const uint8_t user_copy_end[], user_copy_failed[];

int user_read(void *to, uint64_t from, uint64_t size)
{
    return user_range(from, size) ? user_copy(to, (const void *)from, size) : -EFAULT;
}

int user_write(uint64_t to, const void *from, uint64_t size)
{
    return user_range(to, size) ? user_copy((void *)to, from, size) : -EFAULT;
}

int64_t user_string(char *to, uint64_t from, uint64_t size)
{
    uint64_t done = 0;
    while (done < size) {
        /* Up to the end of the page: what lies behind it may not be there. */
        uint64_t part = 64 - ((from + done) & 63);
        if (part > size - done)
            part = size - done;
        if (user_read(to + done, from + done, part) < 0)
            return -EFAULT;
        for (uint64_t end = done + part; done < end; done++) {
            if (to[done] == '\0')
                return (int64_t)done + 1;
        }
    }
    return -ENAMETOOLONG;
}

bool user_fault(struct regs *regs, uint64_t address)
{
    if (regs->rip < (uint64_t)user_copy || regs->rip >= (uint64_t)user_copy_end)
        return false;
    if (address >= USER_END || space_fault(address, regs->error & 2, false) != 0)
        regs->rip = (uint64_t)user_copy_failed;
    return true;
}
