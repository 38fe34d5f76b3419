// SPDX-License-Identifier: Apache-2.0
/* The memory map: faults, reservations, reuse of addresses, discarding, moving. */
#include "guest.h"

#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PAGE = 4096, MIB = 1 << 20 };

static sigjmp_buf escape;
static volatile int fault_code;
static void *volatile fault_address;

static void on_fault(int number, siginfo_t *info, void *context)
{
    (void)number;
    (void)context;
    fault_code = info->si_code;
    fault_address = info->si_addr;
    siglongjmp(escape, 1);
}

static bool faults(volatile char *at, bool write)
{
    if (sigsetjmp(escape, 1))
        return true;
    if (write)
        *at = 1;
    else
        (void)*at;
    return false;
}

static char *map(size_t size, int protection)
{
    void *at = mmap(NULL, size, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    CHECK(at != MAP_FAILED);
    return at;
}

static void protections(void)
{
    char *at = map(4 * PAGE, PROT_NONE);
    CHECK(faults(at, false) && fault_code == SEGV_ACCERR && fault_address == at);
    CHECK(mprotect(at + PAGE, PAGE, PROT_READ) == 0);
    CHECK(!faults(at + PAGE, false) && at[PAGE] == 0);
    CHECK(faults(at + PAGE, true) && fault_address == at + PAGE);
    CHECK(mprotect(at + PAGE, 2 * PAGE, PROT_READ | PROT_WRITE) == 0);
    at[PAGE] = 7;
    at[2 * PAGE + 5] = 8;
    CHECK(mprotect(at + PAGE, 2 * PAGE, PROT_NONE) == 0);
    CHECK(faults(at + PAGE, false));
    CHECK(mprotect(at + PAGE, 2 * PAGE, PROT_READ) == 0);
    CHECK(at[PAGE] == 7 && at[2 * PAGE + 5] == 8);
    CHECK(munmap(at, 4 * PAGE) == 0);
    CHECK(faults(at + PAGE, false) && fault_code == SEGV_MAPERR);
    CHECK(mprotect(at, PAGE, PROT_READ) == -1 && errno == ENOMEM);
}

/* W^X: written, then made executable, then run. */
static void code(void)
{
    static const unsigned char forty_two[] = {0xb8, 42, 0, 0, 0, 0xc3};
    char *at = map(PAGE, PROT_READ | PROT_WRITE);
    memcpy(at, forty_two, sizeof(forty_two));
    CHECK(mprotect(at, PAGE, PROT_READ | PROT_EXEC) == 0);
    CHECK(((int (*)(void))(uintptr_t)at)() == 42);
    CHECK(faults(at, true));
    CHECK(munmap(at, PAGE) == 0);
}

/* Functions one behind the other, as a compiler makes them: the page that the last one ends in
 * becomes writable again for the next, and executable with it. */
static void code_grows(void)
{
    enum { SIZE = 3 * MIB, FUNCTION = 1000, COUNT = 2 * MIB / FUNCTION };
    char *at = map(SIZE, PROT_NONE);
    size_t writable = 0;
    for (size_t i = 0, used = 0; i < COUNT; i++, used += FUNCTION) {
        size_t page = used & -(size_t)PAGE, end = (used + FUNCTION + PAGE - 1) & -(size_t)PAGE;
        if (end >= writable)
            writable = end + 50 * PAGE;
        CHECK(mprotect(at + page, writable - page, PROT_READ | PROT_WRITE) == 0);
        uint32_t number = (uint32_t)i;
        at[used] = '\xb8'; /* mov $number, %eax; ret */
        memcpy(at + used + 1, &number, 4);
        at[used + 5] = '\xc3';
        CHECK(mprotect(at + page, end - page, PROT_READ | PROT_EXEC) == 0);
        CHECK(((uint32_t(*)(void))(uintptr_t)(at + used))() == number);
        CHECK(((uint32_t(*)(void))(uintptr_t)at)() == 0);
        if (i % 50 == 0)
            CHECK(faults(at + used, true) && !faults(at + end, false));
    }
    for (uint32_t i = 0; i < COUNT; i++)
        CHECK(((uint32_t(*)(void))(uintptr_t)(at + (size_t)i * FUNCTION))() == i);
    CHECK(munmap(at, SIZE) == 0);
}

static void reservations(void)
{
    const size_t size = 12ull << 30;
    char *first = NULL;
    for (int round = 0; round < 50; round++) {
        char *at = map(size, PROT_NONE);
        CHECK(!first || at == first); /* addresses are used again */
        first = at;
        CHECK(mprotect(at, 3 * MIB, PROT_READ | PROT_WRITE) == 0);
        CHECK(at[2 * MIB] == 0);
        at[2 * MIB] = 1;
        CHECK(munmap(at, size) == 0);
    }
}

static void discarding(void)
{
    char *at = map(5 * MIB, PROT_READ | PROT_WRITE);
    memset(at, 1, 5 * MIB);
    CHECK(madvise(at + PAGE, 4 * MIB, MADV_DONTNEED) == 0);
    CHECK(at[0] == 1 && at[PAGE - 1] == 1 && at[4 * MIB + PAGE] == 1);
    for (size_t i = PAGE; i < 4 * MIB + PAGE; i += 512)
        CHECK(at[i] == 0);
    memset(at + PAGE, 2, PAGE);
    CHECK(munmap(at + PAGE, PAGE) == 0);
    char *again = mmap(at + PAGE, PAGE, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    CHECK(again == at + PAGE && again[0] == 0 && again[PAGE - 1] == 0);
    CHECK(munmap(at, 5 * MIB) == 0);
}

static void moving(void)
{
    char *at = map(3 * MIB + PAGE, PROT_READ | PROT_WRITE);
    for (int i = 0; i < 3 * MIB; i += PAGE)
        at[i] = (char)(i / PAGE);
    char *wall = at + 3 * MIB; /* so that it cannot grow where it is */
    CHECK(mprotect(wall, PAGE, PROT_NONE) == 0);
    char *grown = mremap(at, 3 * MIB, 9 * MIB, MREMAP_MAYMOVE);
    CHECK(grown != MAP_FAILED && grown != at);
    for (int i = 0; i < 3 * MIB; i += PAGE)
        CHECK(grown[i] == (char)(i / PAGE));
    CHECK(grown[9 * MIB - 1] == 0);
    CHECK(faults(at, false));
    char *small = mremap(grown, 9 * MIB, PAGE, 0);
    CHECK(small == grown && small[0] == 0);
    CHECK(faults(grown + PAGE, false));
    CHECK(munmap(small, PAGE) == 0 && munmap(wall, PAGE) == 0);
}

static void fixed(void)
{
    char *at = map(10 * PAGE, PROT_READ | PROT_WRITE);
    memset(at, 5, 10 * PAGE);
    char *middle = mmap(at + 3 * PAGE, 2 * PAGE, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    CHECK(middle == at + 3 * PAGE && middle[0] == 0 && at[3 * PAGE - 1] == 5 && at[5 * PAGE] == 5);
    CHECK(mmap(at, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) ==
              MAP_FAILED &&
          errno == EEXIST);
    CHECK(munmap(at, 10 * PAGE) == 0);
    CHECK(mmap(NULL, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED &&
          errno == EINVAL);
}

static void program_break(void)
{
    char *start = sbrk(0);
    CHECK(sbrk(2 * MIB) == start);
    memset(start, 9, 2 * MIB);
    CHECK(brk(start) == 0);
    CHECK(sbrk(2 * MIB) == start);
    for (size_t i = 0; i < 2 * MIB; i += 256)
        CHECK((size_t)start + i < (((size_t)start + PAGE - 1) & -(size_t)PAGE) || start[i] == 0);
    CHECK(brk(start) == 0);
}

/* A heap that grows by little steps and shrinks by others keeps what is in it and returns the rest.
 */
static void heap_in_steps(void)
{
    enum { STEP = 132 * 1024, STEPS = 50 };
    char *start = sbrk(0);
    for (int i = 0; i < STEPS; i++) {
        char *at = sbrk(STEP);
        CHECK(at == start + (size_t)i * STEP);
        CHECK(at[STEP - PAGE] == 0);
        memset(at, i + 1, STEP);
    }
    for (int left = STEPS; left > 0; left -= 7) {
        CHECK(brk(start + (size_t)left * STEP) == 0);
        for (int i = 0; i < left; i++)
            CHECK(start[(size_t)i * STEP] == i + 1 && start[(size_t)(i + 1) * STEP - 1] == i + 1);
    }
    CHECK(brk(start + (size_t)STEPS * STEP) == 0);
    for (size_t at = 2 * STEP; at < (size_t)STEPS * STEP; at += PAGE)
        CHECK(start[at] == 0);
    CHECK(brk(start) == 0);
    CHECK(sbrk(0) == start);
}

/* Growing and shrinking as the original's memory_stress_test does. */
static void stress(void)
{
    for (size_t size = 1; size < 32 * MIB; size *= 2) {
        char *at = malloc(size);
        CHECK(at);
        at[size - 1] = 1;
        free(at);
    }
    for (int i = 0; i < 100; i++) {
        char *at = malloc(32 * MIB);
        CHECK(at);
        at[i * 1000] = 1;
        free(at);
    }
    for (size_t size = 40000000; size > 0; size /= 2) {
        char *at = calloc(1, size);
        CHECK(at && at[0] == 0 && at[size - 1] == 0);
        memset(at, 1, size < MIB ? size : MIB);
        free(at);
    }
}

int main(void)
{
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};
    CHECK(sigaction(SIGSEGV, &action, NULL) == 0);
    protections();
    code();
    code_grows();
    reservations();
    discarding();
    moving();
    fixed();
    program_break();
    heap_in_steps();
    stress();
    return 0;
}
