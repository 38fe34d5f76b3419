// SPDX-License-Identifier: Apache-2.0
#include "base/cleanup.h"
#include "cli/command.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

static const char template[] =
    "# What the WebAssembly program is given. Enarx.toml(5) describes every key.\n"
    "\n"
    "# Arguments after the program's name, which is always main.wasm.\n"
    "# args = [\"--verbose\", \"input.txt\"]\n"
    "\n"
    "# The Steward that verifies this Keep and issues its certificate.\n"
    "# steward = \"https://attest.example.com\"\n"
    "\n"
    "# Environment variables. Nothing of the host's environment is passed on.\n"
    "# [env]\n"
    "# LOG_LEVEL = \"info\"\n"
    "\n"
    "# Files. The first entry is file descriptor 0 of the program, the next one 1, and so on.\n"
    "# FD_COUNT and FD_NAMES in the environment tell the program how many there are and their\n"
    "# names.\n"
    "[[files]]\n"
    "kind = \"stdin\"\n"
    "\n"
    "[[files]]\n"
    "kind = \"stdout\"\n"
    "\n"
    "[[files]]\n"
    "kind = \"stderr\"\n"
    "\n"
    "# A socket that accepts connections. prot is \"tcp\", \"tls\", \"udp\" or \"dtls\".\n"
    "# [[files]]\n"
    "# kind = \"listen\"\n"
    "# name = \"server\"\n"
    "# prot = \"tls\"\n"
    "# port = 12345\n"
    "\n"
    "# A connection to a server.\n"
    "# [[files]]\n"
    "# kind = \"connect\"\n"
    "# prot = \"tls\"\n"
    "# host = \"localhost\"\n"
    "# port = 23456\n"
    "\n"
    "# A directory that the host grants with: enarx run --dir ./data::/data …\n"
    "# [[files]]\n"
    "# kind = \"dir\"\n"
    "# path = \"/data\"\n"
    "# read_only = true\n"
    "\n"
    "# A directory that the host grants and keeps, but can neither read nor change unnoticed.\n"
    "# [[files]]\n"
    "# kind = \"dir\"\n"
    "# path = \"/secrets\"\n"
    "# sealed = true\n";

int command_config_init(const struct invocation *invocation, int *exit_status, struct err *err)
{
    (void)invocation;
    autoclose int fd = open("Enarx.toml", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (fd < 0 && errno == EEXIST)
        return err_set(err, ERR_CONFIG, 0, "\"Enarx.toml\" does already exist.");
    if (fd < 0)
        return err_set(err, ERR_IO, errno, "cannot create Enarx.toml");
    ssize_t written = write(fd, template, sizeof(template) - 1);
    if (written != (ssize_t)sizeof(template) - 1) {
        int code = written < 0 ? errno : ENOSPC;
        unlink("Enarx.toml");
        return err_set(err, ERR_IO, code, "cannot write Enarx.toml");
    }
    *exit_status = 0;
    return 0;
}
