// SPDX-License-Identifier: Apache-2.0
/* Exec's address space: what mmap and its kin mean. */
#include "shim/vm/shim.h"

#include <asm-generic/siginfo.h>
#include <asm/signal.h>
#include <linux/mman.h>

#define PROTECTION_MASK (PROT_READ | PROT_WRITE | PROT_EXEC)

static uint64_t heap_start, heap_end; /* the program break and where it began */

/* The end of the heap's mapping: the next multiple of 2 MiB where there is room, so that a heap
 * that grows little by little is made of large pages. */
static uint64_t heap_mapped;

static uint64_t page_up(uint64_t size)
{
    return (size + PAGE_MASK) & ~PAGE_MASK;
}

void space_init(void)
{
    vma_init();
    heap_start = info->heap_start;
    heap_end = info->heap_start;
    heap_mapped = info->heap_mapped;
}

int space_fault(uint64_t address, bool write, bool execute)
{
    const struct vma *vma = address < USER_END ? vma_find(address) : NULL;
    if (!vma)
        return SEGV_MAPERR;
    uint32_t needed = execute ? PROT_EXEC : write ? PROT_WRITE : PROTECTION_MASK;
    if (!(vma->protection & needed))
        return SEGV_ACCERR;
    return table_fault(address, vma->start, vma->end, vma->protection);
}

bool space_writable(uint64_t address)
{
    const struct vma *vma = address < USER_END ? vma_find(address) : NULL;
    return vma && vma->protection & PROT_WRITE;
}

/* Takes what a change of [start, end) can need before it begins, so that it does not fail halfway.
 * 0 or -ENOMEM. */
static int prepare(uint64_t start, uint64_t end)
{
    int status = vma_reserve();
    return status < 0 ? status : table_split(start, end);
}

static int unmap(uint64_t start, uint64_t end)
{
    int status = prepare(start, end);
    if (status == 0)
        status = vma_remove(start, end);
    if (status == 0)
        table_unmap(start, end);
    return status;
}

/* Whether a range lies where exec may map, away from the vDSO and the blocks. */
static bool mappable(uint64_t address, uint64_t size)
{
    return address >= MAP_BOTTOM && size <= VDSO_BASE && address <= VDSO_BASE - size;
}

static uint64_t choose(uint64_t hint, uint64_t size)
{
    if (hint && mappable(hint, size)) {
        const struct vma *above = vma_above(hint);
        if (!above || above->start >= hint + size)
            return hint;
    }
    /* Large mappings are placed so that pages of 2 MiB can be used. */
    if (size < LARGE_SIZE)
        return vma_gap(size);
    uint64_t address = vma_gap(size + LARGE_SIZE);
    return address ? (address + LARGE_MASK) & ~LARGE_MASK : vma_gap(size);
}

static int64_t map_file(uint64_t address, uint64_t size, int64_t fd, uint64_t offset);

int64_t space_mmap(uint64_t address, uint64_t size, uint32_t protection, uint32_t flags, int64_t fd,
                   uint64_t offset)
{
    size = page_up(size);
    if (size == 0 || offset & PAGE_MASK)
        return -EINVAL;
    if (size > USER_END)
        return -ENOMEM;
    uint32_t type = flags & MAP_TYPE;
    bool fixed = flags & (MAP_FIXED | MAP_FIXED_NOREPLACE);
    if (type != MAP_PRIVATE && !(type == MAP_SHARED && flags & MAP_ANONYMOUS))
        return -ENODEV;
    if (fixed && (address & PAGE_MASK || !mappable(address, size)))
        return -EINVAL;

    if (!fixed) {
        address = choose(address & ~PAGE_MASK, size);
        if (!address)
            return -ENOMEM;
    } else if (flags & MAP_FIXED_NOREPLACE) {
        const struct vma *above = vma_above(address);
        if (above && above->start < address + size)
            return -EEXIST;
    } else {
        int status = unmap(address, address + size);
        if (status < 0)
            return status;
    }

    bool file = !(flags & MAP_ANONYMOUS);
    uint32_t allowed = protection & PROTECTION_MASK;
    int status = vma_insert(address, address + size, file ? PROT_READ | PROT_WRITE : allowed);
    if (status < 0)
        return status;
    if (file) {
        int64_t read = map_file(address, size, fd, offset);
        if (read < 0) {
            unmap(address, address + size);
            return read;
        }
        return space_mprotect(address, size, protection) < 0 ? -ENOMEM : (int64_t)address;
    }
    return (int64_t)address;
}

/* A private mapping of a file is a copy of it. */
static int64_t map_file(uint64_t address, uint64_t size, int64_t fd, uint64_t offset)
{
    uint64_t done = 0;
    while (done < size) {
        int64_t got = file_pread(fd, address + done, size - done, offset + done);
        if (got < 0)
            return got;
        if (got == 0)
            break;
        done += (uint64_t)got;
    }
    return 0;
}

int64_t space_munmap(uint64_t address, uint64_t size)
{
    size = page_up(size);
    if (address & PAGE_MASK || size == 0 || !mappable(address, size))
        return -EINVAL;
    return unmap(address, address + size);
}

/* Whether mappings cover the range without a hole. */
static bool covered(uint64_t start, uint64_t end)
{
    while (start < end) {
        const struct vma *vma = vma_find(start);
        if (!vma)
            return false;
        start = vma->end;
    }
    return true;
}

