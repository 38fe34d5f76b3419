/* SPDX-License-Identifier: Apache-2.0 */
#include "wick/compile/debug.h"

#include <elf.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { NAME_MAX_SIZE = 200, FRAMES_MAX = 96 };

/* "wasm[7] name" */
static void print_name(const struct module *module, uint32_t func_index, char out[256])
{
    struct span name = module_func_name(module, func_index);
    int size = name.size < NAME_MAX_SIZE ? (int)name.size : NAME_MAX_SIZE;
    snprintf(out, 256, "wasm[%u] %.*s", func_index, size, (const char *)name.data);
}

/* ---- perf -------------------------------------------------------------------------------------
 */

/* A line of perf's map: address and size in hexadecimal, name. */
void debug_write_perf_map(const struct module *module, const struct code_region *region,
                          const struct code_func *func)
{
    char path[40], name[256];
    snprintf(path, sizeof(path), "/tmp/perf-%d.map", (int)getpid());
    FILE *file = fopen(path, "a");
    if (!file)
        return;
    print_name(module, func->func_index, name);
    fprintf(file, "%lx %x %s\n", (unsigned long)(region->base + func->start), func->size, name);
    fclose(file);
}

/* ---- gdb --------------------------------------------------------------------------------------
 * Names and layout are gdb's (its manual, "JIT Compilation Interface"): it puts a breakpoint on the
 * function and reads the descriptor.
 */

struct jit_code_entry {
    struct jit_code_entry *next, *prev;
    const char *symfile;
    uint64_t symfile_size;
};

struct jit_descriptor {
    uint32_t version, action;
    struct jit_code_entry *relevant, *first;
};

enum { JIT_REGISTER = 1, JIT_UNREGISTER = 2 };

extern struct jit_descriptor __jit_debug_descriptor;
void __jit_debug_register_code(void);

__attribute__((visibility("default"), used)) struct jit_descriptor __jit_debug_descriptor = {
    1, 0, NULL, NULL};

__attribute__((visibility("default"), noinline, used)) void __jit_debug_register_code(void)
{
    __asm__ volatile("" : : : "memory");
}

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

enum { SECTION_TEXT = 1, SECTION_FRAMES, SECTION_SYMBOLS, SECTION_STRINGS, SECTION_COUNT };

static const char strings[] = "\0.text\0.eh_frame\0.symtab\0.strtab";
enum { STRING_TEXT = 1, STRING_FRAMES = 7, STRING_SYMBOLS = 17, STRING_STRINGS = 25 };

struct debug_object {
    struct jit_code_entry entry;
    Elf64_Ehdr header; /* the file begins here */
    Elf64_Shdr sections[SECTION_COUNT];
    Elf64_Sym symbols[2];
    uint8_t frames[FRAMES_MAX];
    char strings[sizeof(strings) + 256];
};

/* What an object describes. */
struct piece {
    uintptr_t address;
    uint64_t size;
    uint32_t frame, framed; /* see struct code_func */
    bool outermost;         /* nobody called it */
    char name[256];
};

#define OFFSET(member)                                                                             \
    (offsetof(struct debug_object, member) - offsetof(struct debug_object, header))

static uint8_t *put_uleb(uint8_t *at, uint32_t value)
{
    for (; value >= 0x80; value >>= 7)
        *at++ = (uint8_t)(value | 0x80);
    *at++ = (uint8_t)value;
    return at;
}

/* Closes an entry that begins with its length, filled up to a multiple of 8. */
static uint8_t *close_entry(uint8_t *start, uint8_t *at)
{
    while ((at - start) % 8)
        *at++ = 0; /* DW_CFA_nop */
    uint32_t length = (uint32_t)(at - start) - 4;
    memcpy(start, &length, 4);
    return at;
}

/* .eh_frame (LSB core, 10.6): the return address is at RSP, or above the frame once there is one.
 */
static size_t put_frames(uint8_t *frames, const struct piece *piece)
{
    static const uint8_t common[] = {
        0,         0, 0, 0, 0,    0,  0,
        0,         1, 0, 1, 0x78, 16, /* version 1, no augmentation, 1, -8, RIP */
        0x0c,      7, 8,              /* DW_CFA_def_cfa RSP + 8 */
        0x80 | 16, 1,                 /* DW_CFA_offset RIP at CFA - 8 */
    };
    uint64_t range[2] = {piece->address, piece->size};
    memcpy(frames, common, sizeof(common));
    uint8_t *start = close_entry(frames, frames + sizeof(common)), *at = start + 4;
    uint32_t back = (uint32_t)(at - frames);
    memcpy(at, &back, 4);
    memcpy(at + 4, range, sizeof(range));
    at += 4 + sizeof(range);
    if (piece->outermost) {
        *at++ = 0x07; /* DW_CFA_undefined RIP */
        *at++ = 16;
    } else if (piece->frame) {
        *at++ = 0x04; /* DW_CFA_advance_loc4 */
        memcpy(at, &piece->framed, 4);
        at += 4;
        *at++ = 0x0e; /* DW_CFA_def_cfa_offset */
        at = put_uleb(at, piece->frame + 8);
    }
    at = close_entry(start, at);
    memset(at, 0, 4); /* the end */
    return (size_t)(at - frames) + 4;
}

