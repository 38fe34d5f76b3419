// SPDX-License-Identifier: Apache-2.0
#include "wick/tool/tool.h"

#include "base/cleanup.h"
#include "wick/text/wast.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

enum { MAX_LINES = 64 };

struct settings {
    struct wast_options options;
    unsigned lines[MAX_LINES];
    bool heap_stress;
    const char *engine;
    const char *path; /* of the file that runs; NULL: say nothing about failures */
};

static void report(void *env, unsigned line, const char *message)
{
    const struct settings *settings = env;
    if (settings->path)
        fprintf(stderr, "%s:%u: %s\n", settings->path, line, message);
}

/* True if every command of the file passed. */
static bool run_file(const char *path, struct settings *settings)
{
    struct wast_options *options = &settings->options;
    autofree uint8_t *data = NULL;
    size_t size = 0;
    struct err err = {0};
    struct wast_counts counts = {0};
    int status = tool_read_file(path, &data, &size, &err);
    options->config = wasm_config_new();
    if (status == 0)
        status = tool_set_engine(options->config, settings->engine, &err);
    wick_config_set_heap_stress(options->config, settings->heap_stress);
    if (status == 0)
        status = wast_run(span_of(data, size), options, &counts, &err);
    if (status)
        fprintf(stderr, "%s: %s\n", path, err.message);
    printf("%s: %u passed, %u failed, %u skipped%s\n", path, counts.passed, counts.failed,
           counts.skipped, status ? ", then given up" : "");
    fflush(stdout);
    return status == 0 && counts.failed == 0;
}

/* Reads "12,34": false if it is anything else. */
static bool read_lines(const char *text, struct settings *settings)
{
    size_t count = 0;
    do {
        char *end;
        errno = 0;
        unsigned long line = strtoul(text, &end, 10);
        if (end == text || errno || line > UINT_MAX || count == MAX_LINES)
            return false;
        settings->lines[count++] = (unsigned)line;
        text = end;
    } while (*text++ == ',');
    settings->options.left_out = settings->lines;
    settings->options.left_out_count = count;
    return text[-1] == '\0';
}

int cmd_wast(int argc, char **argv, struct err *err)
{
    struct settings settings = {.options = {.report = report, .env = &settings},
                                .engine = "compiler"};
    bool verbose = false;
    int option;
    while ((option = getopt(argc, argv, "e:gps:vw")) != -1) {
        settings.heap_stress |= option == 'g';
        settings.options.partly |= option == 'p';
        settings.options.check_words |= option == 'w';
        verbose |= option == 'v';
        settings.engine = option == 'e' ? optarg : settings.engine;
        if (option == 's' && !read_lines(optarg, &settings)) {
            err_set(err, ERR_USAGE, 0, "-s %s: lines are numbers with commas between", optarg);
            return ERR_USAGE;
        }
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
        passed = run_file(argv[i], &settings) && passed;
    }
    return passed ? 0 : 1;
}
