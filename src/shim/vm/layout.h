/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where things are in a Keep of the VM type, and what the loader leaves there for the shim.
 *
 * Both sides: the loader (src/keep/image.c) builds memory, page tables and the info page by these
 * numbers, the shim (src/shim/vm) relies on them. Where a TEE measures the launch, all of this is
 * part of the measurement.
 *
 * Guest-physical:
 *     0            unused
 *     1 MiB        the shim's segments, mapped at SHIM_BASE with their own permissions
 *     2 MiB        info page, page tables, stack of processor 0, initial user pages: "boot area"
 *     BOOT_END     pages of the exec image, as they lie in the file
 *     pool         everything else is handed out by the shim; grows through memory_add
 *     SHARED_BASE  the sallyport blocks, one a thread, visible to the host
 *
 * Virtual:
 *     user half    exec, its heap, mappings and stacks; at the very top the vDSO and the blocks
 *     DIRECT_BASE  boot area and pool, writable, not executable
 *     CPUS_BASE    stacks of the processors, each below an unmapped guard
 *     SHIM_BASE    the shim's image
 */
#pragma once

#define PAGE_SIZE  4096ull
#define PAGE_MASK  (PAGE_SIZE - 1)
#define LARGE_SIZE 0x200000ull
#define LARGE_MASK (LARGE_SIZE - 1)
#define CHUNK_SIZE 0x10000ull /* the unit in which small user pages are allocated */
#define CHUNK_MASK (CHUNK_SIZE - 1)

#define SHIM_GPA    0x00100000ull
#define BOOT_GPA    0x00200000ull
#define BOOT_END    0x00400000ull
#define SHARED_BASE 0x4000000000ull /* 256 GiB: within the reach of 39 physical address bits */
#define MEMORY_MAX  0x1000000000ull /* 64 GiB of guest-physical memory */

#define DIRECT_BASE 0xffff800000000000ull
#define CPUS_BASE   0xffffffff40000000ull
#define SHIM_BASE   0xffffffff80100000ull

#define CPUS_MAX   512u   /* threads of a Keep */
#define CPU_STRIDE 0x8000 /* virtual bytes of a processor: a guard, then its stack */
#define CPU_MAPPED 0x4000 /* mapped bytes of these, at the upper end */
#define CPU_STATE  0x400  /* bytes for struct cpu at the very top */

#define INFO_BASE (DIRECT_BASE + BOOT_GPA) /* where the shim sees struct keep_info */

/* Fixed places in the shim's image. */
#define SHIM_STUB(vector)  (SHIM_BASE + 16 * (vector)) /* the ways in, one an exception */
#define SHIM_VECTORS       34
#define PARAVIRTUAL_OFFSET (16 * SHIM_VECTORS)
#define SHIM_PARAVIRTUAL   (SHIM_BASE + PARAVIRTUAL_OFFSET) /* page fault, if INFO_SYSCALL_FAULTS */
#define SYSCALL_OFFSET     0x300
#define SHIM_SYSCALL_ENTRY (SHIM_BASE + SYSCALL_OFFSET)

#define CPU_ATTENTION 16 /* where struct cpu says that a return to exec takes the longer way */
#define CPU_TASK      24 /* where it has the task state: */
#define TASK_STACK    1  /* index of ring 0's stack pointer in it, … */
#define TASK_PORTS    25 /* … of the permissions of ports, of which there are none, … */
#define TASK_WORDS    26 /* … and its size */
#define TASK_SIZE     (TASK_WORDS * 4)

/* Selectors: ring 0 code, then data; ring 3 data, then code. */
#define SELECTOR_SHIM_CODE 0x08
#define SELECTOR_SHIM_DATA 0x10
#define SELECTOR_USER_DATA 0x1b
#define SELECTOR_USER_CODE 0x23
#define SELECTOR_TASK      0x28

#define USER_END    0x00007ffffffff000ull
#define VDSO_BASE   0x00007fffbfff0000ull /* the vDSO's data page, then … */
#define STUBS_BASE  (VDSO_BASE + 0x1000)  /* … the shim's ring 3 stubs, then … */
#define VDSO_IMAGE  (VDSO_BASE + 0x2000)  /* … the vDSO itself: AT_SYSINFO_EHDR */
#define BLOCKS_BASE 0x00007fffc0000000ull /* the sallyport blocks */
#define STACK_TOP   0x00007fffb0000000ull /* upper end of the first thread's stack */
#define STACK_SIZE  0x800000ull
#define MAP_TOP     0x00007fff80000000ull /* mmap goes downwards from below this */
#define MAP_BOTTOM  0x0000000010000ull
#define EXEC_BASE   0x0000560000000000ull /* where a position-independent exec is mapped */

