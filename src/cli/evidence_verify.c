// SPDX-License-Identifier: Apache-2.0
#include "attest.h"
#include "base/date.h"
#include "cli/command.h"
#include "codec/base64.h"
#include "codec/json_writer.h"
#include "steward/files.h"
#include "steward/policy.h"

#include <errno.h>
#include <string.h>
#include <time.h>

enum { JSON_SIZE = 64 * 1024, STATUS_REFUSED = 1 };

struct hex_text {
    char text[130];
};

static struct hex_text hex(const uint8_t *data, size_t size)
{
    struct hex_text hex = {""};
    hex_encode(span_of(data, size), hex.text);
    return hex;
}

static void write_text(struct json_writer *json, const char *key, const char *text)
{
    if (text[0])
        json_string(json, key, text);
    else
        json_null(json, key);
}

static void write_moment(struct json_writer *json, const char *key, int64_t moment)
{
    char text[DATE_TEXT_SIZE];
    date_format(moment, text);
    write_text(json, key, text);
}

static void write_workload(struct json_writer *json, const struct attest_workload *workload)
{
    if (!workload->bound) {
        json_null(json, "workload");
        return;
    }
    json_open(json, "workload", '{');
    json_string(json, "sha256", hex(workload->digest, sizeof(workload->digest)).text);
    write_text(json, "name", workload->name);
    write_text(json, "steward", workload->steward);
    write_text(json, "nonce", hex(workload->nonce, workload->nonce_size).text);
    json_close(json, '}');
}

static void write_snp_tcb(struct json_writer *json, const struct attest_verdict *verdict)
{
    if (verdict->technology != ATTEST_SNP)
        return;
    json_open(json, "reported_tcb", '{');
    json_number(json, "fmc", verdict->snp_tcb.fmc);
    json_number(json, "boot_loader", verdict->snp_tcb.boot_loader);
    json_number(json, "tee", verdict->snp_tcb.tee);
    json_number(json, "snp", verdict->snp_tcb.snp);
    json_number(json, "microcode", verdict->snp_tcb.microcode);
    json_close(json, '}');
}

static void write_details(struct json_writer *json, const struct attest_verdict *verdict)
{
    json_number(json, "product_id", verdict->product_id);
    json_number(json, "svn", verdict->svn);
    json_bool(json, "debug", verdict->debug);
    json_bool(json, "smt", verdict->smt);
    json_number(json, "vmpl", verdict->vmpl);
    json_bool(json, "simulated", verdict->simulated);
    json_string(json, "report_data", hex(verdict->report_data, 64).text);
    write_text(json, "platform", hex(verdict->platform, verdict->platform_size).text);
    json_number(json, "tcb_evaluation", verdict->tcb_evaluation);
    write_snp_tcb(json, verdict);
    json_bool(json, "revocation_checked", verdict->revocation_checked);
    json_number(json, "trailing_bytes", verdict->trailing);
    json_open(json, "warnings", '[');
    for (size_t i = 0; i < verdict->warning_count; i++)
        json_string(json, NULL, verdict->warnings[i]);
    json_close(json, ']');
}

static int print_json(const struct attest_verdict *verdict, struct err *err)
{
    static char buffer[JSON_SIZE];
    struct text text = text_init(buffer, sizeof(buffer));
    struct json_writer json = {.text = &text};
    bool accepted = verdict->code == ATTEST_ACCEPTED;
    const char *technology = attest_technology_name(verdict->technology);
    json_open(&json, NULL, '{');
    json_string(&json, "verdict", accepted ? "accepted" : "refused");
    json_string(&json, "code", attest_code_name(verdict->code));
    json_string(&json, "reason", accepted ? attest_code_meaning(verdict->code) : verdict->reason);
    write_text(&json, "technology", verdict->technology ? technology : "");
    json_number(&json, "report_version", verdict->version);
    write_text(&json, "product", verdict->product);
    write_text(&json, "tcb_status",
               verdict->tcb_status ? attest_tcb_status_name(verdict->tcb_status) : "");
    json_open(&json, "advisories", '[');
    for (size_t i = 0; i < verdict->advisory_count; i++)
        json_string(&json, NULL, verdict->advisories[i]);
    json_close(&json, ']');
    write_text(&json, "measurement", hex(verdict->measurement, verdict->measurement_size).text);
    write_text(&json, "signer", hex(verdict->signer, verdict->signer_size).text);
    write_workload(&json, &verdict->workload);
    write_moment(&json, "valid_from", verdict->valid_from);
    write_moment(&json, "valid_until", verdict->valid_until);
    write_details(&json, verdict);
    json_close(&json, '}');
    puts(buffer);
    return text.overflow ? err_set(err, ERR_INTERNAL, 0, "the verdict is too long") : 0;
}