/* Gives a range another protection that takes new mappings to describe. 0 or -ENOMEM; nothing has
 * changed then. */
static int replace(uint64_t start, uint64_t end, uint32_t protection)
{
    /* The nodes first, which may take one of the pages. */
    if (vma_reserve() < 0 || page_reserve() < 0 || !covered(start, end))
        return -ENOMEM;
    int status = vma_remove(start, end);
    return status < 0 ? status : vma_insert(start, end, protection);
}

int64_t space_mprotect(uint64_t address, uint64_t size, uint32_t protection)
{
    size = page_up(size);
    if (address & PAGE_MASK)
        return -EINVAL;
    if (size == 0)
        return 0;
    protection &= PROTECTION_MASK;
    if (!mappable(address, size) || page_reserve() < 0)
        return -ENOMEM;
    int status = 0;
    if (!vma_change(address, address + size, protection))
        status = replace(address, address + size, protection);
    if (status < 0)
        return status;
    table_protect(address, address + size, protection);
    return 0;
}

int64_t space_mremap(uint64_t address, uint64_t old_size, uint64_t new_size, uint32_t flags)
{
    old_size = page_up(old_size);
    new_size = page_up(new_size);
    if (address & PAGE_MASK || new_size == 0 || flags & ~MREMAP_MAYMOVE || old_size == 0)
        return -EINVAL;
    if (!mappable(address, old_size))
        return -EFAULT;
    if (new_size > MAP_TOP)
        return -ENOMEM;
    const struct vma *vma = vma_find(address);
    if (!vma || vma->end < address + old_size)
        return -EFAULT;
    if (new_size <= old_size) {
        int status = new_size < old_size ? unmap(address + new_size, address + old_size) : 0;
        return status < 0 ? status : (int64_t)address;
    }

    uint32_t protection = vma->protection;
    const struct vma *above = vma_above(address + old_size);
    bool free_above = vma->end == address + old_size && mappable(address, new_size) &&
                      (!above || above->start >= address + new_size);
    if (free_above) {
        int status = vma_insert(address + old_size, address + new_size, protection);
        return status < 0 ? status : (int64_t)address;
    }
    if (!(flags & MREMAP_MAYMOVE))
        return -ENOMEM;

    /* The new place agrees with the old one modulo 2 MiB: page tables can be moved as they are. */
    uint64_t gap = vma_gap(new_size + LARGE_SIZE);
    if (!gap)
        return -ENOMEM;
    uint64_t to = gap + ((address - gap) & LARGE_MASK);
    int status = vma_insert(to, to + new_size, protection);
    if (status == 0)
        status = table_move(address, to, old_size);
    if (status == 0 && protection != (PROT_READ | PROT_WRITE))
        table_protect(to, to + new_size, protection);
    if (status == 0)
        status = unmap(address, address + old_size);
    return status < 0 ? status : (int64_t)to;
}

int64_t space_madvise(uint64_t address, uint64_t size, int advice)
{
    size = page_up(size);
    if (address & PAGE_MASK)
        return -EINVAL;
    if (!mappable(address, size) || !covered(address, address + size))
        return -ENOMEM;
    if (advice != MADV_DONTNEED || size == 0)
        return 0;
    if (table_split(address, address + size) < 0)
        return -ENOMEM;
    table_unmap(address, address + size);
    return 0;
}

/* Whether the heap's mapping can end at `end`. */
static bool heap_can_reach(uint64_t end)
{
    const struct vma *above = vma_above(heap_mapped);
    return end <= VDSO_BASE && (!above || above->start >= end);
}

/* Makes the heap's mapping reach `top` at least. 0 or -ENOMEM. */
static int grow_heap(uint64_t top)
{
    uint64_t end = (top + LARGE_MASK) & ~LARGE_MASK;
    if (top <= heap_mapped)
        return 0;
    if (!heap_can_reach(end))
        end = top;
    if (!heap_can_reach(end) || vma_insert(heap_mapped, end, PROT_READ | PROT_WRITE) < 0)
        return -ENOMEM;
    heap_mapped = end;
    return 0;
}

/* Takes back the heap's memory above `top`, and its mapping but for what the loader made and what
 * shares 2 MiB with `top`. 0 or -ENOMEM. */
static int shrink_heap(uint64_t top)
{
    uint64_t kept = (top + LARGE_MASK) & ~LARGE_MASK;
    if (kept < info->heap_mapped)
        kept = info->heap_mapped;
    if (kept < heap_mapped) {
        if (unmap(kept, heap_mapped) < 0)
            return -ENOMEM;
        heap_mapped = kept;
    }
    if (table_split(top, heap_mapped) < 0)
        return -ENOMEM;
    if (top < heap_mapped)
        table_unmap(top, heap_mapped);
    return 0;
}

int64_t space_brk(uint64_t address)
{
    /* Growth in what is mapped already. */
    if (address >= heap_end && address <= heap_mapped)
        return (int64_t)(heap_end = address);
    if (address < heap_start || !mappable(heap_start, page_up(address) - heap_start))
        return (int64_t)heap_end;
    uint64_t top = page_up(address);
    int status = top < page_up(heap_end) ? shrink_heap(top) : grow_heap(top);
    if (status == 0)
        heap_end = address;
    return (int64_t)heap_end;
}
