/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The control socket: what the host tells the exec at its start, and what the exec reports at its
 * end. docs/control.md is the reference.
 *
 * Both sides. Each direction is one TOML document, ended by shutting the direction down. Either
 * side treats what it reads as hostile.
 */
#pragma once

#include "base/err.h"
#include "base/log.h"
#include "base/text.h"

/* Keep descriptors 0 to 2 are stdin, stdout and stderr. */
enum {
    CONTROL_FD = 3,
    CONTROL_MODULE_FD = 4,
    CONTROL_CONFIG_FD = 5, /* a hole if there is no Enarx.toml */
    CONTROL_DIRS_FD = 6,   /* and those after it */
    CONTROL_FD_MAX = 255,
};

enum { CONTROL_VERSION = 1, CONTROL_SIZE_MAX = 128 * 1024, CONTROL_REPORT_SIZE_MAX = 4096 };

/* A directory that the host grants. */
struct control_dir {
    int fd;
    const char *path; /* absolute name inside the guest */
    bool read_only;
};

/* What the host says that a name means. Nobody believes it: what travels there is protected by TLS,
 * or is not protected at all. */
struct control_host {
    const char *name, *address; /* the latter a literal of IPv4 or IPv6 */
};

/* What runs the WebAssembly. */
enum control_engine { CONTROL_COMPILER, CONTROL_INTERP };

const char *control_engine_name(enum control_engine engine);
/* False if there is no engine of this name. */
bool control_engine_parse(const char *name, enum control_engine *engine);

struct control {
    enum log_level log;
    enum control_engine engine;
    bool timings;      /* a report is wanted */
    bool trap_missing; /* imports that nobody provides trap when they are called */
    int module;        /* descriptor */
    int config;        /* descriptor, or -1 */
    const char **args; /* to append to argv */
    size_t arg_count;
    const char **env; /* KEY=VALUE, to append to the environment */
    size_t env_count;
    struct control_dir *dirs;
    size_t dir_count;
    struct control_host *hosts; /* several of one name: the best first */
    size_t host_count;
    uint64_t memory; /* bytes that a linear memory may reach; 0: the engine's default */
    uint64_t fuel;   /* units before the program is ended; 0: no limit */
    void *storage;   /* internal: holds the strings after control_parse */
};

/* Writes the host's document. What does not fit shows as text->overflow. */
void control_write(const struct control *control, struct text *text);

/*
 * Reads the host's document. Failures are of class ERR_PROTOCOL. Release with control_free.
 * Returns 0, -EINVAL, -EFBIG or -ENOMEM.
 */
__attribute__((warn_unused_result)) int control_parse(struct span text, struct control *control,
                                                      struct err *err);
void control_free(struct control *control);

/* The next address of a name behind *cursor, which begins as 0; NULL: there are no more. */
const char *control_host_next(const struct control *control, const char *name, size_t *cursor);

/* When the exec reached what; CLOCK_MONOTONIC in nanoseconds, 0 = did not happen. And what its
 * engine did. */
struct control_report {
    uint64_t started;  /* first instruction of main */
    uint64_t loaded;   /* the module is decoded and validated */
    uint64_t entered;  /* the first WebAssembly instruction is about to run */
    uint64_t ended;    /* the program is over */
    uint64_t compiled; /* functions that have become machine code */
};

void control_report_write(const struct control_report *report, struct text *text);
__attribute__((warn_unused_result)) int
control_report_parse(struct span text, struct control_report *report, struct err *err);
