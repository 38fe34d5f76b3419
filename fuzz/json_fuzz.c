// SPDX-License-Identifier: Apache-2.0
/* libFuzzer target: any bytes as JSON. Every value inside of one that was accepted must be accepted
 * by itself and end where the walk says. */
#include "codec/json.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void walk(struct span value, unsigned depth)
{
    struct span again;
    if (depth > JSON_DEPTH_MAX || json_parse(value, &again) < 0 || !span_equal(again, value))
        abort();
    struct json_member member;
    struct json_cursor members = json_members(value), elements = json_elements(value);
    while (json_next(&members, &member))
        walk(member.value, depth + 1);
    while (json_next(&elements, &member)) {
        if (member.key.size > 0)
            abort();
        walk(member.value, depth + 1);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span value;
    if (size <= 4096 && json_parse(span_of(data, size), &value) == 0)
        walk(value, 0);
    return 0;
}
