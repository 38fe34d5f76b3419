// SPDX-License-Identifier: Apache-2.0
#include "keep/kvm/cpuid.h"

#include "shim/vm/layout.h"

#include <cpuid.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { ENTRIES = 128, LEAF_CACHES = 2, LEAF_CACHE = 4, LEAF_STATE = 0xd, CACHES_MAX = 8 };

static struct kvm_cpuid_entry2 *find(struct kvm_cpuid2 *cpuid, uint32_t leaf, uint32_t index)
{
    for (uint32_t i = 0; i < cpuid->nent; i++) {
        if (cpuid->entries[i].function == leaf && cpuid->entries[i].index == index)
            return &cpuid->entries[i];
    }
    return NULL;
}

const struct kvm_cpuid_entry2 *cpuid_find(const struct kvm_cpuid2 *cpuid, uint32_t leaf,
                                          uint32_t index)
{
    return find((struct kvm_cpuid2 *)cpuid, leaf, index);
}

/* ---- The processor's own leaves ---------------------------------------------------------------
 */

/* Descriptors of leaf 2 for caches with lines of 64 bytes. */
static const struct descriptor {
    uint8_t value, level, type; /* type: 1 data, 2 instructions, 3 both, as in leaf 4 */
    uint32_t kib;
} descriptors[] = {
    {0x0e, 1, 1, 24},       {0x2c, 1, 1, 32},       {0x30, 1, 2, 32},       {0x21, 2, 3, 256},
    {0x86, 2, 3, 512},      {0x87, 2, 3, 1024},     {0x7d, 2, 3, 2048},     {0xd0, 3, 3, 512},
    {0xd6, 3, 3, 1024},     {0xe2, 3, 3, 2048},     {0xe3, 3, 3, 4096},     {0xe4, 3, 3, 8192},
    {0xea, 3, 3, 12 << 10}, {0xeb, 3, 3, 18 << 10}, {0xec, 3, 3, 24 << 10},
};

/* The largest that a cache of leaf 4 is not smaller than; 0: none. */
static uint8_t descriptor_of(uint32_t type, uint32_t level, uint64_t kib)
{
    uint8_t found = 0;
    for (size_t i = 0; i < sizeof(descriptors) / sizeof(descriptors[0]); i++) {
        const struct descriptor *each = &descriptors[i];
        if (each->type == type && each->level == level && each->kib <= kib)
            found = each->value;
    }
    return found;
}

/*
 * Leaf 2 by one descriptor for each cache. The processor's own refers to leaf 4, whose entries libc
 * asks for dozens of times at the start of a program; each is an exit from the Keep where CPUID is
 * intercepted. And without either libc copies what fits into no cache that it knows of past them
 * all, several times slower.
 */
static void describe_caches(struct kvm_cpuid_entry2 *entry)
{
    uint8_t bytes[8] = {1}; /* how often to ask, then descriptors */
    for (uint32_t i = 0, used = 1; used < sizeof(bytes); i++) {
        uint32_t a, b, c, d;
        __cpuid_count(LEAF_CACHE, i, a, b, c, d);
        if ((a & 0x1f) == 0 || i == CACHES_MAX)
            break;
        uint64_t ways = (b >> 22) + 1, partitions = (b >> 12 & 0x3ff) + 1, line = (b & 0xfff) + 1;
        uint64_t size = ways * partitions * line * ((uint64_t)c + 1);
        bytes[used] = descriptor_of(a & 0x1f, a >> 5 & 7, size >> 10);
        used += bytes[used] != 0;
    }
    memcpy(&entry->eax, bytes, 4);
    memcpy(&entry->ebx, bytes + 4, 4);
}

/*
 * For kvm's paravirtual mode, where to ask for all that it supports takes half a millisecond, as
 * each leaf is asked of the hypervisor below: what programs look at. Where CPUID is not intercepted
 * in a guest's ring 3, exec sees the host's own leaves whatever it is given.
 */
static void read_own(struct kvm_cpuid2 *cpuid)
{
    static const uint32_t leaves[][2] = {
        {0, 0},          {1, 0},          {LEAF_CACHES, 0}, {7, 0},          {LEAF_STATE, 0},
        {LEAF_STATE, 1}, {LEAF_STATE, 2}, {LEAF_STATE, 5},  {LEAF_STATE, 6}, {LEAF_STATE, 7},
        {0x80000000, 0}, {0x80000001, 0}, {0x80000008, 0}};
    cpuid->nent = sizeof(leaves) / sizeof(leaves[0]);
    for (uint32_t i = 0; i < cpuid->nent; i++) {
        struct kvm_cpuid_entry2 *entry = &cpuid->entries[i];
        *entry = (struct kvm_cpuid_entry2){
            .function = leaves[i][0],
            .index = leaves[i][1],
            .flags = leaves[i][0] == 7 || leaves[i][0] == LEAF_STATE
                         ? KVM_CPUID_FLAG_SIGNIFCANT_INDEX
                         : 0,
        };
        __cpuid_count(entry->function, entry->index, entry->eax, entry->ebx, entry->ecx,
                      entry->edx);
        if (entry->function == LEAF_CACHES && entry->eax)
            describe_caches(entry);
    }
}

/* ---- All of it --------------------------------------------------------------------------------
 */

/* No other state than exec may use. kvm refuses a guest that of AMX even in the table, unless its
 * process asked for it before. */
static void limit_state(struct kvm_cpuid2 *cpuid)
{
    struct kvm_cpuid_entry2 *state = find(cpuid, LEAF_STATE, 0);
    if (!state)
        return;
    state->eax &= EXTENDED_STATE;
    state->edx = 0;
}

int cpuid_read(int device, struct kvm_cpuid2 **out)
{
    struct kvm_cpuid2 *cpuid = calloc(1, sizeof(*cpuid) + ENTRIES * sizeof(cpuid->entries[0]));
    if (!cpuid)
        return -ENOMEM;
    cpuid->nent = ENTRIES;
    if (access("/sys/module/kvm_pvm", F_OK) == 0) {
        read_own(cpuid);
    } else if (ioctl(device, KVM_GET_SUPPORTED_CPUID, cpuid) < 0) {
        int status = -errno;
        free(cpuid);
        return status;
    }
    limit_state(cpuid);
    *out = cpuid;
    return 0;
}
