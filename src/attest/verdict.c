// SPDX-License-Identifier: Apache-2.0
#include "attest/verdict.h"

#include "codec/base64.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void verdict_sanitise(char *text)
{
    for (; *text; text++) {
        if ((unsigned char)*text < 0x20 || (unsigned char)*text >= 0x7F)
            *text = '?';
    }
}

int verdict_refuse(struct attest_verdict *verdict, enum attest_code code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(verdict->reason, sizeof(verdict->reason), format, args);
    va_end(args);
    verdict_sanitise(verdict->reason);
    verdict->code = code;
    return -EACCES;
}

void verdict_warn(struct attest_verdict *verdict, const char *format, ...)
{
    if (verdict->warning_count == ATTEST_WARNINGS_MAX)
        return;
    char *warning = verdict->warnings[verdict->warning_count++];
    va_list args;
    va_start(args, format);
    vsnprintf(warning, sizeof(verdict->warnings[0]), format, args);
    va_end(args);
}

void verdict_window(struct attest_verdict *verdict, int64_t from, int64_t until)
{
    if (from > verdict->valid_from)
        verdict->valid_from = from;
    if (until < verdict->valid_until)
        verdict->valid_until = until;
}

struct hex hex_of(const void *data, size_t size)
{
    struct hex hex;
    size_t shown = size < 64 ? size : 64;
    hex_encode(span_of(data, shown), hex.text);
    return hex;
}

bool list_has(const struct attest_list *list, const uint8_t *value, size_t size)
{
    for (size_t i = 0; i < list->count; i++) {
        if (memcmp(list->items + i * size, value, size) == 0)
            return true;
    }
    return false;
}

bool strings_have(const struct attest_strings *strings, struct span value)
{
    for (size_t i = 0; i < strings->count; i++) {
        if (span_equal(span_of(strings->items[i], strlen(strings->items[i])), value))
            return true;
    }
    return false;
}
