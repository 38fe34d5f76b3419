/* SPDX-License-Identifier: Apache-2.0 */
/* ROT13 from stdin to stdout. */
#include <stdio.h>

static int rotate(int c)
{
    if (c >= 'a' && c <= 'z')
        return 'a' + (c - 'a' + 13) % 26;
    if (c >= 'A' && c <= 'Z')
        return 'A' + (c - 'A' + 13) % 26;
    return c;
}

int main(void)
{
    for (int c; (c = getchar()) != EOF;)
        putchar(rotate(c));
    return 0;
}
