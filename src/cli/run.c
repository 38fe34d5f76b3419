// SPDX-License-Identifier: Apache-2.0
/* enarx run: a WebAssembly module from a file, in a Keep. */
#include "base/cleanup.h"
#include "cli/command.h"
#include "cli/session.h"
#include "cli/timings.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The Enarx.toml in the directory of the module. */
static int open_beside(const char *module, struct err *err)
{
    static const char name[] = "Enarx.toml";
    const char *slash = strrchr(module, '/');
    size_t directory = slash ? (size_t)(slash + 1 - module) : 0;
    autofree char *path = malloc(directory + sizeof(name));
    if (!path)
        return err_set(err, ERR_IO, ENOMEM, "look for Enarx.toml");
    memcpy(path, module, directory);
    memcpy(path + directory, name, sizeof(name));
    return session_open(path, "configuration", err);
}

static int open_config(struct session *session, const struct invocation *invocation,
                       struct err *err)
{
    bool beside = invocation_flag(invocation, "config-beside");
    const char *path = invocation_value(invocation, "wasmcfgfile");
    if (beside && path) {
        err_set(err, ERR_USAGE, 0, "--config-beside and --wasmcfgfile contradict each other");
        err_hint(err, "Give one of them; ENARX_WASMCFGFILE counts as --wasmcfgfile.");
        return -EINVAL;
    }
    if (!beside && !path)
        return 0;
    session->config = beside ? open_beside(invocation->operands[0], err)
                             : session_open(path, "configuration", err);
    return session->config < 0 ? session->config : 0;
}

static int prepare(struct session *session, const struct invocation *invocation, struct err *err)
{
    session->module = session_open(invocation->operands[0], "module", err);
    int status = session->module < 0 ? session->module : open_config(session, invocation, err);
    session->attended = session->config >= 0; /* only an Enarx.toml has names to look up */
    return status == 0 ? session_prepare(session, invocation, 1, err) : status;
}

int command_run(const struct invocation *invocation, int *exit_status, struct err *err)
{
    struct timings timings = {.began = timings_now()};
    struct session session __attribute__((cleanup(session_release))) = SESSION_INIT;
    const struct backend *backend = backend_find(invocation_value(invocation, "backend"), err);
    if (!backend)
        return -EINVAL;
    int status = prepare(&session, invocation, err);
    if (status == 0)
        status = session_run(&session, backend, exit_status, err);
    timings.ended = timings_now();
    timings.exec = session.attend.report;
    if (status == 0 && !session.is_keep && timings.exec.started > 0) {
        timings.keep = *session.times;
        timings_print(&timings, backend->name, invocation_flag(invocation, "json"));
    }
    return status;
}