static void print_line(const char *name, const char *value)
{
    if (value[0])
        printf("  %-14s %s\n", name, value);
}

static void print_text(const struct attest_verdict *verdict)
{
    char until[DATE_TEXT_SIZE];
    bool accepted = verdict->code == ATTEST_ACCEPTED;
    printf("%s: %s\n", accepted ? "accepted" : "refused",
           accepted ? attest_code_meaning(verdict->code) : verdict->reason);
    if (!accepted)
        print_line("code", attest_code_name(verdict->code));
    if (verdict->technology)
        printf("  %-14s %s, version %u\n", "technology",
               attest_technology_name(verdict->technology), verdict->version);
    print_line("product", verdict->product);
    if (verdict->tcb_status)
        print_line("TCB status", attest_tcb_status_name(verdict->tcb_status));
    for (size_t i = 0; i < verdict->advisory_count; i++)
        print_line(i ? "" : "advisories", verdict->advisories[i]);
    print_line("measurement", hex(verdict->measurement, verdict->measurement_size).text);
    print_line("signer", hex(verdict->signer, verdict->signer_size).text);
    if (verdict->workload.bound)
        printf("  %-14s sha256:%s %s\n", "workload", hex(verdict->workload.digest, 32).text,
               verdict->workload.name);
    if (verdict->trailing)
        printf("  %-14s %zu bytes behind the quote were ignored\n", "note", verdict->trailing);
    date_format(verdict->valid_until, until);
    print_line("valid until", until);
    for (size_t i = 0; i < verdict->warning_count; i++)
        print_line("warning", verdict->warnings[i]);
}

static int parse_time(const char *text, int64_t *moment, struct err *err)
{
    if (!text) {
        *moment = (int64_t)time(NULL);
        return 0;
    }
    if (date_parse(span_of(text, strlen(text)), moment))
        return 0;
    err_set(err, ERR_USAGE, 0, "the time \"%s\" is not of the form of RFC 3339", text);
    err_hint(err, "An example is 2026-01-02T03:04:05Z.");
    return -EINVAL;
}

static int load_policy(const struct invocation *invocation, struct policy_file *file,
                       struct err *err)
{
    const char *path = invocation_value(invocation, "policy");
    int status = 0;
    if (path)
        status = policy_file_load(path, file, err);
    else
        attest_policy_any(&file->policy);
    if (status == 0 && invocation_flag(invocation, "allow-unbound")) {
        file->policy.workload_optional = true;
        file->policy.sgx.tcb.builtin_identity = true;
    }
    return status;
}

static int load_request(const struct invocation *invocation, struct evidence_files *files,
                        struct attest_request *request, struct err *err)
{
    const char *vek = invocation_value(invocation, "vek");
    const char *collateral = invocation_value(invocation, "collateral");
    int status = parse_time(invocation_value(invocation, "time"), &request->time, err);
    if (status == 0)
        status = evidence_files_read(files, invocation->operands[0], &request->evidence, err);
    if (status == 0 && vek)
        status = evidence_files_read(files, vek, &request->vek, err);
    if (status == 0 && collateral)
        status = evidence_files_read_directory(files, collateral, err);
    request->collateral = files->items;
    request->collateral_count = files->count;
    return status;
}

int command_evidence_verify(const struct invocation *invocation, int *exit_status, struct err *err)
{
    static struct evidence_files files;
    struct policy_file policy = {0};
    struct attest_request request = {0};
    struct attest_verdict verdict;
    int status = load_policy(invocation, &policy, err);
    if (status == 0)
        status = load_request(invocation, &files, &request, err);
    if (status == 0) {
        request.policy = &policy.policy;
        *exit_status = attest_verify(&request, &verdict) == 0 ? 0 : STATUS_REFUSED;
        if (invocation_flag(invocation, "json"))
            status = print_json(&verdict, err);
        else
            print_text(&verdict);
    }
    evidence_files_free(&files);
    policy_file_free(&policy);
    return status;
}
