// SPDX-License-Identifier: Apache-2.0
#include "version.h"

#include "cli/command.h"
#include "codec/json_writer.h"

#include <stdio.h>

int command_version(const struct invocation *invocation, int *exit_status, struct err *err)
{
    (void)err;
    *exit_status = 0;
    if (!invocation_flag(invocation, "json")) {
        printf("enarx %s\n", ENARX_VERSION);
        return 0;
    }
    char buffer[1024];
    struct text text = text_init(buffer, sizeof(buffer));
    struct json_writer json = {.text = &text};
    json_open(&json, NULL, '{');
    json_string(&json, "version", ENARX_VERSION);
    json_string(&json, "commit", ENARX_COMMIT);
    json_string(&json, "compiler", ENARX_COMPILER);
    json_string(&json, "buildtype", ENARX_BUILDTYPE);
    json_string(&json, "architecture", ENARX_ARCHITECTURE);
    json_close(&json, '}');
    puts(buffer);
    return 0;
}