static void fill_sections(struct debug_object *object, const struct piece *piece)
{
    object->sections[SECTION_TEXT] = (Elf64_Shdr){
        .sh_name = STRING_TEXT,
        .sh_type = SHT_NOBITS,
        .sh_flags = SHF_ALLOC | SHF_EXECINSTR,
        .sh_addr = piece->address,
        .sh_size = piece->size,
        .sh_addralign = 16,
    };
    object->sections[SECTION_FRAMES] = (Elf64_Shdr){
        .sh_name = STRING_FRAMES,
        .sh_type = SHT_PROGBITS,
        .sh_flags = SHF_ALLOC,
        .sh_addr = (uintptr_t)object->frames,
        .sh_offset = OFFSET(frames),
        .sh_size = put_frames(object->frames, piece),
        .sh_addralign = 8,
    };
    object->sections[SECTION_SYMBOLS] = (Elf64_Shdr){
        .sh_name = STRING_SYMBOLS,
        .sh_type = SHT_SYMTAB,
        .sh_offset = OFFSET(symbols),
        .sh_size = sizeof(object->symbols),
        .sh_link = SECTION_STRINGS,
        .sh_info = 1,
        .sh_addralign = 8,
        .sh_entsize = sizeof(Elf64_Sym),
    };
    object->sections[SECTION_STRINGS] = (Elf64_Shdr){
        .sh_name = STRING_STRINGS,
        .sh_type = SHT_STRTAB,
        .sh_offset = OFFSET(strings),
        .sh_size = sizeof(object->strings),
        .sh_addralign = 1,
    };
}

static void fill_header(struct debug_object *object)
{
    object->header = (Elf64_Ehdr){
        .e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
        .e_type = ET_REL,
        .e_machine = EM_X86_64,
        .e_version = EV_CURRENT,
        .e_shoff = OFFSET(sections),
        .e_ehsize = sizeof(Elf64_Ehdr),
        .e_shentsize = sizeof(Elf64_Shdr),
        .e_shnum = SECTION_COUNT,
        .e_shstrndx = SECTION_STRINGS,
    };
}

static void tell(struct debug_object *object, uint32_t action)
{
    __jit_debug_descriptor.relevant = &object->entry;
    __jit_debug_descriptor.action = action;
    __jit_debug_register_code();
}

static struct debug_object *register_piece(const struct piece *piece)
{
    struct debug_object *object = calloc(1, sizeof(*object));
    if (!object)
        return NULL;
    memcpy(object->strings, strings, sizeof(strings));
    memcpy(object->strings + sizeof(strings), piece->name, sizeof(piece->name));
    object->symbols[1] = (Elf64_Sym){
        .st_name = sizeof(strings),
        .st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC),
        .st_shndx = SECTION_TEXT,
        .st_size = piece->size,
    };
    fill_header(object);
    fill_sections(object, piece);
    object->entry.symfile = (const char *)&object->header;
    object->entry.symfile_size = sizeof(*object) - offsetof(struct debug_object, header);
    pthread_mutex_lock(&lock);
    object->entry.next = __jit_debug_descriptor.first;
    if (object->entry.next)
        object->entry.next->prev = &object->entry;
    __jit_debug_descriptor.first = &object->entry;
    tell(object, JIT_REGISTER);
    pthread_mutex_unlock(&lock);
    return object;
}

struct debug_object *debug_register(const struct module *module, const struct code_region *region,
                                    const struct code_func *func)
{
    struct piece piece = {.address = (uintptr_t)region->base + func->start,
                          .size = func->size,
                          .frame = func->frame,
                          .framed = func->framed};
    print_name(module, func->func_index, piece.name);
    return register_piece(&piece);
}

struct debug_object *debug_register_adapters(const struct code_region *region)
{
    struct piece piece = {.address = (uintptr_t)region->base,
                          .size = region->reserved,
                          .outermost = true,
                          .name = "wick adapter"};
    return register_piece(&piece);
}

void debug_unregister(struct debug_object *object)
{
    if (!object)
        return;
    pthread_mutex_lock(&lock);
    if (object->entry.prev)
        object->entry.prev->next = object->entry.next;
    else
        __jit_debug_descriptor.first = object->entry.next;
    if (object->entry.next)
        object->entry.next->prev = object->entry.prev;
    tell(object, JIT_UNREGISTER);
    pthread_mutex_unlock(&lock);
    free(object);
}
