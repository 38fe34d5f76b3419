// SPDX-License-Identifier: Apache-2.0
/* Shows what it was given: arguments, environment, open descriptors; and talks on stderr. */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        printf("arg %d: %s\n", i, argv[i]);
    for (char **variable = environ; *variable; variable++)
        printf("env: %s\n", *variable);
    for (int fd = 0; fd < 256; fd++) {
        if (fcntl(fd, F_GETFD) >= 0)
            printf("fd: %d\n", fd);
    }
    fprintf(stderr, "on stderr\n");
    return 0;
}
