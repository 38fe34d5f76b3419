// SPDX-License-Identifier: Apache-2.0
/*
 * The shim's page tables, compiled for the host, with a processor that is a model: it walks the
 * tables as a real one does, and remembers each translation until it is told to forget it.
 */
#define SHIM_OWN_TLB
#include "shim/vm/layout.h"

#undef DIRECT_BASE
#define DIRECT_BASE 0x200000000000ull /* where this test has its physical memory */

#include "shim/vm/shim.h"

#define info loaded
static const struct keep_info *loaded;

#include "shim/vm/tables.c"

#include "tap.h"

#include <stdlib.h>
#include <sys/mman.h>

enum {
    PAGES = 4 * ENTRIES, /* of exec's address space that this test looks at */
    STEPS = 4000,        /* changes a seed */
    RANGE_MAX = 40,      /* pages of most changes */
    TABLES = 64,         /* pages of physical memory for tables: the first 2 MiB … */
    BLOCKS = 16,         /* … and blocks of 2 MiB, the first half of them for chunks */
    CHUNKS = LARGE_SIZE / CHUNK_SIZE,
};

#define MEMORY_SIZE ((1 + BLOCKS) * LARGE_SIZE)
#define BASE        (0x7f0040000000ull - 2 * LARGE_SIZE) /* of the pages, on both sides of 1 GiB */

/* What exec sees of each page. */
static struct page {
    bool mapped;
    uint32_t protection;
    uint64_t content; /* of its first word; 0: never written */
} model[PAGES];

static pte_t remembered[PAGES]; /* translations; 0: none */
static bool table_used[TABLES];
static uint32_t used[BLOCKS]; /* bit set: chunk is in use */
static uint64_t seed, written;
static bool no_tables; /* page_alloc has nothing any more */

/* --- What the shim's other files do --------------------------------------------------------------
 */

void *page_alloc(void)
{
    for (uint64_t i = 0; i < TABLES && !no_tables; i++) {
        if (!table_used[i]) {
            table_used[i] = true;
            return direct(i * PAGE_SIZE);
        }
    }
    return NULL;
}

void page_free(void *page)
{
    static const uint8_t zero[PAGE_SIZE];
    CHECK(memcmp(page, zero, PAGE_SIZE) == 0);
    CHECK(table_used[physical_of(page) / PAGE_SIZE]);
    table_used[physical_of(page) / PAGE_SIZE] = false;
}

static uint64_t block_address(uint64_t number)
{
    return (1 + number) * LARGE_SIZE;
}

uint64_t chunk_alloc(void)
{
    for (uint64_t i = 0; i < CHUNKS * BLOCKS / 2; i++) {
        if (!(used[i / CHUNKS] >> i % CHUNKS & 1)) {
            used[i / CHUNKS] |= 1u << i % CHUNKS;
            uint64_t physical = block_address(0) + i * CHUNK_SIZE;
            frame_zero(physical, CHUNK_SIZE);
            return physical;
        }
    }
    return 0;
}

/* Also for the parts of a page of 2 MiB that was split. */
void chunk_free(uint64_t physical)
{
    uint64_t i = (physical - block_address(0)) / CHUNK_SIZE;
    CHECK(used[i / CHUNKS] >> i % CHUNKS & 1);
    used[i / CHUNKS] &= ~(1u << i % CHUNKS);
}

uint64_t large_alloc(void)
{
    for (uint64_t i = BLOCKS / 2; i < BLOCKS; i++) {
        if (!used[i]) {
            used[i] = UINT32_MAX;
            frame_zero(block_address(i), LARGE_SIZE);
            return block_address(i);
        }
    }
    return 0;
}

void large_free(uint64_t physical)
{
    uint64_t i = (physical - block_address(0)) / LARGE_SIZE;
    CHECK(used[i] == UINT32_MAX);
    used[i] = 0;
}

void frame_zero(uint64_t physical, uint64_t size)
{
    memset(direct(physical), 0, size);
}

void cpu_shootdown(void)
{
}

void shim_panic(const char *why)
{
    tap_fail(__FILE__, __LINE__, "%s", why);
    abort();
}

/* --- The processor ------------------------------------------------------------------------------
 */

