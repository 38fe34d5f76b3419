// SPDX-License-Identifier: Apache-2.0
/* enarx platform snp|sgx cache-…: collateral from the vendors into a directory. */
#include "base/date.h"
#include "base/log.h"
#include "cli/command.h"
#include "collateral/fetch.h"
#include "steward/files.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

struct fetching {
    struct collateral_connection connection;
    struct collateral_source source;
};

static int parse_time(const char *text, int64_t *moment, struct err *err)
{
    *moment = (int64_t)time(NULL);
    if (!text || date_parse(span_of(text, strlen(text)), moment))
        return 0;
    err_set(err, ERR_USAGE, 0, "the time \"%s\" is not of the form of RFC 3339", text);
    err_hint(err, "An example is 2026-01-02T03:04:05Z.");
    return -EINVAL;
}

static int begin(const struct invocation *invocation, struct fetching *fetching, struct err *err)
{
    struct collateral_source *source = &fetching->source;
    *fetching = (struct fetching){0};
    int status = parse_time(invocation_value(invocation, "time"), &source->time, err);
    if (status == 0)
        status = collateral_connect(invocation_value(invocation, "ca-bundle"),
                                    &fetching->connection, err);
    source->client = fetching->connection.client;
    source->base = invocation_value(invocation, "service");
    source->directory = invocation_value(invocation, "collateral");
    source->attempts = COLLATERAL_ATTEMPTS;
    source->pause_ms = COLLATERAL_PAUSE_MS;
    source->interval_ms = COLLATERAL_INTERVAL_MS;
    signal(SIGPIPE, SIG_IGN); /* a service that is gone is an error of its connection */
    return status;
}

/* Fetches an item and says where it is. The first failure of several is the command's. */
static int fetch(struct fetching *fetching, enum collateral_kind kind, enum collateral_of of,
                 const struct collateral_item *details, struct err *err)
{
    struct err failure = {0};
    struct collateral_item item = details ? *details : (struct collateral_item){0};
    char name[COLLATERAL_NAME_MAX];
    item.kind = kind;
    item.of = of;
    int status = collateral_fetch(&fetching->source, &item, &failure);
    collateral_name(&item, name);
    if (status == 0)
        printf("%s/%s\n", fetching->source.directory, name);
    else if (err->class == ERR_NONE)
        *err = failure;
    return status;
}

int command_platform_snp_cache_crl(const struct invocation *invocation, int *exit_status,
                                   struct err *err)
{
    static const enum collateral_of products[] = {COLLATERAL_MILAN, COLLATERAL_GENOA,
                                                  COLLATERAL_TURIN};
    struct fetching fetching;
    (void)exit_status;
    int status = begin(invocation, &fetching, err);
    for (size_t i = 0; fetching.connection.client && i < 3; i++) {
        int fetched = fetch(&fetching, COLLATERAL_AMD_CRL, products[i], NULL, err);
        status = status == 0 ? fetched : status;
    }
    collateral_disconnect(&fetching.connection);
    return status;
}

/* What evidence says of itself before anything vouches for it. */
static int describe(const char *path, struct attest_verdict *verdict, struct err *err)
{
    static struct evidence_files files;
    struct attest_policy policy;
    struct attest_request request = {.policy = &policy};
    attest_policy_any(&policy);
    int status = evidence_files_read(&files, path, &request.evidence, err);
    if (status == 0 && attest_verify(&request, verdict) < 0)
        log_debug("enarx::cli", "%s: %s", path, verdict->reason);
    evidence_files_free(&files);
    return status;
}

