// SPDX-License-Identifier: Apache-2.0
/*
 * Page tables.
 *
 * Exec's memory is mapped by pages of 2 MiB where a mapping covers them, else by pages of 4 KiB in
 * windows: the 16 pages at a multiple of 64 KiB of address space take their frames from one chunk,
 * page i from frame i. So a frame needs no bookkeeping of its own:
 *
 *     0                 never touched; its frame in the window's chunk, if there is one, is zero
 *     present           in use
 *     PTE_KEEP          in use, but its protection allows no access (PROT_NONE)
 *     PTE_STALE         was unmapped while its window lives on; to be zeroed before use
 *     | PTE_IMAGE       the frame belongs to the boot area or the exec image, not to a chunk
 */
#include "shim/vm/shim.h"
#include "shim/vm/tlb.h"

#include <linux/mman.h>

typedef uint64_t pte_t;

#define PTE_KEEP    0x200ull
#define PTE_STALE   0x400ull
#define PTE_ADDRESS 0x000ffffffffff000ull

enum {
    ENTRIES = 512,
    WINDOW = CHUNK_SIZE / PAGE_SIZE,
    FLUSH_EACH = 16, /* up to so many pages are flushed one by one */
    LEVEL_PAGE = 0,
    LEVEL_LARGE = 1,
    LEVEL_TOP = 3,
    LARGE_SHIFT = 21,
};

/* Bits of an entry that a protection asks for; without access the entry only keeps its frame. */
#define READABLE (PTE_PRESENT | PTE_USER | PTE_ACCESSED)
#define WRITABLE (READABLE | PTE_WRITE | PTE_DIRTY)
static const pte_t protections[] = {
    [PROT_NONE] = PTE_KEEP,
    [PROT_READ] = READABLE | PTE_NX,
    [PROT_WRITE] = WRITABLE | PTE_NX,
    [PROT_READ | PROT_WRITE] = WRITABLE | PTE_NX,
    [PROT_EXEC] = READABLE,
    [PROT_READ | PROT_EXEC] = READABLE,
    [PROT_WRITE | PROT_EXEC] = WRITABLE,
    [PROT_READ | PROT_WRITE | PROT_EXEC] = WRITABLE,
};

static pte_t *table_of(pte_t entry)
{
    return direct(entry & PTE_ADDRESS);
}

/* What an entry says that leads to a table. */
static pte_t table_entry(const void *table)
{
    return physical_of(table) | PTE_PRESENT | PTE_WRITE | PTE_USER | PTE_ACCESSED;
}

/* The entry for `address` at `level`. Without `create`, NULL if a table on the way is missing or
 * the address is mapped by a larger page. */
static pte_t *find_entry(uint64_t address, int level, bool create)
{
    pte_t *table = direct(info->root);
    for (int at = LEVEL_TOP; at > level; at--) {
        pte_t *entry = &table[address >> (12 + 9 * at) & (ENTRIES - 1)];
        if (!*entry) {
            void *page = create ? page_alloc() : NULL;
            if (!page)
                return NULL;
            *entry = table_entry(page);
        }
        if (*entry & PTE_LARGE)
            return NULL;
        table = table_of(*entry);
    }
    return &table[address >> (12 + 9 * level) & (ENTRIES - 1)];
}

/* The 2 MiB entry that was found last, and the number of its 2 MiB: what comes next is often there.
 */
static struct {
    uint64_t number;
    pte_t *entry; /* NULL: none */
} recent;

/* The entry for the 2 MiB of `address`, as find_entry has it. */
static pte_t *large_entry(uint64_t address, bool create)
{
    uint64_t number = address >> LARGE_SHIFT;
    if (recent.entry && recent.number == number)
        return recent.entry;
    pte_t *entry = find_entry(address, LEVEL_LARGE, create);
    if (entry) {
        recent.number = number;
        recent.entry = entry;
    }
    return entry;
}

/* A walk has changed the entry of a page in use, or freed a table: there may be translations to
 * forget. */
static bool changed;

static void flush_range(uint64_t start, uint64_t end)
{
    if (!changed)
        return;
    if ((end - start) / PAGE_SIZE <= FLUSH_EACH) {
        for (uint64_t at = start; at < end; at += PAGE_SIZE)
            tlb_forget(at);
    } else {
        tlb_forget_all();
    }
    cpu_shootdown();
}

/* The two loops over a whole window are unrolled: page faults on fresh memory run them, and where
 * ring 0 is emulated each instruction counts. */
static bool is_untouched(const pte_t *window)
{
    pte_t any = 0;
#pragma GCC unroll 16
    for (int i = 0; i < WINDOW; i++)
        any |= window[i];
    return any == 0;
}

