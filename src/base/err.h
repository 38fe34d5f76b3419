/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Errors that a person will read.
 *
 * A function that can fail in a way that a user sees takes a caller-owned `struct err *` as its
 * last parameter and returns 0 or -errno. The first failure fills it with a sentence (what failed,
 * on what, why) and, where there is one, a hint (what to do). Each layer above may prepend context
 * once. Only main() prints. On success the object is left as it was.
 *
 * The class decides the exit status of a command. Functions accept a NULL `struct err *`.
 */
#pragma once

#include <stddef.h>

/* The exit statuses are part of the interface (docs/exit-status.md) and begin at 120, so that
 * they do not collide with those of ordinary guests, which are passed through. */
enum err_class {
    ERR_NONE = 0,
    ERR_USAGE = 120,    /* the command line is wrong */
    ERR_CONFIG = 121,   /* Enarx.toml or another configuration file is wrong */
    ERR_MODULE = 122,   /* the WebAssembly module or the ELF binary cannot be run */
    ERR_BACKEND = 123,  /* the backend is unknown, absent or misconfigured */
    ERR_IO = 124,       /* the host refused: file, socket, memory */
    ERR_PROTOCOL = 125, /* Keep and host do not agree: the Keep was ended */
    ERR_TRAP = 126,     /* the WebAssembly program trapped */
    ERR_LIMIT = 127,    /* the program ran into a limit: fuel, deadline, memory */
    ERR_INTERNAL = 128, /* a defect of ours */
};

enum { ERR_MESSAGE_SIZE = 768, ERR_HINT_SIZE = 256 };

struct err {
    enum err_class class;
    int code;                       /* an errno value, or 0 */
    char message[ERR_MESSAGE_SIZE]; /* NUL-terminated, no trailing full stop or newline */
    char hint[ERR_HINT_SIZE];       /* NUL-terminated, may be empty */
};

/* Records a failure. `code` is a positive errno value (0 if none fits); its text is appended to the
 * message. Returns -code, or -EINVAL when code is 0, so that callers can `return err_set(…)`. */
__attribute__((format(printf, 4, 5))) int err_set(struct err *err, enum err_class class, int code,
                                                  const char *format, ...);

#ifdef __clang_analyzer__ /* cannot see that the result is never 0 */
#define err_set(...) ((err_set)(__VA_ARGS__), -1)
#endif

/* Sets the hint: one sentence that says what to do. */
__attribute__((format(printf, 2, 3))) void err_hint(struct err *err, const char *format, ...);

/* Prepends "context: " to the message. */
__attribute__((format(printf, 2, 3))) void err_context(struct err *err, const char *format, ...);
