// SPDX-License-Identifier: Apache-2.0
/* enarx deploy: a package, wherever it is, in a Keep that proves itself before it gets it. */
#include "base/cleanup.h"
#include "base/date.h"
#include "base/log.h"
#include "base/read_all.h"
#include "cli/keeps.h"
#include "cli/session.h"
#include "cli/target.h"
#include "cli/timings.h"
#include "codec/base64.h"
#include "codec/json_writer.h"
#include "exec/config.h"
#include "exec/workload.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

struct deployment {
    const struct invocation *invocation;
    const struct backend *backend;
    struct target target;
    struct session session;
    struct keep_entry entry;
    struct timings timings;
    int announce; /* a detached Keep's parent waits here for a byte; -1: none does */
    bool json;
};

/* ---- Summaries ------------------------------------------------------------------------------- */

static const char *or_none(const char *text, const char *none)
{
    return text && text[0] ? text : none;
}

static void print_facts(const struct deployment *deployment, const char *workload,
                        const char *steward, FILE *stream)
{
    const struct target *target = &deployment->target;
    fprintf(stream, "  technology    %s\n", deployment->backend->name);
    fprintf(stream, "  protection    %s\n", deployment->backend->guarantee);
    fprintf(stream, "  workload      %s\n",
            or_none(workload, "not known before the Keep has fetched it"));
    if (target->url[0])
        fprintf(stream, "  fetched from  %s\n", target->url);
    fprintf(stream, "  steward       %s\n", or_none(steward, "none: nobody vouches for this Keep"));
}

static void print_text(const struct deployment *deployment, FILE *stream)
{
    const struct keep_record *record = &deployment->entry.record;
    char expires[DATE_TEXT_SIZE];
    date_format(record->expires, expires);
    fprintf(stream, "Keep %s runs %s\n", record->id, record->what);
    print_facts(deployment, record->workload, record->steward, stream);
    fprintf(stream, "  certificate   %s%s\n",
            record->expires > 0 ? "valid until " : "none: no file of the program uses TLS",
            record->expires > 0 ? expires : "");
}

static void print_summary(const struct deployment *deployment, FILE *stream)
{
    char buffer[16 * 1024];
    struct text text = text_init(buffer, sizeof(buffer));
    if (deployment->json) {
        keep_record_write(&deployment->entry.record, &text);
        fprintf(stream, "%s\n", buffer);
    } else {
        print_text(deployment, stream);
    }
    fflush(stream);
}

static void copy_text(char *out, size_t size, const char *from)
{
    struct text text = text_init(out, size);
    for (const char *at = from ? from : ""; *at; at++)
        text_add_span(&text, (unsigned char)*at < 0x20 || *at == 0x7F ? SPAN_LITERAL("?")
                                                                      : span_of(at, 1));
}

/* How long it took until the program began, where that is wanted. */
static void print_timings(struct deployment *deployment)
{
    struct timings *timings = &deployment->timings;
    if (deployment->session.attend.report.started == 0)
        return;
    timings->exec = deployment->session.attend.report;
    timings->keep = *deployment->session.times;
    timings->ended = timings_now();
    timings_print(timings, deployment->backend->name, deployment->json);
}

/* The Keep says that its program begins, which it can do once. */
static void on_ready(void *context, const struct message_ready *ready)
{
    struct deployment *deployment = context;
    struct keep_record *record = &deployment->entry.record;
    struct err err = {0};
    int status = 0;
    if (record->state != KEEP_STARTING)
        return;
    record->state = KEEP_RUNNING;
    record->ready = time(NULL);
    record->expires = ready->certificate ? (int64_t)ready->expires : 0;
    copy_text(record->workload, sizeof(record->workload), ready->workload);
    copy_text(record->steward, sizeof(record->steward), ready->steward);
    if (ready->certificate)
        status = keeps_write_file(&deployment->entry, "certificate.pem", ready->certificate, &err);
    if (status == 0)
        status = keeps_write(&deployment->entry, &err);
    if (status < 0)
        fprintf(stderr, "Warning: %s\n", err.message);
    print_timings(deployment);
    signal(SIGPIPE, SIG_IGN); /* whoever waited may have gone; the Keep stays */
    if (deployment->announce < 0)
        print_summary(deployment, stderr);
    else if (write(deployment->announce, "", 1) < 0)
        log_warn("enarx::cli", "nobody waits any more for this Keep to begin");
}

/* ---- Before ---------------------------------------------------------------------------------- */

