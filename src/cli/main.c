// SPDX-License-Identifier: Apache-2.0
#include "cli/command.h"

#include "base/log.h"
#include "version.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

static bool use_colour(int fd)
{
    const char *no_colour = getenv("NO_COLOR");
    const char *term = getenv("TERM");
    return isatty(fd) && !(no_colour && *no_colour) && !(term && strcmp(term, "dumb") == 0);
}

static void print_error(const struct err *err)
{
    bool colour = use_colour(STDERR_FILENO);
    fprintf(stderr, "%sError:%s %s\n", colour ? "\033[1;31m" : "", colour ? "\033[0m" : "",
            err->message);
    if (err->hint[0])
        fprintf(stderr, "%sHint:%s %s\n", colour ? "\033[1m" : "", colour ? "\033[0m" : "",
                err->hint);
}

static int start_log(const struct invocation *invocation, struct err *err)
{
    const char *target = invocation_value(invocation, "log-target");
    bool to_stdout = strcasecmp(target, "stdout") == 0;
    if (!to_stdout && strcasecmp(target, "stderr") != 0) {
        err_set(err, ERR_USAGE, 0, "unknown log target \"%s\"", target);
        err_hint(err, "The targets are stderr and stdout.");
        return -EINVAL;
    }
    log_init(invocation_value(invocation, "log-filter"), to_stdout ? STDOUT_FILENO : STDERR_FILENO);
    return 0;
}

/* Buffered output may fail as late as here: a full disk, a closed pipe. */
static int finish_output(struct err *err)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return 0;
    return err_set(err, ERR_IO, errno ? errno : EIO, "cannot write to stdout");
}

static int execute(int argc, char **argv, struct invocation *invocation, int *exit_status,
                   struct err *err)
{
    if (argc < 2) {
        help_print(&commands[0], false, stderr);
        *exit_status = ERR_USAGE;
        return 0;
    }
    int status = invocation_parse(argc, argv, invocation, err);
    if (status < 0)
        return status;
    if (invocation->wants_help || invocation->wants_short_help)
        help_print(invocation->command, invocation->wants_help, stdout);
    else if (invocation->wants_version)
        printf("enarx %s\n", ENARX_VERSION);
    else
        status = start_log(invocation, err);
    if (status == 0 && !invocation->wants_help && !invocation->wants_short_help &&
        !invocation->wants_version)
        status = invocation->command->run(invocation, exit_status, err);
    return status < 0 ? status : finish_output(err);
}

/* Whoever started us may have closed these; a file that is opened later must not take their place.
 */
static int reserve_standard_descriptors(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) != fd)
            return -1;
    }
    return 0;
}

int main(int argc, char **argv)
{
    if (reserve_standard_descriptors() < 0)
        return ERR_IO;
    struct invocation invocation = {0};
    struct err err = {0};
    int exit_status = 0;
    int status = execute(argc, argv, &invocation, &exit_status, &err);
    if (status < 0) {
        fflush(stdout);
        print_error(&err);
        exit_status = err.class ? (int)err.class : ERR_INTERNAL;
    }
    invocation_free(&invocation);
    return exit_status;
}