/* Initial user memory that is mapped before the first instruction, to save page faults. */
#define BOOT_STACK_SIZE 0x10000ull
#define BOOT_HEAP_SIZE  0x40000ull

#define BOOT_RESERVED 2 /* pages at the end of the boot area that the loader leaves alone */

/* Page table entries. */
#define PTE_PRESENT  0x001ull
#define PTE_WRITE    0x002ull
#define PTE_USER     0x004ull
#define PTE_ACCESSED 0x020ull
#define PTE_DIRTY    0x040ull
#define PTE_LARGE    0x080ull
#define PTE_IMAGE    0x800ull /* the shim's own: explained in tables.c */
#define PTE_NX       (1ull << 63)

/* The extended state that exec may use: x87, SSE, AVX, AVX-512 (bits of XCR0); and the bytes that
 * an XSAVE area with all of it takes on any processor. */
#define EXTENDED_STATE 0xe7
#define EXTENDED_SIZE  2688

/* Ports on which the shim leaves the Keep; the value written has no meaning. */
#define PORT_CALL  0x10
#define PORT_YIELD 0x11
#define PORT_CRASH 0x12

/* The segment of the shim with this flag holds the stubs and the vDSO: the loader maps it at
 * STUBS_BASE for exec. */
#define SHIM_SEGMENT_USER 0x00100000

#ifndef __ASSEMBLER__

#include <stdint.h>

enum { GDT_ENTRIES = 5 };

/* Interrupts by which the host makes a thread enter the shim: because another thread asked for it,
 * and because there is a signal to be taken. */
enum { VECTOR_KICK = 32, VECTOR_SIGNAL = 33 };

/* Flags of struct keep_info. */
enum {
    /* SYSCALL arrives as a page fault at LSTAR with CPL 3 (kvm's paravirtual mode). */
    INFO_SYSCALL_FAULTS = 1 << 0,
    /* Memory that memory_add and memory_discard give is zero, and the host may be believed. */
    INFO_HOST_ZEROES = 1 << 1,
};

/* Left by the loader at the first page of the boot area. */
/* A node of the tree of mappings (shim/vm/vma.c). The loader makes the first ones. */
struct vma {
    uint64_t start, end; /* user addresses, page-aligned */
    uint32_t protection; /* PROT_READ | PROT_WRITE | PROT_EXEC */
    int32_t height;
    struct vma *left, *right;
    uint64_t low, high, gap; /* of the subtree: lowest start, highest end, widest gap between */
};

struct keep_info {
    uint64_t gdt[GDT_ENTRIES]; /* descriptors and gates, for the processors' registers */
    uint64_t idt[2 * SHIM_VECTORS];
    uint64_t flags;
    uint64_t root;        /* physical address of the top page table */
    uint64_t tables_next; /* unused, zeroed pages of the boot area begin here (physical) */
    uint64_t pool_start;  /* physical memory for the shim's allocator, 2 MiB-aligned */
    uint64_t pool_end;
    uint64_t vdso_data;     /* physical address of the vDSO's data page */
    uint64_t entry;         /* first instruction of exec */
    uint64_t stack_pointer; /* its stack: argc, argv, envp, auxiliary vector */
    uint64_t random_at;     /* user address of the 16 bytes that AT_RANDOM names */
    uint64_t heap_start;    /* initial program break, page-aligned */
    uint64_t heap_mapped;   /* end of the heap that is mapped already */
    uint32_t cpus;          /* threads that the host offers */
    uint32_t processors;    /* processors that exec is told of */
    uint32_t handles;       /* sallyport handles 0 … handles-1 are open */
    uint32_t reserved;
    uint64_t handle_holes[16]; /* bit i set: handle i is not there */
    struct vma *mappings;      /* the tree of what exec begins with: its segments, heap, stack */
    struct vma *free_mappings; /* nodes of the tree that are still free begin … */
    struct vma *mappings_end;  /* … and end here (direct addresses) */
};

_Static_assert(sizeof(struct keep_info) <= PAGE_SIZE, "the info page is one page");

/* What the vDSO reads; nanoseconds = base + ((tsc - tsc_base) * multiplier >> 32). */
struct vdso_data {
    uint32_t ready; /* 0: ask the shim */
    uint32_t reserved;
    uint64_t tsc_base;
    uint64_t multiplier;
    uint64_t monotonic; /* nanoseconds at tsc_base */
    uint64_t realtime;
};

#endif