static uint64_t address_of(size_t page)
{
    return BASE + page * PAGE_SIZE;
}

/* The translation of a page as the tables have it: its frame and permissions; 0 if there is none.
 */
static pte_t translate(size_t page)
{
    uint64_t address = address_of(page);
    const pte_t *table = direct(info->root);
    for (int level = LEVEL_TOP; level >= LEVEL_PAGE; level--) {
        pte_t entry = table[address >> (12 + 9 * level) & (ENTRIES - 1)];
        if (!(entry & PTE_PRESENT))
            return 0;
        if (level == LEVEL_LARGE && entry & PTE_LARGE)
            return (entry & ~PTE_LARGE) + (address & LARGE_MASK);
        if (level == LEVEL_PAGE)
            return entry;
        table = direct(entry & PTE_ADDRESS);
    }
    return 0;
}

void tlb_forget(uint64_t address)
{
    if (address - BASE < PAGES * PAGE_SIZE)
        remembered[(address - BASE) / PAGE_SIZE] = 0;
}

void tlb_forget_all(void)
{
    memset(remembered, 0, sizeof(remembered));
}

/* Exec reads or writes the first word of a page, which it may. */
static void access_page(size_t page)
{
    uint64_t start = page, end = page + 1;
    uint32_t protection = model[page].protection;
    while (start > 0 && model[start - 1].mapped && model[start - 1].protection == protection)
        start--;
    while (end < PAGES && model[end].mapped && model[end].protection == protection)
        end++;
    if (!translate(page))
        CHECK_INT(table_fault(address_of(page), address_of(start), address_of(end), protection), 0);
    remembered[page] = translate(page);
    CHECK(remembered[page]);
    uint64_t *word = direct(remembered[page] & PTE_ADDRESS);
    CHECK_INT(*word, model[page].content);
    if (protection & PROT_WRITE)
        *word = model[page].content = ++written;
}

/* What has to be true of every page at any time. */
static void check_all(void)
{
    for (size_t page = 0; page < PAGES; page++) {
        pte_t now = translate(page);
        if (remembered[page])
            CHECK(now == remembered[page]);
        if (!now)
            continue;
        CHECK(model[page].mapped);
        CHECK(!!(now & PTE_WRITE) == !!(model[page].protection & PROT_WRITE));
        CHECK(!(now & PTE_NX) == !!(model[page].protection & PROT_EXEC));
        CHECK(now & PTE_USER);
        CHECK_INT(*(uint64_t *)direct(now & PTE_ADDRESS), model[page].content);
    }
}

/* --- Changes, as space.c makes them -------------------------------------------------------------
 */

static void forget(size_t first, size_t count)
{
    CHECK_INT(table_split(address_of(first), address_of(first + count)), 0);
    table_unmap(address_of(first), address_of(first + count));
    for (size_t page = first; page < first + count; page++)
        model[page].content = 0;
}

static void map(size_t first, size_t count, uint32_t protection)
{
    forget(first, count);
    for (size_t page = first; page < first + count; page++)
        model[page] = (struct page){.mapped = true, .protection = protection};
}

static void unmap(size_t first, size_t count)
{
    forget(first, count);
    for (size_t page = first; page < first + count; page++)
        model[page].mapped = false;
}

static void protect(size_t first, size_t count, uint32_t protection)
{
    for (size_t page = first; page < first + count; page++) {
        if (!model[page].mapped)
            return;
    }
    for (size_t page = first; page < first + count; page++)
        model[page].protection = protection;
    table_protect(address_of(first), address_of(first + count), protection);
}

static uint64_t draw(uint64_t limit)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed % limit;
}

static uint32_t draw_protection(void)
{
    static const uint32_t kinds[] = {PROT_NONE, PROT_READ, PROT_READ | PROT_WRITE,
                                     PROT_READ | PROT_EXEC};
    return kinds[draw(4)];
}

