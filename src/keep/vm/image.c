// SPDX-License-Identifier: Apache-2.0
#include "keep/vm/image.h"
#include "keep/vm/elf.h"
#include "sallyport/protocol.h"

#include <cpuid.h>
#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* Pages of the boot area. Page tables take the rest. */
enum {
    BOOT_INFO = 0,
    BOOT_CPU = 1,
    BOOT_VDSO = BOOT_CPU + CPU_MAPPED / PAGE_SIZE,
    BOOT_STACK = BOOT_VDSO + 1,
    BOOT_HEAP = BOOT_STACK + BOOT_STACK_SIZE / PAGE_SIZE,
    BOOT_MAPPINGS = BOOT_HEAP + BOOT_HEAP_SIZE / PAGE_SIZE,
    BOOT_TABLES = BOOT_MAPPINGS + 1,
    BOOT_PAGES = (BOOT_END - BOOT_GPA) / PAGE_SIZE - BOOT_RESERVED,
};

#define KERNEL_DATA (PTE_PRESENT | PTE_WRITE | PTE_ACCESSED | PTE_DIRTY | PTE_NX)
#define USER_DATA   (KERNEL_DATA | PTE_USER)

_Static_assert((ELF_SEGMENTS_MAX + 3) * sizeof(struct vma) < PAGE_SIZE, "mappings fit in a page");

enum { VECTOR_BREAKPOINT = 3, VECTOR_PAGE_FAULT = 14 };

enum { PREMAPPED_ZEROES = 0x80000 /* bytes of a segment without file contents mapped at boot */ };

struct builder {
    struct image *image;
    const struct image_request *request;
    struct keep_info *info;
    uint64_t next_table; /* index of the next free page of the boot area */
    uint64_t next_page;  /* guest-physical address behind the last page given to exec */
    size_t mappings;     /* nodes of the tree of mappings */
    bool full;           /* the boot area has no room left for tables */
};

static uint64_t boot_address(uint64_t page)
{
    return BOOT_GPA + page * PAGE_SIZE;
}

static void *boot_page(const struct builder *b, uint64_t page)
{
    return b->image->boot + page * PAGE_SIZE;
}

/* The table that an entry names, made if it is not there. */
static uint64_t *next_level(struct builder *b, uint64_t *entry)
{
    if (!*entry) {
        if (b->next_table == BOOT_PAGES) {
            b->full = true;
            return NULL;
        }
        *entry = boot_address(b->next_table++) | PTE_PRESENT | PTE_WRITE | PTE_USER | PTE_ACCESSED;
    }
    return (uint64_t *)(b->image->boot + ((*entry & ~PAGE_MASK) - BOOT_GPA));
}

/* Maps [address, address + size) to guest-physical memory, by large pages if `bits` says so. */
static void map(struct builder *b, uint64_t address, uint64_t physical, uint64_t size,
                uint64_t bits)
{
    uint64_t step = bits & PTE_LARGE ? LARGE_SIZE : PAGE_SIZE;
    int lowest = bits & PTE_LARGE ? 1 : 0;
    for (uint64_t done = 0; done < size; done += step) {
        uint64_t *table = boot_page(b, BOOT_TABLES);
        for (int level = 3; level > lowest && table; level--)
            table = next_level(b, &table[(address + done) >> (12 + 9 * level) & 511]);
        if (!table)
            return;
        table[(address + done) >> (12 + 9 * lowest) & 511] = (physical + done) | bits;
    }
}

static void add_area(struct image *image, struct image_area area)
{
    if (area.size > 0 && image->count < IMAGE_AREAS_MAX)
        image->areas[image->count++] = area;
}

static uint64_t page_bits(uint32_t elf_flags, uint64_t more)
{
    uint64_t bits = PTE_PRESENT | PTE_ACCESSED | more;
    if (elf_flags & PF_W)
        bits |= PTE_WRITE | PTE_DIRTY;
    if (!(elf_flags & PF_X))
        bits |= PTE_NX;
    return bits;
}

