/* SPDX-License-Identifier: Apache-2.0 */
/* Sends two lines on descriptor 3, which is connected, and expects them back. */
#include "sockets.h"

int main(void)
{
    static const char text[] = "hello\nend\n";
    char answer[sizeof(text)] = "";
    size_t size = 0;
    CHECK(write(3, text, sizeof(text) - 1) == (ssize_t)sizeof(text) - 1);
    while (size < sizeof(text) - 1) {
        ssize_t got = read(3, answer + size, sizeof(text) - 1 - size);
        CHECK(got > 0);
        size += (size_t)got;
    }
    CHECK(memcmp(answer, text, size) == 0);
    puts("ok");
    return 0;
}
