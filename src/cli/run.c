// SPDX-License-Identifier: Apache-2.0
/* enarx run: a WebAssembly module from a file, in a Keep. */
#include "base/cleanup.h"
#include "base/log.h"
#include "cli/command.h"
#include "cli/hosts.h"
#include "cli/launch.h"
#include "cli/timings.h"
#include "exec/config.h"
#include "exec/control.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

enum { GRANTS_MAX = CONTROL_FD_MAX - CONTROL_DIRS_FD + 1 };

/* All that one run owns. */
struct run {
    struct image image;
    int module, config; /* config is -1 if there is none */
    int control[2];     /* ours, the Keep's */
    struct grant *grants;
    struct control_dir *control_dirs;
    struct keep_dir *keep_dirs;
    size_t grant_count;
    int *fds; /* by Keep descriptor */
    size_t fd_count;
    const char **env;
    size_t env_count;
    struct hosts hosts;
};

static void run_release(struct run *run)
{
    image_close(&run->image);
    for (size_t i = CONTROL_DIRS_FD; i < run->fd_count; i++)
        cleanup_close(&run->fds[i]);
    cleanup_close(&run->module);
    cleanup_close(&run->config);
    cleanup_close(&run->control[0]);
    cleanup_close(&run->control[1]);
    for (size_t i = 0; i < run->grant_count; i++)
        grant_free(&run->grants[i]);
    free(run->grants);
    free(run->control_dirs);
    free(run->keep_dirs);
    free(run->fds);
    free((void *)run->env);
    hosts_free(&run->hosts);
}

/* --- Opening what the Keep is given ---------------------------------------------------------- */

static int open_file(const char *path, const char *what, struct err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return err_set(err, ERR_IO, errno, "cannot open the %s %s", what, path);
    struct stat status;
    if (fstat(fd, &status) == 0 && S_ISDIR(status.st_mode)) {
        close(fd);
        return err_set(err, ERR_IO, EISDIR, "cannot open the %s %s", what, path);
    }
    return fd;
}

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
    return open_file(path, "configuration", err);
}

static int open_config(struct run *run, const struct invocation *invocation, struct err *err)
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
    run->config =
        beside ? open_beside(invocation->operands[0], err) : open_file(path, "configuration", err);
    return run->config < 0 ? run->config : 0;
}

static size_t count_values(const struct invocation *invocation, const char *name)
{
    size_t cursor = 0, count = 0;
    while (invocation_next(invocation, name, &cursor))
        count++;
    return count;
}

