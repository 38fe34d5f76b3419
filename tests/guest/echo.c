// SPDX-License-Identifier: Apache-2.0
/* Copies stdin to stdout. */
#include <unistd.h>

int main(void)
{
    static char buffer[65536];
    ssize_t size;
    while ((size = read(0, buffer, sizeof(buffer))) > 0) {
        for (ssize_t done = 0; done < size;) {
            ssize_t written = write(1, buffer + done, (size_t)(size - done));
            if (written < 0)
                return 1;
            done += written;
        }
    }
    return size < 0;
}
