// SPDX-License-Identifier: Apache-2.0
/* libFuzzer target: any bytes as steward.toml. A refusal says why. */
#include "steward/policy.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct policy_file file;
    struct err err = {0};
    /* Names of files would lead out of here. */
    if (size > 16 && memmem(data, size, "simulation", 10))
        return 0;
    int status = policy_file_parse(span_of(data, size), "x", &file, &err);
    if (status < 0 && !err.message[0])
        abort();
    policy_file_free(&file);
    return 0;
}
