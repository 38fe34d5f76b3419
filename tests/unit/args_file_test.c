// SPDX-License-Identifier: Apache-2.0
#include "steward/args_file.h"
#include "tap.h"

#include <stdlib.h>
#include <unistd.h>

static struct args args;
static struct err err;

/* Expands `steward -x @FILE -y` with a file of this text. */
static int expand(const char *text)
{
    char path[] = "/tmp/args_file_XXXXXX";
    static char word[64], program[] = "steward", before[] = "-x", behind[] = "-y";
    int fd = mkstemp(path);
    CHECK(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    close(fd);
    snprintf(word, sizeof(word), "@%s", path);
    char *argv[] = {program, before, word, behind, NULL};
    err = (struct err){0};
    int status = args_expand(4, argv, &args, &err);
    unlink(path);
    return status;
}

TEST(values, "options of a file would get lost or change")
{
    static const char *const expected[] = {
        "--key=a b \xC3\xA9",
        "--port=3000",
        "--ratio=0.5",
        "--check-config",
        "--dir=a",
        "--dir=7",
        "--time=2023-02-01T00:00:00Z",
        "--later=2023-02-01T00:00:00.500000000-01:30",
        "--day=2023-02-01",
        "--empty=",
    };
    enum { COUNT = sizeof(expected) / sizeof(expected[0]) };
    CHECK(expand("key = \"a b \\u00e9\"\nport = 3000\nratio = 0.5\ncheck-config = true\n"
                 "help = false\ndir = [\"a\", 7]\nnone = []\ntime = 2023-02-01T00:00:00Z\n"
                 "later = 2023-02-01T00:00:00.5-01:30\nday = 2023-02-01\nempty = \"\"\n") == 0);
    CHECK_INT(args.count, COUNT + 3);
    CHECK_STR(args.words[1], "-x");
    for (size_t i = 0; i < COUNT; i++)
        CHECK_STR(args.words[i + 2], expected[i]);
    CHECK_STR(args.words[COUNT + 2], "-y");
    CHECK(args.words[COUNT + 3] == NULL);
    args_free(&args);
}

TEST(refused, "what cannot be an option would be left out silently")
{
    static const char *const texts[] = {"[a]\nb = 1",    "a = {b = 1}",     "a = [[1]]",
                                        "a = [{b = 1}]", "a = \"\\u0000\"", "a = "};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        CHECK(expand(texts[i]) < 0);
        CHECK_INT(err.class, ERR_CONFIG);
        args_free(&args);
    }
    char program[] = "steward", word[] = "@/nonexistent";
    char *argv[] = {program, word, NULL};
    CHECK(args_expand(2, argv, &args, &err) < 0);
    args_free(&args);
    CHECK(args_expand(1, argv, &args, &err) == 0 && args.count == 1);
    args_free(&args);
}

TAP_MAIN()
