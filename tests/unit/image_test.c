// SPDX-License-Identifier: Apache-2.0
/*
 * What the loader makes of an ELF image: refusals in one clear sentence each, and for good images a
 * guest whose page tables are walked here as its processor would walk them.
 */
#include "keep/vm/elf.h"
#include "keep/vm/image.h"
#include "sallyport/protocol.h"
#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

extern const uint8_t shim_vm_image[], shim_vm_image_end[];

/* --- Small ELF images made here -----------------------------------------------------------------
 */

enum { SEGMENTS = 4, FILE_SIZE = 0x4000 };

struct small_elf {
    Elf64_Ehdr header;
    Elf64_Phdr segments[SEGMENTS];
    uint8_t rest[FILE_SIZE - sizeof(Elf64_Ehdr) - SEGMENTS * sizeof(Elf64_Phdr)];
};

/* A program of headers, code and data with some bytes of zeroes. */
static struct small_elf good_elf(void)
{
    struct small_elf elf = {
        .header =
            {
                .e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, 1},
                .e_type = ET_DYN,
                .e_machine = EM_X86_64,
                .e_version = EV_CURRENT,
                .e_entry = 0x1010,
                .e_phoff = sizeof(Elf64_Ehdr),
                .e_ehsize = sizeof(Elf64_Ehdr),
                .e_phentsize = sizeof(Elf64_Phdr),
                .e_phnum = SEGMENTS,
            },
        .segments =
            {
                {.p_type = PT_LOAD, .p_flags = PF_R, .p_filesz = 0x400, .p_memsz = 0x400},
                {.p_type = PT_LOAD,
                 .p_flags = PF_R | PF_X,
                 .p_offset = 0x1000,
                 .p_vaddr = 0x1000,
                 .p_filesz = 0x234,
                 .p_memsz = 0x234},
                {.p_type = PT_LOAD,
                 .p_flags = PF_R | PF_W,
                 .p_offset = 0x2100,
                 .p_vaddr = 0x5100,
                 .p_filesz = 0x1000,
                 .p_memsz = 0x4000},
                {.p_type = PT_GNU_STACK, .p_flags = PF_R | PF_W},
            },
    };
    for (size_t i = 0; i < sizeof(elf.rest); i++)
        elf.rest[i] = (uint8_t)(i * 7 + i / 256 + 1);
    return elf;
}

static void check_refused(const struct small_elf *elf, const char *message)
{
    struct elf_image image;
    struct err err = {0};
    CHECK_INT(elf_parse(&image, span_of(elf, sizeof(*elf)), "x", &err), -EINVAL);
    CHECK_STR(err.message, message);
    CHECK_INT(err.class, ERR_MODULE);
    CHECK(err.hint[0] != '\0');
}

TEST(parse_good, "an ordinary image is not understood")
{
    struct small_elf elf = good_elf();
    struct elf_image image;
    CHECK_INT(elf_parse(&image, span_of(&elf, sizeof(elf)), "x", NULL), 0);
    CHECK_INT(image.count, 3);
    CHECK_INT(image.entry, 0x1010);
    CHECK_INT(image.headers, sizeof(Elf64_Ehdr));
    CHECK(image.relocatable);
    CHECK_INT(image.segments[2].address, 0x5000);
    CHECK_INT(image.segments[2].file_offset, 0x2000);
    CHECK_INT(image.segments[2].file_size, 0x1100);
    CHECK_INT(image.segments[2].size, 0x5000);
}

TEST(parse_nothing, "an empty or cut file is read beyond its end")
{
    struct small_elf elf = good_elf();
    for (size_t size = 0; size < 0x3100; size++) {
        struct elf_image image;
        struct err err = {0};
        void *exact = malloc(size + 1); /* so that sanitizers see a read behind the end */
        memcpy((uint8_t *)exact + 1, &elf, size);
        CHECK(elf_parse(&image, span_of((uint8_t *)exact + 1, size), "x", &err) == -EINVAL);
        CHECK(err.message[0] != '\0');
        free(exact);
    }
    struct elf_image image;
    CHECK_INT(elf_parse(&image, span_of(NULL, 0), "x", NULL), -EINVAL);
}

