// SPDX-License-Identifier: Apache-2.0
/* Exits with the status of its first argument; without one, dies by SIGABRT. */
#include <stdlib.h>

int main(int argc, char **argv)
{
    if (argc < 2)
        abort();
    return atoi(argv[1]);
}
