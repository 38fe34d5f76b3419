// SPDX-License-Identifier: Apache-2.0
/* The stores: what is written, what is not, what is found damaged. In a directory, or, with
 * STORE_S3=ENDPOINT (tests/e2e/drawbridge_s3.py), in object storage. That a crash loses nothing is
 * shown by tests/e2e/drawbridge_crash.py. */
#include "base/cleanup.h"
#include "codec/base64.h"
#include "drawbridge/s3.h"
#include "drawbridge/s3_client.h"
#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

enum { LARGE = 1000 * 1000 };

#define S(text) span_of(text, strlen(text))

static struct store *store;
static struct s3_bucket *bucket;
static struct s3_config s3;
static char prefix[64];
static char path[] = "/tmp/store-test-XXXXXX";
static uint8_t large[LARGE];

static int remove_one(const char *name, const struct stat *status, int kind, struct FTW *walk)
{
    (void)status, (void)kind, (void)walk;
    return remove(name);
}

static bool is_s3(void)
{
    return getenv("STORE_S3") != NULL;
}

static int open_s3(bool create, struct err *err)
{
    int status = s3_bucket_open(&s3, create, &bucket, err);
    return status == 0 ? store_s3_open(bucket, &store, err) : status;
}

/* Each test has a place of its own in the bucket "test". */
static void start_s3(struct err *err)
{
    snprintf(prefix, sizeof(prefix), "%s/", path + strlen("/tmp/"));
    s3 = (struct s3_config){.endpoint = getenv("STORE_S3"),
                            .bucket = "test",
                            .prefix = prefix,
                            .credentials = {"testkey", "testsecret", "us-east-1"},
                            .seconds = 10,
                            .scratch = path};
    if (open_s3(true, err) < 0)
        tap_fail(__FILE__, __LINE__, "%s", err->message);
}

static void start(void)
{
    struct err err = {0};
    CHECK(mkdtemp(path));
    if (is_s3())
        start_s3(&err);
    else if (store_local_open(path, true, &store, &err) < 0)
        tap_fail(__FILE__, __LINE__, "%s", err.message);
    for (size_t i = 0; i < LARGE; i++)
        large[i] = (uint8_t)(i * 7 + i / 256);
}

static void close_store(void)
{
    store_close(store);
    s3_bucket_close(bucket);
    bucket = NULL;
}

static void reopen(void)
{
    close_store();
    CHECK_INT(is_s3() ? open_s3(false, NULL) : store_local_open(path, false, &store, NULL), 0);
}

