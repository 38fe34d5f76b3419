// SPDX-License-Identifier: Apache-2.0
#include "keep/backend.h"

#include <string.h>

const struct backend *const backends[] = {
    &backend_kvm,
    &backend_nil,
    NULL,
};

struct probe *probe_add(struct probe_report *report, const char *name, bool pass)
{
    static struct probe surplus; /* a place to write to when a backend has too many */
    struct probe *probe = report->count < PROBES_MAX ? &report->probes[report->count++] : &surplus;
    *probe = (struct probe){.name = name, .pass = pass};
    return probe;
}

bool probe_usable(const struct probe_report *report)
{
    for (size_t i = 0; i < report->count; i++) {
        if (!report->probes[i].pass)
            return false;
    }
    return true;
}

bool probe_available(const struct probe_report *report)
{
    for (size_t i = 0; i < report->count; i++) {
        if (!report->probes[i].pass && !report->probes[i].configuration)
            return false;
    }
    return true;
}

/* The first probe that failed, told as a hint. */
static void hint_failed_probe(const struct probe_report *report, struct err *err)
{
    for (size_t i = 0; i < report->count; i++) {
        const struct probe *probe = &report->probes[i];
        if (probe->pass)
            continue;
        const char *name = probe->name + strspn(probe->name, " ");
        if (probe->hint[0])
            err_hint(err, "%s", probe->hint);
        else
            err_hint(err, "Missing: %s. See enarx platform info.", name);
        return;
    }
}

static const struct backend *find_named(const char *name, struct err *err)
{
    for (size_t i = 0; backends[i]; i++) {
        if (strcmp(backends[i]->name, name) != 0)
            continue;
        struct probe_report report = {0};
        backends[i]->probe(&report);
        if (probe_usable(&report))
            return backends[i];
        if (probe_available(&report))
            err_set(err, ERR_BACKEND, 0,
                    "Keep backend \"%s\" is available on this platform, but the machine is "
                    "misconfigured. Please check with `enarx platform info`.",
                    name);
        else
            err_set(err, ERR_BACKEND, 0, "Keep backend \"%s\" is not available on this platform.",
                    name);
        hint_failed_probe(&report, err);
        return NULL;
    }
    err_set(err, ERR_BACKEND, 0, "Keep backend identifier \"%s\" is unknown.", name);
    err_hint(err, "See enarx platform info for the names.");
    return NULL;
}

const struct backend *backend_find(const char *name, struct err *err)
{
    if (name)
        return find_named(name, err);
    for (size_t i = 0; backends[i]; i++) {
        struct probe_report report = {0};
        backends[i]->probe(&report);
        if (probe_usable(&report))
            return backends[i];
    }
    err_set(err, ERR_BACKEND, 0, "no Keep backend can be used on this machine");
    err_hint(err, "See enarx platform info for what is missing.");
    return NULL;
}
