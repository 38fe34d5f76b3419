// SPDX-License-Identifier: Apache-2.0
#include "wick/tool/wast.h"

#include "base/cleanup.h"
#include "wick/text/wast.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

static const char usage[] = "usage: wick wast [-pvw] FILE…\n"
                            "  -p  skip what the engine does not accept\n"
                            "  -v  say on stderr which commands failed\n"
                            "  -w  also compare the words of refusals\n";

static void report(void *env, unsigned line, const char *message)
{
    const char *path = env;
    if (path)
        fprintf(stderr, "%s:%u: %s\n", path, line, message);
}

static int read_file(const char *path, uint8_t **data, size_t *size, struct err *err)
{
    FILE *file = fopen(path, "rb");
    if (!file)
        return err_set(err, ERR_IO, errno, "open %s", path);
    autofree uint8_t *buffer = NULL;
    size_t used = 0, capacity = 0;
    int status = 0;
    do {
        capacity = capacity ? capacity * 2 : 1 << 16;
        uint8_t *larger = realloc(buffer, capacity);
        if (!larger) {
            status = err_set(err, ERR_LIMIT, ENOMEM, "read %s", path);
            break;
        }
        buffer = larger;
        used += fread(buffer + used, 1, capacity - used, file);
    } while (used == capacity);
    if (status == 0 && ferror(file))
        status = err_set(err, ERR_IO, errno, "read %s", path);
    fclose(file);
    if (status)
        return status;
    *data = take_ptr(buffer);
    *size = used;
    return 0;
}

/* True if every command of the file passed. */
static bool run_file(const char *path, struct wast_options *options, bool verbose)
{
    struct err err = {0};
    struct wast_counts counts = {0};
    autofree uint8_t *data = NULL;
    size_t size = 0;
    options->env = verbose ? (void *)path : NULL;
    int status = read_file(path, &data, &size, &err);
    if (status == 0)
        status = wast_run(span_of(data, size), options, &counts, &err);
    if (status)
        fprintf(stderr, "%s: %s\n", path, err.message);
    fflush(stderr);
    printf("%s: %u passed, %u failed, %u skipped%s\n", path, counts.passed, counts.failed,
           counts.skipped, status ? ", then given up" : "");
    fflush(stdout);
    return status == 0 && counts.failed == 0;
}

int tool_wast(int argc, char **argv)
{
    struct wast_options options = {.report = report};
    bool verbose = false, passed = true;
    int option;
    while ((option = getopt(argc, argv, "pvw")) != -1) {
        if (option == 'p')
            options.partly = true;
        else if (option == 'v')
            verbose = true;
        else if (option == 'w')
            options.check_words = true;
        else
            break;
    }
    if (option != -1 || optind == argc) {
        fputs(usage, stderr);
        return ERR_USAGE;
    }
    for (int i = optind; i < argc; i++)
        passed = run_file(argv[i], &options, verbose) && passed;
    return passed ? 0 : 1;
}