static void stop(void)
{
    close_store();
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
    CHECK_INT(store_refresh(store), 0);
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

/* The object of a content. */
struct object {
    char prefix[256], name[S3_NAME_MAX];
};

static int find_object(void *context, const struct s3_item *item)
{
    struct object *object = context;
    memcpy(object->name, item->name, sizeof(object->name));
    return 0;
}

static struct object object_of(struct s3_client *client, const uint8_t *sha256)
{
    struct object object = {0};
    char digits[2 * STORE_SHA256 + 1];
    hex_encode(span_of(sha256, STORE_SHA256), digits);
    snprintf(object.prefix, sizeof(object.prefix), "contents/%s-", digits);
    CHECK_INT(s3_list(client, object.prefix, find_object, &object), 0);
    return object;
}

/* Replaces the bytes of a content behind the store's back; data NULL: removes them. What is open
 * is closed: a store in object storage keeps what it has verified. */
static void replace(const uint8_t *sha256, struct span bytes)
{
    char name[256];
    if (is_s3()) {
        struct s3_client *client = s3_client_new(&s3);
        struct object object = object_of(client, sha256);
        CHECK(object.name[0]);
        CHECK_INT(bytes.data ? s3_put(client, object.name, bytes, S3_ALWAYS, NULL)
                             : s3_delete(client, object.name),
                  0);
        s3_client_free(client);
        reopen();
        return;
    }
    content_path(sha256, name);
    int fd = bytes.data ? open(name, O_WRONLY | O_TRUNC) : -1;
    CHECK(bytes.data ? write(fd, bytes.data, bytes.size) == (ssize_t)bytes.size
                     : unlink(name) == 0);
    if (fd >= 0)
        close(fd);
}

static bool is_kept(const uint8_t *sha256)
{
    char name[256];
    content_path(sha256, name);
    if (!is_s3())
        return access(name, F_OK) == 0;
    struct s3_client *client = s3_client_new(&s3);
    struct object object = object_of(client, sha256);
    s3_client_free(client);
    return object.name[0] != 0;
}

/* What a crash leaves: bytes that no record knows of. */
static void leave_stray(const uint8_t *sha256)
{
    char name[256], digits[2 * STORE_SHA256 + 1];
    hex_encode(span_of(sha256, STORE_SHA256), digits);
    if (is_s3()) {
        struct s3_client *client = s3_client_new(&s3);
        snprintf(name, sizeof(name), "contents/%s-%.32s", digits, digits);
        CHECK_INT(s3_put(client, name, S("x"), S3_ALWAYS, NULL), 0);
        s3_client_free(client);
        return;
    }
    content_path(sha256, name);
    int fd = open(name, O_WRONLY | O_CREAT, 0600);
    CHECK(fd >= 0);
    close(fd);
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
    CHECK_INT(store_collect(store, is_s3() ? INT64_MAX : 0, &removed), 0);
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
    struct content *content;
    start();
    CHECK_INT(put_content("n", span_of(large, LARGE), sha256), 0);
    CHECK_INT(read_all(sha256, span_of(large, LARGE)), 0);
    large[300000] ^= 1;
    replace(sha256, span_of(large, LARGE));
    large[300000] ^= 1;
    CHECK_INT(read_all(sha256, span_of(large, LARGE)), -EBADMSG);
    CHECK_INT(store_content(store, sha256, &content), 0);
    CHECK_INT(content_read(content, 0, buffer, 10), 10);
    CHECK_INT(content_read(content, 262144, buffer, 10), -EBADMSG);
    content_close(content);
    CHECK_INT(check(), 1);
    replace(sha256, span_of(large, 5));
    CHECK_INT(read_all(sha256, span_of(large, LARGE)), -EBADMSG);
    replace(sha256, (struct span){0});
    reopen();
    CHECK_INT(read_all(sha256, span_of(large, LARGE)), -EBADMSG);
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
    start();
    CHECK_INT(put_content("n/1", span_of(large, LARGE), first), 0);
    CHECK_INT(put_content("n/2", span_of(large, LARGE), first), 0);
    CHECK_INT(put_content("n/3", span_of(large, LARGE - 1), second), 0);
    CHECK_INT(put_content("n/4", span_of(large, 10), small), 0);
    CHECK_INT(put("n/1", NULL, STORE_ANY, NULL), 0);
    CHECK_INT(put("n/3", NULL, STORE_ANY, NULL), 0);
    CHECK_INT(put("n/4", NULL, STORE_ANY, NULL), 0);
    CHECK_INT(collect(), is_s3() ? 3 : 2); /* an object for each time that one was uploaded */
    reopen();
    CHECK_INT(read_all(first, span_of(large, LARGE)), 0);
    CHECK_INT(store_content(store, second, &content), -ENOENT);
    CHECK_INT(store_content(store, small, &content), -ENOENT);
    CHECK(!is_kept(second) && is_kept(first));
    leave_stray(second);
    CHECK_INT(check(), is_s3() ? 0 : 1); /* who writes at this moment has such an object */
    CHECK_INT(collect(), 1);
    CHECK(!is_kept(second));
    CHECK_INT(read_all(first, span_of(large, LARGE)), 0);
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
    CHECK_INT(stage_save(stage), 0);
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

/* Another handle; of object storage one of another program. */
static struct store *open_other(struct s3_bucket **other_bucket)
{
    struct store *other;
    *other_bucket = NULL;
    if (!is_s3()) {
        CHECK_INT(store_local_open(path, false, &other, NULL), 0);
        return other;
    }
    CHECK_INT(s3_bucket_open(&s3, false, other_bucket, NULL), 0);
    CHECK_INT(store_s3_open(*other_bucket, &other, NULL), 0);
    return other;
}

TEST(two_handles, "what one handle wrote another reads")
{
    struct s3_bucket *other_bucket;
    uint8_t sha256[STORE_SHA256];
    start();
    struct store *mine = store, *other = open_other(&other_bucket);
    CHECK_INT(put_content("n", span_of(large, LARGE), sha256), 0);
    store = other;
    CHECK(has("n", "r"));
    CHECK_INT(read_all(sha256, span_of(large, LARGE)), 0);
    CHECK_INT(put("n", "q", STORE_SAME, "r"), 0);
    store = mine;
    CHECK(has("n", "q"));
    store_close(other);
    s3_bucket_close(other_bucket);
    stop();
}

enum { COUNTERS = 4, COUNTS = 25 };

/* Adds one to a record, as often as it takes. */
static void *count(void *argument)
{
    struct store *own = argument;
    for (unsigned i = 0; i < COUNTS; i++) {
        int status = -ESTALE;
        while (status == -ESTALE || status == -EBUSY) {
            struct store_value value;
            char text[16] = "";
            if (store_refresh(own) < 0 || store_get(own, "counter", &value) < 0)
                return strdup("cannot read");
            CHECK(value.size < sizeof(text));
            memcpy(text, value.data, value.size);
            snprintf(text, sizeof(text), "%d", atoi(text) + 1);
            struct store_change change = {.key = "counter",
                                          .value = S(text),
                                          .expect = STORE_SAME,
                                          .old = span_of(value.data, value.size)};
            status = store_write(own, NULL, &change, 1);
            free(value.data);
        }
        if (status < 0)
            return strdup(strerror(-status));
    }
    return NULL;
}

TEST(compare_and_swap,
     "who writes at the same time would overwrite what the other was told is there")
{
    struct store *stores[COUNTERS];
    struct s3_bucket *buckets[COUNTERS] = {NULL};
    pthread_t threads[COUNTERS];
    char wanted[16];
    start();
    CHECK_INT(put("counter", "0", STORE_ABSENT, NULL), 0);
    for (size_t i = 0; i < COUNTERS; i++) {
        if (is_s3() && i % 2 == 1) /* two threads of each program */
            CHECK_INT(store_s3_open(buckets[i - 1], &stores[i], NULL), 0);
        else
            stores[i] = open_other(&buckets[i]);
    }
    for (size_t i = 0; i < COUNTERS; i++)
        CHECK_INT(pthread_create(&threads[i], NULL, count, stores[i]), 0);
    for (size_t i = 0; i < COUNTERS; i++) {
        void *problem;
        CHECK_INT(pthread_join(threads[i], &problem), 0);
        if (problem)
            tap_fail(__FILE__, __LINE__, "%s", (const char *)problem);
    }
    snprintf(wanted, sizeof(wanted), "%d", COUNTERS * COUNTS);
    CHECK(has("counter", wanted));
    for (size_t i = 0; i < COUNTERS; i++)
        store_close(stores[i]);
    for (size_t i = 0; i < COUNTERS; i++)
        s3_bucket_close(buckets[i]);
    stop();
}

TEST(long_log,
     "what is in older parts of a log, or in a snapshot, would be lost to who comes later")
{
    enum { RECORDS = 60, SIZE = 60000 };
    struct s3_bucket *other_bucket;
    char key[16], *value = calloc(1, SIZE + 1);
    uint8_t sha256[STORE_SHA256];
    start();
    struct store *mine = store, *other = open_other(&other_bucket);
    CHECK_INT(put_content("n", span_of(large, LARGE), sha256), 0);
    for (size_t i = 0; i < RECORDS; i++) {
        memset(value, 'a' + (int)(i % 26), SIZE);
        snprintf(key, sizeof(key), "k/%zu", i);
        CHECK_INT(put(key, value, STORE_ABSENT, NULL), 0);
        CHECK_INT(i % 2 ? put(key, NULL, STORE_SAME, value) : 0, 0);
    }
    (void)collect();
    for (unsigned again = 0; again < 3; again++) {
        for (size_t i = 0; i < RECORDS; i++) {
            memset(value, 'a' + (int)(i % 26), SIZE);
            snprintf(key, sizeof(key), "k/%zu", i);
            CHECK(has(key, i % 2 ? NULL : value));
        }
        CHECK_INT(read_all(sha256, span_of(large, LARGE)), 0);
        CHECK(has("m", again == 2 ? "s" : NULL));
        if (again == 0) {
            store = mine;
            reopen();
            mine = store;
        } else if (again == 1) {
            CHECK_INT(put("m", "s", STORE_ABSENT, NULL), 0);
            store = other;
        }
    }
    store = mine;
    store_close(other);
    s3_bucket_close(other_bucket);
    free(value);
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
    if (is_s3()) {
        s3 = (struct s3_config){.endpoint = getenv("STORE_S3"),
                                .bucket = "test",
                                .prefix = "none/",
                                .credentials = {"testkey", "wrong", "us-east-1"},
                                .seconds = 10,
                                .scratch = path};
        CHECK(s3_bucket_open(&s3, true, &bucket, &err) < 0 && strstr(err.message, "403"));
        s3.credentials.secret = "testsecret";
        CHECK(s3_bucket_open(&s3, false, &bucket, &err) < 0 && strstr(err.message, "no store"));
    }
    rmdir(path);
}

TAP_MAIN()