static int refuse_open_backend(const struct deployment *deployment, struct err *err)
{
    if (deployment->backend->confidential || invocation_flag(deployment->invocation, "insecure"))
        return 0;
    err_set(err, ERR_BACKEND, 0, "a Keep of kind %s hides nothing from this host",
            deployment->backend->name);
    err_hint(err, "Deploy on a machine with SGX or SEV-SNP; or, to try something out, give "
                  "--insecure.");
    return -EPERM;
}

static int open_files(struct deployment *deployment, struct err *err)
{
    struct session *session = &deployment->session;
    const struct target *target = &deployment->target;
    if (target->module) {
        session->module = session_open(target->module, "module", err);
        if (session->module < 0)
            return session->module;
    }
    if (target->config) {
        session->config = session_open(target->config, "configuration", err);
        if (session->config < 0)
            return session->config;
    }
    if (target->roots[0]) {
        session->roots = session_open(target->roots, "roots", err);
        if (session->roots < 0)
            return session->roots;
    }
    if (target->url[0])
        session->package = (struct control_package){
            .url = target->url,
            .digest = target->digest[0] ? target->digest : NULL,
            .steward = target->steward[0] ? target->steward : NULL,
        };
    return 0;
}

/* What would be proved of files of this machine: read as the Keep reads them. */
static int look_inside(struct deployment *deployment, struct err *err)
{
    struct target *target = &deployment->target;
    struct control control = {.module = deployment->session.module,
                              .config = deployment->session.config};
    struct workload workload __attribute__((cleanup(workload_free))) = {0};
    struct config config __attribute__((cleanup(config_free))) = {0};
    if (target->url[0])
        return 0;
    int status = workload_read(&control, &workload, err);
    if (status == 0 && workload.config.data)
        status = config_parse(workload.config, target->config, &config, err);
    if (status < 0)
        return status;
    if (workload_digest(workload.module, workload.config, workload.digest) < 0)
        return err_set(err, ERR_IO, ENOMEM, "cannot compute the digest of the workload");
    hex_encode(span_of(workload.digest, WORKLOAD_DIGEST_SIZE), target->digest);
    copy_text(target->steward, sizeof(target->steward), config.steward);
    return 0;
}

static int dry_run(struct deployment *deployment, struct err *err)
{
    const struct target *target = &deployment->target;
    char buffer[16384];
    struct text text = text_init(buffer, sizeof(buffer));
    struct json_writer json = {.text = &text};
    int status = look_inside(deployment, err);
    if (status < 0)
        return status;
    if (!deployment->json) {
        printf("This would be deployed: %s\n", deployment->invocation->operands[0]);
        print_facts(deployment, target->digest, target->steward, stdout);
        return 0;
    }
    json_open(&json, NULL, '{');
    json_string(&json, "what", deployment->invocation->operands[0]);
    json_string(&json, "backend", deployment->backend->name);
    json_bool(&json, "confidential", deployment->backend->confidential);
    json_string(&json, "url", target->url);
    json_string(&json, "workload", target->digest);
    json_string(&json, "steward", target->steward);
    json_close(&json, '}');
    puts(buffer);
    return 0;
}

/* ---- In the background ------------------------------------------------------------------------
 */

/* Prints what the Keep has written before it failed. */
static void print_log(const struct deployment *deployment)
{
    autofree uint8_t *data = NULL;
    size_t size = 0;
    autoclose int log = openat(deployment->entry.directory, "log", O_RDONLY | O_CLOEXEC);
    if (log >= 0 && read_all(log, 1 << 20, &data, &size) == 0)
        fwrite(data, 1, size, stderr);
}

/* Waits until the Keep runs, which is told, or has failed: then its status. */
static int await_start(struct deployment *deployment, pid_t pid, int announced, int *exit_status,
                       struct err *err)
{
    char byte;
    int status = 0;
    ssize_t got;
    do
        got = read(announced, &byte, 1);
    while (got < 0 && errno == EINTR);
    if (got == 1) {
        status = keeps_read(&deployment->entry, err);
        if (status == 0)
            print_summary(deployment, stdout);
        return status;
    }
    waitpid(pid, &status, 0);
    print_log(deployment);
    *exit_status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    return 0;
}

/* Makes this process independent of its terminal. */
static int leave_terminal(const struct deployment *deployment, struct err *err)
{
    autoclose int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
    autoclose int log = keeps_open_log(&deployment->entry, err);
    if (log < 0)
        return log;
    if (nothing < 0 || setsid() < 0 || dup2(nothing, STDIN_FILENO) < 0 ||
        dup2(log, STDOUT_FILENO) < 0 || dup2(log, STDERR_FILENO) < 0)
        return err_set(err, ERR_IO, errno, "cannot leave the terminal");
    return 0;
}

