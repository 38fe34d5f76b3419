// SPDX-License-Identifier: Apache-2.0
#include "codec/base64.h"
#include "crypto/crypto.h"
#include "steward/audit.h"
#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static char path[64];
static struct audit audit;
static struct err err;
static const uint8_t digest[32] = {7};

static void begin(void)
{
    char directory[] = "/tmp/audit_XXXXXX";
    CHECK(mkdtemp(directory) != NULL);
    snprintf(path, sizeof(path), "%s/log", directory);
    CHECK(audit_open(&audit, path, &err) == 0);
}

static void end(void)
{
    audit_close(&audit);
    unlink(path);
    *strrchr(path, '/') = '\0';
    rmdir(path);
}

static int decide(enum attest_code code)
{
    static struct attest_verdict verdict = {.product = "Milan", .measurement_size = 48};
    verdict.code = code;
    return audit_write(&audit, &verdict, digest, 1700000000);
}

/* Checks the chain; the number of lines. */
static unsigned count_lines(void)
{
    char text[16 * 1024] = "", previous[65];
    memset(previous, '0', 64);
    previous[64] = '\0';
    FILE *file = fopen(path, "r");
    CHECK(file != NULL);
    unsigned count = 0;
    while (fgets(text, sizeof(text), file)) {
        uint8_t hash[32];
        size_t size = strlen(text);
        CHECK(size > 1 && text[size - 1] == '\n');
        const char *at = strstr(text, "\"previous\":\"");
        CHECK(at && strncmp(at + 12, previous, 64) == 0);
        struct span line = span_of(text, size - 1);
        CHECK(crypto_hash(CRYPTO_SHA256, &line, 1, hash) == 0);
        hex_encode(span_of(hash, sizeof(hash)), previous);
        count++;
    }
    fclose(file);
    return count;
}

TEST(chain, "a line could be taken out, or a new start would break the chain")
{
    begin();
    CHECK(decide(ATTEST_ACCEPTED) == 0 && decide(ATTEST_EVIDENCE_ABSENT) == 0);
    audit_close(&audit);
    CHECK(audit_open(&audit, path, &err) == 0);
    CHECK(decide(ATTEST_ACCEPTED) == 0);
    CHECK_INT(count_lines(), 3);
    audit_close(&audit);
    CHECK(decide(ATTEST_ACCEPTED) == 0); /* there is no log */
    CHECK_INT(count_lines(), 3);
    end();
}

TEST(full, "a disk that was full for a moment would leave half a line and a broken chain")
{
    struct stat status;
    begin();
    CHECK(decide(ATTEST_ACCEPTED) == 0);
    CHECK(stat(path, &status) == 0);
    struct rlimit limit, usual;
    CHECK(getrlimit(RLIMIT_FSIZE, &usual) == 0);
    signal(SIGXFSZ, SIG_IGN);
    for (rlim_t more = 0; more < 200; more += 50) {
        limit = usual;
        limit.rlim_cur = (rlim_t)status.st_size + more;
        CHECK(setrlimit(RLIMIT_FSIZE, &limit) == 0);
        CHECK(decide(ATTEST_EVIDENCE_ABSENT) < 0);
        CHECK_INT(count_lines(), 1);
    }
    CHECK(setrlimit(RLIMIT_FSIZE, &usual) == 0);
    CHECK(decide(ATTEST_ACCEPTED) == 0);
    CHECK_INT(count_lines(), 2);
    end();
}

TEST(cut, "a line that a crash cut off would be continued")
{
    begin();
    CHECK(decide(ATTEST_ACCEPTED) == 0);
    audit_close(&audit);
    CHECK(truncate(path, 100) == 0);
    CHECK(audit_open(&audit, path, &err) < 0);
    CHECK(strstr(err.message, "is not complete"));
    end();
}

TEST(renamed, "after a rename the chain would begin anew, or go on in the old file")
{
    char old[80];
    begin();
    CHECK(decide(ATTEST_ACCEPTED) == 0 && decide(ATTEST_ACCEPTED) == 0);
    uint8_t last[32];
    memcpy(last, audit.last, sizeof(last));
    CHECK(audit_reopen(&audit, path, &err) == 0); /* not renamed: nothing changes */
    CHECK(memcmp(last, audit.last, sizeof(last)) == 0);
    snprintf(old, sizeof(old), "%s.old", path);
    CHECK(rename(path, old) == 0);
    CHECK(audit_reopen(&audit, path, &err) == 0);
    CHECK(memcmp(last, audit.last, sizeof(last)) == 0);
    CHECK(decide(ATTEST_ACCEPTED) == 0);
    CHECK(audit_reopen(&audit, "/nonexistent/log", &err) < 0);
    CHECK(decide(ATTEST_ACCEPTED) == 0); /* in the file that was open */
    struct stat status;
    CHECK(stat(path, &status) == 0 && status.st_size > 0);
    unlink(old);
    end();
}

TAP_MAIN()
