// SPDX-License-Identifier: Apache-2.0
#include "keep/vm/elf.h"

#include "shim/vm/layout.h"

#include <string.h>

static int refuse(struct err *err, const char *name, const char *why)
{
    int status = err_set(err, ERR_MODULE, 0, "%s cannot run in a Keep: %s", name, why);
    err_hint(err, "link it as a static executable for x86-64, for example with gcc -static-pie");
    return status;
}

static bool add_overflows(uint64_t a, uint64_t b)
{
    return a + b < a;
}

static int read_segment(struct elf_image *elf, const Elf64_Phdr *header, struct span file,
                        const char *name, struct err *err)
{
    if (header->p_memsz == 0)
        return 0;
    if (elf->count == ELF_SEGMENTS_MAX)
        return refuse(err, name, "it has too many segments");
    if (add_overflows(header->p_offset, header->p_filesz) ||
        header->p_offset + header->p_filesz > file.size)
        return refuse(err, name, "a segment lies outside of the file");
    /* The shim is linked to the upper end of all addresses, but no segment may wrap around it. */
    if (header->p_memsz < header->p_filesz || header->p_memsz > UINT64_MAX / 2 ||
        add_overflows(header->p_vaddr, header->p_memsz + 2 * PAGE_SIZE))
        return refuse(err, name, "a segment has an impossible size or address");
    if ((header->p_vaddr & PAGE_MASK) != (header->p_offset & PAGE_MASK))
        return refuse(err, name, "a segment is not aligned to pages");

    uint64_t lead = header->p_vaddr & PAGE_MASK;
    struct elf_segment segment = {
        .address = header->p_vaddr - lead,
        .file_offset = header->p_offset - lead,
        .file_size = header->p_filesz ? header->p_filesz + lead : 0,
        .size = (header->p_memsz + lead + PAGE_MASK) & ~PAGE_MASK,
        .flags = header->p_flags,
    };
    if (elf->count > 0) {
        const struct elf_segment *last = &elf->segments[elf->count - 1];
        if (segment.address < last->address + last->size)
            return refuse(err, name, "its segments overlap or are out of order");
    }
    elf->segments[elf->count++] = segment;
    return 0;
}

/* Where the loaded program headers are: inside the segment that holds their file offset. */
static uint64_t find_headers(const struct elf_image *elf, const Elf64_Ehdr *header)
{
    uint64_t end = header->e_phoff + (uint64_t)header->e_phnum * sizeof(Elf64_Phdr);
    for (size_t i = 0; i < elf->count; i++) {
        const struct elf_segment *segment = &elf->segments[i];
        if (header->e_phoff >= segment->file_offset &&
            end <= segment->file_offset + segment->file_size)
            return segment->address + (header->e_phoff - segment->file_offset);
    }
    return 0;
}

int elf_parse(struct elf_image *elf, struct span file, const char *name, struct err *err)
{
    memset(elf, 0, sizeof(*elf));
    Elf64_Ehdr header;
    if (file.size < sizeof(header))
        return refuse(err, name, "it is not an ELF image");
    memcpy(&header, file.data, sizeof(header));
    if (memcmp(header.e_ident, ELFMAG, SELFMAG) != 0)
        return refuse(err, name, "it is not an ELF image");
    if (header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_ident[EI_DATA] != ELFDATA2LSB ||
        header.e_machine != EM_X86_64 || header.e_version != EV_CURRENT)
        return refuse(err, name, "it is not made for 64-bit x86");
    if (header.e_type != ET_DYN && header.e_type != ET_EXEC)
        return refuse(err, name, "it is not an executable");
    uint64_t table = (uint64_t)header.e_phnum * sizeof(Elf64_Phdr);
    if (header.e_phentsize != sizeof(Elf64_Phdr) || header.e_phnum == 0 ||
        add_overflows(header.e_phoff, table) || header.e_phoff + table > file.size)
        return refuse(err, name, "its program headers lie outside of the file");

    for (uint16_t i = 0; i < header.e_phnum; i++) {
        Elf64_Phdr program;
        memcpy(&program, file.data + header.e_phoff + i * sizeof(program), sizeof(program));
        if (program.p_type == PT_INTERP)
            return refuse(err, name, "it is dynamically linked");
        if (program.p_type == PT_GNU_RELRO && !add_overflows(program.p_vaddr, program.p_memsz))
            elf->relro_end = (program.p_vaddr + program.p_memsz) & ~PAGE_MASK;
        if (program.p_type != PT_LOAD)
            continue;
        int status = read_segment(elf, &program, file, name, err);
        if (status < 0)
            return status;
    }
    if (elf->count == 0)
        return refuse(err, name, "it has nothing to load");
    elf->entry = header.e_entry;
    elf->headers = find_headers(elf, &header);
    elf->header_count = header.e_phnum;
    elf->relocatable = header.e_type == ET_DYN;
    return 0;
}
