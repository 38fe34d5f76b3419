/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Diagnostics: one line an event, off unless asked for.
 *
 *     log_info("enarx::keep", "backend %s", name);
 *     2026-01-02T03:04:05.678901Z  INFO enarx::keep: backend nil
 *
 * or, for programs that read logs, the same as JSON:
 *     {"time":"2026-…Z","level":"info","target":"enarx::keep","message":"backend nil"}
 *
 * Nothing secret and nothing that a guest chose is logged. Filter and format are set once, at the
 * start of the program; afterwards any thread may log.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum log_level {
    LOG_OFF,
    LOG_ERROR,
    LOG_WARN,
    LOG_INFO,
    LOG_DEBUG,
    LOG_TRACE,
};

/*
 * Sets what is logged and where. `filter` is a list, separated by commas, of `level`, `target` or
 * `target=level`, as in "warn,enarx::keep=debug"; the most specific target decides, parts that
 * cannot be understood are ignored. Levels: off, error, warn, info, debug, trace. NULL or "" logs
 * errors only. `fd` is borrowed.
 */
void log_init(const char *filter, int fd);

enum log_format { LOG_TEXT, LOG_JSON };

void log_set_format(enum log_format format);

/* The most talkative level that the filter lets through for any target. */
enum log_level log_max_level(void);

/* "off", "error", …; the names of the levels in a filter. */
const char *log_level_name(enum log_level level);
/* Finds a level by its name without regard to case. */
bool log_level_parse(const char *name, enum log_level *level);

bool log_enabled(enum log_level level, const char *target);
__attribute__((format(printf, 3, 4))) void log_write(enum log_level level, const char *target,
                                                     const char *format, ...);

/* A part of an event that has a name: ` name="value"` behind the message, or a member of the
 * object.
 */
struct log_field {
    const char *name, *value;
};

/* Logs an event with such parts. If they make the line too long, they are left out. */
void log_event(enum log_level level, const char *target, const char *message,
               const struct log_field *fields, size_t count);

#define log_error(target, ...) log_write(LOG_ERROR, target, __VA_ARGS__)
#define log_warn(target, ...)  log_write(LOG_WARN, target, __VA_ARGS__)
#define log_info(target, ...)  log_write(LOG_INFO, target, __VA_ARGS__)
#define log_debug(target, ...) log_write(LOG_DEBUG, target, __VA_ARGS__)
#define log_trace(target, ...) log_write(LOG_TRACE, target, __VA_ARGS__)
