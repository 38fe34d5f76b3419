// SPDX-License-Identifier: Apache-2.0
/* enarx unstable exec: any static program in place of the built-in exec. */
#include "cli/command.h"
#include "cli/launch.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

static size_t count_dirs(const struct invocation *invocation)
{
    size_t cursor = 0, count = 0;
    while (invocation_next(invocation, "dir", &cursor))
        count++;
    return count;
}

static int run_image(const struct invocation *invocation, const struct keep_dir *dirs,
                     int *exit_status, struct err *err)
{
    const struct backend *backend = backend_find(invocation_value(invocation, "backend"), err);
    if (!backend)
        return -EINVAL;
    struct image image __attribute__((cleanup(image_close)));
    int status = image_open_file(&image, invocation->operands[0], err);
    if (status < 0)
        return status;
    static const char *const no_environment[] = {NULL};
    static const int fds[] = {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO};
    struct keep_launch launch = {
        .exec_fd = image.fd,
        .exec_size = image.size,
        .argv = invocation->operands,
        .envp = no_environment,
        .fds = fds,
        .fd_count = sizeof(fds) / sizeof(fds[0]),
        .dirs = dirs,
    };
    return backend->run(&launch, exit_status, err);
}

int command_exec(const struct invocation *invocation, int *exit_status, struct err *err)
{
    size_t count = count_dirs(invocation), parsed = 0, cursor = 0;
    struct keep_dir *dirs = calloc(count + 1, sizeof(*dirs));
    struct grant *grants = calloc(count + 1, sizeof(*grants));
    int status = dirs && grants ? 0 : err_set(err, ERR_IO, ENOMEM, "read the options");
    for (; status == 0 && dirs && grants && parsed < count; parsed++) {
        struct grant *grant = &grants[parsed];
        status = grant_parse(invocation_next(invocation, "dir", &cursor), false, grant, err);
        dirs[parsed] = (struct keep_dir){grant->host, grant->read_only};
    }
    if (status == 0)
        status = run_image(invocation, dirs, exit_status, err);
    for (size_t i = 0; i < parsed; i++)
        grant_free(&grants[i]);
    free(grants);
    free(dirs);
    return status;
}
