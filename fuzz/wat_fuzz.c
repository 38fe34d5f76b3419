// SPDX-License-Identifier: Apache-2.0
/* Any bytes as a module of the text format: an error or a binary module, never a crash. */
#include "wick/text/wat.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct wat_result module = {0};
    struct err err = {0};
    if (wat_encode(span_of(data, size), &module, &err) == 0)
        wat_result_fini(&module);
    return 0;
}