TEST(parse_identity, "what is not an ELF image of ours is started")
{
    struct small_elf elf = good_elf();
    elf.header.e_ident[0] = 'M';
    check_refused(&elf, "x cannot run in a Keep: it is not an ELF image");
    elf = good_elf();
    elf.header.e_machine = EM_AARCH64;
    check_refused(&elf, "x cannot run in a Keep: it is not made for 64-bit x86");
    elf = good_elf();
    elf.header.e_ident[EI_CLASS] = ELFCLASS32;
    check_refused(&elf, "x cannot run in a Keep: it is not made for 64-bit x86");
    elf = good_elf();
    elf.header.e_type = ET_REL;
    check_refused(&elf, "x cannot run in a Keep: it is not an executable");
    elf = good_elf();
    elf.segments[3].p_type = PT_INTERP;
    check_refused(&elf, "x cannot run in a Keep: it is dynamically linked");
}

TEST(parse_headers, "program headers outside of the file")
{
    static const char outside[] =
        "x cannot run in a Keep: its program headers lie outside of the file";
    struct small_elf elf = good_elf();
    elf.header.e_phoff = sizeof(elf);
    check_refused(&elf, outside);
    elf.header.e_phoff = UINT64_MAX - 8;
    check_refused(&elf, outside);
    elf = good_elf();
    elf.header.e_phnum = UINT16_MAX;
    check_refused(&elf, outside);
    elf.header.e_phnum = 0;
    check_refused(&elf, outside);
    elf = good_elf();
    elf.header.e_phentsize = 32;
    check_refused(&elf, outside);
    elf = good_elf();
    for (size_t i = 0; i < SEGMENTS; i++)
        elf.segments[i].p_type = PT_NOTE;
    check_refused(&elf, "x cannot run in a Keep: it has nothing to load");
}

TEST(parse_segments, "segments that overlap, lie outside of the file, or are of no possible size")
{
    static const char outside[] = "x cannot run in a Keep: a segment lies outside of the file";
    static const char impossible[] =
        "x cannot run in a Keep: a segment has an impossible size or address";
    static const char overlap[] =
        "x cannot run in a Keep: its segments overlap or are out of order";

    struct small_elf elf = good_elf();
    elf.segments[2].p_offset = 0x100 + sizeof(elf);
    check_refused(&elf, outside);
    elf.segments[2].p_offset = UINT64_MAX - 0xeff;
    check_refused(&elf, outside);

    elf = good_elf();
    elf.segments[2].p_memsz = 1;
    check_refused(&elf, impossible);
    elf.segments[2].p_memsz = UINT64_MAX;
    check_refused(&elf, impossible);
    elf.segments[2].p_memsz = INT64_MAX;
    elf.segments[2].p_vaddr = 0xfffffffffffff100;
    check_refused(&elf, impossible);

    elf = good_elf();
    elf.segments[2].p_vaddr = 0x5200;
    check_refused(&elf, "x cannot run in a Keep: a segment is not aligned to pages");

    elf = good_elf();
    elf.segments[2].p_vaddr = 0x1100;
    check_refused(&elf, overlap);
    elf = good_elf();
    elf.segments[1].p_memsz = 0x4001;
    check_refused(&elf, overlap);

    /* Rounded up to pages, the second ends where addresses begin again. */
    elf = good_elf();
    elf.segments[1].p_vaddr = 0xfffffffffffff000;
    check_refused(&elf, impossible);
}

TEST(parse_too_many, "more segments than there is room for")
{
    enum { COUNT = ELF_SEGMENTS_MAX + 1 };
    struct {
        Elf64_Ehdr header;
        Elf64_Phdr segments[COUNT];
    } elf = {.header = good_elf().header};
    elf.header.e_phnum = COUNT;
    for (size_t i = 0; i < COUNT; i++)
        elf.segments[i] = (Elf64_Phdr){
            .p_type = PT_LOAD, .p_flags = PF_R, .p_vaddr = i << 12, .p_filesz = 16, .p_memsz = 16};
    struct elf_image image;
    struct err err = {0};
    CHECK_INT(elf_parse(&image, span_of(&elf, sizeof(elf)), "x", &err), -EINVAL);
    CHECK_STR(err.message, "x cannot run in a Keep: it has too many segments");
}

