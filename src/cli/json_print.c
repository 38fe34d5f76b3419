// SPDX-License-Identifier: Apache-2.0
#include "cli/json_print.h"

#include "codec/json.h"

#include <stdio.h>

/* JSON itself has no bare control characters below 0x20. */
static void print_bytes(struct span bytes)
{
    for (size_t i = 0; i < bytes.size; i++) {
        uint8_t byte = bytes.data[i];
        if (byte == 0x7F) {
            fputs("\\u007f", stdout);
        } else if (byte == 0xC2 && i + 1 < bytes.size && bytes.data[i + 1] < 0xA0) {
            printf("\\u00%02x", bytes.data[++i]);
        } else {
            putchar(byte);
        }
    }
}

static void print_value(struct span value, int depth)
{
    bool object = value.data[0] == '{', filled = false;
    struct json_member member;
    if (!object && value.data[0] != '[') {
        print_bytes(value);
        return;
    }
    putchar(value.data[0]);
    struct json_cursor cursor = object ? json_members(value) : json_elements(value);
    while (json_next(&cursor, &member)) {
        printf("%s\n%*s", filled ? "," : "", 2 * (depth + 1), "");
        filled = true;
        if (object) {
            putchar('"');
            print_bytes(member.key);
            fputs("\": ", stdout);
        }
        print_value(member.value, depth + 1);
    }
    if (filled)
        printf("\n%*s", 2 * depth, "");
    putchar(object ? '}' : ']');
}

void json_print(struct span value)
{
    print_value(value, 0);
    putchar('\n');
}