static int place_shim(struct builder *b, struct err *err)
{
    struct elf_image elf;
    struct span file = b->request->shim;
    int status = elf_parse(&elf, file, "the shim", NULL);
    bool wrong = status < 0 || elf.segments[0].address != SHIM_BASE;
    for (size_t i = 0; i < elf.count && !wrong; i++) {
        const struct elf_segment *segment = &elf.segments[i];
        uint64_t physical = segment->address - SHIM_BASE + SHIM_GPA;
        if (physical + segment->size > BOOT_GPA)
            wrong = true;
        map(b, segment->address, physical, segment->size, page_bits(segment->flags, 0));
        if (segment->flags & SHIM_SEGMENT_USER)
            map(b, STUBS_BASE, physical, segment->size, page_bits(segment->flags, PTE_USER));
        add_area(b->image, (struct image_area){
                               .address = physical,
                               .size = segment->size,
                               .bytes = file.data + segment->file_offset,
                               .filled = segment->file_size,
                           });
    }
    if (wrong)
        return err_set(err, ERR_INTERNAL, 0, "the shim in this program is damaged");
    b->image->entry = elf.entry;
    return 0;
}

/* Notes a mapping that exec begins with; they come in ascending order. */
static void add_mapping(struct builder *b, uint64_t start, uint64_t end, uint32_t protection)
{
    struct vma *nodes = boot_page(b, BOOT_MAPPINGS);
    nodes[b->mappings++] = (struct vma){.start = start, .end = end, .protection = protection};
}

static struct vma *guest_node(size_t index)
{
    return (struct vma *)(DIRECT_BASE + boot_address(BOOT_MAPPINGS) + index * sizeof(struct vma));
}

/* Makes a balanced tree of nodes[from … to); returns its root, NULL if there is none. The nodes
 * point at each other by the addresses that the guest will use. */
static struct vma *link_mappings(struct vma *nodes, size_t from, size_t to)
{
    if (from == to)
        return NULL;
    size_t middle = from + (to - from) / 2;
    struct vma *node = &nodes[middle];
    const struct vma *left = link_mappings(nodes, from, middle);
    const struct vma *right = link_mappings(nodes, middle + 1, to);
    node->left = left ? guest_node((size_t)(left - nodes)) : NULL;
    node->right = right ? guest_node((size_t)(right - nodes)) : NULL;
    node->low = left ? left->low : node->start;
    node->high = right ? right->high : node->end;
    uint64_t gaps[4] = {
        left ? left->gap : 0,
        left ? node->start - left->high : 0,
        right ? right->gap : 0,
        right ? right->low - node->end : 0,
    };
    for (int i = 0; i < 4; i++)
        node->gap = gaps[i] > node->gap ? gaps[i] : node->gap;
    int32_t left_height = left ? left->height : 0, right_height = right ? right->height : 0;
    node->height = (left_height > right_height ? left_height : right_height) + 1;
    return node;
}

/* Gives exec one segment: pages of the file as they are, then zero pages. */
static void place_segment(struct builder *b, const struct elf_image *elf,
                          const struct elf_segment *segment, uint64_t bias)
{
    uint64_t address = segment->address + bias;
    uint64_t bits = page_bits(segment->flags, PTE_USER | PTE_IMAGE);
    uint64_t from_file = (segment->file_size + PAGE_MASK) & ~PAGE_MASK;
    uint64_t zeroes = segment->size - from_file;
    if (zeroes > PREMAPPED_ZEROES)
        zeroes = PREMAPPED_ZEROES;

    map(b, address, b->next_page, from_file + zeroes, bits);
    add_area(b->image, (struct image_area){
                           .address = b->next_page,
                           .size = from_file,
                           .filled = segment->file_size,
                           .file_offset = b->request->exec_offset + segment->file_offset,
                       });
    b->next_page += from_file + zeroes;

    uint32_t protection = (segment->flags & PF_R ? PROT_READ : 0) |
                          (segment->flags & PF_W ? PROT_WRITE : 0) |
                          (segment->flags & PF_X ? PROT_EXEC : 0);
    /* exec takes the right to write from its relocated data: that needs no split of a mapping. */
    uint64_t relocated =
        elf->relro_end > segment->address && elf->relro_end < segment->address + segment->size
            ? elf->relro_end + bias
            : address;
    if (relocated > address)
        add_mapping(b, address, relocated, protection);
    add_mapping(b, relocated, address + segment->size, protection);
}