static void fill_window(pte_t *window, pte_t page)
{
#pragma GCC unroll 16
    for (int i = 0; i < WINDOW; i++) {
        window[i] = page;
        page += PAGE_SIZE;
    }
}

/* Replaces a 2 MiB page by 512 pages that say the same. */
static int split(pte_t *entry)
{
    pte_t *table = page_alloc();
    if (!table)
        return -ENOMEM;
    pte_t page = *entry & ~PTE_LARGE;
    for (int i = 0; i < ENTRIES; i += WINDOW)
        fill_window(&table[i], page + i * PAGE_SIZE);
    *entry = table_entry(table);
    return 0;
}

static int split_at(uint64_t address)
{
    pte_t *entry = address & LARGE_MASK ? large_entry(address, false) : NULL;
    return entry && *entry & PTE_LARGE ? split(entry) : 0;
}

int table_split(uint64_t start, uint64_t end)
{
    int status = split_at(start);
    if (status < 0 || start >> LARGE_SHIFT == end >> LARGE_SHIFT)
        return status;
    return split_at(end);
}

static int fault_large(pte_t *entry, pte_t bits)
{
    if (*entry & PTE_KEEP) {
        *entry = (*entry & PTE_ADDRESS) | PTE_LARGE | bits;
        return 0;
    }
    uint64_t physical = large_alloc();
    if (!physical)
        return -ENOMEM;
    *entry = physical | PTE_LARGE | bits;
    return 0;
}

/* The chunk from which a window takes its frames, or 0. `window` is its first entry. */
static uint64_t window_chunk(const pte_t *window)
{
    for (int i = 0; i < WINDOW; i++) {
        if (window[i] && !(window[i] & PTE_IMAGE))
            return window[i] & PTE_ADDRESS & ~CHUNK_MASK;
    }
    return 0;
}

/* Maps the untouched pages of the faulting page's window, as far as the mapping reaches. */
static int fault_window(pte_t *entry, uint64_t address, uint64_t start, uint64_t end, pte_t bits)
{
    uint64_t base = address & ~CHUNK_MASK;
    pte_t *window = entry - (address - base) / PAGE_SIZE;
    bool untouched = is_untouched(window);
    uint64_t chunk = untouched ? 0 : window_chunk(window);
    if (!chunk) {
        chunk = chunk_alloc();
        if (!chunk)
            return -ENOMEM;
    }
    if (untouched && start <= base && end - base >= CHUNK_SIZE) {
        fill_window(window, chunk | bits);
        return 0;
    }
    uint64_t first = base > start ? 0 : (start - base) / PAGE_SIZE;
    uint64_t last = base + CHUNK_SIZE < end ? WINDOW : (end - base) / PAGE_SIZE;
    for (uint64_t i = first; i < last; i++) {
        if (!window[i])
            window[i] = (chunk + i * PAGE_SIZE) | bits;
    }
    return 0;
}

int table_fault(uint64_t address, uint64_t start, uint64_t end, uint32_t protection)
{
    pte_t bits = protections[protection];
    uint64_t large = address & ~LARGE_MASK;
    pte_t *entry = large_entry(address, true);
    if (!entry)
        return -ENOMEM;
    if (*entry & PTE_LARGE)
        return *entry & PTE_PRESENT ? 0 : fault_large(entry, bits);
    if (!*entry && large >= start && end - large >= LARGE_SIZE && fault_large(entry, bits) == 0)
        return 0;

    if (!*entry) {
        void *page = page_alloc();
        if (!page)
            return -ENOMEM;
        *entry = table_entry(page);
    }
    entry = table_of(*entry) + address / PAGE_SIZE % ENTRIES;
    if (*entry & PTE_PRESENT)
        return 0;
    if (*entry & PTE_STALE)
        frame_zero(*entry & PTE_ADDRESS, PAGE_SIZE);
    if (*entry) {
        *entry = (*entry & (PTE_ADDRESS | PTE_IMAGE)) | bits;
        return 0;
    }
    return fault_window(entry, address & ~PAGE_MASK, start, end, bits);
}

/* Frees the chunk of a window in which nothing is in use any more. */
static void window_release(pte_t *window)
{
    uint64_t chunk = window_chunk(window);
    if (!chunk)
        return;
    for (int i = 0; i < WINDOW; i++) {
        if (window[i] && !(window[i] & (PTE_IMAGE | PTE_STALE)))
            return;
    }
    for (int i = 0; i < WINDOW; i++) {
        if (!(window[i] & PTE_IMAGE))
            window[i] = 0;
    }
    chunk_free(chunk);
}

