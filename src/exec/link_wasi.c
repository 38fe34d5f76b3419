// SPDX-License-Identifier: Apache-2.0
/* WASI is not part of the engine yet: a program that imports it fails to link, and the engine says
 * which import is missing. */
#include "exec/program.h"

int link_wasi(wick_linker_t *linker, const struct guest *guest, void **state, struct err *err)
{
    (void)linker;
    (void)guest;
    (void)err;
    *state = NULL;
    return 0;
}

void unlink_wasi(void *state)
{
    (void)state;
}
