/* SPDX-License-Identifier: Apache-2.0 */
/* Sealed storage as a directory of the program. Keep side. */
#pragma once

#include "sealed/sealed.h"

#include <wick_wasi.h>

/* For wick_wasi_add_tree: the env is a struct sealed, the root SEALED_ROOT. */
extern const struct wick_wasi_tree sealed_dir_tree;
