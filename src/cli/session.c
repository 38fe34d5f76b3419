// SPDX-License-Identifier: Apache-2.0
#include "cli/session.h"

#include "base/cleanup.h"
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>

enum { GRANTS_MAX = CONTROL_FD_MAX - CONTROL_DIRS_FD + 1 };

void session_release(struct session *session)
{
    image_close(&session->image);
    for (size_t i = CONTROL_DIRS_FD; i < session->fd_count; i++)
        cleanup_close(&session->fds[i]);
    cleanup_close(&session->module);
    cleanup_close(&session->config);
    cleanup_close(&session->roots);
    cleanup_close(&session->control[0]);
    cleanup_close(&session->control[1]);
    for (size_t i = 0; i < session->grant_count; i++)
        grant_free(&session->grants[i]);
    free(session->grants);
    free(session->control_dirs);
    free(session->keep_dirs);
    free(session->fds);
    free((void *)session->env);
    if (session->times)
        munmap(session->times, sizeof(*session->times));
}

/* --- Opening what the Keep is given ---------------------------------------------------------- */

int session_open(const char *path, const char *what, struct err *err)
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

static size_t count_values(const struct invocation *invocation, const char *name)
{
    size_t cursor = 0, count = 0;
    while (invocation_next(invocation, name, &cursor))
        count++;
    return count;
}

