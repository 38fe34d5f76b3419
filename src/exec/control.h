/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The control document: what the host tells the exec at its start, over the control socket. What
 * follows are messages (exec/message.h). docs/control.md is the reference.
 *
 * Both sides. It is a TOML document with a NUL behind it, which the exec treats as hostile.
 */
#pragma once

#include "base/err.h"
#include "base/log.h"
#include "base/text.h"

/* Keep descriptors 0 to 2 are stdin, stdout and stderr. */
enum {
    CONTROL_FD = 3,
    CONTROL_MODULE_FD = 4,
    CONTROL_ROOTS_FD = 4,  /* in its place, with a package */
    CONTROL_CONFIG_FD = 5, /* a hole if there is no Enarx.toml */
    CONTROL_DIRS_FD = 6,   /* and those after it */
    CONTROL_FD_MAX = 255,
};

enum { CONTROL_VERSION = 2, CONTROL_SIZE_MAX = 128 * 1024 };

/* A directory that the host grants. */
struct control_dir {
    int fd;
    const char *path; /* absolute name inside the guest */
    bool read_only;
    uint64_t minimum; /* version that is demanded of what is sealed in it; 0: none is */
};

/* What runs the WebAssembly. */
enum control_engine { CONTROL_COMPILER, CONTROL_INTERP };

const char *control_engine_name(enum control_engine engine);
/* False if there is no engine of this name. */
bool control_engine_parse(const char *name, enum control_engine *engine);

/* A package that the Keep fetches itself. Nobody believes the host: the digest is what the Keep
 * proves, and what it compares with. */
struct control_package {
    const char *url;     /* of its root; NULL: there is none, module and config are handed over */
    const char *digest;  /* SHA-256 of its root in hexadecimal; NULL: whatever comes */
    const char *steward; /* URL of who certifies the Keep before it fetches; NULL: nobody */
    int roots; /* descriptor of the PEM of those who vouch for both servers; -1: http, no Steward */
};

struct control {
    enum log_level log;
    enum control_engine engine;
    bool timings;      /* a report is wanted */
    bool trap_missing; /* imports that nobody provides trap when they are called */
    bool ready;        /* a message is wanted when the program begins */
    int module;        /* descriptor, or -1 with a package */
    int config;        /* descriptor, or -1 */
    struct control_package package;
    const char **args; /* to append to argv */
    size_t arg_count;
    const char **env; /* KEY=VALUE, to append to the environment */
    size_t env_count;
    struct control_dir *dirs;
    size_t dir_count;
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

/* The digest that is wanted of the package; false: none is. */
bool control_package_digest(const struct control_package *package, uint8_t digest[32]);