/* --- Images of a whole Keep ---------------------------------------------------------------------
 */

enum { POOL = 4 << 20, THREADS = 8 };

static const char *const arguments[] = {"first", "", "the third", NULL};
static const char *const environment[] = {"A=1", NULL};

struct guest {
    struct image image;
    struct elf_image elf;
    uint64_t bias;
    uint8_t *memory; /* guest-physical, from 0 */
    const struct keep_info *info;
    struct span file;
};

static struct image_request request_for(int fd, uint64_t size)
{
    static const int fds[] = {0, -1, 2};
    return (struct image_request){
        .boot = calloc(1, BOOT_END - BOOT_GPA),
        .shim = span_of(shim_vm_image, (size_t)(shim_vm_image_end - shim_vm_image)),
        .exec_fd = fd,
        .exec_size = size,
        .argv = arguments,
        .envp = environment,
        .pool = POOL,
        .info_flags = INFO_HOST_ZEROES,
        .threads = THREADS,
        .processors = 2,
        .fds = fds,
        .fd_count = 3,
    };
}

static int file_of(const void *bytes, size_t size)
{
    int fd = memfd_create("image", MFD_CLOEXEC);
    CHECK(fd >= 0 && write(fd, bytes, size) == (ssize_t)size);
    return fd;
}

