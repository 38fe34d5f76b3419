/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The micro-kernel of a Keep of the VM type: what its files offer to each other.
 *
 * It runs at ring 0, exec at ring 3. Everything below shim_lock() is protected by one lock, which
 * is given up only while a call travels to the host (port_call) and while a thread sleeps.
 * Functions return 0 or a result from 0 up, or -errno.
 *
 * Keep side; freestanding.
 */
#pragma once

#include "sallyport/guest/stage.h"
#include "shim/vm/layout.h"
#include "shim/vm/syscalls.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <asm/errno.h>

/* What entry.S leaves on the stack. The first eight registers of a system call are there only when
 * it goes the longer way; nothing but clone(2) and signals looks at them. */
struct regs {
    uint64_t r15, r14, r13, r12, rbp, rbx, r11, rcx;
    uint64_t r10, r9, r8, rdi, rsi, rdx, rax;
    uint64_t vector, error;
    uint64_t rip, cs, rflags, rsp, ss;
};

_Static_assert(offsetof(struct regs, r11) == 48 && offsetof(struct regs, rcx) == 56 &&
                   offsetof(struct regs, r10) == 64 && offsetof(struct regs, rip) == 136 &&
                   offsetof(struct regs, rflags) == 152 && sizeof(struct regs) == 176,
               "entry.S knows the frame");

enum {
    SIGNALS = 64,
    VECTOR_PAGE_FAULT = 14,
    VECTOR_SYSCALL = 256,
};

struct futex_waiter {
    uint64_t address; /* 0: not waiting */
    uint32_t bits;
    bool woken;
    struct cpu *next;
};

/* A copy that stubs.S makes at ring 3 on the way back to exec: bytes from a block to exec's own
 * memory, or the other way round. See bulk.c. */
struct bulk {
    enum { BULK_NONE, BULK_PLANNED, BULK_OUT, BULK_IN, BULK_READY } state;
    uint64_t to, from, size;
    struct { /* what the copy takes of exec's registers, given back when it is done */
        uint64_t rdi, rsi, rdx, rax, rip, rflags;
    } saved;
};

/* One processor = one thread of the Keep. Lies at the top of its own stack. */
struct cpu {
    uint64_t stack_top; /* must be first: entry.S reads it at %gs:0 */
    uint64_t scratch;   /* second: entry.S keeps exec's stack pointer at %gs:8 */
    bool attention; /* third, CPU_ATTENTION: something is to be done before the return to exec */
    uint32_t id;
    uint32_t task[TASK_WORDS]; /* CPU_TASK: the task state, of which only ring 0's stack is used */
    bool running;              /* a thread lives here */
    bool hold_lock;            /* the next call to the host keeps the lock */
    bool copying;              /* between exec's memory and the block */
    volatile bool in_user;
    volatile uint64_t flushed; /* the generation of page tables it has seen */
    struct sp_port port;
    uint64_t fs_base;     /* of a new thread */
    uint64_t clear_tid;   /* user address, or 0 */
    uint64_t signal_mask; /* bit n-1: signal n is blocked */
    uint64_t pending;     /* signals sent to this thread */
    uint64_t outer_mask;  /* what signal_mask becomes again … */
    bool masked;          /* … after a call with a mask of its own */
    uint32_t interrupted; /* number of the system call that a signal has ended, plus 1; or 0 */
    struct {
        uint64_t base, size;
        uint32_t flags;
    } alternate;
    struct futex_waiter futex;
    struct bulk bulk;
    const struct iovec *iov; /* where sp_port_copy_… gathers and scatters, or NULL */
    uint64_t iov_count;
};

_Static_assert(sizeof(struct cpu) <= CPU_STATE, "struct cpu fits above its stack");
_Static_assert(offsetof(struct cpu, attention) == CPU_ATTENTION, "entry.S looks there");
_Static_assert(offsetof(struct cpu, task) == CPU_TASK, "the host points the task register there");

static inline struct cpu *cpu_at(uint32_t id)
{
    return (struct cpu *)(CPUS_BASE + (id + 1) * CPU_STRIDE - CPU_STATE);
}

static inline struct cpu *this_cpu(void)
{
    uint64_t sp;
    __asm__("mov %%rsp, %0" : "=r"(sp));
    return (struct cpu *)((sp | (CPU_STRIDE - 1)) + 1 - CPU_STATE);
}

/* The frame of exec's registers when it last entered the shim. */
static inline struct regs *user_regs(const struct cpu *cpu)
{
    return (struct regs *)(cpu->stack_top - sizeof(struct regs));
}

static const struct keep_info *const info = (const struct keep_info *)INFO_BASE;

/* --- cpu.c: processors, the lock, ends ----------------------------------------------------- */

/* The part of a processor that the loader prepares for the first one. */
void cpu_init(struct cpu *cpu, uint32_t id);
void shim_lock(void);
void shim_unlock(void);

/* Makes every other processor forget the translations that have just been removed. */
void cpu_shootdown(void);

