/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The memory of a Keep of the VM type before its first instruction: shim, exec, page tables, stack.
 *
 * image_build() is a pure function of its inputs: it reads the two ELF images and lays out what
 * shim/vm/layout.h describes, as a list of areas. A backend then places the areas into the guest's
 * memory; one that measures the launch walks the same list.
 *
 * Host side.
 */
#pragma once

#include "base/err.h"
#include "base/span.h"
#include "shim/vm/layout.h"

enum { IMAGE_AREAS_MAX = 64 };

/* A piece of guest-physical memory and where its bytes come from. */
struct image_area {
    uint64_t address;     /* guest-physical, page-aligned */
    uint64_t size;        /* bytes, a multiple of the page size */
    const uint8_t *bytes; /* `filled` bytes, the rest is zero; or NULL: from the file … */
    uint64_t filled;
    uint64_t file_offset; /* … at this offset, page-aligned */
};

struct image {
    uint8_t *boot; /* the boot area, that of the request */
    struct image_area areas[IMAGE_AREAS_MAX];
    size_t count;
    uint64_t size;        /* end of the initial memory: what the guest starts with */
    uint64_t entry;       /* first instruction of the shim */
    uint64_t tables_used; /* pages of page tables */
};

struct image_request {
    uint8_t *boot;           /* BOOT_END - BOOT_GPA zero bytes, to become the boot area */
    struct span shim;        /* the shim's ELF image */
    int exec_fd;             /* exec's ELF image: a file, … */
    uint64_t exec_offset;    /* … where it begins, page-aligned, … */
    uint64_t exec_size;      /* … and how long it is */
    const char *const *argv; /* NULL-terminated */
    const char *const *envp; /* NULL-terminated */
    uint64_t pool;           /* bytes of memory beyond the image, a multiple of 2 MiB */
    uint64_t info_flags;     /* INFO_… */
    uint32_t threads;        /* that the Keep may have */
    uint32_t processors;     /* that exec is told of */
    const int *fds;          /* handles given to the Keep; -1 leaves a hole */
    size_t fd_count;
};

/* Lays out a Keep. The image borrows the request's buffers. */
int image_build(struct image *image, const struct image_request *request, struct err *err);
