// SPDX-License-Identifier: Apache-2.0
/* The first C code of each processor. */
#include "shim/vm/shim.h"

enum { RFLAGS_START = 0x202 };

void shim_main(uint64_t id);

uint64_t random_bits(void)
{
    for (int attempt = 0; attempt < 100; attempt++) {
        uint64_t bits;
        bool good;
        __asm__ volatile("rdrand %0; setc %1" : "=r"(bits), "=qm"(good)::"cc");
        if (good)
            return bits;
    }
    shim_panic("the processor gives no random numbers");
}

static void start_exec(void)
{
    space_init();
    files_init();

    uint64_t random[2] = {random_bits(), random_bits()};
    if (user_write(info->random_at, random, sizeof(random)) < 0)
        shim_panic("the loader gave exec no room for its random bytes");

    *user_regs(this_cpu()) = (struct regs){
        .rip = info->entry,
        .cs = SELECTOR_USER_CODE,
        .rflags = RFLAGS_START,
        .rsp = info->stack_pointer,
        .ss = SELECTOR_USER_DATA,
    };
}

void shim_main(uint64_t id)
{
    if (id == 0) {
        cpu_init(this_cpu(), 0);
        this_cpu()->running = true;
        frames_init();
        start_exec();
    } else {
        /* A new thread: its creator has written its registers. */
        shim_lock();
        cpu_set_fs_base(this_cpu()->fs_base);
        this_cpu()->in_user = true;
        shim_unlock();
    }
}