/* The thread base registers of exec. */
void cpu_set_fs_base(uint64_t address);
uint64_t cpu_get_fs_base(void);
void cpu_set_gs_base(uint64_t address);
uint64_t cpu_get_gs_base(void);

/* From now on there may be several threads. */
void cpu_begin_threads(void);

/* More than one thread has ever run. */
extern bool threaded;

/* Processors from 0 up to this number have existed; their stacks, and so their struct cpu, are
 * mapped. */
extern uint32_t cpu_count;

/* A defect of the shim or an attack by the host: tells the host why and ends the Keep. */
__attribute__((noreturn)) void shim_panic(const char *why);
__attribute__((noreturn)) void shim_panic_exception(const struct regs *regs, uint64_t address);
__attribute__((noreturn)) void exit_group(int status);

/* --- port.c: calls to the host ------------------------------------------------------------- */

/* The calling thread's port. `hold` keeps the lock during the call: for short ones only. */
struct sp_port *port_get(void);
struct sp_port *port_hold(void);

/* Memory may have to be asked of the host, or a file be closed, while the block holds the bytes of
 * another call: a fault in the midst of copying them, or before ring 3 has fetched them. What one
 * item without data overwrites is put aside and brought back, if it matters. */
struct port_aside {
    bool matters, hold;
    struct sp_port port;
    uint64_t bytes[2 * sizeof(struct sp_item) / sizeof(uint64_t)];
};
void port_put_aside(struct port_aside *aside);
void port_bring_back(const struct port_aside *aside);

/* --- frames.c: physical memory -------------------------------------------------------------- */

void frames_init(void);

/* A zeroed page for page tables and shim objects, at its direct address. NULL if none is left. */
void *page_alloc(void);
void page_free(void *page); /* must be zero again */

/* Makes sure that the next two of page_alloc do not fail. 0 or -ENOMEM. */
int page_reserve(void);

/* Physical addresses of zeroed memory, 0 if none is left. */
uint64_t chunk_alloc(void);
uint64_t large_alloc(void);
void chunk_free(uint64_t physical);
void large_free(uint64_t physical);

/* Zeroes a page of exec's memory that was used before. */
void frame_zero(uint64_t physical, uint64_t size);

static inline void *direct(uint64_t physical)
{
    return (void *)(DIRECT_BASE + physical);
}

static inline uint64_t physical_of(const void *pointer)
{
    return (uint64_t)pointer - DIRECT_BASE;
}

/* --- tables.c: page tables ------------------------------------------------------------------- */

/* Maps the page (or the 2 MiB page, or the surrounding chunk) that holds `address`, which lies in a
 * mapping [start, end) with `protection`. 0 or -ENOMEM. */
int table_fault(uint64_t address, uint64_t start, uint64_t end, uint32_t protection);

/* Splits the pages of 2 MiB that reach over the ends of a range: what changes a range can then not
 * fail, and no page table is taken while others of the range are on their way to be free. 0 or
 * -ENOMEM. */
int table_split(uint64_t start, uint64_t end);

/* Removes all pages of a range that was split, and frees them. */
void table_unmap(uint64_t start, uint64_t end);

/* Gives the existing pages of a range another protection. Splits the pages of 2 MiB that reach over
 * its ends, for which page_reserve must have been called. */
void table_protect(uint64_t start, uint64_t end, uint32_t protection);

/* Moves the pages of a range elsewhere. 0 or -ENOMEM. */
int table_move(uint64_t from, uint64_t to, uint64_t size);

/* The direct map of memory that was added. 0 or -ENOMEM. */
int table_map_direct(uint64_t physical, uint64_t size);

/* Maps a processor's stack. 0 or -ENOMEM. */
int table_map_cpu(uint32_t id);

/* --- vma.c: the tree of mappings -------------------------------------------------------------- */

/* The mapping that holds `address`, or NULL. */
const struct vma *vma_find(uint64_t address);

/* The lowest mapping that ends above `address`, or NULL. */
const struct vma *vma_above(uint64_t address);

/* The highest free range of `size` bytes below MAP_TOP, or 0. */
uint64_t vma_gap(uint64_t size);

/* Takes over the tree that the loader made. */
void vma_init(void);

/* Makes sure that the next vma_remove and the next vma_insert do not lack a node. 0 or -ENOMEM. */
int vma_reserve(void);

/* Records a mapping in a free range, joined with its neighbours where they are alike. */
int vma_insert(uint64_t start, uint64_t end, uint32_t protection);

/* Changes the protection of a range for which no mapping has to be made or lost: it has it already,
 * is a whole mapping (which is not joined with neighbours that are alike then), or lies at the end
 * of one whose neighbour there has that protection. False if it is none of these; nothing has
 * changed then. */
bool vma_change(uint64_t start, uint64_t end, uint32_t protection);

/* Forgets a range, splitting mappings that reach over its ends. */
int vma_remove(uint64_t start, uint64_t end);

/* --- space.c: exec's address space ------------------------------------------------------------ */

void space_init(void);

