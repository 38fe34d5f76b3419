/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses for the names in Enarx.toml, which a Keep cannot look up itself. Host side. */
#pragma once

#include "exec/control.h"

struct hosts {
    struct control_host *items; /* borrow from `storage` */
    size_t count;
    void *storage;
};

/* Looks up each name that an Enarx.toml connects to, its Steward among them. A name without
 * address, or a file that is wrong, is left to the Keep to complain about. 0 or -ENOMEM. */
__attribute__((warn_unused_result)) int hosts_find(int config_fd, struct hosts *hosts,
                                                   struct err *err);
void hosts_free(struct hosts *hosts);
