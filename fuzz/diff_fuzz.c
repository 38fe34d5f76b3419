// SPDX-License-Identifier: Apache-2.0
/* Any bytes as the choices of a generated module, which is valid and does the same in all engines.
 */
#include "diff/engines.h"
#include "diff/generate.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char transcript[TRANSCRIPT_SIZE], other[TRANSCRIPT_SIZE];
    struct bytes module = {0};
    module_generate(span_of(data, size), &module);
    if (module.failed || !engines_agree(bytes_span(&module), transcript, other) ||
        strncmp(transcript, "refused", 7) == 0)
        abort();
    bytes_fini(&module);
    return 0;
}
