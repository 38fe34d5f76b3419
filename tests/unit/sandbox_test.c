// SPDX-License-Identifier: Apache-2.0
#include "keep/sandbox/seccomp.h"
#include "keep/vm/elf.h"
#include "tap.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* Runs in a child behind the filter; returns the number of the first expectation that fails. */
static int confined(pid_t parent)
{
    if (seccomp_enter_host() < 0)
        return 100;
    int flags = MAP_PRIVATE | MAP_ANONYMOUS;
    char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, flags, -1, 0);
    if (page == MAP_FAILED)
        return 1;
    if (mmap(NULL, 4096, PROT_READ | PROT_EXEC, flags, -1, 0) != MAP_FAILED || errno != EPERM)
        return 2;
    if (mprotect(page, 4096, PROT_READ | PROT_EXEC) == 0 || errno != EPERM)
        return 3;
    if (mprotect(page, 4096, PROT_READ) < 0)
        return 4;
    if (syscall(SYS_tgkill, parent, parent, SIGCHLD) == 0 || errno != EPERM)
        return 5;
    if (syscall(SYS_tgkill, getpid(), getpid(), SIGCHLD) < 0)
        return 6;
    if (syscall(SYS_kill, parent, SIGCHLD) == 0 || errno != ENOSYS)
        return 7;
    if (open("/dev/null", O_RDONLY) >= 0 || errno != ENOSYS)
        return 8;
    return 0;
}

TEST(filter, "the host process of a Keep makes no executable memory and signals nobody else")
{
    pid_t parent = getpid(), child = fork();
    if (child == 0)
        _exit(confined(parent));
    int status;
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status));
    CHECK_INT(WEXITSTATUS(status), 0);
}

/* The same behind the filter of a process that is a Keep itself. */
static int confined_program(pid_t parent)
{
    int none = -1;
    char *const empty[] = {NULL};
    if (seccomp_enter_program(none) < 0)
        return 100;
    int flags = MAP_PRIVATE | MAP_ANONYMOUS;
    if (mmap(NULL, 4096, PROT_READ | PROT_EXEC, flags, -1, 0) == MAP_FAILED)
        return 1; /* a compiler's code */
    if (syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0) >= 0 || errno != EPERM)
        return 2;
    if (syscall(SYS_tgkill, parent, parent, SIGCHLD) == 0 || errno != EPERM)
        return 3;
    if (kill(parent, SIGCHLD) == 0 || errno != EPERM)
        return 4;
    if (syscall(SYS_tgkill, getpid(), getpid(), SIGCHLD) < 0)
        return 5;
    if (socket(AF_UNIX, SOCK_STREAM, 0) >= 0 || errno != EAFNOSUPPORT)
        return 6;
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) == 0 || errno != EPERM)
        return 7;
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0)
        return 8;
    if (ioctl(pair[0], TIOCSTI, "x") == 0 || errno != ENOTTY)
        return 9;
    if (syscall(SYS_execveat, pair[0], "", empty, empty, AT_EMPTY_PATH) == 0 || errno != EACCES)
        return 10;
    if (syscall(SYS_wait4, -1, NULL, 0, NULL) >= 0 || errno != ENOSYS)
        return 11;
    return 0;
}

TEST(program,
     "a process that is a Keep starts no process, signals nobody, reaches no local service")
{
    pid_t parent = getpid(), child = fork();
    if (child == 0)
        _exit(confined_program(parent));
    int status;
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status));
    CHECK_INT(WEXITSTATUS(status), 0);
}

TEST(deadly, "a Keep's host process that executes a program is ended")
{
    pid_t child = fork();
    if (child == 0) {
        char *const none[] = {NULL};
        if (seccomp_enter_host() == 0)
            execve("/bin/true", none, none);
        _exit(0);
    }
    int status;
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS);
}

TEST(elf_wraps, "a segment at the end of all addresses does not wrap around to their beginning")
{
    struct {
        Elf64_Ehdr header;
        Elf64_Phdr program;
    } file = {
        .header = {.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB},
                   .e_type = ET_EXEC,
                   .e_machine = EM_X86_64,
                   .e_version = EV_CURRENT,
                   .e_phoff = sizeof(Elf64_Ehdr),
                   .e_phentsize = sizeof(Elf64_Phdr),
                   .e_phnum = 1},
        .program = {.p_type = PT_LOAD,
                    .p_filesz = 16,
                    .p_memsz = 0xfff0,
                    .p_vaddr = 0xffffffffffff0000},
    };
    struct elf_image image;
    CHECK(elf_parse(&image, span_of((const uint8_t *)&file, sizeof(file)), "it", NULL) < 0);
    file.program.p_vaddr = 0x10000;
    CHECK(elf_parse(&image, span_of((const uint8_t *)&file, sizeof(file)), "it", NULL) == 0);
    CHECK(elf_parse(&image, span_of((const uint8_t *)&file, sizeof(file) - 1), "it", NULL) < 0);
    CHECK(elf_parse(&image, span_of(NULL, 0), "it", NULL) < 0);
}

TAP_MAIN()