/* Whether a segment lies where exec's memory may be. */
static bool is_placeable(const struct elf_segment *segment, uint64_t bias)
{
    uint64_t start = segment->address + bias;
    return segment->address < MAP_TOP && start >= MAP_BOTTOM && segment->size <= MAP_TOP &&
           start <= MAP_TOP - segment->size;
}

static int place_exec(struct builder *b, struct elf_image *elf, uint64_t *bias, struct err *err)
{
    const struct image_request *request = b->request;
    if (request->exec_size < sizeof(Elf64_Ehdr) || request->exec_size > SIZE_MAX / 2)
        return err_set(err, ERR_MODULE, 0,
                       "the program cannot run in a Keep: it is not an ELF image");
    void *file = mmap(NULL, request->exec_size, PROT_READ, MAP_PRIVATE, request->exec_fd,
                      (off_t)request->exec_offset);
    if (file == MAP_FAILED)
        return err_set(err, ERR_IO, errno, "map the program");
    int status = elf_parse(elf, span_of(file, request->exec_size), "the program", err);
    munmap(file, request->exec_size);
    if (status < 0)
        return status;

    *bias = elf->relocatable ? EXEC_BASE : 0;
    for (size_t i = 0; i < elf->count; i++) {
        if (!is_placeable(&elf->segments[i], *bias))
            return err_set(err, ERR_MODULE, 0,
                           "the program is linked to an address it cannot have");
        place_segment(b, elf, &elf->segments[i], *bias);
    }
    return 0;
}

/* Writes the stack of exec's first thread downwards from its top. */
struct stack {
    uint8_t *bottom;   /* where the mapped part begins in our memory */
    uint64_t position; /* bytes still free below what was written */
    bool full;
};

static uint64_t stack_push(struct stack *stack, const void *bytes, uint64_t size)
{
    if (size > stack->position) {
        stack->full = true;
        return 0;
    }
    stack->position -= size;
    memcpy(stack->bottom + stack->position, bytes, size);
    return STACK_TOP - BOOT_STACK_SIZE + stack->position;
}

static size_t count_strings(const char *const *strings)
{
    size_t count = 0;
    while (strings[count])
        count++;
    return count;
}

/* Pushes strings and stores their addresses, then NULL; returns where the next address goes. */
static uint64_t *push_strings(struct stack *stack, const char *const *strings, uint64_t *addresses)
{
    for (; *strings; strings++)
        *addresses++ = stack_push(stack, *strings, strlen(*strings) + 1);
    *addresses++ = 0;
    return addresses;
}

static uint64_t *push_auxiliary(uint64_t *at, const struct elf_image *elf, uint64_t bias,
                                uint64_t random, uint64_t name, uint64_t platform)
{
    unsigned a, b, c, features = 0;
    __get_cpuid(1, &a, &b, &c, &features);
    const uint64_t pairs[][2] = {
        {AT_SYSINFO_EHDR, VDSO_IMAGE},
        {AT_PHDR, elf->headers ? elf->headers + bias : 0},
        {AT_PHENT, sizeof(Elf64_Phdr)},
        {AT_PHNUM, elf->header_count},
        {AT_PAGESZ, PAGE_SIZE},
        {AT_BASE, 0},
        {AT_FLAGS, 0},
        {AT_ENTRY, elf->entry + bias},
        {AT_UID, 1000},
        {AT_EUID, 1000},
        {AT_GID, 1000},
        {AT_EGID, 1000},
        {AT_SECURE, 0},
        {AT_CLKTCK, 100},
        {AT_HWCAP, features},
        {AT_HWCAP2, 2 /* FSGSBASE */},
        {AT_MINSIGSTKSZ, 2048 + EXTENDED_SIZE},
        {AT_RANDOM, random},
        {AT_EXECFN, name},
        {AT_PLATFORM, platform},
        {AT_NULL, 0},
    };
    memcpy(at, pairs, sizeof(pairs));
    return at + sizeof(pairs) / sizeof(uint64_t);
}

