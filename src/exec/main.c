// SPDX-License-Identifier: Apache-2.0
/*
 * enarx-exec: the program inside the Keep. Reads the control document from descriptor 3, then the
 * module and Enarx.toml, runs the program, and reports the times if they are wanted.
 */
#include "base/cleanup.h"
#include "base/log.h"
#include "base/read_all.h"
#include "exec/program.h"
#include "exec/workload.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static uint64_t now(void)
{
    struct timespec time = {0};
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

/* --- Reading --------------------------------------------------------------------------------- */

static int read_control(struct control *control, struct err *err)
{
    autofree uint8_t *data = NULL;
    size_t size;
    int status = read_all(CONTROL_FD, CONTROL_SIZE_MAX, &data, &size);
    if (status == -EBADF) {
        err_set(err, ERR_USAGE, 0, "enarx-exec is a part of enarx and cannot be started alone");
        err_hint(err, "Use enarx run.");
        return status;
    }
    if (status < 0)
        return err_set(err, ERR_PROTOCOL, -status, "cannot read the control document");
    return control_parse(span_of(data, size), control, err);
}

/* The package that is to run. */
struct package {
    struct span module,
        config; /* config: data NULL without an Enarx.toml; both as long as we run */
};

static int read_config(const struct control *control, struct package *package,
                       struct config *config, struct err *err)
{
    uint8_t *data;
    size_t size;
    if (control->config < 0)
        return config_default(config, err);
    int status = read_all(control->config, CONFIG_SIZE_MAX, &data, &size);
    if (status < 0)
        return err_set(err, ERR_CONFIG, -status, "cannot read Enarx.toml");
    package->config = span_of(data, size);
    return config_parse(package->config, "Enarx.toml", config, err);
}

static int read_module(const struct control *control, struct package *package, struct err *err)
{
    uint8_t *data;
    size_t size;
    int status = read_all(control->module, PROGRAM_SIZE_MAX, &data, &size);
    if (status < 0)
        return err_set(err, ERR_MODULE, -status, "cannot read the module");
    package->module = span_of(data, size);
    return 0;
}

/* --- Running --------------------------------------------------------------------------------- */

static void send_report(const struct control_report *report)
{
    char buffer[256];
    struct text text = text_init(buffer, sizeof(buffer));
    control_report_write(report, &text);
    if (send(CONTROL_FD, buffer, text.size, MSG_NOSIGNAL) < 0)
        log_warn("enarx::exec", "the report could not be sent");
}

/* Without a Steward nobody vouches for the Keep. */
static int prove(struct guest *guest, const struct package *package, const struct config *config,
                 const struct control *control, struct err *err)
{
    uint8_t digest[WORKLOAD_DIGEST_SIZE];
    if (!config->steward)
        return 0;
    if (workload_digest(package->module, package->config, digest) < 0)
        return err_set(err, ERR_INTERNAL, 0, "cannot compute the digest of the workload");
    return guest_certify(guest, config, control, digest, err);
}

static int run_guest(struct program *program, const struct package *package,
                     const struct control *control, const struct config *config,
                     struct control_report *report, int *exit_status, struct err *err)
{
    struct guest guest __attribute__((cleanup(guest_free))) = {0};
    int status = guest_init(&guest, config, control->config >= 0, control, err);
    if (status == 0)
        status = program_load(program, package->module, control, err);
    report->loaded = now();
    if (status == 0)
        status = prove(&guest, package, config, control, err);
    if (status == 0)
        status = guest_open(&guest, config, control, err);
    if (status == 0)
        status = program_run(program, control, &guest, &report->entered, exit_status, err);
    report->ended = now();
    report->compiled = program->module ? wick_module_compiled(program->module) : 0;
    return status;
}

static int execute(struct program *program, int *exit_status, struct err *err)
{
    struct control_report report = {.started = now()};
    struct control control __attribute__((cleanup(control_free))) = {0};
    struct config config __attribute__((cleanup(config_free))) = {0};
    struct package package = {0};
    int status = read_control(&control, err);
    if (status < 0)
        return status;
    log_init(log_level_name(control.log), STDERR_FILENO);
    status = read_config(&control, &package, &config, err);
    if (status == 0)
        status = read_module(&control, &package, err);
    if (status == 0)
        status = run_guest(program, &package, &control, &config, &report, exit_status, err);
    if (control.timings)
        send_report(&report);
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
    if (execute(&program, &exit_status, &err) < 0) {
        print_error(&err, program.backtrace);
        exit_status = err.class ? (int)err.class : ERR_INTERNAL;
    }
    return exit_status;
}
