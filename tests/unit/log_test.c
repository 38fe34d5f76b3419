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

TEST(json, "programs that read logs would find lines that are not JSON")
{
    int channel[2];
    CHECK_INT(pipe(channel), 0);
    log_init("info", channel[1]);
    log_set_format(LOG_JSON);
    char line[16 * 1024] = "", large[4000] = "";
    const struct log_field fields[] = {{"code", "a\nb"}, {"status", "200"}};
    log_event(LOG_INFO, "steward", "say \"hello\"", fields, 2);
    CHECK(read(channel[0], line, sizeof(line) - 1) > 0);
    CHECK(strncmp(line, "{\"time\":\"2", 10) == 0);
    CHECK_STR(line + 37, ",\"level\":\"info\",\"target\":\"steward\",\"message\":\"say "
                         "\\\"hello\\\"\",\"code\":\"a\\u000ab\",\"status\":\"200\"}\n");
    memset(large, 1, sizeof(large) - 1);
    const struct log_field too_long[] = {{"code", large}};
    log_event(LOG_INFO, "steward", "still", too_long, 1);
    ssize_t size = read(channel[0], line, sizeof(line) - 1);
    CHECK(size > 0 && strncmp(line + size - 10, ":\"still\"}\n", 10) == 0);
    log_info("steward", "%s", large); /* is cut, and a line nevertheless */
    size = read(channel[0], line, sizeof(line) - 1);
    CHECK(size > 4000 && strncmp(line + size - 3, "\"}\n", 3) == 0);
    log_set_format(LOG_TEXT);
    log_event(LOG_WARN, "steward", "hello", fields, 2);
    memset(line, 0, sizeof(line));
    CHECK(read(channel[0], line, sizeof(line) - 1) > 0);
    CHECK_STR(line + 27, "  WARN steward: hello code=\"a\\u000ab\" status=\"200\"\n");
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