static int open_grant(struct session *session, const char *text, struct err *err)
{
    struct grant *grant = &session->grants[session->grant_count];
    int status = grant_parse(text, true, grant, err);
    if (status < 0)
        return status;
    size_t index = session->grant_count++;
    for (size_t i = 0; i < index; i++) {
        if (strcmp(session->grants[i].guest, grant->guest) == 0)
            return err_set(err, ERR_USAGE, 0, "the directory name %s is granted twice",
                           grant->guest);
    }
    int fd = open(grant->host, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return err_set(err, ERR_IO, errno, "cannot open the directory %s", grant->host);
    session->fds[session->fd_count] = fd;
    session->keep_dirs[index] = (struct keep_dir){grant->host, grant->read_only};
    session->control_dirs[index] =
        (struct control_dir){(int)session->fd_count++, grant->guest, grant->read_only, 0};
    return 0;
}

static int open_grants(struct session *session, const struct invocation *invocation,
                       struct err *err)
{
    size_t count = count_values(invocation, "dir"), cursor = 0;
    if (count > GRANTS_MAX)
        return err_set(err, ERR_USAGE, 0, "there are more than %d options --dir", GRANTS_MAX);
    session->grants = calloc(count + 1, sizeof(*session->grants));
    session->control_dirs = calloc(count + 1, sizeof(*session->control_dirs));
    session->keep_dirs = calloc(count + 1, sizeof(*session->keep_dirs));
    session->fds = calloc(CONTROL_DIRS_FD + count, sizeof(*session->fds));
    if (!session->grants || !session->control_dirs || !session->keep_dirs || !session->fds)
        return err_set(err, ERR_IO, ENOMEM, "read the options --dir");
    session->fd_count = CONTROL_DIRS_FD;
    for (const char *text; (text = invocation_next(invocation, "dir", &cursor));) {
        int status = open_grant(session, text, err);
        if (status < 0)
            return status;
    }
    return 0;
}

/* What the user demands of a sealed directory. */
static int demand_version(struct session *session, const char *text, struct err *err)
{
    const char *equals = strrchr(text, '=');
    size_t length = equals ? (size_t)(equals - text) : 0;
    char *end = NULL;
    errno = 0;
    unsigned long long version = length ? strtoull(equals + 1, &end, 10) : 0;
    if (version == 0 || version > INT64_MAX || errno || *end || equals[1] < '0' ||
        equals[1] > '9') {
        err_set(err, ERR_USAGE, 0, "--sealed-min %s is not of the form GUEST=VERSION", text);
        err_hint(err, "For example: --sealed-min /data=42");
        return -EINVAL;
    }
    for (size_t i = 0; i < session->grant_count; i++) {
        struct control_dir *dir = &session->control_dirs[i];
        if (strlen(dir->path) != length || strncmp(dir->path, text, length) != 0)
            continue;
        dir->minimum = version;
        return 0;
    }
    err_set(err, ERR_USAGE, 0, "--sealed-min %s is for a directory that is not granted", text);
    err_hint(err, "Add --dir HOST::%.*s.", (int)length, text);
    return -EINVAL;
}

static int demand_versions(struct session *session, const struct invocation *invocation,
                           struct err *err)
{
    size_t cursor = 0;
    for (const char *text; (text = invocation_next(invocation, "sealed-min", &cursor));) {
        int status = demand_version(session, text, err);
        if (status < 0)
            return status;
    }
    return 0;
}

static int collect_env(struct session *session, const struct invocation *invocation,
                       struct err *err)
{
    size_t cursor = 0;
    session->env = calloc(count_values(invocation, "env") + 1, sizeof(*session->env));
    if (!session->env)
        return err_set(err, ERR_IO, ENOMEM, "read the options --env");
    for (const char *text; (text = invocation_next(invocation, "env", &cursor));) {
        if (text[0] == '=' || !strchr(text, '=')) {
            err_set(err, ERR_USAGE, 0, "--env %s is not of the form KEY=VALUE", text);
            err_hint(err, "Nothing is taken from the host's environment; write the value, too.");
            return -EINVAL;
        }
        session->env[session->env_count++] = text;
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

/* What the Keep is told. Everything is borrowed. */
static int describe(const struct session *session, const struct invocation *invocation,
                    size_t skipped, struct control *control, struct err *err)
{
    bool handed = session->module >= 0;
    *control = (struct control){
        .log = log_max_level(),
        .timings = invocation_flag(invocation, "timings"),
        .trap_missing = invocation_flag(invocation, "trap-missing-imports"),
        .ready = session->attend.ready,
        .module = handed ? CONTROL_MODULE_FD : -1,
        .config = session->config >= 0 ? CONTROL_CONFIG_FD : -1,
        .package = session->package,
        .args = (const char **)(invocation->operands + skipped),
        .arg_count = invocation->operand_count - skipped,
        .env = session->env,
        .env_count = session->env_count,
        .dirs = session->control_dirs,
        .dir_count = session->grant_count,
    };
    control->package.roots = session->roots >= 0 ? CONTROL_ROOTS_FD : -1;
    return choose_engine(invocation, &control->engine, err);
}

static int send_control(struct session *session, const struct control *control, struct err *err)
{
    autofree char *buffer = malloc(CONTROL_SIZE_MAX + 1);
    if (!buffer || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, session->control) < 0)
        return err_set(err, ERR_IO, buffer ? errno : ENOMEM, "cannot make the control socket");
    struct text text = text_init(buffer, CONTROL_SIZE_MAX + 1);
    control_write(control, &text);
    if (text.overflow) {
        err_set(err, ERR_USAGE, 0, "arguments, variables and directories are too long together");
        err_hint(err, "They may take %d bytes; put long texts into files.", CONTROL_SIZE_MAX);
        return -E2BIG;
    }
    /* All of it fits into the socket, so nobody has to read yet. */
    int room = 4 * CONTROL_SIZE_MAX;
    fcntl(session->control[0], F_SETFL, O_NONBLOCK); /* no Keep holds us up by not reading */
    setsockopt(session->control[0], SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
    int status = message_send(session->control[0], &text);
    if (status < 0)
        return err_set(err, ERR_IO, -status, "cannot hand the options over to the Keep");
    return 0;
}

/* --- The Keep -------------------------------------------------------------------------------- */

int session_prepare(struct session *session, const struct invocation *invocation, size_t skipped,
                    struct err *err)
{
    struct control control;
    int status = open_grants(session, invocation, err);
    if (status == 0)
        status = demand_versions(session, invocation, err);
    if (status == 0)
        status = collect_env(session, invocation, err);
    if (status == 0)
        status = image_open_builtin(&session->image, err);
    if (status == 0)
        status = describe(session, invocation, skipped, &control, err);
    if (status == 0)
        status = send_control(session, &control, err);
    if (status < 0)
        return status;
    void *shared = mmap(NULL, sizeof(*session->times), PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED)
        return err_set(err, ERR_IO, errno, "prepare the Keep");
    session->times = shared;
    return 0;
}

static int run_keep(struct session *session, const struct backend *backend, int *exit_status,
                    struct err *err)
{
    static const char *const argv[] = {"enarx-exec", NULL};
    static const char *const envp[] = {"LANG=C", NULL};
    int fourth = session->module >= 0 ? session->module : session->roots;
    const int own[] = {STDIN_FILENO,        STDOUT_FILENO, STDERR_FILENO,
                       session->control[1], fourth,        session->config};
    memcpy(session->fds, own, sizeof(own));
    struct keep_launch launch = {
        .exec_fd = session->image.fd,
        .exec_offset = session->image.offset,
        .exec_size = session->image.size,
        .argv = argv,
        .envp = envp,
        .fds = session->fds,
        .fd_count = session->fd_count,
        .dirs = session->keep_dirs,
        .times = session->times,
    };
    log_info("enarx::cli", "Keep of kind %s: %s", backend->name, backend->guarantee);
    return backend->run(&launch, exit_status, err);
}

int session_run(struct session *session, const struct backend *backend, int *exit_status,
                struct err *err)
{
    session->attend.control = session->control[0];
    if (session->attended) {
        int status = attend_start(&session->attend, exit_status, err);
        if (status != 0)
            return status < 0 ? status : 0;
        session->is_keep = true;
    }
    int status = run_keep(session, backend, exit_status, err);
    if (!session->attended)
        attend_finish(&session->attend);
    return status;
}
