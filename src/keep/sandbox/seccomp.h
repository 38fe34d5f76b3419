/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Limits a process to the system calls that serving a Keep needs: those that sallyport proxies, and
 * those by which its threads run and wait. Everything else fails with ENOSYS; what would start
 * another program or look into another process ends this one.
 *
 * Host side. The filter holds for the calling thread and for all that it starts afterwards.
 */
#pragma once

#include "base/err.h"

/* Installs the filter. There is no way back. */
int seccomp_enter(struct err *err);