enum { AUXILIARY_WORDS = 48 };

static int build_stack(struct builder *b, const struct elf_image *elf, uint64_t bias,
                       struct err *err)
{
    const struct image_request *request = b->request;
    struct stack stack = {boot_page(b, BOOT_STACK), BOOT_STACK_SIZE, false};
    size_t count = count_strings(request->argv) + count_strings(request->envp);
    uint64_t *words = calloc(count + 3 + AUXILIARY_WORDS, sizeof(*words));
    if (!words)
        return err_set(err, ERR_IO, ENOMEM, "lay out the Keep");

    static const uint8_t zeroes[16];
    b->info->random_at = stack_push(&stack, zeroes, sizeof(zeroes));
    uint64_t platform = stack_push(&stack, "x86_64", 7);
    uint64_t name = stack_push(&stack, "/init", 6);
    words[0] = count_strings(request->argv);
    uint64_t *at = push_strings(&stack, request->argv, words + 1);
    at = push_strings(&stack, request->envp, at);
    at = push_auxiliary(at, elf, bias, b->info->random_at, name, platform);
    uint64_t size = (uint64_t)(at - words) * sizeof(*words);
    if (stack.position > size)
        stack.position = ((stack.position - size) & ~15ull) + size; /* aligned as the ABI asks */
    b->info->stack_pointer = stack_push(&stack, words, size);
    free(words);
    if (stack.full || stack.position < BOOT_STACK_SIZE / 4)
        return err_set(err, ERR_USAGE, E2BIG, "arguments and environment of the program");
    return 0;
}

/* Everything that does not depend on exec. */
static void map_fixed(struct builder *b)
{
    map(b, DIRECT_BASE + BOOT_GPA, BOOT_GPA, BOOT_END - BOOT_GPA, KERNEL_DATA | PTE_LARGE);
    map(b, CPUS_BASE + CPU_STRIDE - CPU_MAPPED, boot_address(BOOT_CPU), CPU_MAPPED, KERNEL_DATA);
    map(b, BLOCKS_BASE, SHARED_BASE, CPUS_MAX * (uint64_t)SP_BLOCK_SIZE, USER_DATA | PTE_LARGE);
    map(b, STACK_TOP - BOOT_STACK_SIZE, boot_address(BOOT_STACK), BOOT_STACK_SIZE,
        USER_DATA | PTE_IMAGE);
    map(b, VDSO_BASE, boot_address(BOOT_VDSO), PAGE_SIZE, page_bits(PF_R, PTE_USER));
}

/* The descriptors and gates of every processor. The shim does not have to compute them, nor to load
 * the registers that name them. */
static void fill_descriptors(struct keep_info *info)
{
    info->gdt[SELECTOR_SHIM_CODE / 8] = 0x00af9b000000ffff;
    info->gdt[SELECTOR_SHIM_DATA / 8] = 0x00cf93000000ffff;
    info->gdt[SELECTOR_USER_DATA / 8] = 0x00cff3000000ffff;
    info->gdt[SELECTOR_USER_CODE / 8] = 0x00affb000000ffff;
    for (uint64_t vector = 0; vector < SHIM_VECTORS; vector++) {
        bool paravirtual = vector == VECTOR_PAGE_FAULT && info->flags & INFO_SYSCALL_FAULTS;
        uint64_t stub = paravirtual ? SHIM_PARAVIRTUAL : SHIM_STUB(vector);
        uint64_t privilege = vector == VECTOR_BREAKPOINT ? 3 : 0;
        info->idt[2 * vector] = (stub & 0xffff) | SELECTOR_SHIM_CODE << 16 |
                                (0x8e00 | privilege << 13) << 32 | (stub >> 16 & 0xffff) << 48;
        info->idt[2 * vector + 1] = stub >> 32;
    }
}

