// SPDX-License-Identifier: Apache-2.0
/* A program that judges an SNP report by the installed library:
 *     cc -o judge judge.c $(pkg-config --cflags --libs attest)
 *     ./judge report.bin vcek.der */
#include <attest.h>
#include <stdio.h>
#include <time.h>

static struct attest_bytes read_file(const char *path, uint8_t *buffer, size_t size)
{
    struct attest_bytes bytes = {buffer, 0};
    FILE *file = path ? fopen(path, "rb") : NULL;
    if (file) {
        bytes.size = fread(buffer, 1, size, file);
        fclose(file);
    }
    return bytes;
}

int main(int argc, char **argv)
{
    static uint8_t report[65536], vcek[65536];
    struct attest_policy policy;
    struct attest_verdict verdict;
    attest_policy_any(&policy);
    struct attest_request request = {
        .evidence = read_file(argc > 1 ? argv[1] : NULL, report, sizeof(report)),
        .vek = read_file(argc > 2 ? argv[2] : NULL, vcek, sizeof(vcek)),
        .policy = &policy,
        .time = time(NULL),
    };
    if (attest_verify(&request, &verdict) < 0) {
        printf("refused: %s: %s\n", attest_code_name(verdict.code), verdict.reason);
        return 1;
    }
    printf("accepted: %s\n", verdict.product);
    return 0;
}