int command_platform_snp_cache_vek(const struct invocation *invocation, int *exit_status,
                                   struct err *err)
{
    static const enum collateral_of products[] = {COLLATERAL_MILAN, COLLATERAL_GENOA,
                                                  COLLATERAL_TURIN};
    static const char *const names[] = {"Milan", "Genoa", "Turin"};
    const char *path = invocation->operands[0];
    struct attest_verdict verdict;
    struct fetching fetching;
    (void)exit_status;
    int status = describe(path, &verdict, err);
    if (status < 0)
        return status;
    if (verdict.technology != ATTEST_SNP || verdict.platform_size == 0)
        return err_set(err, ERR_USAGE, 0, "%s is not an SNP report that names its chip", path);
    struct collateral_item item = {.tcb = verdict.snp_tcb};
    memcpy(item.chip, verdict.platform, sizeof(item.chip));
    status = begin(invocation, &fetching, err);
    bool found = false;
    for (size_t i = 0; status == 0 && !found && i < 3; i++) {
        /* Reports of version 2, of Milan and Genoa, do not tell which. */
        if (verdict.product[0] ? strcmp(verdict.product, names[i]) != 0 : i == 2)
            continue;
        struct err failure = {0};
        item.chip_size = products[i] == COLLATERAL_TURIN ? 8 : sizeof(item.chip);
        status = fetch(&fetching, COLLATERAL_AMD_VCEK, products[i], &item, &failure);
        found = status == 0;
        if (status < 0)
            *err = failure;
        if (status == -ENOENT && !verdict.product[0] && i == 0)
            status = 0;
    }
    collateral_disconnect(&fetching.connection);
    return status;
}

int command_platform_sgx_cache_crl(const struct invocation *invocation, int *exit_status,
                                   struct err *err)
{
    struct fetching fetching;
    (void)exit_status;
    int status = begin(invocation, &fetching, err);
    if (status == 0)
        status = fetch(&fetching, COLLATERAL_INTEL_ROOT_CRL, COLLATERAL_NOBODY, NULL, err);
    if (status == 0)
        status = fetch(&fetching, COLLATERAL_INTEL_PCK_CRL, COLLATERAL_PROCESSOR, NULL, err);
    if (status == 0)
        status = fetch(&fetching, COLLATERAL_INTEL_PCK_CRL, COLLATERAL_PLATFORM, NULL, err);
    collateral_disconnect(&fetching.connection);
    return status;
}

/* An FMSPC of 12 digits, or the one of a quote. */
static int find_fmspc(const char *operand, struct collateral_item *item, bool *is_tdx,
                      struct err *err)
{
    static const char digits[] = "0123456789abcdefABCDEF", prefix[] = "FMSPC ";
    struct attest_verdict verdict;
    const char *text = operand;
    size_t size = sizeof(item->fmspc) - 1;
    if (strlen(operand) != size || strspn(operand, digits) != size) {
        int status = describe(operand, &verdict, err);
        if (status < 0)
            return status;
        if (strncmp(verdict.product, prefix, strlen(prefix)) != 0)
            return err_set(err, ERR_USAGE, 0,
                           "%s is neither an FMSPC of 12 digits nor a quote of SGX or TDX",
                           operand);
        text = verdict.product + strlen(prefix);
        *is_tdx = verdict.technology == ATTEST_TDX;
    }
    for (size_t i = 0; i < size; i++)
        item->fmspc[i] = (char)(text[i] | 0x20); /* digits have this bit already */
    return 0;
}

int command_platform_sgx_cache_tcb(const struct invocation *invocation, int *exit_status,
                                   struct err *err)
{
    struct collateral_item item = {0};
    struct fetching fetching;
    bool is_tdx = invocation_flag(invocation, "tdx");
    (void)exit_status;
    int status = find_fmspc(invocation->operands[0], &item, &is_tdx, err);
    if (status < 0)
        return status;
    enum collateral_of of = is_tdx ? COLLATERAL_TDX : COLLATERAL_SGX;
    status = begin(invocation, &fetching, err);
    /* Documents are judged with the list of Intel's root. */
    if (status == 0)
        status = fetch(&fetching, COLLATERAL_INTEL_ROOT_CRL, COLLATERAL_NOBODY, NULL, err);
    if (status == 0)
        status = fetch(&fetching, COLLATERAL_INTEL_TCB, of, &item, err);
    if (status == 0)
        status = fetch(&fetching, COLLATERAL_INTEL_IDENTITY, of, NULL, err);
    collateral_disconnect(&fetching.connection);
    return status;
}
