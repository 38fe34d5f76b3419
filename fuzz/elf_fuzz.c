// SPDX-License-Identifier: Apache-2.0
/* libFuzzer target: any bytes as an ELF image. What is accepted must lie inside of the file and in
 * order, as the loader relies on. */
#include "keep/vm/elf.h"
#include "shim/vm/layout.h"

#include <errno.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool condition)
{
    if (!condition)
        abort();
}

static void check_segment(const struct elf_segment *segment, uint64_t last_end, size_t size)
{
    check(((segment->address | segment->file_offset | segment->size) & PAGE_MASK) == 0);
    check(segment->size > 0 && segment->file_size <= segment->size);
    check(segment->file_size == 0 ||
          (segment->file_offset < size && segment->file_size <= size - segment->file_offset));
    check(segment->address >= last_end && segment->address + segment->size > segment->address);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct elf_image elf;
    struct err err = {0};
    int status = elf_parse(&elf, span_of(data, size), "the program", &err);
    if (status < 0) {
        check(status == -EINVAL && err.message[0] && err.hint[0]);
        return 0;
    }
    check(elf.count > 0 && elf.count <= ELF_SEGMENTS_MAX);
    uint64_t last_end = 0;
    for (size_t i = 0; i < elf.count; i++) {
        check_segment(&elf.segments[i], last_end, size);
        last_end = elf.segments[i].address + elf.segments[i].size;
    }
    return 0;
}
