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
    put_kind(text, "steward_connections", "gauge", "Open connections.");
    text_printf(text, "steward_connections %u\n", metrics->connections);
    put_kind(text, "steward_certificate_not_after_seconds", "gauge",
             "End of the authority's certificate, seconds since 1970.");
    text_printf(text, "steward_certificate_not_after_seconds %lld\n",
                (long long)metrics->certificate_end);
}
