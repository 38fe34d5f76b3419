// SPDX-License-Identifier: Apache-2.0
/* Runs a kernel natively: main ROUNDS. */
#include "kernel.h"

#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    printf("%u\n", kernel(argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 1));
    return 0;
}
