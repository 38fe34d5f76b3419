// SPDX-License-Identifier: Apache-2.0
#include "wick/tool/tool.h"

#include "base/cleanup.h"
#include "wick/text/wast.h"

#include <stdio.h>

struct settings {
    struct wast_options options;
    const char *path; /* of the file that runs; NULL: say nothing about failures */
};

static void report(void *env, unsigned line, const char *message)
{
    const struct settings *settings = env;
    if (settings->path)
        fprintf(stderr, "%s:%u: %s\n", settings->path, line, message);
}

/* True if every command of the file passed. */
static bool run_file(const char *path, const struct wast_options *options)
{
    autofree uint8_t *data = NULL;
    size_t size = 0;
    struct err err = {0};
    struct wast_counts counts = {0};
    int status = tool_read_file(path, &data, &size, &err);
    if (status == 0)
        status = wast_run(span_of(data, size), options, &counts, &err);
    if (status)
        fprintf(stderr, "%s: %s\n", path, err.message);
    printf("%s: %u passed, %u failed, %u skipped%s\n", path, counts.passed, counts.failed,
           counts.skipped, status ? ", then given up" : "");
    fflush(stdout);
    return status == 0 && counts.failed == 0;
}

int cmd_wast(int argc, char **argv, struct err *err)
{
    struct settings settings = {.options = {.report = report, .env = &settings}};
    bool verbose = false;
    int option;
    while ((option = getopt(argc, argv, "gpvw")) != -1) {
        settings.options.heap_stress |= option == 'g';
        settings.options.partly |= option == 'p';
        settings.options.check_words |= option == 'w';
        verbose |= option == 'v';
        if (option == '?')
            return ERR_USAGE; /* getopt() has said why */
    }
    if (optind == argc) {
        err_set(err, ERR_USAGE, 0, "no file was given");
        return ERR_USAGE;
    }
    bool passed = true;
    for (int i = optind; i < argc; i++) {
        settings.path = verbose ? argv[i] : NULL;
        passed = run_file(argv[i], &settings.options) && passed;
    }
    return passed ? 0 : 1;
}