/* Handles a page fault of exec. 0, or the signal code (SEGV_MAPERR, SEGV_ACCERR), or -ENOMEM. */
int space_fault(uint64_t address, bool write, bool execute);

/* Whether exec could write at `address`: asked before a call that would lose data otherwise. */
bool space_writable(uint64_t address);

int64_t space_mmap(uint64_t address, uint64_t size, uint32_t protection, uint32_t flags, int64_t fd,
                   uint64_t offset);
int64_t space_munmap(uint64_t address, uint64_t size);
int64_t space_mprotect(uint64_t address, uint64_t size, uint32_t protection);
int64_t space_mremap(uint64_t address, uint64_t old_size, uint64_t new_size, uint32_t flags);
int64_t space_madvise(uint64_t address, uint64_t size, int advice);
int64_t space_brk(uint64_t address);

/* --- user.c, bulk.c: exec's memory ------------------------------------------------------------ */

/* Whether [address, address + size) lies in exec's half. */
static inline bool user_range(uint64_t address, uint64_t size)
{
    return address < USER_END && size <= USER_END - address;
}

/* An address that exec gave, for a sallyport call. Those in the shim's half, which would name the
 * shim's own objects there, become one that exec does not have. */
static inline void *user_pointer(uint64_t address)
{
    return (void *)(address < USER_END ? address : USER_END);
}

/* Copies between exec's memory and the shim's. 0 or -EFAULT. */
int user_read(void *to, uint64_t from, uint64_t size);
int user_write(uint64_t to, const void *from, uint64_t size);

/* Copies a string with its NUL; returns its size with the NUL, -EFAULT or -ENAMETOOLONG. */
int64_t user_string(char *to, uint64_t from, uint64_t size);

/* A page fault of the shim itself: true if it was a copy from or to exec's memory. */
bool user_fault(struct regs *regs, uint64_t address);

/* Plans the copy of an answer out of the block; false if it is small enough to be copied here. */
bool bulk_out(struct cpu *cpu, uint64_t to, const void *block, uint64_t size);

/* Starts what bulk_out planned: at the end of the system call. */
void bulk_start(struct regs *regs);

/* For a call that sends `size` bytes at `from`: true if they have to be copied at ring 3 first; the
 * call is made again then. */
bool bulk_in(struct regs *regs, uint64_t from, uint64_t size);

/* The ring 3 copy has ended, or met a bad address. */
int64_t bulk_done(struct regs *regs);
bool bulk_fault(struct regs *regs);

/* --- files.c: the table of descriptors -------------------------------------------------------- */

void files_init(void);

/* Reads from a descriptor at an offset to exec's memory, for mappings of files. */
int64_t file_pread(int64_t fd, uint64_t to, uint64_t size, uint64_t offset);

/* --- signal.c ----------------------------------------------------------------------------------
 */

/* A fault of exec at `regs`: prepares the handler, or ends the Keep as the signal does. */
void signal_fault(struct regs *regs, int number, int code, uint64_t address);

/* Before a return to exec: delivers what is pending and not blocked. */
void signal_deliver(struct regs *regs);

/* Sends a signal to a thread. */
int signal_send(struct cpu *cpu, int number);

/* Sends the Keep the signals that the host has for it. */
void signal_take(void);

/* A system call has answered -EINTR: before the return to exec, which may make it again. */
void signal_interrupted(uint64_t number);

/* For the calls that wait with a signal mask of their own, at `user_mask` if that is not NULL. 0 or
 * -errno. After the wait, `result` is what it has answered. */
int signal_mask_begin(uint64_t user_mask, uint64_t size);
int64_t signal_mask_end(int64_t result);

/* Passes a result on, with the SIGPIPE that writing to a broken pipe brings. */
void signal_send_pipe(void);
static inline int64_t signal_broken_pipe(int64_t result, bool quiet)
{
    if (result == -EPIPE && !quiet)
        signal_send_pipe();
    return result;
}

void signal_inherit(struct cpu *child, const struct cpu *parent);

/* --- thread.c, futex.c, clock.c ------------------------------------------------------------------
 */

int futex_wake(uint64_t address, uint32_t count, uint32_t bits);

/* Sleeps until *woken, a signal, or `deadline` (monotonic ns, UINT64_MAX: none) has passed. Gives
 * up the lock meanwhile. 0, -EINTR or -ETIMEDOUT. */
int thread_sleep(const bool *woken, uint64_t deadline);
void thread_wake(struct cpu *cpu);

uint64_t clock_monotonic(void); /* nanoseconds */
uint64_t clock_realtime(void);

/* 64 random bits from the processor; ends the Keep if it gives none. */
uint64_t random_bits(void);

/* --- syscall.c
 * -------------------------------------------------------------------------------------- */

typedef int64_t (*syscall_fn)(struct regs *regs);

/* What entry.S calls: a system call by the longer way, and the end of one that needs attention. */
int64_t syscall_dispatch(struct regs *regs);
void shim_syscall(struct regs *regs);
void shim_leave(struct regs *regs, int64_t result);
void shim_exception(struct regs *regs);
