/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How this processor forgets what it remembers of the page tables. A unit test that defines
 * SHIM_OWN_TLB has a processor of its own.
 *
 * Keep side; freestanding.
 */
#pragma once

#include <stdint.h>

#ifdef SHIM_OWN_TLB

void tlb_forget(uint64_t address);
void tlb_forget_all(void);

#else

static inline void tlb_forget(uint64_t address)
{
    __asm__ volatile("invlpg (%0)" ::"r"(address) : "memory");
}

static inline void tlb_forget_all(void)
{
    uint64_t root;
    __asm__ volatile("mov %%cr3, %0; mov %0, %%cr3" : "=r"(root)::"memory");
}

#endif
