// SPDX-License-Identifier: Apache-2.0
#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int(err_set)(struct err *err, enum err_class class, int code, const char *format, ...)
{
    int result = code > 0 ? -code : -EINVAL;
    if (!err)
        return result;

    err->class = class;
    err->code = code;
    err->hint[0] = '\0';
    va_list args;
    va_start(args, format);
    int written = vsnprintf(err->message, sizeof(err->message), format, args);
    va_end(args);
    if (code > 0 && written >= 0 && (size_t)written < sizeof(err->message))
        snprintf(err->message + written, sizeof(err->message) - (size_t)written, ": %s",
                 strerror(code));
    return result;
}

void err_hint(struct err *err, const char *format, ...)
{
    if (!err)
        return;
    va_list args;
    va_start(args, format);
    vsnprintf(err->hint, sizeof(err->hint), format, args);
    va_end(args);
}

void err_context(struct err *err, const char *format, ...)
{
    if (!err)
        return;
    char context[ERR_MESSAGE_SIZE];
    va_list args;
    va_start(args, format);
    int length = vsnprintf(context, sizeof(context), format, args);
    va_end(args);
    if (length < 0)
        return;

    size_t prefix = (size_t)length;
    if (prefix + 3 > sizeof(err->message))
        return;
    size_t kept = strnlen(err->message, sizeof(err->message) - prefix - 3);
    memmove(err->message + prefix + 2, err->message, kept);
    err->message[prefix + 2 + kept] = '\0';
    memcpy(err->message, context, prefix);
    memcpy(err->message + prefix, ": ", 2);
}