static void change(void)
{
    size_t count = 1 + draw(draw(8) == 0 ? PAGES / 2 : RANGE_MAX), first = draw(PAGES - count + 1);
    switch (draw(6)) {
    case 0:
        map(first, count, draw_protection());
        break;
    case 1:
        unmap(first, count);
        break;
    case 2:
        forget(first, count); /* MADV_DONTNEED */
        break;
    default:
        protect(first, count, draw_protection());
    }
    for (int i = 0; i < 30; i++) {
        size_t page = draw(4) == 0 ? draw(PAGES) : first + draw(count);
        if (model[page].mapped && model[page].protection != PROT_NONE)
            access_page(page);
    }
}

static void set_up(uint64_t number)
{
    static struct keep_info page;
    seed = number * 0x9e3779b97f4a7c15 + 1;
    void *memory = mmap((void *)DIRECT_BASE, MEMORY_SIZE, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
    CHECK(memory == (void *)DIRECT_BASE);
    table_used[0] = true; /* the root; 0 is no table's address */
    table_used[1] = true;
    page.root = PAGE_SIZE;
    info = &page;
}

/* After all has been unmapped nothing is left but the root. */
static void check_empty(void)
{
    unmap(0, PAGES);
    check_all();
    for (size_t i = 0; i < BLOCKS; i++)
        CHECK_INT(used[i], 0);
}

static void run_seed(uint64_t number)
{
    set_up(number);
    map(0, PAGES, PROT_READ | PROT_WRITE);
    for (int step = 0; step < STEPS; step++) {
        change();
        check_all();
    }
    check_empty();
}

TEST(changes,
     "a page that exec may reach though it must not, an old frame, a translation that stays")
{
    run_seed(1);
}

TEST(more_changes, "the same in another order")
{
    run_seed(2);
}

TEST(code, "a program that makes pages writable and executable in turn: bytes of it are lost")
{
    set_up(1);
    map(0, PAGES, PROT_NONE);
    protect(0, PAGES, PROT_READ | PROT_WRITE); /* comes as pages of 2 MiB, which are split */
    for (size_t page = 0; page < PAGES; page++)
        access_page(page);
    for (size_t page = 0; page + 3 < PAGES; page += 2) {
        protect(page, 1, PROT_READ | PROT_WRITE);
        access_page(page);
        protect(page, 3, PROT_READ | PROT_EXEC);
        access_page(page + 2);
    }
    check_all();
    check_empty();
}

TEST(
    large,
    "a change within a page of 2 MiB just used, and one on both sides of its end, that goes astray")
{
    set_up(1);
    map(0, PAGES, PROT_READ | PROT_WRITE);
    access_page(0);
    protect(5, 2, PROT_READ);
    check_all();
    for (size_t page = 0; page < 10; page++)
        access_page(page);
    access_page(ENTRIES);
    protect(0, 1, PROT_READ);
    protect(ENTRIES - 4, 8, PROT_READ);
    check_all();
    access_page(ENTRIES - 1);
    access_page(ENTRIES + 3);
    check_all();
    check_empty();
}

TEST(window, "a page that was unmapped comes back with its old bytes beside one that is fresh")
{
    set_up(1);
    map(0, 8, PROT_READ | PROT_WRITE);
    for (size_t page = 0; page < 8; page++)
        access_page(page);
    unmap(0, 4);
    map(0, 4, PROT_READ | PROT_WRITE);
    map(8, 8, PROT_READ | PROT_WRITE);
    access_page(8);
    check_all();
    for (size_t page = 0; page < 16; page++)
        access_page(page);
    check_empty();
}

TEST(pruned, "a table that was given back is used once more")
{
    enum { GIB = 1 << 30 };
    set_up(1);
    map(0, 2 * ENTRIES, PROT_READ);
    access_page(ENTRIES);
    table_unmap(address_of(2 * ENTRIES) - GIB, address_of(2 * ENTRIES));
    CHECK(page_alloc() && page_alloc()); /* somebody else has its pages now */
    access_page(ENTRIES);
    check_all();
}

TEST(no_memory, "a split that fails when something has changed already")
{
    set_up(1);
    map(0, PAGES, PROT_READ | PROT_WRITE);
    access_page(0);
    access_page(ENTRIES);
    no_tables = true;
    CHECK_INT(table_split(address_of(10), address_of(ENTRIES + 10)), -ENOMEM);
    check_all();
    no_tables = false;
    check_empty();
}

TAP_MAIN()