/* Unmaps pages [first, end) of one window. */
static void unmap_window(pte_t *window, uint64_t first, uint64_t end)
{
    bool any = false;
    for (uint64_t i = first; i < end; i++) {
        if (!window[i])
            continue;
        any = true;
        window[i] = window[i] & PTE_IMAGE ? 0 : (window[i] & PTE_ADDRESS) | PTE_STALE;
    }
    if (any) {
        changed = true;
        window_release(window);
    }
}

/* Unmaps the pages [start, end) of one table of pages; they lie within 2 MiB. */
static void unmap_pages(pte_t *table, uint64_t start, uint64_t end)
{
    uint64_t first = start / PAGE_SIZE % ENTRIES, stop = first + (end - start) / PAGE_SIZE;
    for (uint64_t base = first & ~(WINDOW - 1ull); base < stop; base += WINDOW) {
        uint64_t from = first > base ? first - base : 0;
        uint64_t to = stop - base < WINDOW ? stop - base : WINDOW;
        if (!is_untouched(&table[base]))
            unmap_window(&table[base], from, to);
    }
}

/*
 * Calls `visit` for each existing 2 MiB entry below [start, end) with the part of the range that
 * lies in it. Skips what has no tables, so that empty reservations cost nothing. With `prune`,
 * tables that lie wholly in the range are freed: their entries are expected to be empty then.
 */
typedef int (*visit_fn)(pte_t *entry, uint64_t start, uint64_t end, uint64_t argument);

struct walk {
    visit_fn visit;
    uint64_t argument;
    bool prune;
};

static int walk_table(const struct walk *walk, pte_t *table, int level, uint64_t start,
                      uint64_t end)
{
    int shift = 12 + 9 * level, status = 0;
    uint64_t span = 1ull << shift, base = start & ~(span * ENTRIES - 1);
    uint64_t last = (end - 1 - base) >> shift;
    for (uint64_t i = (start - base) >> shift; i <= last && status == 0; i++) {
        if (!table[i]) {
            while (last - i >= WINDOW && is_untouched(&table[i + 1]))
                i += WINDOW;
            continue;
        }
        uint64_t from = base + i * span, to = from + span;
        from = from < start ? start : from;
        to = to > end ? end : to;
        if (level == LEVEL_LARGE) {
            status = walk->visit(&table[i], from, to, walk->argument);
            continue;
        }
        pte_t *below = table_of(table[i]);
        status = walk_table(walk, below, level - 1, from, to);
        if (walk->prune && status == 0 && to - from == span) {
            changed = true;
            recent.entry = NULL; /* it may lie in that table */
            table[i] = 0;
            page_free(below);
        }
    }
    return status;
}

static int walk(const struct walk *walk, uint64_t start, uint64_t end)
{
    changed = false;
    if (end - start < LARGE_SIZE && start >> LARGE_SHIFT == (end - 1) >> LARGE_SHIFT) {
        pte_t *entry = large_entry(start, false);
        return entry && *entry ? walk->visit(entry, start, end, walk->argument) : 0;
    }
    return walk_table(walk, direct(info->root), LEVEL_TOP, start, end);
}

static int unmap_entry(pte_t *entry, uint64_t start, uint64_t end, uint64_t argument)
{
    (void)argument;
    bool whole = end - start == LARGE_SIZE;
    changed = changed || whole;
    if (*entry & PTE_LARGE) {
        if (whole) {
            large_free(*entry & PTE_ADDRESS);
            *entry = 0;
            return 0;
        }
        return -EINVAL;
    }
    pte_t *table = table_of(*entry);
    unmap_pages(table, start, end);
    if (whole) {
        *entry = 0;
        page_free(table);
    }
    return 0;
}

void table_unmap(uint64_t start, uint64_t end)
{
    const struct walk unmap = {.visit = unmap_entry, .prune = true};
    if (walk(&unmap, start, end) < 0)
        shim_panic("a range that was not split is unmapped");
    flush_range(start, end);
}

static int protect_entry(pte_t *entry, uint64_t start, uint64_t end, uint64_t bits)
{
    if (*entry & PTE_LARGE) {
        changed = true;
        if (end - start == LARGE_SIZE) {
            *entry = (*entry & PTE_ADDRESS) | PTE_LARGE | bits;
            return 0;
        }
        if (split(entry) < 0)
            return -ENOMEM;
    }
    pte_t *page = table_of(*entry) + start / PAGE_SIZE % ENTRIES;
    const pte_t *last = page + (end - start) / PAGE_SIZE;
    while (page < last) {
        if (*page & (PTE_PRESENT | PTE_KEEP)) {
            *page = (*page & (PTE_ADDRESS | PTE_IMAGE)) | bits;
            changed = true;
        } else if (last - page >= WINDOW && is_untouched(page)) {
            page += WINDOW;
            continue;
        }
        page++;
    }
    return 0;
}

