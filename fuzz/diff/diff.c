/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wick-diff FIRST COUNT DIRECTORY: generates the modules of COUNT seeds from FIRST on, runs each in
 * every engine of libwick and compares. Leaves SEED.wasm and its transcript SEED.txt in the
 * directory for other engines to do the same (v8.mjs). Exit status 1 if two differ.
 */
#include "diff/engines.h"
#include "diff/generate.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHOICES_MAX = 4096 };

static bool save(const char *directory, uint64_t seed, const char *suffix, struct span content)
{
    char path[4096];
    snprintf(path, sizeof(path), "%s/%" PRIu64 ".%s", directory, seed, suffix);
    FILE *file = fopen(path, "wb");
    bool written = file && fwrite(content.data, 1, content.size, file) == content.size;
    if (file && fclose(file))
        written = false;
    if (!written)
        perror(path);
    return written;
}

static bool run_seed(uint64_t seed, const char *directory)
{
    uint8_t choices[CHOICES_MAX];
    size_t size = 64 + seed * 97 % (CHOICES_MAX - 64);
    char transcript[TRANSCRIPT_SIZE], other[TRANSCRIPT_SIZE];
    struct bytes module = {0};
    choices_from_seed(seed, choices, size);
    module_generate(span_of(choices, size), &module);
    bool agree = engines_agree(bytes_span(&module), transcript, other);
    if (!agree)
        printf("seed %" PRIu64 ": engines differ\n--- interp\n%s--- other\n%s", seed, transcript,
               other);
    bool refused = strncmp(transcript, "refused", 7) == 0;
    if (refused)
        printf("seed %" PRIu64 ": %s", seed, transcript);
    bool saved = save(directory, seed, "wasm", bytes_span(&module)) &&
                 save(directory, seed, "txt", span_of(transcript, strlen(transcript)));
    bytes_fini(&module);
    return agree && !refused && saved;
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        fprintf(stderr, "usage: wick-diff FIRST COUNT DIRECTORY\n");
        return 2;
    }
    uint64_t first = strtoull(argv[1], NULL, 10), count = strtoull(argv[2], NULL, 10), failed = 0;
    for (uint64_t seed = first; seed < first + count; seed++)
        failed += !run_seed(seed, argv[3]);
    printf("%" PRIu64 " modules, %" PRIu64 " with a difference\n", count, failed);
    return failed ? 1 : 0;
}
