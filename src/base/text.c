// SPDX-License-Identifier: Apache-2.0
#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct text text_init(char *buffer, size_t capacity)
{
    buffer[0] = '\0';
    return (struct text){.data = buffer, .capacity = capacity};
}

void text_add_span(struct text *text, struct span span)
{
    size_t room = text->capacity - 1 - text->size;
    size_t copied = span.size;
    if (copied > room) {
        copied = room;
        text->overflow = true;
    }
    if (copied == 0)
        return;
    memcpy(text->data + text->size, span.data, copied);
    text->size += copied;
    text->data[text->size] = '\0';
}

void text_add(struct text *text, const char *string)
{
    text_add_span(text, span_of(string, strlen(string)));
}

void text_printf(struct text *text, const char *format, ...)
{
    size_t room = text->capacity - text->size;
    va_list args;
    va_start(args, format);
    int length = vsnprintf(text->data + text->size, room, format, args);
    va_end(args);
    if (length < 0 || (size_t)length >= room) {
        text->overflow = true;
        text->size = text->capacity - 1;
        return;
    }
    text->size += (size_t)length;
}

/* Length of the UTF-8 sequence at `bytes`, which ends with NUL; 0 if it is not well-formed. */
static size_t sequence_length(const uint8_t *bytes)
{
    static const struct {
        uint8_t first_low, first_high, second_low, second_high, length;
    } forms[] = {
        {0x01, 0x7F, 0x00, 0xFF, 1}, {0xC2, 0xDF, 0x80, 0xBF, 2}, {0xE0, 0xE0, 0xA0, 0xBF, 3},
        {0xE1, 0xEC, 0x80, 0xBF, 3}, {0xED, 0xED, 0x80, 0x9F, 3}, {0xEE, 0xEF, 0x80, 0xBF, 3},
        {0xF0, 0xF0, 0x90, 0xBF, 4}, {0xF1, 0xF3, 0x80, 0xBF, 4}, {0xF4, 0xF4, 0x80, 0x8F, 4},
    };
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        if (bytes[0] < forms[i].first_low || bytes[0] > forms[i].first_high)
            continue;
        if (bytes[1] < forms[i].second_low || bytes[1] > forms[i].second_high)
            return 0;
        for (size_t k = 2; k < forms[i].length; k++) {
            if ((bytes[k] & 0xC0) != 0x80)
                return 0;
        }
        return forms[i].length;
    }
    return 0;
}

void text_add_quoted(struct text *text, const char *string)
{
    text_add(text, "\"");
    for (const uint8_t *at = (const uint8_t *)string; *at;) {
        size_t length = sequence_length(at);
        if (length == 0)
            text_add(text, "\xEF\xBF\xBD");
        else if (*at == '"' || *at == '\\')
            text_printf(text, "\\%c", *at);
        else if (*at < 0x20 || *at == 0x7F)
            text_printf(text, "\\u%04x", *at);
        else
            text_add_span(text, span_of(at, length));
        at += length ? length : 1;
    }
    text_add(text, "\"");
}
