// SPDX-License-Identifier: Apache-2.0
/* The least that a program can do: natively, in a Keep, and as WebAssembly. */
#include <unistd.h>

int main(void)
{
    return write(STDOUT_FILENO, "hello\n", 6) == 6 ? 0 : 1;
}
