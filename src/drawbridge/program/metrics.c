// SPDX-License-Identifier: Apache-2.0
#include "drawbridge/program/metrics.h"

static void add(uint64_t *number, uint64_t more)
{
    __atomic_fetch_add(number, more, __ATOMIC_RELAXED);
}

static uint64_t get(const uint64_t *number)
{
    return __atomic_load_n(number, __ATOMIC_RELAXED);
}

void metrics_count(struct metrics *metrics, unsigned status, enum route_kind kind)
{
    if (status < METRICS_STATUSES)
        add(&metrics->answers[status], 1);
    add(&metrics->routes[kind], 1);
}

void metrics_add(struct metrics *sum, const struct metrics *metrics)
{
    for (size_t i = 0; i < METRICS_STATUSES; i++)
        sum->answers[i] += get(&metrics->answers[i]);
    for (size_t i = 0; i < ROUTE_KINDS; i++)
        sum->routes[i] += get(&metrics->routes[i]);
    sum->uploaded += get(&metrics->uploaded);
    sum->server.connections += __atomic_load_n(&metrics->server.connections, __ATOMIC_RELAXED);
    sum->server.memory += __atomic_load_n(&metrics->server.memory, __ATOMIC_RELAXED);
    sum->server.refused += get(&metrics->server.refused);
    sum->server.late += get(&metrics->server.late);
    sum->server.overloaded += get(&metrics->server.overloaded);
}

static void put_kind(struct text *text, const char *name, const char *kind, const char *help)
{
    text_printf(text, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kind);
}

static void put(struct text *text, const char *name, const char *kind, const char *help,
                uint64_t value)
{
    put_kind(text, name, kind, help);
    text_printf(text, "%s %llu\n", name, (unsigned long long)value);
}

void metrics_write(const struct metrics *sum, const struct provider_stats *provider,
                   const struct care_stats *care, struct text *text)
{
    put_kind(text, "drawbridge_answers_total", "counter", "Answers by status of HTTP.");
    for (unsigned i = 0; i < METRICS_STATUSES; i++) {
        if (sum->answers[i] > 0)
            text_printf(text, "drawbridge_answers_total{status=\"%u\"} %llu\n", i,
                        (unsigned long long)sum->answers[i]);
    }
    put_kind(text, "drawbridge_requests_total", "counter", "Requests by what they name.");
    for (unsigned i = 0; i < ROUTE_KINDS; i++) {
        if (sum->routes[i] > 0)
            text_printf(text, "drawbridge_requests_total{kind=\"%s\"} %llu\n",
                        route_name((enum route_kind)i), (unsigned long long)sum->routes[i]);
    }
    put(text, "drawbridge_uploaded_bytes_total", "counter", "Bytes of files that were received.",
        sum->uploaded);
    put(text, "drawbridge_connections", "gauge", "Open connections.", sum->server.connections);
    put(text, "drawbridge_buffered_bytes", "gauge", "Bytes that connections hold.",
        sum->server.memory);
    put(text, "drawbridge_refused_connections_total", "counter", "Connections beyond the limits.",
        sum->server.refused);
    put(text, "drawbridge_late_connections_total", "counter", "Connections that were too slow.",
        sum->server.late);
    put(text, "drawbridge_overloaded_total", "counter", "Requests for which there was no memory.",
        sum->server.overloaded);
    put(text, "drawbridge_provider_fetches_total", "counter", "Key sets that were fetched.",
        provider->fetched);
    put(text, "drawbridge_provider_failures_total", "counter", "Key sets that were not.",
        provider->failed);
    put(text, "drawbridge_provider_keys_time_seconds", "gauge",
        "When the key set was fetched, seconds since 1970.", (uint64_t)provider->last);
    put(text, "drawbridge_care_runs_total", "counter", "Times that garbage was removed.",
        care->runs);
    put(text, "drawbridge_care_failures_total", "counter", "Times that it could not be.",
        care->failed);
    put(text, "drawbridge_garbage_contents_total", "counter", "Contents that were removed.",
        care->removed);
}
