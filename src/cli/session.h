/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One Keep with a WebAssembly program, as `run` and `deploy` start it: what it is given, what it is
 * told, and its process. Host side.
 *
 *     struct session session __attribute__((cleanup(session_release))) = SESSION_INIT;
 *     session.module = …, session.config = …, or session.package.url = …;
 *     status = session_prepare(&session, invocation, 1, err);
 *     if (status == 0)
 *         status = session_run(&session, backend, exit_status, err);
 */
#pragma once

#include "cli/attend.h"
#include "cli/command.h"
#include "cli/launch.h"
#include "exec/control.h"

struct session {
    /* What runs: files, or a package that the Keep fetches. */
    int module, config; /* owned; -1: there is none */
    struct control_package package;
    int roots; /* owned: a file of PEM; -1: none */

    bool attended; /* the Keep gets a process of its own, and this one attends it */
    bool is_keep;  /* after session_run: this is the Keep's process */
    struct attend attend;
    struct keep_times *times; /* shared by both processes */

    /* Internal. */
    struct image image;
    int control[2]; /* ours, the Keep's */
    struct grant *grants;
    struct control_dir *control_dirs;
    struct keep_dir *keep_dirs;
    size_t grant_count;
    int *fds; /* by Keep descriptor */
    size_t fd_count;
    const char **env;
    size_t env_count;
};

#define SESSION_INIT                                                                               \
    {                                                                                              \
        .module = -1, .config = -1, .roots = -1, .image = {.fd = -1}, .control = { -1, -1 }        \
    }

void session_release(struct session *session);

/* Opens a file that the Keep is given; `what` it is called in messages. */
__attribute__((warn_unused_result)) int session_open(const char *path, const char *what,
                                                     struct err *err);

/* Takes the options --dir, --env, --engine, --timings and --trap-missing-imports, and the
 * operands behind the first `skipped` ones as arguments of the program; makes the control socket
 * and fills it. */
__attribute__((warn_unused_result)) int session_prepare(struct session *session,
                                                        const struct invocation *invocation,
                                                        size_t skipped, struct err *err);

/* Runs the Keep to its end. If it is attended, it returns twice: see is_keep. */
__attribute__((warn_unused_result)) int session_run(struct session *session,
                                                    const struct backend *backend, int *exit_status,
                                                    struct err *err);