/* Places the areas as a backend does. */
static void load(struct guest *guest, int fd, uint64_t size)
{
    struct image_request request = request_for(fd, size);
    struct err err = {0};
    if (image_build(&guest->image, &request, &err) < 0)
        tap_fail(__FILE__, __LINE__, "%s", err.message);
    guest->memory = mmap(NULL, guest->image.size, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    CHECK(guest->memory != MAP_FAILED);
    for (size_t i = 0; i < guest->image.count; i++) {
        const struct image_area *area = &guest->image.areas[i];
        CHECK((area->address | area->size) % PAGE_SIZE == 0 && area->filled <= area->size);
        CHECK(area->address + area->size <= guest->image.size);
        uint8_t *to = guest->memory + area->address;
        if (area->bytes)
            memcpy(to, area->bytes, area->filled);
        else
            CHECK(pread(fd, to, area->filled, (off_t)area->file_offset) == (ssize_t)area->filled);
    }
    void *file = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
    guest->file = span_of(file, size);
    CHECK_INT(elf_parse(&guest->elf, guest->file, "x", NULL), 0);
    guest->bias = guest->elf.relocatable ? EXEC_BASE : 0;
    guest->info = (const struct keep_info *)(guest->memory + BOOT_GPA);
}

/* --- A walk through the page tables --------------------------------------------------------------
 */

#define BIT_PRESENT 1ull
#define BIT_WRITE   2ull
#define BIT_USER    4ull
#define BIT_LARGE   0x80ull
#define BIT_NX      (1ull << 63)
#define ADDRESS     0x000ffffffffff000ull

/* What the processor lets a program do with a page: each table on the way has its say. */
struct translation {
    uint64_t physical;
    uint64_t size; /* of the page, 0: there is none */
    bool user, write, execute;
};

static struct translation translate(const struct guest *guest, uint64_t address)
{
    struct translation result = {.user = true, .write = true, .execute = true};
    uint64_t table = guest->info->root;
    for (int level = 3;; level--) {
        CHECK(table >= BOOT_GPA && table < guest->info->tables_next);
        uint64_t entry;
        uint64_t index = address >> (12 + 9 * level) & 511;
        memcpy(&entry, guest->memory + table + index * 8, 8);
        if (!(entry & BIT_PRESENT))
            return (struct translation){0};
        result.user &= (entry & BIT_USER) != 0;
        result.write &= (entry & BIT_WRITE) != 0;
        result.execute &= !(entry & BIT_NX);
        uint64_t size = 1ull << (12 + 9 * level);
        if (level == 0 || entry & BIT_LARGE) {
            CHECK(level < 2);
            CHECK((entry & ADDRESS) % size == 0);
            result.size = size;
            result.physical = (entry & ADDRESS) + (address & (size - 1));
            return result;
        }
        table = entry & ADDRESS;
    }
}

typedef void (*visit_fn)(const struct guest *guest, uint64_t address, struct translation page,
                         void *data);

static void visit_table(const struct guest *guest, uint64_t table, int level, uint64_t base,
                        visit_fn visit, void *data)
{
    for (uint64_t i = 0; i < 512; i++) {
        uint64_t entry, address = base + (i << (12 + 9 * level));
        memcpy(&entry, guest->memory + table + i * 8, 8);
        if (level == 3 && i >= 256)
            address |= 0xffff000000000000;
        if (!entry)
            continue;
        CHECK(entry & BIT_PRESENT);
        if (level == 0 || entry & BIT_LARGE)
            visit(guest, address, translate(guest, address), data);
        else
            visit_table(guest, entry & ADDRESS, level - 1, address, visit, data);
    }
}

static void for_each_page(const struct guest *guest, visit_fn visit, void *data)
{
    visit_table(guest, guest->info->root, 3, 0, visit, data);
}

/* By page of guest-physical memory: whether some mapping writes to it, executes it. */
struct frames {
    uint8_t *written, *executed;
};

static void note_page(const struct guest *guest, uint64_t address, struct translation page,
                      void *data)
{
    struct frames *frames = data;
    bool upper = address >> 63;
    CHECK(!(page.write && page.execute));
    CHECK(page.user == !upper);
    bool shared = page.physical >= SHARED_BASE;
    if (shared) {
        CHECK(page.user && !page.execute);
        CHECK(address >= BLOCKS_BASE && page.physical - SHARED_BASE == address - BLOCKS_BASE);
        CHECK(page.physical + page.size <= SHARED_BASE + (uint64_t)CPUS_MAX * SP_BLOCK_SIZE);
        return;
    }
    CHECK(page.physical + page.size <= guest->image.size);
    for (uint64_t at = 0; at < page.size; at += PAGE_SIZE) {
        frames->written[(page.physical + at) / PAGE_SIZE] |= page.write;
        frames->executed[(page.physical + at) / PAGE_SIZE] |= page.execute;
    }
}

/* No memory can be written through one mapping and executed through another. */
static void check_write_or_execute(const struct guest *guest)
{
    uint64_t pages = guest->image.size / PAGE_SIZE;
    struct frames frames = {calloc(pages, 1), calloc(pages, 1)};
    for_each_page(guest, note_page, &frames);
    for (uint64_t i = 0; i < pages; i++)
        CHECK(!(frames.written[i] && frames.executed[i]));
    free(frames.written);
    free(frames.executed);
}

/* --- What exec finds -----------------------------------------------------------------------------
 */

static void check_segment(const struct guest *guest, const struct elf_segment *segment)
{
    for (uint64_t at = 0; at < segment->size; at += PAGE_SIZE) {
        struct translation page = translate(guest, segment->address + guest->bias + at);
        if (page.size == 0) { /* left to a page fault: only where there are no bytes */
            CHECK(at >= segment->file_size);
            continue;
        }
        CHECK(page.user && page.size == PAGE_SIZE);
        CHECK_INT(page.write, (segment->flags & PF_W) != 0);
        CHECK_INT(page.execute, (segment->flags & PF_X) != 0);
        uint64_t filled = at < segment->file_size ? segment->file_size - at : 0;
        filled = filled < PAGE_SIZE ? filled : PAGE_SIZE;
        const uint8_t *bytes = guest->memory + page.physical;
        CHECK(filled == 0 ||
              memcmp(bytes, guest->file.data + segment->file_offset + at, filled) == 0);
        for (uint64_t i = filled; i < PAGE_SIZE; i++)
            CHECK_INT(bytes[i], 0);
    }
}

enum { SHIM_SIZE_MAX = 500000 }; /* as in the original: small enough to be read */

static void check_shim(const struct guest *guest)
{
    struct elf_image shim;
    struct span file = span_of(shim_vm_image, (size_t)(shim_vm_image_end - shim_vm_image));
    CHECK(file.size < SHIM_SIZE_MAX);
    CHECK_INT(elf_parse(&shim, file, "the shim", NULL), 0);
    /* The stubs are where the gates point: in what the shim may execute. */
    for (uint64_t vector = 0; vector < SHIM_VECTORS; vector++) {
        const uint64_t *gate = &guest->info->idt[2 * vector];
        uint64_t stub = (gate[0] & 0xffff) | (gate[0] >> 48 & 0xffff) << 16 | gate[1] << 32;
        CHECK(stub == SHIM_STUB(vector) || (vector == 14 && stub == SHIM_PARAVIRTUAL));
        CHECK_INT(gate[0] >> 16 & 0xffff, SELECTOR_SHIM_CODE);
        CHECK_INT(gate[0] >> 45 & 3, vector == 3 ? 3 : 0); /* INT3 is exec's to use */
    }
    CHECK(SHIM_SYSCALL_ENTRY < SHIM_BASE + shim.segments[0].size);
    CHECK_INT(guest->image.entry, shim.entry);
    for (size_t i = 0; i < shim.count; i++) {
        const struct elf_segment *segment = &shim.segments[i];
        for (uint64_t at = 0; at < segment->size; at += PAGE_SIZE) {
            struct translation page = translate(guest, segment->address + at);
            CHECK(page.size == PAGE_SIZE && !page.user);
            CHECK_INT(page.write, (segment->flags & PF_W) != 0);
            CHECK_INT(page.execute, (segment->flags & PF_X) != 0);
        }
        CHECK(memcmp(guest->memory + (segment->address - SHIM_BASE + SHIM_GPA),
                     file.data + segment->file_offset, segment->file_size) == 0);
    }
}

static const char *string_at(const struct guest *guest, uint64_t address)
{
    struct translation page = translate(guest, address);
    CHECK(page.size && page.user);
    return (const char *)guest->memory + page.physical;
}

static uint64_t word_at(const struct guest *guest, uint64_t address)
{
    uint64_t word;
    memcpy(&word, string_at(guest, address), sizeof(word));
    return word;
}

static void check_auxiliary(const struct guest *guest, uint64_t key, uint64_t value)
{
    switch (key) {
    case AT_PHDR:
        CHECK(memcmp(string_at(guest, value), guest->file.data + sizeof(Elf64_Ehdr),
                     sizeof(Elf64_Phdr)) == 0);
        break;
    case AT_PHNUM:
        CHECK_INT(value, guest->elf.header_count);
        break;
    case AT_ENTRY:
        CHECK_INT(value, guest->elf.entry + guest->bias);
        break;
    case AT_RANDOM:
        CHECK_INT(value, guest->info->random_at);
        break;
    case AT_PLATFORM:
        CHECK_STR(string_at(guest, value), "x86_64");
        break;
    case AT_SYSINFO_EHDR:
        CHECK_INT(value, VDSO_IMAGE);
        break;
    default:
        break;
    }
}

static void check_stack(const struct guest *guest)
{
    uint64_t at = guest->info->stack_pointer;
    CHECK_INT(at % 16, 0);
    CHECK(at < STACK_TOP && at > STACK_TOP - BOOT_STACK_SIZE);
    CHECK(translate(guest, at).write && !translate(guest, at).execute);
    CHECK(translate(guest, STACK_TOP).size == 0);
    CHECK_INT(word_at(guest, at), 3);
    for (size_t i = 0; i < 3; i++)
        CHECK_STR(string_at(guest, word_at(guest, at + 8 + 8 * i)), arguments[i]);
    CHECK_INT(word_at(guest, at + 32), 0);
    CHECK_STR(string_at(guest, word_at(guest, at + 40)), environment[0]);
    CHECK_INT(word_at(guest, at + 48), 0);
    unsigned found = 0;
    for (at += 56; word_at(guest, at) != AT_NULL; at += 16, found++)
        check_auxiliary(guest, word_at(guest, at), word_at(guest, at + 8));
    CHECK(found >= 15);
}

static const struct vma *node_at(const struct guest *guest, const struct vma *node)
{
    if (!node)
        return NULL;
    struct translation page = translate(guest, (uint64_t)node);
    CHECK(page.size && !page.user);
    return (const struct vma *)(guest->memory + page.physical);
}

static const struct vma *find_mapping(const struct guest *guest, uint64_t address)
{
    const struct vma *node = node_at(guest, guest->info->mappings);
    while (node && !(address >= node->start && address < node->end))
        node = node_at(guest, address < node->start ? node->left : node->right);
    return node;
}

/* Every page that exec can touch is one that the shim knows of, with the same rights. */
static void check_known(const struct guest *guest, uint64_t address, struct translation page,
                        void *data)
{
    unsigned *seen = data;
    if (!page.user || page.physical >= SHARED_BASE)
        return;
    if (address >= VDSO_BASE) { /* data, then stubs and vDSO: the shim's, to be looked at only */
        CHECK(!page.write && page.execute == (address >= STUBS_BASE));
        return;
    }
    const struct vma *mapping = find_mapping(guest, address);
    CHECK(mapping != NULL);
    CHECK_INT((mapping->protection & PROT_WRITE) != 0, page.write);
    CHECK_INT((mapping->protection & PROT_EXEC) != 0, page.execute);
    ++*seen;
}

static void check_info(const struct guest *guest, uint32_t flags)
{
    const struct keep_info *info = guest->info;
    CHECK_INT(info->flags, flags);
    CHECK_INT(info->entry, guest->elf.entry + guest->bias);
    CHECK_INT(info->cpus, THREADS);
    CHECK_INT(info->processors, 2);
    CHECK_INT(info->handles, 3);
    CHECK_INT(info->handle_holes[0], 2);
    CHECK_INT(info->pool_end - info->pool_start, POOL);
    CHECK_INT(info->pool_end, guest->image.size);
    CHECK(info->pool_start % LARGE_SIZE == 0 && info->pool_start >= BOOT_END);
    CHECK(info->tables_next < BOOT_END - BOOT_RESERVED * PAGE_SIZE);
    for (uint64_t at = info->tables_next; at < BOOT_END; at++)
        CHECK_INT(guest->memory[at], 0);
    struct translation pool = translate(guest, DIRECT_BASE + info->pool_start);
    CHECK(pool.size == LARGE_SIZE && pool.physical == info->pool_start && pool.write);
    struct translation heap = translate(guest, info->heap_start);
    CHECK(heap.size && heap.user && heap.write && !heap.execute);
    CHECK(translate(guest, 0).size == 0);
    /* The first processor's stack has an unmapped guard. */
    CHECK(translate(guest, CPUS_BASE + CPU_STRIDE - 8).write);
    CHECK(translate(guest, CPUS_BASE + CPU_STRIDE - CPU_MAPPED - 8).size == 0);
}

static void check_guest(int fd, uint64_t size)
{
    struct guest guest;
    load(&guest, fd, size);
    check_info(&guest, INFO_HOST_ZEROES);
    for (size_t i = 0; i < guest.elf.count; i++)
        check_segment(&guest, &guest.elf.segments[i]);
    check_shim(&guest);
    check_stack(&guest);
    check_write_or_execute(&guest);
    unsigned seen = 0;
    for_each_page(&guest, check_known, &seen);
    CHECK(seen > 10);
    munmap(guest.memory, guest.image.size);
    munmap((void *)guest.file.data, guest.file.size);
    free(guest.image.boot);
}

TEST(build_small, "a small image is not mapped as it was linked")
{
    struct small_elf elf = good_elf();
    check_guest(file_of(&elf, sizeof(elf)), sizeof(elf));
    elf.header.e_type = ET_EXEC;
    for (size_t i = 0; i < SEGMENTS; i++)
        elf.segments[i].p_vaddr += 0x400000;
    check_guest(file_of(&elf, sizeof(elf)), sizeof(elf));
}

TEST(build_programs, "the programs of tests/guest are not mapped as they were linked")
{
    const char *directory = getenv("GUEST_PROGRAMS");
    static const char *const names[] = {"descriptors", "memory", "signals", "system", "threads"};
    if (!directory)
        SKIP("GUEST_PROGRAMS does not name the directory of the guest programs");
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char path[4096];
        snprintf(path, sizeof(path), "%s/guest_%s", directory, names[i]);
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        struct stat status;
        if (fd < 0 || fstat(fd, &status) < 0)
            SKIP("%s is not there", path);
        check_guest(fd, (uint64_t)status.st_size);
        close(fd);
    }
}

