// SPDX-License-Identifier: Apache-2.0
#include "base/log.h"

#include "base/text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

/* A message fits into a line even if each of its characters is written as \u0000. */
enum { DIRECTIVES_MAX = 16, TARGET_SIZE = 48, MESSAGE_SIZE = 768, LINE_SIZE = 8192 };

struct event {
    enum log_level level;
    const char *target, *message;
    const struct log_field *fields;
    size_t count;
};

struct directive {
    char target[TARGET_SIZE]; /* "" is every target */
    enum log_level level;
};

static struct {
    struct directive directives[DIRECTIVES_MAX];
    size_t count;
    int fd;
    enum log_format format;
} filter = {.directives = {{"", LOG_ERROR}}, .count = 1, .fd = STDERR_FILENO};

static const char *const level_names[] = {"off", "error", "warn", "info", "debug", "trace"};
enum { LEVELS = sizeof(level_names) / sizeof(level_names[0]) };

const char *log_level_name(enum log_level level)
{
    return level_names[level];
}

bool log_level_parse(const char *name, enum log_level *level)
{
    for (size_t i = 0; i < LEVELS; i++) {
        if (strcasecmp(name, level_names[i]) == 0) {
            *level = (enum log_level)i;
            return true;
        }
    }
    return false;
}

/* `word` is one directive, NUL-terminated, and may be written to. */
static void add_directive(char *word)
{
    struct directive directive = {.level = LOG_TRACE};
    char *equals = strchr(word, '=');
    if (equals) {
        *equals = '\0';
        if (!log_level_parse(equals + 1, &directive.level))
            return;
    }
    if (equals || !log_level_parse(word, &directive.level)) {
        if (strlen(word) >= TARGET_SIZE)
            return;
        strcpy(directive.target, word);
    }
    if (filter.count < DIRECTIVES_MAX)
        filter.directives[filter.count++] = directive;
}

void log_init(const char *text, int fd)
{
    filter.directives[0] = (struct directive){"", LOG_ERROR};
    filter.count = 1;
    filter.fd = fd;
    while (text && *text) {
        size_t size = strcspn(text, ",");
        char word[2 * TARGET_SIZE];
        if (size > 0 && size < sizeof(word)) {
            memcpy(word, text, size);
            word[size] = '\0';
            add_directive(word);
        }
        text += size + (text[size] == ',');
    }
}

/* Whether the target is the directive's, or below it: a::b is below a. */
static bool covers(const struct directive *directive, const char *target)
{
    size_t size = strlen(directive->target);
    return size == 0 || (strncmp(directive->target, target, size) == 0 &&
                         (target[size] == '\0' || target[size] == ':'));
}

void log_set_format(enum log_format format)
{
    filter.format = format;
}

bool log_enabled(enum log_level level, const char *target)
{
    enum log_level allowed = LOG_OFF;
    size_t longest = 0;
    for (size_t i = 0; i < filter.count; i++) {
        const struct directive *directive = &filter.directives[i];
        size_t size = strlen(directive->target);
        if (covers(directive, target) && size >= longest) {
            longest = size;
            allowed = directive->level;
        }
    }
    return level != LOG_OFF && level <= allowed;
}

enum log_level log_max_level(void)
{
    enum log_level level = LOG_OFF;
    for (size_t i = 0; i < filter.count; i++) {
        bool replaced = i == 0 && filter.count > 1 && filter.directives[1].target[0] == '\0';
        if (!replaced && filter.directives[i].level > level)
            level = filter.directives[i].level;
    }
    return level;
}

/* "2026-01-02T03:04:05.678901Z" */
static void add_time(struct text *text)
{
    struct timespec now = {0};
    struct tm parts = {0};
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &parts);
    text_printf(text, "%04d-%02d-%02dT%02d:%02d:%02d.%06ldZ", parts.tm_year + 1900,
                parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec,
                now.tv_nsec / 1000);
}

static void add_member(struct text *text, const char *name, const char *value)
{
    text_add(text, ",");
    text_add_quoted(text, name);
    text_add(text, ":");
    text_add_quoted(text, value);
}

static void add_json(struct text *text, const struct event *event)
{
    text_add(text, "{\"time\":\"");
    add_time(text);
    text_add(text, "\"");
    add_member(text, "level", log_level_name(event->level));
    add_member(text, "target", event->target);
    add_member(text, "message", event->message);
    for (size_t i = 0; i < event->count; i++)
        add_member(text, event->fields[i].name, event->fields[i].value);
    text_add(text, "}\n");
}

static void add_text(struct text *text, const struct event *event)
{
    static const char *const labels[] = {"OFF", "ERROR", " WARN", " INFO", "DEBUG", "TRACE"};
    add_time(text);
    text_printf(text, " %s %s: %s", labels[event->level], event->target, event->message);
    for (size_t i = 0; i < event->count; i++) {
        text_printf(text, " %s=", event->fields[i].name);
        text_add_quoted(text, event->fields[i].value);
    }
    text_add(text, "\n");
}

void log_event(enum log_level level, const char *target, const char *message,
               const struct log_field *fields, size_t count)
{
    static void (*const formats[])(struct text *, const struct event *) = {add_text, add_json};
    if (!log_enabled(level, target))
        return;
    int saved = errno;
    struct event event = {level, target, message, fields, count};
    char line[LINE_SIZE];
    struct text text = text_init(line, sizeof(line));
    formats[filter.format](&text, &event);
    if (text.overflow) {
        text = text_init(line, sizeof(line));
        event.count = 0;
        formats[filter.format](&text, &event);
    }
    if (write(filter.fd, line, text.size) < 0) {
        /* There is nowhere left to say so. */
    }
    errno = saved;
}

void log_write(enum log_level level, const char *target, const char *format, ...)
{
    char message[MESSAGE_SIZE];
    if (!log_enabled(level, target))
        return;
    int saved = errno; /* formats may have %m */
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    errno = saved;
    log_event(level, target, message, NULL, 0);
}
