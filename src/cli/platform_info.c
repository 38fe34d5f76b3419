// SPDX-License-Identifier: Apache-2.0
#include "cli/command.h"
#include "codec/json_writer.h"
#include "keep/backend.h"
#include "version.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

enum { JSON_SIZE = 64 * 1024 };

struct marks {
    const char *yes, *no;
};

static struct marks choose_marks(void)
{
    static const struct marks ascii = {"[ok]", "[no]"}, plain = {"✔", "✗"},
                              coloured = {"\033[32m✔\033[0m", "\033[31m✗\033[0m"};
    const char *term = getenv("TERM");
    if (term && strcmp(term, "dumb") == 0)
        return ascii;
    const char *no_colour = getenv("NO_COLOR");
    return isatty(STDOUT_FILENO) && !(no_colour && *no_colour) ? coloured : plain;
}

static void system_info(char *buffer, size_t size)
{
    struct utsname name;
    if (uname(&name) < 0)
        snprintf(buffer, size, "unknown");
    else
        snprintf(buffer, size, "%s %s %s %s", name.sysname, name.release, name.version,
                 name.machine);
}

static void print_backend(const struct backend *backend, const struct marks *marks)
{
    struct probe_report report = {0};
    backend->probe(&report);
    printf("%s Backend: %s\n", probe_usable(&report) ? marks->yes : marks->no, backend->name);
    printf("  Guarantee: %s\n", backend->guarantee);
    for (size_t i = 0; i < report.count; i++) {
        const struct probe *probe = &report.probes[i];
        printf("  %s %s%s%s\n", probe->pass ? marks->yes : marks->no, probe->name,
               probe->info[0] ? ": " : "", probe->info);
    }
    for (size_t i = 0; i < report.count; i++) {
        if (!report.probes[i].pass && report.probes[i].hint[0])
            printf("\n  %s\n\n", report.probes[i].hint);
    }
}

static size_t probe_depth(const struct probe *probe)
{
    return strspn(probe->name, " ");
}

/* Writes the probes from *at that are at `depth` or below, as a list; a probe whose name begins
 * with more blanks is part of the one before it. */
static void write_probes(struct json_writer *json, const struct probe_report *report, size_t *at,
                         size_t depth, bool configuration)
{
    json_open(json, "data", '[');
    while (*at < report->count && probe_depth(&report->probes[*at]) >= depth) {
        const struct probe *probe = &report->probes[(*at)++];
        if (probe->configuration != configuration)
            continue;
        json_open(json, NULL, '{');
        json_string(json, "name", probe->name + probe_depth(probe));
        json_bool(json, "pass", probe->pass);
        json_string(json, "info", probe->info[0] ? probe->info : "null");
        json_string(json, "mesg", !probe->pass && probe->hint[0] ? probe->hint : "null");
        write_probes(json, report, at, depth + 1, configuration);
        json_close(json, '}');
    }
    json_close(json, ']');
}

static void write_backend(struct json_writer *json, const struct backend *backend)
{
    struct probe_report report = {0};
    backend->probe(&report);
    json_open(json, NULL, '{');
    json_string(json, "backend", backend->name);
    json_bool(json, "usable", probe_usable(&report));
    json_bool(json, "confidential", backend->confidential);
    json_string(json, "guarantee", backend->guarantee);
    size_t at = 0;
    write_probes(json, &report, &at, 0, false);
    json_open(json, "config", '{');
    at = 0;
    write_probes(json, &report, &at, 0, true);
    json_close(json, '}');
    json_close(json, '}');
}

static int print_json(const char *system, struct err *err)
{
    char *buffer = malloc(JSON_SIZE);
    if (!buffer)
        return err_set(err, ERR_IO, ENOMEM, "describe the platform");
    struct text text = text_init(buffer, JSON_SIZE);
    struct json_writer json = {.text = &text};
    json_open(&json, NULL, '{');
    json_string(&json, "version", ENARX_VERSION);
    json_string(&json, "system_info", system);
    json_open(&json, "backends", '[');
    for (size_t i = 0; backends[i]; i++)
        write_backend(&json, backends[i]);
    json_close(&json, ']');
    json_close(&json, '}');
    puts(buffer);
    free(buffer);
    if (text.overflow)
        return err_set(err, ERR_INTERNAL, 0, "the description of the platform is too long");
    return 0;
}

int command_platform_info(const struct invocation *invocation, int *exit_status, struct err *err)
{
    char system[512];
    system_info(system, sizeof(system));
    *exit_status = 0;
    if (invocation_flag(invocation, "json"))
        return print_json(system, err);

    struct marks marks = choose_marks();
    printf("Enarx version %s\nSystem Info: %s\n", ENARX_VERSION, system);
    for (size_t i = 0; backends[i]; i++)
        print_backend(backends[i], &marks);
    return 0;
}
