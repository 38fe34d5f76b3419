// SPDX-License-Identifier: Apache-2.0
/* Without this, what runs on a host could be lost from the sight of its user, or a signal meant for
 * a Keep could reach somebody else. */
#include "cli/keeps.h"
#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static char place[] = "/tmp/enarx-keeps-XXXXXX";

static void use_place(void)
{
    strcpy(place + sizeof("/tmp/enarx-keeps-") - 1, "XXXXXX");
    CHECK(mkdtemp(place) != NULL);
    setenv("ENARX_STATE_DIR", place, 1);
}

static void leave_place(void)
{
    char command[64];
    snprintf(command, sizeof(command), "rm -rf %s", place);
    CHECK_INT(system(command), 0);
}

static void count_records(void *context, const struct keep_record *record)
{
    (void)record;
    ++*(int *)context;
}

TEST(round_trip, "what is known of a Keep is written and read again")
{
    const struct keep_record sent = {.id = "0a1b2c3d",
                                     .state = KEEP_ENDED,
                                     .detached = true,
                                     .what = "host/a\"b\\c:1.0.0",
                                     .backend = "nil",
                                     .workload = "00ff",
                                     .steward = "https://s.example",
                                     .started = 1790000000,
                                     .ready = 1790000001,
                                     .expires = 1790003600,
                                     .ended = 1790000002,
                                     .exit_status = 7,
                                     .pid = 42};
    struct keep_record got;
    char buffer[8192];
    struct text text = text_init(buffer, sizeof(buffer));
    keep_record_write(&sent, &text);
    CHECK(keep_record_parse(text_span(&text), &got));
    CHECK(memcmp(&sent, &got, sizeof(sent)) == 0);
}

TEST(malformed, "what is no record is not taken for one")
{
    static const char *const texts[] = {
        "",
        "{}",
        "[]",
        "{\"pid\":1}",
        "{\"pid\":1,\"detached\":1}",
        "{\"pid\":-1,\"detached\":true,\"state\":\"running\"}",
        "{\"pid\":1,\"detached\":true,\"state\":\"gone\"}",
        "{\"pid\":1,\"detached\":true,\"state\":\"running\",\"id\":\"longer than an id\"}",
        "{\"pid\":1,\"detached\":true,\"state\":\"running\",\"started\":\"yesterday\"}",
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct keep_record record;
        CHECK(!keep_record_parse(span_of(texts[i], strlen(texts[i])), &record));
    }
}

TEST(life, "a Keep is listed while it is there, and found by the beginning of its id")
{
    struct keep_entry entry = {.record = {.backend = "nil"}}, found;
    int count = 0;
    use_place();
    CHECK_INT(keeps_each(count_records, &count, NULL), 0);
    CHECK_INT(count, 0);
    CHECK_INT(keeps_create(&entry, NULL), 0);
    CHECK_INT(keeps_write(&entry, NULL), 0);
    CHECK_INT(keeps_each(count_records, &count, NULL), 0);
    CHECK_INT(count, 1);
    char begin[4] = {0};
    memcpy(begin, entry.record.id, 3);
    CHECK_INT(keeps_find(begin, &found, NULL), 0);
    CHECK_STR(found.record.id, entry.record.id);
    CHECK_INT(found.record.state, KEEP_STARTING);
    keeps_close(&found);
    CHECK(keeps_find("../x", &found, NULL) < 0);
    keeps_discard(&entry);
    count = 0;
    CHECK_INT(keeps_each(count_records, &count, NULL), 0);
    CHECK_INT(count, 0);
    leave_place();
}

TEST(lost, "a Keep whose process is gone is lost, and its number gets no signal")
{
    struct keep_entry entry = {.record = {.backend = "nil"}}, found;
    use_place();
    pid_t pid = fork();
    if (pid == 0) {
        bool good = keeps_create(&entry, NULL) == 0;
        entry.record.pid = getppid(); /* as if the number were somebody else's by now */
        _exit(good && keeps_write(&entry, NULL) == 0 ? 0 : 1);
    }
    int status;
    CHECK_INT(waitpid(pid, &status, 0), pid);
    CHECK_INT(status, 0);
    CHECK_INT(keeps_find("", &found, NULL), 0);
    CHECK_INT(found.record.state, KEEP_LOST);
    CHECK_INT(keeps_signal(&found, SIGTERM), -ESRCH);
    keeps_close(&found);
    leave_place();
}

TAP_MAIN()
