// SPDX-License-Identifier: Apache-2.0
#include "steward/metrics.h"

void metrics_count_answer(struct metrics *metrics, unsigned status)
{
    if (status < METRICS_STATUSES)
        metrics->answers[status]++;
}

void metrics_count_decision(struct metrics *metrics, enum attest_code code)
{
    if ((unsigned)code < ATTEST_CODE_COUNT)
        metrics->decisions[code]++;
}

static void put_kind(struct text *text, const char *name, const char *kind, const char *help)
{
    text_printf(text, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kind);
}

void metrics_write(const struct metrics *metrics, struct text *text)
{
    put_kind(text, "steward_answers_total", "counter", "Answers by status of HTTP.");
    for (unsigned status = 0; status < METRICS_STATUSES; status++) {
        if (metrics->answers[status] > 0)
            text_printf(text, "steward_answers_total{status=\"%u\"} %llu\n", status,
                        (unsigned long long)metrics->answers[status]);
    }
    put_kind(text, "steward_decisions_total", "counter", "Evidence judged, by code.");
    for (unsigned code = 0; code < ATTEST_CODE_COUNT; code++) {
        if (metrics->decisions[code] > 0)
            text_printf(text, "steward_decisions_total{code=\"%s\"} %llu\n", attest_code_name(code),
                        (unsigned long long)metrics->decisions[code]);
    }
    const struct http_server_stats *server = &metrics->server;
    const struct {
        const char *name, *kind, *help;
        uint64_t value;
    } rows[] = {
        {"steward_connections", "gauge", "Open connections.", server->connections},
        {"steward_connections_refused_total", "counter",
         "Connections closed at once because there were too many.", server->refused},
        {"steward_connections_late_total", "counter",
         "Connections closed in the middle of a request or an answer.", server->late},
        {"steward_overloaded_total", "counter", "Requests for which there was no memory.",
         server->overloaded},
        {"steward_buffered_bytes", "gauge", "Memory that connections hold.", server->memory},
        {"steward_certificate_not_after_seconds", "gauge",
         "End of the authority's certificate, seconds since 1970.",
         (uint64_t)metrics->certificate_end},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        put_kind(text, rows[i].name, rows[i].kind, rows[i].help);
        text_printf(text, "%s %llu\n", rows[i].name, (unsigned long long)rows[i].value);
    }
}
