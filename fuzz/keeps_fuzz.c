// SPDX-License-Identifier: Apache-2.0
/* libFuzzer target: any bytes as what is known of a Keep; what is understood is written, and read
 * again as the same. */
#include "cli/keeps.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char buffer[64 * 1024];
    struct keep_record first, second;
    if (!keep_record_parse(span_of(data, size), &first))
        return 0;
    struct text text = text_init(buffer, sizeof(buffer));
    keep_record_write(&first, &text);
    if (text.overflow || !keep_record_parse(text_span(&text), &second) ||
        strcmp(first.what, second.what) != 0 || first.state != second.state ||
        first.pid != second.pid)
        abort();
    return 0;
}
