// SPDX-License-Identifier: Apache-2.0
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    unsigned long count = argc > 1 ? strtoul(argv[1], NULL, 10) : 10;
    uint64_t number = 0, next = 1;
    for (unsigned long i = 0; i < count && i < 94; i++) {
        printf("%" PRIu64 "\n", number);
        uint64_t sum = number + next;
        number = next;
        next = sum;
    }
    return 0;
}
