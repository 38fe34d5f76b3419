// SPDX-License-Identifier: Apache-2.0
#include "exec/control.h"
#include "tap.h"

#include <errno.h>
#include <stdlib.h>

static int parse(const char *text, struct control *control, struct err *err)
{
    return control_parse(span_of(text, strlen(text)), control, err);
}

TEST(round_trip, "what the host writes is what the exec reads")
{
    const char *args[] = {"one", "t\"w\\o\n", ""};
    const char *env[] = {"A=1", "B=x=y"};
    struct control_dir dirs[] = {{6, "/data", true, 0}, {7, "/out", false, 42}};
    struct control sent = {.log = LOG_DEBUG,
                           .engine = CONTROL_INTERP,
                           .timings = true,
                           .module = 4,
                           .config = 5,
                           .args = args,
                           .arg_count = 3,
                           .env = env,
                           .env_count = 2,
                           .dirs = dirs,
                           .dir_count = 2,
                           .memory = 1 << 20,
                           .fuel = 99};
    char buffer[2048];
    struct text text = text_init(buffer, sizeof(buffer));
    control_write(&sent, &text);
    CHECK(!text.overflow);

    struct control got;
    struct err err = {0};
    if (control_parse(text_span(&text), &got, &err) < 0)
        tap_fail(__FILE__, __LINE__, "%s in\n%s", err.message, buffer);
    CHECK_INT(got.log, LOG_DEBUG);
    CHECK_INT(got.engine, CONTROL_INTERP);
    CHECK(got.timings);
    CHECK_INT(got.module, 4);
    CHECK_INT(got.config, 5);
    CHECK_INT(got.arg_count, 3);
    CHECK_STR(got.args[1], "t\"w\\o\n");
    CHECK_STR(got.args[2], "");
    CHECK_INT(got.env_count, 2);
    CHECK_STR(got.env[1], "B=x=y");
    CHECK_INT(got.dir_count, 2);
    CHECK_INT(got.dirs[0].fd, 6);
    CHECK_STR(got.dirs[1].path, "/out");
    CHECK(got.dirs[0].read_only && !got.dirs[1].read_only);
    CHECK(got.dirs[0].minimum == 0 && got.dirs[1].minimum == 42);
    CHECK_INT(got.memory, 1 << 20);
    CHECK_INT(got.fuel, 99);
    control_free(&got);
}

TEST(package, "a package to fetch arrives with its digest")
{
    struct control sent = {
        .module = -1,
        .config = -1,
        .ready = true,
        .package = {.url = "https://store.example/a",
                    .digest = "000102030405060708090a0b0c0d0e0f"
                              "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff",
                    .steward = "https://steward.example",
                    .roots = 4},
    };
    char buffer[1024];
    uint8_t digest[32];
    struct text text = text_init(buffer, sizeof(buffer));
    struct control got;
    control_write(&sent, &text);
    CHECK_INT(control_parse(text_span(&text), &got, NULL), 0);
    CHECK(got.ready);
    CHECK_INT(got.module, -1);
    CHECK_STR(got.package.url, sent.package.url);
    CHECK_STR(got.package.steward, sent.package.steward);
    CHECK_INT(got.package.roots, 4);
    CHECK(control_package_digest(&got.package, digest));
    CHECK_INT(digest[1], 1);
    CHECK_INT(digest[16], 0xf0);
    CHECK_INT(digest[31], 0xff);
    control_free(&got);
    CHECK(!control_package_digest(&got.package, digest));
}

TEST(least, "only version and module are required")
{
    struct control control;
    CHECK_INT(parse("version = 2\nmodule = 4", &control, NULL), 0);
    CHECK_INT(control.config, -1);
    CHECK_INT(control.log, LOG_ERROR);
    CHECK_INT(control.engine, CONTROL_COMPILER);
    CHECK_INT(control.arg_count, 0);
    control_free(&control);
}

