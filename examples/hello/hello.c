// SPDX-License-Identifier: Apache-2.0
/* An ordinary C program. Nothing in it knows of Keeps. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static unsigned long collatz(unsigned long number)
{
    unsigned long steps = 0;
    for (; number != 1; steps++)
        number = number % 2 ? 3 * number + 1 : number / 2;
    return steps;
}

int main(int argc, char **argv)
{
    unsigned long limit = argc > 1 ? strtoul(argv[1], NULL, 10) : 100000;
    unsigned long best = 1, most = 0;
    for (unsigned long number = 1; number < limit; number++) {
        unsigned long steps = collatz(number);
        if (steps > most) {
            most = steps;
            best = number;
        }
    }
    time_t now = time(NULL);
    printf("Hello from a Keep! It is %s", ctime(&now));
    printf("Below %lu, %lu takes the most Collatz steps: %lu.\n", limit, best, most);
    return 0;
}
