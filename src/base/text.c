// SPDX-License-Identifier: Apache-2.0
#include "base/text.h"

#include "base/utf8.h"

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

void text_add_quoted(struct text *text, const char *string)
{
    text_add(text, "\"");
    for (const uint8_t *at = (const uint8_t *)string; *at;) {
        size_t length = utf8_length(span_of(at, strnlen((const char *)at, 4)));
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
