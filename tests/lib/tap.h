/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small test harness that speaks TAP.
 *
 *     TEST(err_appends_errno, "messages end with the reason the system gave")
 *     {
 *         CHECK(err_set(&e, ERR_IO, ENOENT, "open x") == -ENOENT);
 *         CHECK_STR(e.message, "open x: No such file or directory");
 *     }
 *     TAP_MAIN()
 *
 * Each test runs in a process of its own, so a crash or a hang fails that test alone. A failed
 * CHECK ends the test. SKIP("reason") ends it as skipped. Command-line arguments select tests by
 * name.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

struct tap_test {
    const char *name;
    const char *purpose; /* what would break without it */
    void (*run)(void);
    unsigned timeout; /* seconds; 0 means the default of 60 */
    struct tap_test *next;
};

void tap_register(struct tap_test *test);
__attribute__((noreturn)) void tap_fail(const char *file, int line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
__attribute__((noreturn)) void tap_skip(const char *format, ...)
    __attribute__((format(printf, 1, 2)));
int tap_main(int argc, char **argv);
/* Zeroed memory for as long as the test runs; nobody releases it, and no sanitizer minds. */
void *tap_memory(size_t size);

#define TEST_TIMEOUT(id, why, seconds)                                                             \
    static void test_##id(void);                                                                   \
    static struct tap_test tap_##id = {#id, why, test_##id, seconds, NULL};                        \
    __attribute__((constructor)) static void register_##id(void)                                   \
    {                                                                                              \
        tap_register(&tap_##id);                                                                   \
    }                                                                                              \
    static void test_##id(void)

#define TEST(id, why) TEST_TIMEOUT(id, why, 0)

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition))                                                                          \
            tap_fail(__FILE__, __LINE__, "%s", #condition);                                        \
    } while (0)

#define CHECK_INT(actual, expected)                                                                \
    do {                                                                                           \
        long long actual_ = (long long)(actual), expected_ = (long long)(expected);                \
        if (actual_ != expected_)                                                                  \
            tap_fail(__FILE__, __LINE__, "%s is %lld, expected %lld", #actual, actual_,            \
                     expected_);                                                                   \
    } while (0)

#define CHECK_STR(actual, expected)                                                                \
    do {                                                                                           \
        const char *actual_ = (actual), *expected_ = (expected);                                   \
        if (strcmp(actual_, expected_) != 0)                                                       \
            tap_fail(__FILE__, __LINE__, "%s is \"%s\", expected \"%s\"", #actual, actual_,        \
                     expected_);                                                                   \
    } while (0)

#define SKIP(...) tap_skip(__VA_ARGS__)

#define TAP_MAIN()                                                                                 \
    int main(int argc, char **argv)                                                                \
    {                                                                                              \
        return tap_main(argc, argv);                                                               \
    }