/* --- Keeps that cannot be built ------------------------------------------------------------------
 */

static void check_unbuilt(const struct image_request *request, enum err_class class,
                          const char *message)
{
    struct image image;
    struct err err = {0};
    CHECK(image_build(&image, request, &err) < 0);
    CHECK_STR(err.message, message);
    CHECK_INT(err.class, class);
}

static void check_elf_unbuilt(const struct small_elf *elf, const char *message)
{
    struct image_request request = request_for(file_of(elf, sizeof(*elf)), sizeof(*elf));
    check_unbuilt(&request, ERR_MODULE, message);
    free(request.boot);
}

TEST(build_addresses, "a program that is linked over the shim, the stack or the blocks")
{
    static const char message[] = "the program is linked to an address it cannot have";
    struct small_elf elf = good_elf();
    elf.header.e_type = ET_EXEC; /* its first segment at 0 */
    check_elf_unbuilt(&elf, message);

    elf = good_elf();
    elf.segments[2].p_vaddr = 0x100 + MAP_TOP - EXEC_BASE;
    check_elf_unbuilt(&elf, message);
    elf.segments[2].p_vaddr = 0x100 + SHIM_BASE;
    check_elf_unbuilt(&elf, message);
    elf.segments[2].p_vaddr = 0x100 + SHIM_BASE - EXEC_BASE;
    check_elf_unbuilt(&elf, message);

    /* Behind a segment in the shim's half comes one that is in exec's again. */
    elf = good_elf();
    elf.segments[1].p_vaddr = SHIM_BASE - EXEC_BASE;
    elf.segments[2].p_vaddr = 0x100 + MAP_BOTTOM - EXEC_BASE;
    check_elf_unbuilt(&elf, message);

    elf = good_elf();
    elf.segments[2].p_memsz = MAP_TOP;
    check_elf_unbuilt(&elf, message);
}