static int open_grant(struct run *run, const char *text, struct err *err)
{
    struct grant *grant = &run->grants[run->grant_count];
    int status = grant_parse(text, true, grant, err);
    if (status < 0)
        return status;
    size_t index = run->grant_count++;
    for (size_t i = 0; i < index; i++) {
        if (strcmp(run->grants[i].guest, grant->guest) == 0)
            return err_set(err, ERR_USAGE, 0, "the directory name %s is granted twice",
                           grant->guest);
    }
    int fd = open(grant->host, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return err_set(err, ERR_IO, errno, "cannot open the directory %s", grant->host);
    run->fds[run->fd_count] = fd;
    run->keep_dirs[index] = (struct keep_dir){grant->host, grant->read_only};
    run->control_dirs[index] =
        (struct control_dir){(int)run->fd_count++, grant->guest, grant->read_only};
    return 0;
}

static int open_grants(struct run *run, const struct invocation *invocation, struct err *err)
{
    size_t count = count_values(invocation, "dir"), cursor = 0;
    if (count > GRANTS_MAX)
        return err_set(err, ERR_USAGE, 0, "there are more than %d options --dir", GRANTS_MAX);
    run->grants = calloc(count + 1, sizeof(*run->grants));
    run->control_dirs = calloc(count + 1, sizeof(*run->control_dirs));
    run->keep_dirs = calloc(count + 1, sizeof(*run->keep_dirs));
    run->fds = calloc(CONTROL_DIRS_FD + count, sizeof(*run->fds));
    if (!run->grants || !run->control_dirs || !run->keep_dirs || !run->fds)
        return err_set(err, ERR_IO, ENOMEM, "read the options --dir");
    run->fd_count = CONTROL_DIRS_FD;
    for (const char *text; (text = invocation_next(invocation, "dir", &cursor));) {
        int status = open_grant(run, text, err);
        if (status < 0)
            return status;
    }
    return 0;
}

static int collect_env(struct run *run, const struct invocation *invocation, struct err *err)
{
    size_t cursor = 0;
    run->env = calloc(count_values(invocation, "env") + 1, sizeof(*run->env));
    if (!run->env)
        return err_set(err, ERR_IO, ENOMEM, "read the options --env");
    for (const char *text; (text = invocation_next(invocation, "env", &cursor));) {
        if (text[0] == '=' || !strchr(text, '=')) {
            err_set(err, ERR_USAGE, 0, "--env %s is not of the form KEY=VALUE", text);
            err_hint(err, "Nothing is taken from the host's environment; write the value, too.");
            return -EINVAL;
        }
        run->env[run->env_count++] = text;
    }
    return 0;
}

static int choose_engine(const struct invocation *invocation, enum control_engine *engine,
                         struct err *err)
{
    const char *name = invocation_value(invocation, "engine");
    if (control_engine_parse(name, engine))
        return 0;
    err_set(err, ERR_USAGE, 0, "the engine %s is not known", name);
    err_hint(err, "Give --engine compiler or --engine interp.");
    return -EINVAL;
}

/* --- The control socket ---------------------------------------------------------------------- */

static int send_control(struct run *run, const struct invocation *invocation, struct err *err)
{
    enum control_engine engine;
    int chosen = choose_engine(invocation, &engine, err);
    if (chosen < 0)
        return chosen;
    autofree char *buffer = malloc(CONTROL_SIZE_MAX + 1);
    if (!buffer || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, run->control) < 0)
        return err_set(err, ERR_IO, buffer ? errno : ENOMEM, "cannot make the control socket");
    struct control control = {
        .log = log_max_level(),
        .engine = engine,
        .timings = invocation_flag(invocation, "timings"),
        .trap_missing = invocation_flag(invocation, "trap-missing-imports"),
        .module = CONTROL_MODULE_FD,
        .config = run->config >= 0 ? CONTROL_CONFIG_FD : -1,
        .args = (const char **)(invocation->operands + 1),
        .arg_count = invocation->operand_count - 1,
        .env = run->env,
        .env_count = run->env_count,
        .dirs = run->control_dirs,
        .dir_count = run->grant_count,
        .hosts = run->hosts.items,
        .host_count = run->hosts.count,
    };
    struct text text = text_init(buffer, CONTROL_SIZE_MAX + 1);
    control_write(&control, &text);
    if (text.overflow) {
        err_set(err, ERR_USAGE, 0, "arguments, variables and directories are too long together");
        err_hint(err, "They may take %d bytes; put long texts into files.", CONTROL_SIZE_MAX);
        return -E2BIG;
    }
    /* All of it fits into the socket, so nobody has to read yet. */
    int room = 4 * CONTROL_SIZE_MAX;
    setsockopt(run->control[0], SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
    ssize_t sent = send(run->control[0], buffer, text.size, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent != (ssize_t)text.size)
        return err_set(err, ERR_IO, sent < 0 ? errno : ENOBUFS,
                       "cannot hand the options over to the Keep");
    shutdown(run->control[0], SHUT_WR);
    return 0;
}

/* Reads what the Keep reported. It is over, so nothing has to be waited for. */
static void receive_report(const struct run *run, struct control_report *report)
{
    char buffer[CONTROL_REPORT_SIZE_MAX];
    size_t size = 0;
    ssize_t got;
    while (size < sizeof(buffer) &&
           (got = recv(run->control[0], buffer + size, sizeof(buffer) - size, MSG_DONTWAIT)) > 0)
        size += (size_t)got;
    struct err err = {0};
    if (control_report_parse(span_of(buffer, size), report, &err) < 0)
        log_warn("enarx::cli", "the Keep's report is of no use: %s", err.message);
}

/* --- The run --------------------------------------------------------------------------------- */

static int prepare(struct run *run, const struct invocation *invocation, struct err *err)
{
    run->module = open_file(invocation->operands[0], "module", err);
    int status = run->module < 0 ? run->module : open_config(run, invocation, err);
    if (status == 0)
        status = open_grants(run, invocation, err);
    if (status == 0)
        status = collect_env(run, invocation, err);
    if (status == 0)
        status = image_open_builtin(&run->image, err);
    if (status == 0)
        status = hosts_find(run->config, &run->hosts, err);
    if (status == 0)
        status = send_control(run, invocation, err);
    return status;
}

static int start(struct run *run, const struct backend *backend, struct keep_times *times,
                 int *exit_status, struct err *err)
{
    static const char *const argv[] = {"enarx-exec", NULL};
    static const char *const envp[] = {"LANG=C", NULL};
    const int own[] = {STDIN_FILENO,    STDOUT_FILENO, STDERR_FILENO,
                       run->control[1], run->module,   run->config};
    memcpy(run->fds, own, sizeof(own));
    struct keep_launch launch = {
        .exec_fd = run->image.fd,
        .exec_offset = run->image.offset,
        .exec_size = run->image.size,
        .argv = argv,
        .envp = envp,
        .fds = run->fds,
        .fd_count = run->fd_count,
        .dirs = run->keep_dirs,
        .times = times,
    };
    log_info("enarx::cli", "Keep of kind %s: %s", backend->name, backend->guarantee);
    return backend->run(&launch, exit_status, err);
}

int command_run(const struct invocation *invocation, int *exit_status, struct err *err)
{
    struct timings timings = {.began = timings_now()};
    struct run run __attribute__((cleanup(run_release))) = {
        .image = {.fd = -1}, .module = -1, .config = -1, .control = {-1, -1}};
    const struct backend *backend = backend_find(invocation_value(invocation, "backend"), err);
    if (!backend)
        return -EINVAL;
    int status = prepare(&run, invocation, err);
    if (status == 0)
        status = start(&run, backend, &timings.keep, exit_status, err);
    timings.ended = timings_now();
    if (status == 0 && invocation_flag(invocation, "timings")) {
        receive_report(&run, &timings.exec);
        timings_print(&timings, backend->name, invocation_flag(invocation, "json"));
    }
    return status;
}
