/* SPDX-License-Identifier: Apache-2.0 */
/* Copies stdin to stdout. */
#include "check.h"

#include <unistd.h>

int main(void)
{
    static char buffer[65536];
    ssize_t got;
    while ((got = read(0, buffer, sizeof(buffer))) > 0) {
        for (ssize_t done = 0; done < got;) {
            ssize_t part = write(1, buffer + done, (size_t)(got - done));
            CHECK(part > 0);
            done += part;
        }
    }
    CHECK(got == 0);
    return 0;
}
