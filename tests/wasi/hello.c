/* SPDX-License-Identifier: Apache-2.0 */
/* Prints its arguments and environment; ends with the status of the variable STATUS. */
#include <stdio.h>
#include <stdlib.h>

extern char **environ;

int main(int argc, char **argv)
{
    printf("Hello, world!\n");
    for (int i = 0; i < argc; i++)
        printf("argument %d: %s\n", i, argv[i]);
    for (char **variable = environ; variable && *variable; variable++)
        printf("variable: %s\n", *variable);
    const char *status = getenv("STATUS");
    return status ? atoi(status) : 0;
}
