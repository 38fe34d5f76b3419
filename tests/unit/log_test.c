// SPDX-License-Identifier: Apache-2.0
#include "base/log.h"
#include "tap.h"

#include <unistd.h>

TEST(default_filter, "without a filter only errors are told")
{
    log_init(NULL, 2);
    CHECK(log_enabled(LOG_ERROR, "enarx"));
    CHECK(!log_enabled(LOG_WARN, "enarx"));
    CHECK_INT(log_max_level(), LOG_ERROR);
}

TEST(levels, "a level alone holds for all targets")
{
    log_init("INFO", 2);
    CHECK(log_enabled(LOG_INFO, "enarx::cli"));
    CHECK(!log_enabled(LOG_DEBUG, "enarx::cli"));
    log_init("off", 2);
    CHECK(!log_enabled(LOG_ERROR, "enarx"));
    CHECK_INT(log_max_level(), LOG_OFF);
}

TEST(targets, "the most specific target decides")
{
    log_init("warn,enarx::keep=trace,enarx::keep::nil=error,other", 2);
    CHECK(log_enabled(LOG_TRACE, "enarx::keep"));
    CHECK(log_enabled(LOG_TRACE, "enarx::keep::kvm"));
    CHECK(!log_enabled(LOG_WARN, "enarx::keep::nil"));
    CHECK(!log_enabled(LOG_INFO, "enarx::keeper"));
    CHECK(log_enabled(LOG_WARN, "enarx::cli"));
    CHECK(log_enabled(LOG_TRACE, "other"));
    CHECK_INT(log_max_level(), LOG_TRACE);
}

TEST(nonsense, "what cannot be understood is ignored, however long")
{
    log_init(",,=,x=loud,warn,", 2);
    CHECK(log_enabled(LOG_WARN, "x"));
    CHECK(!log_enabled(LOG_INFO, "x"));
    char text[4000];
    memset(text, 'a', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    log_init(text, 2);
    CHECK(!log_enabled(LOG_WARN, "aaa"));
}

TEST(line, "an event is one line with time, level and target")
{
    int channel[2];
    CHECK_INT(pipe(channel), 0);
    log_init("info", channel[1]);
    log_info("enarx::cli", "hello %d", 7);
    log_debug("enarx::cli", "not this");
    char line[200] = "";
    CHECK(read(channel[0], line, sizeof(line) - 1) > 0);
    CHECK_STR(line + 27, "  INFO enarx::cli: hello 7\n");
    CHECK_INT(line[10], 'T');
    CHECK_INT(line[26], 'Z');
}

TAP_MAIN()