static void fill_info(struct builder *b, const struct elf_image *elf, uint64_t bias)
{
    const struct image_request *request = b->request;
    struct keep_info *info = b->info;
    info->flags = request->info_flags;
    fill_descriptors(info);
    info->root = boot_address(BOOT_TABLES);
    info->vdso_data = boot_address(BOOT_VDSO);
    info->entry = elf->entry + bias;
    info->cpus = request->threads;
    info->processors = request->processors;
    info->handles = (uint32_t)request->fd_count;
    for (size_t i = 0; i < request->fd_count; i++) {
        if (request->fds[i] < 0)
            info->handle_holes[i / 64] |= 1ull << i % 64;
    }
    const struct elf_segment *last = &elf->segments[elf->count - 1];
    info->heap_start = last->address + last->size + bias;
    info->heap_mapped = info->heap_start + BOOT_HEAP_SIZE;
    add_mapping(b, info->heap_start, info->heap_mapped, PROT_READ | PROT_WRITE);
    add_mapping(b, STACK_TOP - STACK_SIZE, STACK_TOP, PROT_READ | PROT_WRITE);
    struct vma *nodes = boot_page(b, BOOT_MAPPINGS);
    const struct vma *root = link_mappings(nodes, 0, b->mappings);
    info->mappings = guest_node((size_t)(root - nodes));
    info->free_mappings = guest_node(b->mappings);
    info->mappings_end = guest_node(PAGE_SIZE / sizeof(*nodes));
    info->pool_start = (b->next_page + LARGE_MASK) & ~LARGE_MASK;
    info->pool_end = info->pool_start + request->pool;
}

int image_build(struct image *image, const struct image_request *request, struct err *err)
{
    memset(image, 0, sizeof(*image));
    if (request->fd_count > sizeof(((struct keep_info *)0)->handle_holes) * 8)
        return err_set(err, ERR_USAGE, EMFILE, "give %zu files to a Keep", request->fd_count);
    image->boot = request->boot;

    struct builder b = {
        .image = image,
        .request = request,
        .info = (struct keep_info *)image->boot,
        .next_table = BOOT_TABLES + 1,
        .next_page = BOOT_END,
    };
    struct elf_image elf;
    uint64_t bias = 0;
    int status = place_shim(&b, err);
    if (status == 0)
        status = place_exec(&b, &elf, &bias, err);
    if (status == 0)
        status = build_stack(&b, &elf, bias, err);
    if (status == 0) {
        fill_info(&b, &elf, bias);
        map_fixed(&b);
        map(&b, b.info->heap_start, boot_address(BOOT_HEAP), BOOT_HEAP_SIZE, USER_DATA | PTE_IMAGE);
        map(&b, DIRECT_BASE + b.info->pool_start, b.info->pool_start, request->pool,
            KERNEL_DATA | PTE_LARGE);
        if (b.full)
            status = err_set(err, ERR_MODULE, 0, "the program needs too many page tables");
    }
    if (status < 0)
        return status;
    b.info->tables_next = boot_address(b.next_table);
    add_area(image, (struct image_area){.address = BOOT_GPA,
                                        .size = BOOT_END - BOOT_GPA,
                                        .bytes = image->boot,
                                        .filled = b.next_table * PAGE_SIZE});
    image->size = b.info->pool_end;
    image->tables_used = b.next_table - BOOT_TABLES;
    return 0;
}
