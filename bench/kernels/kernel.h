/* SPDX-License-Identifier: Apache-2.0 */
/* A small piece of work, compiled for this machine and to WebAssembly: no library, no memory but
 * its own. The result depends on all of the work. */
#pragma once

#include <stdint.h>

uint32_t kernel(uint32_t rounds);
