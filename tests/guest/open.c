// SPDX-License-Identifier: Apache-2.0
/* open r|w FILE: exits with 0, or with the errno of the failure. */
#include <errno.h>
#include <fcntl.h>

int main(int argc, char **argv)
{
    if (argc < 3)
        return 255;
    int flags = argv[1][0] == 'w' ? O_WRONLY | O_CREAT : O_RDONLY;
    return open(argv[2], flags, 0644) < 0 ? errno : 0;
}
