/* SPDX-License-Identifier: Apache-2.0 */
/* What a peer of the Keep runs, as its certificate says. Keep side. */
#pragma once

#include "exec/config.h"

/*
 * Whether a certificate (DER, verified, empty: none) is of a Keep with one of the workloads and one
 * of the measurements that are wanted. 0, or -EACCES. Where nothing is wanted anybody will do.
 */
__attribute__((warn_unused_result)) int peer_check(struct span certificate,
                                                   const struct config_tls *wanted);
