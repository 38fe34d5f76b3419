// SPDX-License-Identifier: Apache-2.0
#include "exec/workload.h"

#include "base/read_all.h"
#include "crypto/crypto.h"
#include "drawbridge/tree.h"

#include <errno.h>
#include <stdlib.h>

static int add_file(struct text *directory, struct span name, struct span content, struct span type)
{
    struct entry entry = {.length = content.size, .type = type};
    if (digests_of(content, &entry.digests) < 0)
        return -ENOMEM;
    directory_add(directory, name, &entry);
    return 0;
}

int workload_digest(struct span module, struct span config, uint8_t digest[WORKLOAD_DIGEST_SIZE])
{
    char buffer[2 * ENTRY_MAX_SIZE];
    struct text directory = text_init(buffer, sizeof(buffer));
    if (!config.data)
        return crypto_hash(CRYPTO_SHA256, &module, 1, digest);
    directory_begin(&directory);
    int status =
        add_file(&directory, SPAN_LITERAL("Enarx.toml"), config, SPAN_LITERAL("application/toml"));
    if (status == 0)
        status = add_file(&directory, SPAN_LITERAL("main.wasm"), module,
                          SPAN_LITERAL("application/wasm"));
    directory_end(&directory);
    struct span written = span_of(buffer, directory.size);
    return status == 0 && !directory.overflow ? crypto_hash(CRYPTO_SHA256, &written, 1, digest)
                                              : -ENOMEM;
}

static int read_file(int fd, size_t limit, struct span *content)
{
    uint8_t *data;
    size_t size;
    int status = read_all(fd, limit, &data, &size);
    if (status == 0)
        *content = span_of(data, size);
    return status;
}

int workload_read(const struct control *control, struct workload *workload, struct err *err)
{
    *workload = (struct workload){0};
    int status =
        control->config < 0 ? 0 : read_file(control->config, CONFIG_SIZE_MAX, &workload->config);
    if (status < 0)
        return err_set(err, ERR_CONFIG, -status, "cannot read Enarx.toml");
    status = read_file(control->module, WORKLOAD_MODULE_MAX, &workload->module);
    if (status < 0)
        return err_set(err, ERR_MODULE, -status, "cannot read the module");
    return 0;
}

void workload_free(struct workload *workload)
{
    free((void *)workload->module.data);
    free((void *)workload->config.data);
    *workload = (struct workload){0};
}