static __attribute__((noinline)) void protect_walk(uint64_t start, uint64_t end, pte_t bits)
{
    const struct walk protect = {.visit = protect_entry, .argument = bits};
    if (walk(&protect, start, end) < 0)
        shim_panic("no page was reserved for a change of protection");
    flush_range(start, end);
}

/* An engine that compiles changes a few pages in the same 2 MiB again and again: the short way. */
void table_protect(uint64_t start, uint64_t end, uint32_t protection)
{
    pte_t bits = protections[protection];
    bool is_recent = recent.entry && recent.number == start >> LARGE_SHIFT &&
                     recent.number == (end - 1) >> LARGE_SHIFT;
    if (!is_recent || end - start > FLUSH_EACH * PAGE_SIZE || !*recent.entry ||
        *recent.entry & PTE_LARGE) {
        protect_walk(start, end, bits);
        return;
    }
    pte_t *page = table_of(*recent.entry) + start / PAGE_SIZE % ENTRIES;
    for (uint64_t at = start; at < end; at += PAGE_SIZE, page++) {
        if (!(*page & (PTE_PRESENT | PTE_KEEP)))
            continue;
        *page = (*page & (PTE_ADDRESS | PTE_IMAGE)) | bits;
        tlb_forget(at);
    }
    cpu_shootdown();
}

/* Whether a window lies wholly in the range that is moved. */
static bool window_inside(uint64_t base, uint64_t start, uint64_t end)
{
    return base >= start && base + CHUNK_SIZE <= end;
}

static int copy_page(pte_t from, uint64_t to, uint64_t to_start, uint64_t to_end)
{
    uint32_t protection = PROT_READ | PROT_WRITE;
    int status = table_fault(to, to_start, to_end, protection);
    if (status < 0)
        return status;
    __builtin_memcpy((void *)to, direct(from & PTE_ADDRESS), PAGE_SIZE);
    return 0;
}

/* Moves the pages of one 2 MiB entry by `delta` bytes, a multiple of 2 MiB. */
static int move_entry(pte_t *entry, uint64_t start, uint64_t end, uint64_t delta)
{
    pte_t *target = find_entry(start + delta, LEVEL_LARGE, true);
    if (!target)
        return -ENOMEM;
    if (end - start == LARGE_SIZE) {
        if (*target) /* an empty table, of what was here before */
            page_free(table_of(*target));
        *target = *entry;
        *entry = 0;
        return 0;
    }
    if (*entry & PTE_LARGE && split(entry) < 0)
        return -ENOMEM;

    pte_t *table = table_of(*entry);
    for (uint64_t at = start; at < end; at += PAGE_SIZE) {
        pte_t *page = &table[at / PAGE_SIZE % ENTRIES];
        if (!*page)
            continue;
        /* A window that moves as a whole takes its chunk along, stale frames and all. */
        if (window_inside(at & ~CHUNK_MASK, start, end)) {
            pte_t *to = find_entry(at + delta, LEVEL_PAGE, true);
            if (!to)
                return -ENOMEM;
            *to = *page;
            *page = 0;
        } else if (*page & (PTE_PRESENT | PTE_KEEP)) {
            int status = copy_page(*page, at + delta, start + delta, end + delta);
            if (status < 0)
                return status;
        }
    }
    return 0;
}

int table_move(uint64_t from, uint64_t to, uint64_t size)
{
    const struct walk move = {.visit = move_entry, .argument = to - from};
    int status = walk(&move, from, from + size);
    changed = true;
    flush_range(from, from + size);
    return status;
}

int table_map_direct(uint64_t physical, uint64_t size)
{
    for (uint64_t at = physical; at < physical + size; at += LARGE_SIZE) {
        pte_t *entry = find_entry((uint64_t)direct(at), LEVEL_LARGE, true);
        if (!entry)
            return -ENOMEM;
        *entry = at | PTE_LARGE | PTE_PRESENT | PTE_WRITE | PTE_ACCESSED | PTE_DIRTY | PTE_NX;
    }
    return 0;
}

int table_map_cpu(uint32_t id)
{
    uint64_t top = CPUS_BASE + (id + 1) * CPU_STRIDE;
    for (uint64_t at = top - CPU_MAPPED; at < top; at += PAGE_SIZE) {
        pte_t *entry = find_entry(at, LEVEL_PAGE, true);
        void *page = entry ? page_alloc() : NULL;
        if (!page)
            return -ENOMEM;
        *entry = physical_of(page) | PTE_PRESENT | PTE_WRITE | PTE_ACCESSED | PTE_DIRTY | PTE_NX;
    }
    return 0;
}