TEST(build_arguments, "more arguments than fit on the stack")
{
    struct small_elf elf = good_elf();
    struct image_request request = request_for(file_of(&elf, sizeof(elf)), sizeof(elf));
    static const char message[] =
        "arguments and environment of the program: Argument list too long";
    char *longest = malloc(1 << 20);
    memset(longest, 'a', (1 << 20) - 1);
    longest[(1 << 20) - 1] = '\0';
    const char *one[] = {longest, NULL};
    request.argv = one;
    check_unbuilt(&request, ERR_USAGE, message);
    request.argv = arguments;
    request.envp = one;
    memset(request.boot, 0, BOOT_END - BOOT_GPA);
    check_unbuilt(&request, ERR_USAGE, message);

    enum { MANY = 20000 };
    const char **many = calloc(MANY + 1, sizeof(*many));
    for (size_t i = 0; i < MANY; i++)
        many[i] = "";
    request.argv = many;
    request.envp = environment;
    memset(request.boot, 0, BOOT_END - BOOT_GPA);
    check_unbuilt(&request, ERR_USAGE, message);
    free(many);
    free(longest);
    free(request.boot);
}

TEST(build_requests, "a request that cannot be met")
{
    struct small_elf elf = good_elf();
    struct image_request request = request_for(file_of(&elf, sizeof(elf)), 10);
    check_unbuilt(&request, ERR_MODULE, "the program cannot run in a Keep: it is not an ELF image");
    request.exec_size = sizeof(elf);
    request.shim = span_of(&elf, sizeof(elf));
    check_unbuilt(&request, ERR_INTERNAL, "the shim in this program is damaged");
    request.shim.size = 3;
    check_unbuilt(&request, ERR_INTERNAL, "the shim in this program is damaged");
    request.fd_count = SP_HANDLES_MAX + 1;
    check_unbuilt(&request, ERR_USAGE, "give 1025 files to a Keep: Too many open files");
    free(request.boot);
}

TEST(build_tables, "a file whose page tables do not fit into the boot area")
{
    struct small_elf elf = good_elf();
    uint64_t size = 2ull << 30;
    elf.segments[2].p_filesz = elf.segments[2].p_memsz = size;
    int fd = file_of(&elf, sizeof(elf));
    CHECK_INT(ftruncate(fd, (off_t)(size + 0x3000)), 0);
    struct image_request request = request_for(fd, size + 0x3000);
    check_unbuilt(&request, ERR_MODULE, "the program needs too many page tables");
    free(request.boot);
}

TAP_MAIN()
