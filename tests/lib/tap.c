// SPDX-License-Identifier: Apache-2.0
#include "tap.h"

#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { STATUS_FAILED = 1, STATUS_SKIPPED = 77, DEFAULT_TIMEOUT = 60 };

static struct tap_test *first, **last = &first;
static int report_fd = -1;

void tap_register(struct tap_test *test)
{
    *last = test;
    last = &test->next;
}

__attribute__((format(printf, 1, 0))) static void report(const char *format, va_list args)
{
    char text[1024];
    int length = vsnprintf(text, sizeof(text), format, args);
    if (length > 0) {
        size_t size = (size_t)length < sizeof(text) ? (size_t)length : sizeof(text) - 1;
        if (write(report_fd, text, size) < 0)
            _exit(STATUS_FAILED);
    }
}

void tap_fail(const char *file, int line, const char *format, ...)
{
    char place[256];
    snprintf(place, sizeof(place), "%s:%d: ", file, line);
    if (write(report_fd, place, strlen(place)) < 0)
        _exit(STATUS_FAILED);
    va_list args;
    va_start(args, format);
    report(format, args);
    va_end(args);
    exit(STATUS_FAILED);
}

void tap_skip(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    report(format, args);
    va_end(args);
    exit(STATUS_SKIPPED);
}

static bool selected(const struct tap_test *test, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], test->name) == 0)
            return true;
    }
    return argc < 2;
}

/* Runs one test in a child; returns true unless it failed. */
static bool run(const struct tap_test *test, int number)
{
    int channel[2];
    if (pipe(channel) < 0)
        abort();
    fflush(stdout);
    pid_t child = fork();
    if (child < 0)
        abort();
    if (child == 0) {
        close(channel[0]);
        report_fd = channel[1];
        alarm(test->timeout ? test->timeout : DEFAULT_TIMEOUT);
        test->run();
        exit(0);
    }
    close(channel[1]);

    char text[2048];
    size_t size = 0;
    ssize_t got;
    while (size < sizeof(text) - 1 &&
           (got = read(channel[0], text + size, sizeof(text) - 1 - size)) > 0)
        size += (size_t)got;
    text[size] = '\0';
    close(channel[0]);

    int status;
    waitpid(child, &status, 0);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
        printf("ok %d - %s\n", number, test->name);
        return true;
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == STATUS_SKIPPED) {
        printf("ok %d - %s # SKIP %s\n", number, test->name, text);
        return true;
    }
    printf("not ok %d - %s\n# purpose: %s\n# %s\n", number, test->name, test->purpose, text);
    if (WIFSIGNALED(status))
        printf("# ended by signal %d%s\n", WTERMSIG(status),
               WTERMSIG(status) == SIGALRM ? " (time limit)" : "");
    return false;
}

int tap_main(int argc, char **argv)
{
    int count = 0;
    for (const struct tap_test *test = first; test; test = test->next)
        count += selected(test, argc, argv);
    printf("1..%d\n", count);

    int number = 0;
    bool passed = true;
    for (const struct tap_test *test = first; test; test = test->next) {
        if (selected(test, argc, argv))
            passed = run(test, ++number) && passed;
    }
    return passed ? 0 : 1;
}

void *tap_memory(size_t size)
{
    struct block {
        struct block *next;
        max_align_t data[];
    };
    static struct block *blocks;
    struct block *block = calloc(1, sizeof(*block) + size);
    if (!block)
        tap_fail(__FILE__, __LINE__, "no memory for %zu bytes", size);
    block->next = blocks;
    blocks = block;
    return block->data;
}
