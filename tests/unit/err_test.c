// SPDX-License-Identifier: Apache-2.0
#include "base/err.h"
#include "tap.h"

#include <errno.h>

TEST(set_appends_reason, "a message ends with the reason that the system gave")
{
    struct err err = {0};
    CHECK_INT(err_set(&err, ERR_IO, ENOENT, "open %s", "a.wasm"), -ENOENT);
    CHECK_STR(err.message, "open a.wasm: No such file or directory");
    CHECK_INT(err.class, ERR_IO);
}

TEST(set_without_code, "a failure without an errno still returns a negative number")
{
    struct err err = {0};
    CHECK_INT(err_set(&err, ERR_CONFIG, 0, "line 3: unknown key"), -EINVAL);
    CHECK_STR(err.message, "line 3: unknown key");
}

TEST(null_is_accepted, "callers that do not want the text pass NULL")
{
    CHECK_INT(err_set(NULL, ERR_IO, EACCES, "x"), -EACCES);
    err_context(NULL, "x");
    err_hint(NULL, "x");
}

TEST(context_prepends, "each layer says what it was doing")
{
    struct err err = {0};
    err_set(&err, ERR_IO, 0, "too short");
    err_context(&err, "read %s", "Enarx.toml");
    CHECK_STR(err.message, "read Enarx.toml: too short");
}

TEST(oversized_is_cut, "long texts are cut, never written past the object")
{
    struct err err = {0};
    char text[3000];
    memset(text, 'a', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    err_set(&err, ERR_IO, EIO, "%s", text);
    CHECK_INT(strlen(err.message), ERR_MESSAGE_SIZE - 1);
    err_context(&err, "open");
    CHECK(strncmp(err.message, "open: aaa", 9) == 0);
    CHECK(strlen(err.message) < ERR_MESSAGE_SIZE);
    err_context(&err, "%s", text);
    CHECK(strncmp(err.message, "open: aaa", 9) == 0);
}

TAP_MAIN()
