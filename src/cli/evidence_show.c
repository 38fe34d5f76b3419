// SPDX-License-Identifier: Apache-2.0
#include "attest.h"
#include "cli/command.h"
#include "codec/json_writer.h"
#include "steward/files.h"

#include <errno.h>
#include <stdlib.h>

enum { JSON_SIZE = 8 << 20 };

static void show_json(void *context, const char *name, const char *value)
{
    struct json_writer *json = context;
    if (!name)
        json_close(json, '}');
    else if (value)
        json_string(json, name, value);
    else
        json_open(json, name, '{');
}

static void show_line(void *context, const char *name, const char *value)
{
    int *depth = context;
    if (!name)
        --*depth;
    else if (value)
        printf("%*s%s: %s\n", 2 * *depth, "", name, value[0] ? value : "-");
    else
        printf("%*s%s\n", 2 * (*depth)++, "", name);
}

static int print(struct attest_bytes bytes, bool as_json, const char *path, struct err *err)
{
    int status, depth = 0;
    if (!as_json) {
        status = attest_show(bytes, show_line, &depth);
    } else {
        char *buffer = malloc(JSON_SIZE);
        if (!buffer)
            return err_set(err, ERR_IO, ENOMEM, "cannot show %s", path);
        struct text text = text_init(buffer, JSON_SIZE);
        struct json_writer json = {.text = &text};
        json_open(&json, NULL, '{');
        status = attest_show(bytes, show_json, &json);
        json_close(&json, '}');
        if (status == 0 && !text.overflow)
            puts(buffer);
        free(buffer);
        if (text.overflow)
            return err_set(err, ERR_INTERNAL, 0, "what %s contains is too long to show", path);
    }
    if (status == 0)
        return 0;
    err_set(err, ERR_CONFIG, 0, "%s is no evidence of a known kind", path);
    err_hint(err,
             "Known are SNP reports, SGX and TDX quotes, certification requests, certificates, "
             "revocation lists, TCB infos and enclave identities.");
    return -EINVAL;
}

int command_evidence_show(const struct invocation *invocation, int *exit_status, struct err *err)
{
    static struct evidence_files files;
    struct attest_bytes bytes;
    const char *path = invocation->operands[0];
    bool json = invocation_flag(invocation, "json");
    int status = evidence_files_read(&files, path, &bytes, err);
    if (status == 0)
        status = print(bytes, json, path, err);
    for (size_t i = 0; status == 0 && !json && i < files.count; i++)
        status = print(files.items[i], json, path, err);
    evidence_files_free(&files);
    *exit_status = 0;
    return status;
}
