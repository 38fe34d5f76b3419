// SPDX-License-Identifier: Apache-2.0
/* The store in a directory: what is written, what is not, what is found damaged. That a crash loses
 * nothing is shown by tests/e2e/drawbridge_crash.sh. */
#include "base/cleanup.h"
#include "codec/base64.h"
#include "drawbridge/store.h"
#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <unistd.h>

enum { LARGE = 1000 * 1000 };

#define S(text) span_of(text, strlen(text))

static struct store *store;
static char path[] = "/tmp/store-test-XXXXXX";
static uint8_t large[LARGE];

static int remove_one(const char *name, const struct stat *status, int kind, struct FTW *walk)
{
    (void)status, (void)kind, (void)walk;
    return remove(name);
}

static void start(void)
{
    struct err err = {0};
    CHECK(mkdtemp(path));
    if (store_local_open(path, true, &store, &err) < 0)
        tap_fail(__FILE__, __LINE__, "%s", err.message);
    for (size_t i = 0; i < LARGE; i++)
        large[i] = (uint8_t)(i * 7 + i / 256);
}

static void reopen(void)
{
    store_close(store);
    CHECK_INT(store_local_open(path, false, &store, NULL), 0);
}

static void stop(void)
{
    store_close(store);
    nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static int put(const char *key, const char *value, enum store_expect expect, const char *old)
{
    struct store_change change = {
        .key = key, .expect = expect, .value = value ? S(value) : (struct span){0}};
    if (old)
        change.old = S(old);
    return store_write(store, NULL, &change, 1);
}

static bool has(const char *key, const char *wanted)
{
    struct store_value value;
    if (store_get(store, key, &value) < 0)
        return wanted == NULL;
    bool same = wanted && span_equal(span_of(value.data, value.size), S(wanted));
    free(value.data);
    return same;
}

TEST(records, "a record is created once and replaced only by who knows it")
{
    start();
    CHECK_INT(put("a/1", "x", STORE_ABSENT, NULL), 0);
    CHECK_INT(put("a/1", "y", STORE_ABSENT, NULL), -EEXIST);
    CHECK(has("a/1", "x"));
    CHECK_INT(put("a/1", "y", STORE_SAME, "z"), -ESTALE);
    CHECK_INT(put("a/1", "y", STORE_SAME, "x"), 0);
    CHECK_INT(put("a/2", "y", STORE_SAME, "x"), -ESTALE);
    CHECK_INT(put("a/1", "z", STORE_ANY, NULL), 0);
    CHECK_INT(put("a/1", NULL, STORE_SAME, "y"), -ESTALE);
    CHECK_INT(put("a/1", NULL, STORE_SAME, "z"), 0);
    CHECK(has("a/1", NULL));
    CHECK_INT(put("a/1", NULL, STORE_ANY, NULL), 0);
    stop();
}

TEST(all_or_nothing, "changes that belong together are made together or not at all")
{
    start();
    CHECK_INT(put("b", "x", STORE_ABSENT, NULL), 0);
    struct store_change changes[] = {
        {.key = "a", .value = S("1"), .expect = STORE_ABSENT},
        {.key = "b", .value = S("2"), .expect = STORE_ABSENT},
    };
    CHECK_INT(store_write(store, NULL, changes, 2), -EEXIST);
    CHECK(has("a", NULL) && has("b", "x"));
    changes[1].expect = STORE_CHECK;
    changes[1].old = S("y");
    CHECK_INT(store_write(store, NULL, changes, 2), -ESTALE);
    CHECK(has("a", NULL));
    changes[1].old = S("x");
    CHECK_INT(store_write(store, NULL, changes, 2), 0);
    CHECK(has("a", "1") && has("b", "x"));
    stop();
}

static char listed[256];

static bool add_key(void *context, const char *key, struct span value)
{
    unsigned *left = context;
    (void)value;
    strcat(listed, key);
    strcat(listed, " ");
    return --*left > 0;
}

TEST(list, "records are listed by prefix, in order, a page at a time")
{
    unsigned left = 10;
    static const char *const keys[] = {"t/a/1", "t/a/2", "t/a/10", "t/a0", "t/b/1", "s", "u"};
    start();
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
        CHECK_INT(put(keys[i], "", STORE_ABSENT, NULL), 0);
    CHECK_INT(store_list(store, "t/a/", "", add_key, &left), 0);
    CHECK_STR(listed, "t/a/1 t/a/10 t/a/2 ");
    listed[0] = '\0';
    left = 1;
    CHECK_INT(store_list(store, "t/a/", "t/a/1", add_key, &left), 0);
    CHECK_STR(listed, "t/a/10 ");
    stop();
}

/* Writes a content and a record that refers to it. */
static int put_content(const char *key, struct span bytes, uint8_t sha256[STORE_SHA256])
{
    struct stage *stage;
    CHECK_INT(store_stage(store, NULL, &stage), 0);
    for (size_t at = 0; at < bytes.size; at += 10000) {
        size_t size = bytes.size - at < 10000 ? bytes.size - at : 10000;
        CHECK_INT(stage_add(stage, span_of(bytes.data + at, size)), 0);
    }
    CHECK_INT(stage_end(stage), 0);
    CHECK_INT(stage->length, bytes.size);
    memcpy(sha256, stage_sha256(stage), STORE_SHA256);
    struct store_change change = {
        .key = key, .value = S("r"), .expect = STORE_ABSENT, .content = sha256};
    int status = store_write(store, stage, &change, 1);
    stage_free(stage);
    return status;
}

static int read_all(const uint8_t *sha256, struct span wanted)
{
    struct content *content;
    int status = store_content(store, sha256, &content);
    if (status < 0)
        return status;
    autofree uint8_t *buffer = malloc(70000);
    uint64_t at = 0;
    ssize_t got;
    CHECK_INT(content->length, wanted.size);
    while ((got = content_read(content, at, buffer, 70000)) > 0) {
        CHECK(memcmp(buffer, wanted.data + at, (size_t)got) == 0);
        at += (uint64_t)got;
    }
    content_close(content);
    if (got == 0)
        CHECK_INT(at, wanted.size);
    return (int)got;
}

static void content_path(const uint8_t *sha256, char name[256])
{
    char digits[2 * STORE_SHA256 + 1];
    hex_encode(span_of(sha256, STORE_SHA256), digits);
    snprintf(name, 256, "%s/contents/%.2s/%s", path, digits, digits + 2);
}

static unsigned problems;

static void on_problem(void *context, const char *problem)
{
    (void)context, (void)problem;
    problems++;
}

static unsigned check(void)
{
    uint64_t count;
    problems = 0;
    CHECK_INT(store_check(store, on_problem, NULL, &count), 0);
    return problems;
}

static unsigned collect(void)
{
    uint64_t removed;
    CHECK_INT(store_collect(store, 0, &removed), 0);
    return (unsigned)removed;
}

TEST(contents, "contents of every size come back as they were, also after a restart")
{
    static const size_t sizes[] = {0, 1, 32768, 32769, 262144, 262145, LARGE};
    uint8_t sha256[8][STORE_SHA256];
    char key[16];
    start();
    for (size_t i = 0; i < 7; i++) {
        snprintf(key, sizeof(key), "n/%zu", i);
        CHECK_INT(put_content(key, span_of(large, sizes[i]), sha256[i]), 0);
        CHECK_INT(read_all(sha256[i], span_of(large, sizes[i])), 0);
    }
    reopen();
    for (size_t i = 0; i < 7; i++)
        CHECK_INT(read_all(sha256[i], span_of(large, sizes[i])), 0);
    CHECK_INT(check(), 0);
    CHECK_INT(collect(), 0);
    CHECK_INT(put_content("n/again", span_of(large, LARGE), sha256[0]), 0);
    CHECK_INT(read_all(sha256[0], span_of(large, LARGE)), 0);
    stop();
}

TEST(offsets, "a read at any offset has the bytes that are there")
{
    uint8_t sha256[STORE_SHA256], buffer[1000];
    static const uint64_t offsets[] = {0, 1, 262143, 262144, 500000, LARGE - 1, LARGE, LARGE + 5};
    struct content *content;
    start();
    CHECK_INT(put_content("n", span_of(large, LARGE), sha256), 0);
    CHECK_INT(store_content(store, sha256, &content), 0);
    for (size_t i = 0; i < 8; i++) {
        ssize_t got = content_read(content, offsets[i], buffer, sizeof(buffer));
        CHECK((got > 0) == (offsets[i] < LARGE));
        CHECK(got <= 0 || memcmp(buffer, large + offsets[i], (size_t)got) == 0);
    }
    content_close(content);
    stop();
}

TEST(damage, "a changed byte is never delivered and fsck finds it")
{
    uint8_t sha256[STORE_SHA256], buffer[10];
    char name[256];
    struct content *content;
    start();
    CHECK_INT(put_content("n", span_of(large, LARGE), sha256), 0);
    CHECK_INT(read_all(sha256, span_of(large, LARGE)), 0);
    content_path(sha256, name);
    int fd = open(name, O_RDWR);
    CHECK(fd >= 0 && pwrite(fd, "x", 1, 300000) == 1 && large[300000] != 'x');
    close(fd);
    CHECK_INT(read_all(sha256, span_of(large, LARGE)), -EBADMSG);
    CHECK_INT(store_content(store, sha256, &content), 0);
    CHECK_INT(content_read(content, 0, buffer, 10), 10);
    CHECK_INT(content_read(content, 262144, buffer, 10), -EBADMSG);
    content_close(content);
    CHECK_INT(check(), 1);
    CHECK_INT(truncate(name, 5), 0);
    CHECK_INT(store_content(store, sha256, &content), -EBADMSG);
    CHECK_INT(unlink(name), 0);
    reopen();
    CHECK_INT(store_content(store, sha256, &content), -EBADMSG);
    CHECK_INT(check(), 1);
    /* Whoever uploads it again repairs it. */
    CHECK_INT(put_content("n2", span_of(large, LARGE), sha256), 0);
    CHECK_INT(read_all(sha256, span_of(large, LARGE)), 0);
    CHECK_INT(check(), 0);
    stop();
}

TEST(refused, "what was refused leaves nothing behind")
{
    uint8_t sha256[STORE_SHA256];
    struct content *content;
    start();
    CHECK_INT(put("n", "x", STORE_ABSENT, NULL), 0);
    CHECK_INT(put_content("n", span_of(large, LARGE), sha256), -EEXIST);
    CHECK_INT(store_content(store, sha256, &content), -ENOENT);
    CHECK_INT(put_content("n", span_of(large, 100), sha256), -EEXIST);
    CHECK_INT(store_content(store, sha256, &content), -ENOENT);
    CHECK_INT(check(), 0);
    struct store_change change = {.key = "m", .value = S("r"), .content = sha256};
    CHECK_INT(store_write(store, NULL, &change, 1), -ENOENT);
    CHECK(has("m", NULL));
    stop();
}

TEST(garbage, "what nothing refers to goes, what something refers to stays")
{
    uint8_t first[STORE_SHA256], second[STORE_SHA256], small[STORE_SHA256];
    struct content *content;
    char name[256];
    start();
    CHECK_INT(put_content("n/1", span_of(large, LARGE), first), 0);
    CHECK_INT(put_content("n/2", span_of(large, LARGE), first), 0);
    CHECK_INT(put_content("n/3", span_of(large, LARGE - 1), second), 0);
    CHECK_INT(put_content("n/4", span_of(large, 10), small), 0);
    CHECK_INT(put("n/1", NULL, STORE_ANY, NULL), 0);
    CHECK_INT(put("n/3", NULL, STORE_ANY, NULL), 0);
    CHECK_INT(put("n/4", NULL, STORE_ANY, NULL), 0);
    CHECK_INT(collect(), 2);
    reopen();
    CHECK_INT(read_all(first, span_of(large, LARGE)), 0);
    CHECK_INT(store_content(store, second, &content), -ENOENT);
    CHECK_INT(store_content(store, small, &content), -ENOENT);
    content_path(second, name);
    CHECK(access(name, F_OK) < 0);
    /* A file that a crash left. */
    int fd = open(name, O_WRONLY | O_CREAT, 0600);
    CHECK(fd >= 0);
    close(fd);
    CHECK_INT(check(), 1);
    CHECK_INT(collect(), 1);
    CHECK_INT(check(), 0);
    stop();
}

TEST(resume, "an upload with an id is taken up where it was left")
{
    struct stage *stage, *other;
    uint8_t sha256[STORE_SHA256];
    uint64_t size;
    start();
    CHECK_INT(store_stage_size(store, "id1", &size), -ENOENT);
    CHECK(store_stage(store, "../x", &stage) < 0);
    CHECK(store_stage(store, "", &stage) < 0);
    CHECK_INT(store_stage(store, "id1", &stage), 0);
    CHECK_INT(stage_add(stage, span_of(large, 400000)), 0);
    CHECK_INT(store_stage(store, "id1", &other), -EBUSY);
    stage_free(stage);
    reopen();
    CHECK_INT(store_stage_size(store, "id1", &size), 0);
    CHECK_INT(size, 400000);
    CHECK_INT(store_stage(store, "id1", &stage), 0);
    CHECK_INT(stage_add(stage, span_of(large + 400000, LARGE - 400000)), 0);
    CHECK_INT(stage_end(stage), 0);
    memcpy(sha256, stage_sha256(stage), STORE_SHA256);
    struct store_change change = {.key = "n", .value = S("r"), .content = sha256};
    CHECK_INT(store_write(store, stage, &change, 1), 0);
    stage_free(stage);
    CHECK_INT(read_all(sha256, span_of(large, LARGE)), 0);
    CHECK_INT(store_stage_size(store, "id1", &size), -ENOENT);
    /* A small one, and one that is thrown away. */
    CHECK_INT(store_stage(store, "id2", &stage), 0);
    CHECK_INT(stage_add(stage, S("foo")), 0);
    CHECK_INT(stage_end(stage), 0);
    memcpy(sha256, stage_sha256(stage), STORE_SHA256);
    change.key = "n2";
    CHECK_INT(store_write(store, stage, &change, 1), 0);
    stage_free(stage);
    CHECK_INT(read_all(sha256, S("foo")), 0);
    CHECK_INT(store_stage_size(store, "id2", &size), -ENOENT);
    CHECK_INT(store_stage(store, "id3", &stage), 0);
    stage_free(stage);
    CHECK_INT(store_stage_remove(store, "id3"), 0);
    CHECK_INT(store_stage_remove(store, "id3"), -ENOENT);
    stop();
}

TEST(two_handles, "what one handle wrote another reads")
{
    struct store *other;
    uint8_t sha256[STORE_SHA256];
    start();
    CHECK_INT(store_local_open(path, false, &other, NULL), 0);
    CHECK_INT(put_content("n", span_of(large, LARGE), sha256), 0);
    struct store *mine = store;
    store = other;
    CHECK(has("n", "r"));
    CHECK_INT(read_all(sha256, span_of(large, LARGE)), 0);
    CHECK_INT(put("n", "q", STORE_SAME, "r"), 0);
    store = mine;
    CHECK(has("n", "q"));
    store_close(other);
    stop();
}

TEST(open_wrong, "what is no store is not taken for one")
{
    struct store *none;
    struct err err = {0};
    CHECK(store_local_open("/nonexistent/x", false, &none, &err) < 0);
    CHECK(err.message[0]);
    CHECK(mkdtemp(path));
    CHECK(store_local_open(path, false, &none, NULL) < 0);
    rmdir(path);
}

TAP_MAIN()
