// SPDX-License-Identifier: Apache-2.0
// In D without its runtime ("better C"), on wasi-libc.
extern (C) int printf(scope const char* format, ...);
extern (C) ulong strtoull(scope const char* text, char** end, int base);

pragma(mangle, "__main_argc_argv") extern (C) int main_of_c(int argc, char** argv)
{
    const count = argc > 1 ? strtoull(argv[1], null, 10) : 10;
    ulong number = 0, next = 1;
    foreach (i; 0 .. count < 94 ? count : 94)
    {
        printf("%llu\n", number);
        const sum = number + next;
        number = next;
        next = sum;
    }
    return 0;
}