static const struct {
    const char *text, *message;
} attacks[] = {
    {"", "control document, line 1: version is missing"},
    {"version = 1\nmodule = 4", "control document, line 1: version 2 is expected"},
    {"version = 2", "control document, line 1: module is missing"},
    {"version = ", "control document, line 1, column 11: a value is missing or begins with a wrong "
                   "character"},
    {"version = 2\nmodule = 3", "control document, line 2: a descriptor from 4 to 255 is expected"},
    {"version = 2\nmodule = 256",
     "control document, line 2: a descriptor from 4 to 255 is expected"},
    {"version = 2\nmodule = -1",
     "control document, line 2: a descriptor from 4 to 255 is expected"},
    {"version = 2\nmodule = 4294967300",
     "control document, line 2: a descriptor from 4 to 255 is expected"},
    {"version = 2\nmodule = '4'",
     "control document, line 2: a descriptor from 4 to 255 is expected"},
    {"version = 2\nlog = 'loud'", "control document, line 2: the name of a log level is expected"},
    {"version = 2\nengine = 'jit'",
     "control document, line 2: the engine compiler or interp is expected"},
    {"version = 2\nengine = 1", "control document, line 2: a string without U+0000 is expected"},
    {"version = 2\nargs = [1]", "control document, line 2: a string without U+0000 is expected"},
    {"version = 2\nargs = [\"\\u0000\"]",
     "control document, line 2: a string without U+0000 is expected"},
    {"version = 2\nargs = 'x'", "control document, line 2: an array of strings is expected"},
    {"version = 2\nenv = ['A']",
     "control document, line 2: variables of the form KEY=VALUE are expected"},
    {"version = 2\nenv = ['=x']",
     "control document, line 2: variables of the form KEY=VALUE are expected"},
    {"version = 2\nlimits = 1", "control document, line 2: a table is expected"},
    {"version = 2\n[limits]\nmemory = -1",
     "control document, line 3: a number that is not negative is expected"},
    {"version = 2\n[limits]\nluck = 1", "control document, line 3: this limit is not known"},
    {"version = 2\ndirs = 1", "control document, line 2: an array of tables is expected"},
    {"version = 2\ndirs = [1]", "control document, line 2: a table is expected"},
    {"version = 2\n[[dirs]]\nfd = 6",
     "control document, line 2: a directory needs fd and an absolute path"},
    {"version = 2\n[[dirs]]\nfd = 6\npath = 'x'",
     "control document, line 2: a directory needs fd and an absolute path"},
    {"version = 2\n[[dirs]]\nmode = 1", "control document, line 3: this key is not known"},
    {"version = 2\npackage = 1", "control document, line 2: a table is expected"},
    {"version = 2\n[package]", "control document, line 2: a package needs url"},
    {"version = 2\n[package]\nurl = 'https://a/b'\nsteward = 'https://c'",
     "control document, line 2: a package with steward needs digest and roots"},
    {"version = 2\n[package]\nurl = 'https://a/b'\ndigest = 'AB'",
     "control document, line 4: 64 lower-case hexadecimal digits are expected"},
    {"version = 2\n[package]\nurl = 'https://a/b'\nroots = 3",
     "control document, line 4: a descriptor from 4 to 255 is expected"},
    {"version = 2\n[package]\nurl = 'https://a/b'\nluck = 3",
     "control document, line 4: this key is not known"},
    {"version = 2\nmodule = 4\n[package]\nurl = 'https://a/b'",
     "control document, line 1: module and config are not for a package"},
    {"version = 2\nready = 1", "control document, line 2: a boolean is expected"},
    {"version = 2\nbackdoor = true", "control document, line 2: this key is not known"},
};

TEST(hostile, "a host that sends nonsense is refused, with nothing left behind")
{
    for (size_t i = 0; i < sizeof(attacks) / sizeof(attacks[0]); i++) {
        struct control control;
        struct err err = {0};
        CHECK_INT(parse(attacks[i].text, &control, &err), -EINVAL);
        CHECK_STR(err.message, attacks[i].message);
        CHECK_INT(err.class, ERR_PROTOCOL);
        CHECK(!control.storage && !control.args && !control.dirs);
    }
}

TEST(oversized, "a document beyond its bound is refused")
{
    char *text = malloc(CONTROL_SIZE_MAX + 1);
    memset(text, ' ', CONTROL_SIZE_MAX + 1);
    struct control control;
    CHECK_INT(control_parse(span_of(text, CONTROL_SIZE_MAX + 1), &control, NULL), -EFBIG);
    free(text);
}

TAP_MAIN()
