// SPDX-License-Identifier: Apache-2.0
/*
 * enarx-exec: the program inside the Keep. Reads the control document from descriptor 3, takes or
 * fetches the workload, proves itself, runs the program, and tells the host how far it is.
 */
#include "base/cleanup.h"
#include "base/log.h"
#include "base/read_all.h"
#include "codec/base64.h"
#include "exec/program.h"
#include "exec/renewal.h"
#include "exec/workload.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { ROOTS_MAX = 4 << 20, CONTROL_MILLISECONDS = 30 * 1000 };

static uint64_t now(void)
{
    struct timespec time = {0};
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

/* What one run consists of; it lasts as long as the process. */
struct run {
    struct attendant *attendant;
    struct control control;
    struct workload workload;
    struct config config;
    struct guest guest;
    struct program *program;
    struct message_report report;
};

/* --- The workload ---------------------------------------------------------------------------- */

static int read_control(struct run *run, struct err *err)
{
    struct span text;
    int status = message_next(&run->attendant->reader, CONTROL_MILLISECONDS, &text);
    if (status == -EBADF) {
        err_set(err, ERR_USAGE, 0, "enarx-exec is a part of enarx and cannot be started alone");
        err_hint(err, "Use enarx run.");
        return status;
    }
    if (status <= 0)
        return err_set(err, ERR_PROTOCOL, status < 0 ? -status : EPIPE,
                       "cannot read the control document");
    return control_parse(text, &run->control, err);
}

static int read_roots(const struct run *run, struct span *roots, struct err *err)
{
    uint8_t *data = NULL;
    size_t size = 0;
    int fd = run->control.package.roots;
    int status = fd < 0 ? 0 : read_all(fd, ROOTS_MAX, &data, &size);
    if (status < 0)
        return err_set(err, ERR_CONFIG, -status, "cannot read the roots that vouch for servers");
    *roots = span_of(data, size);
    return 0;
}

/* Has the Steward that the host named certify that this Keep will run the package and no other: the
 * way to a package that is given to nobody else. What the host named is good for no more than that:
 * the workload's own Enarx.toml says who certifies it, and whom it believes. */
static int certify_first(struct run *run, struct span roots, struct err *err)
{
    const struct control_package *wanted = &run->control.package;
    struct identity *identity = &run->guest.identity;
    struct certification certification = {
        .url = wanted->steward, .trust = roots, .attendant = run->attendant};
    uint8_t digest[WORKLOAD_DIGEST_SIZE];
    if (!wanted->steward || !control_package_digest(wanted, digest))
        return 0;
    certification.workload = digest;
    int status = identity_new(identity, time(NULL), err);
    if (status == 0)
        status = identity_certify(identity, &certification, time(NULL), true, err);
    free((void *)identity->trust.data);
    identity->trust = (struct span){0};
    run->report.admitted = now();
    return status;
}

static int fetch(struct run *run, struct err *err)
{
    struct workload_source source = {.wanted = &run->control.package,
                                     .identity = &run->guest.identity,
                                     .attendant = run->attendant};
    int status = read_roots(run, &source.roots, err);
    if (status == 0)
        status = certify_first(run, source.roots, err);
    if (status == 0)
        status = workload_fetch(&source, &run->workload, err);
    run->report.fetched = now();
    free((void *)source.roots.data);
    return status;
}

static int take_workload(struct run *run, struct err *err)
{
    bool fetched = run->control.package.url;
    int status = fetched ? fetch(run, err) : workload_read(&run->control, &run->workload, err);
    if (status < 0)
        return status;
    return run->workload.config.data
               ? config_parse(run->workload.config, "Enarx.toml", &run->config, err)
               : config_default(&run->config, err);
}

/* --- Running --------------------------------------------------------------------------------- */

/* Whether the digest is of use: to be proved, or to be told. Of what was fetched it is known. */
static bool needs_digest(const struct run *run)
{
    return !run->control.package.url &&
           (run->config.steward || run->control.ready || guest_is_sealed(&run->guest));
}

static void print_note(const char *note)
{
    char buffer[256];
    struct text text = text_init(buffer, sizeof(buffer));
    text_printf(&text, "Note: %s\n", note);
    ssize_t written = write(STDERR_FILENO, buffer, text.size);
    (void)written;
}

/* The key of sealed directories is that of the workload. */
static int unseal(struct run *run, struct err *err)
{
    int status = guest_unseal(&run->guest, run->workload.digest, err);
    if (run->guest.development)
        print_note("sealed directories are protected by a development key: the host can read them");
    return status;
}

/* Without a Steward nobody vouches for the Keep. */
static int prove(struct run *run, struct err *err)
{
    struct workload *workload = &run->workload;
    if (needs_digest(run) &&
        workload_digest(workload->module, workload->config, workload->digest) < 0)
        return err_set(err, ERR_INTERNAL, 0, "cannot compute the digest of the workload");
    int status = unseal(run, err);
    if (status < 0 || !run->config.steward)
        return status;
    status = guest_certify(&run->guest, &run->config, run->attendant, workload->digest, err);
    run->report.certified = now();
    return status;
}

static void tell_report(const struct run *run)
{
    char buffer[512];
    struct text text = text_init(buffer, sizeof(buffer));
    message_write_report(&run->report, &text);
    attendant_tell(run->attendant, &text);
}

/* What was proved; and before it, where that is wanted, how long it took. */
static void tell_ready(const struct run *run)
{
    const struct identity *identity = &run->guest.identity;
    const char *steward = run->config.steward ? run->config.steward : run->control.package.steward;
    char workload[2 * WORKLOAD_DIGEST_SIZE + 1];
    hex_encode(span_of(run->workload.digest, WORKLOAD_DIGEST_SIZE), workload);
    autofree char *chain = calloc(1, identity->chain.size + 1);
    autofree char *buffer = malloc(MESSAGE_SIZE_MAX + 1);
    if (!chain || !buffer)
        return;
    memcpy(chain, identity->chain.data ? identity->chain.data : (const uint8_t *)"",
           identity->chain.size);
    struct message_ready ready = {.workload = workload,
                                  .steward = steward,
                                  .certificate = identity->signer ? chain : NULL,
                                  .expires = (uint64_t)identity->not_after};
    struct text text = text_init(buffer, MESSAGE_SIZE_MAX + 1);
    message_write_ready(&ready, &text);
    if (text.overflow) { /* the host waits for the message; the certificate is for looking only */
        text = text_init(buffer, MESSAGE_SIZE_MAX + 1);
        ready.certificate = NULL;
        message_write_ready(&ready, &text);
    }
    if (run->control.timings)
        tell_report(run);
    attendant_tell(run->attendant, &text);
}

/* Takes what the guest has already, its identity, along. */
static int make_guest(struct run *run, struct err *err)
{
    struct identity identity = run->guest.identity;
    int status =
        guest_init(&run->guest, &run->config, run->workload.config.data, &run->control, err);
    run->guest.identity = identity;
    return status;
}

/* What is proved, or holds what only this workload may know, is what runs: nobody else says what it
 * is given. */
static int refuse_additions(const struct run *run, struct err *err)
{
    const struct control *control = &run->control;
    bool sealed = guest_is_sealed(&run->guest);
    bool proved = run->config.steward || control->package.url;
    if ((!proved && !sealed) || (control->arg_count == 0 && control->env_count == 0))
        return 0;
    err_set(err, ERR_CONFIG, 0,
            "a workload that %s takes no arguments and no variables from the host",
            proved ? "is proved" : "has sealed directories");
    err_hint(err, "Write args and env into its Enarx.toml, which is a part of its digest.");
    return -EINVAL;
}

static int run_guest(struct run *run, int *exit_status, struct err *err)
{
    int status = make_guest(run, err);
    if (status == 0)
        status = refuse_additions(run, err);
    if (status == 0)
        status = program_load(run->program, run->workload.module, &run->control, err);
    run->report.loaded = now();
    if (status == 0)
        status = prove(run, err);
    if (status == 0)
        status = guest_open(&run->guest, &run->config, run->attendant, err);
    run->report.entered = now();
    if (status == 0 && run->control.ready)
        tell_ready(run);
    if (status == 0)
        status = program_run(run->program, &run->control, &run->guest, &run->report.entered,
                             exit_status, err);
    int sealed = guest_seal(&run->guest, status < 0 ? NULL : err);
    status = status < 0 ? status : sealed;
    run->report.ended = now();
    run->report.compiled = run->program->module ? wick_module_compiled(run->program->module) : 0;
    return status;
}

/* What a run has is static for the sake of a renewal's thread, which may still be there when the
 * program is over, and ends with the process. */
static int execute(struct program *program, int *exit_status, struct err *err)
{
    static struct attendant attendant = ATTENDANT(CONTROL_FD, CONTROL_SIZE_MAX);
    static struct run run;
    run = (struct run){.attendant = &attendant, .program = program, .report = {.started = now()}};
    int status = read_control(&run, err);
    if (status < 0)
        return status;
    log_init(log_level_name(run.control.log), STDERR_FILENO);
    status = take_workload(&run, err);
    if (status == 0)
        status = run_guest(&run, exit_status, err);
    if (run.control.timings)
        tell_report(&run);
    if (renewal_has_thread())
        return status;
    guest_free(&run.guest);
    config_free(&run.config);
    control_free(&run.control);
    message_reader_free(&attendant.reader);
    return status;
}

static void print_error(const struct err *err, const char *backtrace)
{
    char buffer[ERR_MESSAGE_SIZE + ERR_HINT_SIZE + 32];
    struct text text = text_init(buffer, sizeof(buffer));
    text_printf(&text, "Error: %s\n", err->message);
    if (err->hint[0])
        text_printf(&text, "Hint: %s\n", err->hint);
    ssize_t written = write(STDERR_FILENO, buffer, text.size);
    if (backtrace && written >= 0)
        written = write(STDERR_FILENO, backtrace, strlen(backtrace));
    (void)written;
}

int main(void)
{
    struct program program = {0};
    struct err err = {0};
    int exit_status = 0;
    signal(SIGPIPE, SIG_IGN); /* a peer that is gone is an error; the program gets EPIPE */
    if (execute(&program, &exit_status, &err) < 0) {
        print_error(&err, program.backtrace);
        exit_status = err.class ? (int)err.class : ERR_INTERNAL;
    }
    if (renewal_has_thread()) /* nothing that it uses may be undone */
        _exit(exit_status);
    return exit_status;
}
