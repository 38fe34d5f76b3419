/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads the program headers of an ELF image and checks that a Keep can run it: 64 bits, x86-64,
 * static, every offset and size inside the file, segments in order and apart.
 *
 * Host side; the image comes from a file and is not trusted.
 */
#pragma once

#include "base/err.h"
#include "base/span.h"

#include <elf.h>

enum { ELF_SEGMENTS_MAX = 12 };

struct elf_segment {
    uint64_t address;     /* page-aligned virtual address as linked */
    uint64_t file_offset; /* page-aligned */
    uint64_t file_size;   /* bytes from file_offset that come from the file */
    uint64_t size;        /* bytes in memory, a multiple of the page size */
    uint32_t flags;       /* PF_R | PF_W | PF_X */
};

struct elf_image {
    struct elf_segment segments[ELF_SEGMENTS_MAX];
    size_t count;
    uint64_t entry;   /* as linked */
    uint64_t headers; /* virtual address of the program headers, as linked; 0 if not loaded */
    uint64_t
        relro_end; /* page-aligned end of what is read-only after relocation; 0 if nothing is */
    uint16_t header_count;
    bool relocatable; /* position-independent: may be loaded with a bias */
};

/* `name` is used in messages. */
int elf_parse(struct elf_image *elf, struct span file, const char *name, struct err *err);
