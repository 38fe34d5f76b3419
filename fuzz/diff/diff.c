/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wick-diff FIRST COUNT DIRECTORY: generates the modules of COUNT seeds from FIRST on, runs each in
 * every engine of libwick and compares. Leaves SEED.wasm and its transcript SEED.txt in the
 * directory for other engines to do the same (v8.mjs). wick-diff NAME.wasm DIRECTORY does so with a
 * module that was generated once. Exit status 1 if two differ.
 */
#include "diff/engines.h"
#include "diff/generate.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHOICES_MAX = 32768 };

static bool save(const char *directory, const char *name, const char *suffix, struct span content)
{
    char path[4096];
    snprintf(path, sizeof(path), "%s/%s.%s", directory, name, suffix);
    FILE *file = fopen(path, "wb");
    bool written = file && fwrite(content.data, 1, content.size, file) == content.size;
    if (file && fclose(file))
        written = false;
    if (!written)
        perror(path);
    return written;
}

static bool run_module(struct span module, const char *name, const char *directory)
{
    char transcript[TRANSCRIPT_SIZE], other[TRANSCRIPT_SIZE];
    bool agree = engines_agree(module, transcript, other);
    if (!agree)
        printf("%s: engines differ\n--- interp\n%s--- other\n%s", name, transcript, other);
    bool refused = strncmp(transcript, "refused", 7) == 0;
    if (refused)
        printf("%s: %s", name, transcript);
    return save(directory, name, "wasm", module) &&
           save(directory, name, "txt", span_of(transcript, strlen(transcript))) && agree &&
           !refused;
}

static bool run_seed(uint64_t seed, const char *directory)
{
    uint8_t choices[CHOICES_MAX];
    size_t size = 64 + seed * 97 % (CHOICES_MAX - 64);
    char name[24];
    struct bytes module = {0};
    snprintf(name, sizeof(name), "%" PRIu64, seed);
    choices_from_seed(seed, choices, size);
    module_generate(span_of(choices, size), &module);
    bool passed = run_module(bytes_span(&module), name, directory);
    bytes_fini(&module);
    return passed;
}

static bool run_file(const char *path, const char *directory)
{
    static uint8_t bytes[1 << 20];
    FILE *file = fopen(path, "rb");
    size_t size = file ? fread(bytes, 1, sizeof(bytes), file) : 0;
    if (!file || fclose(file)) {
        perror(path);
        return false;
    }
    const char *slash = strrchr(path, '/');
    char name[256];
    snprintf(name, sizeof(name), "%s", slash ? slash + 1 : path);
    char *dot = strrchr(name, '.');
    if (dot)
        *dot = '\0';
    return run_module(span_of(bytes, size), name, directory);
}

int main(int argc, char **argv)
{
    if (argc == 3)
        return run_file(argv[1], argv[2]) ? 0 : 1;
    if (argc != 4) {
        fprintf(stderr,
                "usage: wick-diff FIRST COUNT DIRECTORY\n       wick-diff MODULE DIRECTORY\n");
        return 2;
    }
    uint64_t first = strtoull(argv[1], NULL, 10), count = strtoull(argv[2], NULL, 10), failed = 0;
    for (uint64_t seed = first; seed < first + count; seed++)
        failed += !run_seed(seed, argv[3]);
    printf("%" PRIu64 " modules, %" PRIu64 " with a difference\n", count, failed);
    return failed ? 1 : 0;
}
