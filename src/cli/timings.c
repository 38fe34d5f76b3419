// SPDX-License-Identifier: Apache-2.0
#include "cli/timings.h"

#include "codec/json_writer.h"

#include <stdio.h>
#include <time.h>

uint64_t timings_now(void)
{
    struct timespec time = {0};
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

struct phase {
    const char *name; /* for people */
    const char *key;  /* for JSON */
    const char *text; /* what it covers */
    uint64_t at;      /* when it was over; 0: it did not happen */
};

static void print_text(const struct phase *phases, size_t count, const struct timings *timings)
{
    uint64_t began = timings->began, ended = timings->ended, before = began;
    for (size_t i = 0; i < count; i++) {
        if (phases[i].at < before)
            continue;
        fprintf(stderr, "%-18s %10llu µs  %s\n", phases[i].name,
                (unsigned long long)(phases[i].at - before) / 1000, phases[i].text);
        before = phases[i].at;
    }
    fprintf(stderr, "%-18s %10llu µs\n", "total", (unsigned long long)(ended - began) / 1000);
    fprintf(stderr, "%-18s %10llu     functions that became machine code\n", "compiled",
            (unsigned long long)timings->exec.compiled);
}

static void print_json(const struct phase *phases, size_t count, const char *backend,
                       const struct timings *timings)
{
    char buffer[2048];
    struct text text = text_init(buffer, sizeof(buffer));
    struct json_writer json = {.text = &text};
    uint64_t began = timings->began, before = began;
    json_open(&json, NULL, '{');
    json_string(&json, "backend", backend);
    for (size_t i = 0; i < count; i++) {
        if (phases[i].at < before)
            continue;
        json_number(&json, phases[i].key, (phases[i].at - before) / 1000);
        before = phases[i].at;
    }
    json_number(&json, "total_us", (timings->ended - began) / 1000);
    json_number(&json, "compiled_functions", timings->exec.compiled);
    json_close(&json, '}');
    fprintf(stderr, "%s\n", buffer);
}

void timings_print(const struct timings *timings, const char *backend, bool json)
{
    const struct phase phases[] = {
        {"open", "open_us", "files, devices, options", timings->keep.opened},
        {"load", "load_us", "exec into the Keep's memory", timings->keep.loaded},
        {"boot", "boot_us", "until exec's first instruction", timings->exec.started},
        {"admit", "admit_us", "a certificate to fetch with", timings->exec.admitted},
        {"fetch", "fetch_us", "the package, with comparing its digests", timings->exec.fetched},
        {"validate", "validate_us", "read, decode and validate the module", timings->exec.loaded},
        {"certify", "certify_us", "the certificate that Enarx.toml wants", timings->exec.certified},
        {"first instruction", "first_instruction_us", "sockets, linking", timings->exec.entered},
        {"run", "run_us", "the program, with compiling what it calls", timings->exec.ended},
        {"end", "end_us", "taking the Keep down", timings->exec.ended ? timings->ended : 0},
    };
    size_t count = sizeof(phases) / sizeof(phases[0]);
    if (json)
        print_json(phases, count, backend, timings);
    else
        print_text(phases, count, timings);
}
