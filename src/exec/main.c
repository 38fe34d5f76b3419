// SPDX-License-Identifier: Apache-2.0
/*
 * enarx-exec: the program inside the Keep. Reads the control document from descriptor 3, then the
 * module and Enarx.toml, runs the program, and reports the times if they are wanted.
 */
#include "base/cleanup.h"
#include "base/log.h"
#include "exec/program.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

struct buffer {
    uint8_t *data;
    size_t size, capacity;
};

static void free_buffer(struct buffer *buffer)
{
    free(buffer->data);
}

static uint64_t now(void)
{
    struct timespec time = {0};
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

/* --- Reading --------------------------------------------------------------------------------- */

/* Makes room for at least one more byte, never for more than limit + 1. */
static int grow(struct buffer *buffer, size_t limit)
{
    if (buffer->size < buffer->capacity)
        return 0;
    size_t capacity = buffer->capacity ? buffer->capacity * 2 : 16 * 1024;
    if (capacity > limit + 1)
        capacity = limit + 1;
    uint8_t *data = realloc(buffer->data, capacity);
    if (!data)
        return -ENOMEM;
    buffer->data = data;
    buffer->capacity = capacity;
    return 0;
}

/* Begins with the size that a regular file has; that is only a guess and never trusted. */
static void expect_size(struct buffer *buffer, int fd, size_t limit)
{
    struct stat status;
    if (fstat(fd, &status) < 0 || status.st_size <= 0 || (uint64_t)status.st_size > limit)
        return;
    buffer->data = malloc((size_t)status.st_size + 1);
    buffer->capacity = buffer->data ? (size_t)status.st_size + 1 : 0;
}

/* Reads to the end of the file; -EFBIG if there are more than `limit` bytes. */
static int read_all(int fd, size_t limit, struct buffer *buffer)
{
    expect_size(buffer, fd, limit);
    for (;;) {
        int status = grow(buffer, limit);
        if (status < 0)
            return status;
        size_t room = buffer->capacity - buffer->size;
        ssize_t size = read(fd, buffer->data + buffer->size, room);
        if (size < 0 && errno == EINTR)
            continue;
        if (size < 0)
            return -errno;
        if (size == 0)
            return 0;
        if ((size_t)size > room) /* a host that breaks the protocol */
            return -EPROTO;
        buffer->size += (size_t)size;
        if (buffer->size > limit)
            return -EFBIG;
    }
}

static int read_control(struct control *control, struct err *err)
{
    struct buffer buffer __attribute__((cleanup(free_buffer))) = {0};
    int status = read_all(CONTROL_FD, CONTROL_SIZE_MAX, &buffer);
    if (status == -EBADF) {
        err_set(err, ERR_USAGE, 0, "enarx-exec is a part of enarx and cannot be started alone");
        err_hint(err, "Use enarx run.");
        return status;
    }
    if (status < 0)
        return err_set(err, ERR_PROTOCOL, -status, "cannot read the control document");
    return control_parse(span_of(buffer.data, buffer.size), control, err);
}

static int read_config(const struct control *control, struct config *config, struct err *err)
{
    if (control->config < 0)
        return config_default(config, err);
    struct buffer buffer __attribute__((cleanup(free_buffer))) = {0};
    int status = read_all(control->config, CONFIG_SIZE_MAX, &buffer);
    if (status < 0)
        return err_set(err, ERR_CONFIG, -status, "cannot read Enarx.toml");
    return config_parse(span_of(buffer.data, buffer.size), "Enarx.toml", config, err);
}

static int load(struct program *program, const struct control *control, struct err *err)
{
    struct buffer buffer __attribute__((cleanup(free_buffer))) = {0};
    int status = read_all(control->module, PROGRAM_SIZE_MAX, &buffer);
    if (status < 0)
        return err_set(err, ERR_MODULE, -status, "cannot read the module");
    return program_load(program, span_of(buffer.data, buffer.size), control, err);
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

static int run_guest(struct program *program, const struct control *control,
                     const struct config *config, struct control_report *report, int *exit_status,
                     struct err *err)
{
    struct guest guest __attribute__((cleanup(guest_free))) = {0};
    int status = guest_init(&guest, config, control->config >= 0, control, err);
    if (status == 0)
        status = load(program, control, err);
    report->loaded = now();
    if (status == 0)
        status = guest_open(&guest, err);
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
    int status = read_control(&control, err);
    if (status < 0)
        return status;
    log_init(log_level_name(control.log), STDERR_FILENO);
    status = read_config(&control, &config, err);
    if (status == 0)
        status = run_guest(program, &control, &config, &report, exit_status, err);
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