/* 0: this is the process that goes on; 1: it is the one that was started, which is finished. */
static int detach(struct deployment *deployment, int *exit_status, struct err *err)
{
    int channel[2];
    if (pipe2(channel, O_CLOEXEC) < 0)
        return err_set(err, ERR_IO, errno, "cannot make a pipe");
    fflush(NULL);
    pid_t pid = fork();
    if (pid < 0) {
        close(channel[0]);
        close(channel[1]);
        return err_set(err, ERR_IO, errno, "cannot start a process for the Keep");
    }
    close(channel[pid == 0 ? 0 : 1]);
    if (pid > 0) {
        int status = await_start(deployment, pid, channel[0], exit_status, err);
        close(channel[0]);
        return status < 0 ? status : 1;
    }
    deployment->announce = channel[1];
    deployment->entry.record.pid = getpid();
    deployment->entry.record.detached = true;
    return leave_terminal(deployment, err);
}

/* ---- The deployment ---------------------------------------------------------------------------
 */

static void note_end(struct deployment *deployment, int exit_status)
{
    struct keep_record *record = &deployment->entry.record;
    struct err err = {0};
    record->state = KEEP_ENDED;
    record->ended = time(NULL);
    record->exit_status = exit_status;
    if (!record->detached)
        keeps_discard(&deployment->entry); /* whoever waits for it knows */
    else if (keeps_write(&deployment->entry, &err) < 0)
        fprintf(stderr, "Warning: %s\n", err.message);
}

static int supervise(struct deployment *deployment, int *exit_status, struct err *err)
{
    struct session *session = &deployment->session;
    int status = keeps_write(&deployment->entry, err);
    if (status == 0)
        status = session_run(session, deployment->backend, exit_status, err);
    if (session->is_keep)
        return status;
    note_end(deployment, status < 0 ? (int)err->class : *exit_status);
    return status;
}

static int start(struct deployment *deployment, int *exit_status, struct err *err)
{
    struct keep_record *record = &deployment->entry.record;
    copy_text(record->what, sizeof(record->what), deployment->invocation->operands[0]);
    copy_text(record->backend, sizeof(record->backend), deployment->backend->name);
    if (deployment->target.yanked)
        fprintf(stderr, "Warning: its publisher has yanked %s\n", record->what);
    int status = invocation_flag(deployment->invocation, "detach")
                     ? detach(deployment, exit_status, err)
                     : 0;
    if (status == 0)
        return supervise(deployment, exit_status, err);
    return status < 0 ? status : 0;
}

static int prepare(struct deployment *deployment, struct err *err)
{
    struct session *session = &deployment->session;
    session->attended = true;
    session->attend.ready = on_ready;
    session->attend.context = deployment;
    int status = session_prepare(session, deployment->invocation, 1, err);
    return status == 0 ? keeps_create(&deployment->entry, err) : status;
}

static int deploy(struct deployment *deployment, int *exit_status, struct err *err)
{
    bool dry = invocation_flag(deployment->invocation, "dry-run");
    int status = dry ? 0 : refuse_open_backend(deployment, err);
    if (status == 0)
        status = target_find(deployment->invocation, &deployment->target, err);
    if (status == 0)
        status = open_files(deployment, err);
    if (status == 0 && dry)
        return dry_run(deployment, err);
    if (status == 0)
        status = prepare(deployment, err);
    if (status == 0)
        status = start(deployment, exit_status, err);
    return status;
}

int command_deploy(const struct invocation *invocation, int *exit_status, struct err *err)
{
    autofree struct deployment *deployment = calloc(1, sizeof(*deployment));
    if (!deployment)
        return err_set(err, ERR_IO, ENOMEM, "deploy");
    *deployment = (struct deployment){
        .invocation = invocation,
        .backend = backend_find(invocation_value(invocation, "backend"), err),
        .session = SESSION_INIT,
        .entry = {.directory = -1, .lock = -1},
        .timings = {.began = timings_now()},
        .announce = -1,
        .json = invocation_flag(invocation, "json"),
    };
    int status = deployment->backend ? deploy(deployment, exit_status, err) : -EINVAL;
    session_release(&deployment->session);
    keeps_close(&deployment->entry);
    return status;
}
