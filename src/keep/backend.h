/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A backend builds a Keep around an exec image and serves its calls until it ends.
 *
 * Host side. One `const struct backend` per kind of Keep, all listed in keep/backends.c in the
 * order in which an unnamed backend is chosen: the strongest first.
 */
#pragma once

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One line of `enarx platform info`. */
struct probe {
    const char *name; /* a fixed text, for example "Driver: /dev/kvm" */
    bool pass;
    bool configuration; /* how the machine is set up rather than what it is; the caller sets it */
    char info[128];     /* what was found, may be empty */
    char hint[256];     /* what to do if it did not pass, may be empty */
};

enum { PROBES_MAX = 24 };

struct probe_report {
    struct probe probes[PROBES_MAX];
    size_t count;
};

/* Appends a line and returns it, so that the caller can fill info and hint with snprintf. */
struct probe *probe_add(struct probe_report *report, const char *name, bool pass);

/* Whether all probes passed. */
bool probe_usable(const struct probe_report *report);
/* Whether all probes passed that are not configuration: the machine could, if it were set up. */
bool probe_available(const struct probe_report *report);

/* The phases of a launch, for --timings. CLOCK_MONOTONIC in nanoseconds, 0 = did not happen.
 * The exec reports its own phases over the control socket (docs/control.md). */
struct keep_times {
    uint64_t opened; /* host files and devices are open */
    uint64_t loaded; /* the Keep's memory holds shim and exec */
    uint64_t booted; /* the first instruction of exec is about to run */
};

/* A host directory below which the Keep may open files. */
struct keep_dir {
    const char *path;
    bool read_only;
};

struct keep_launch {
    int exec_fd;             /* the ELF image is read from this file … */
    uint64_t exec_offset;    /* … beginning at this byte, a multiple of 4096 */
    uint64_t exec_size;      /* bytes */
    const char *const *argv; /* NULL-terminated; argv[0] is conventional */
    const char *const *envp; /* NULL-terminated */
    const int *fds;          /* host descriptors given to the Keep: Keep descriptor i is fds[i]; */
    size_t fd_count;         /* -1 leaves a hole. Borrowed for the time of the run. */
    const struct keep_dir *dirs; /* ends with a NULL path; NULL if there are none */
    struct keep_times *times;    /* filled when not NULL */
};

struct backend {
    const char *name;
    const char *guarantee; /* one sentence: what it protects from whom */
    bool confidential;     /* memory is hidden from the host */

    /* Says what the machine has. All must pass for the backend to be usable. */
    void (*probe)(struct probe_report *report);

    /* Runs the Keep to its end. On 0 *exit_status is what exec passed to exit_group (0…255), or 128
     * plus the number of the signal that killed it. A Keep that could not be built or that broke
     * the protocol returns -errno with *err filled. */
    int (*run)(const struct keep_launch *launch, int *exit_status, struct err *err);
};

extern const struct backend backend_nil;
extern const struct backend backend_kvm;

/* All backends, strongest first, NULL-terminated. */
extern const struct backend *const backends[];

/* Finds a backend by name, or the strongest usable one if `name` is NULL. NULL with *err filled if
 * there is none. */
const struct backend *backend_find(const char *name, struct err *err);
