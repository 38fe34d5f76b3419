// SPDX-License-Identifier: Apache-2.0
/* Sealed storage and a host that is not honest, or dies. */
#include "sealed_test.h"

#include "base/bytes.h"
#include "base/span.h"

#include <signal.h>
#include <sys/wait.h>

enum { HEADER = 64, HEAD = 8, SEGMENT = HEAD + 32 + 16, SEGMENT_BIT = 0x80000000u };

/* ---- Places in a log --------------------------------------------------------------------------
 */

struct places {
    size_t at[400]; /* of each record and segment, and the end */
    size_t count;
};

static struct places find_places(struct bytes log)
{
    struct places places = {0};
    size_t at = HEADER;
    while (at < log.size) {
        uint32_t word = load_le32(log.data + at);
        CHECK(places.count < 399);
        places.at[places.count++] = at;
        at += word & SEGMENT_BIT ? SEGMENT : HEAD + word;
    }
    CHECK_INT(at, log.size);
    places.at[places.count] = at;
    return places;
}

/* A store with some history: five states, of which the file "state" tells the number. */
static struct bytes make_history(struct fixture *f, struct bytes states[5])
{
    static uint8_t data[9000];
    char text[2] = "0";
    for (int i = 0; i < 5; i++) {
        if (i == 0 || i == 3)
            open_store(f);
        text[0] = (char)('0' + i);
        memset(data, text[0], sizeof(data));
        put_text(f, "state", text);
        put_file(f, "data", data, sizeof(data));
        CHECK_INT(sealed_sync(f->store), 0);
        if (i == 2 || i == 4)
            shut(f);
        states[i] = take_log(f);
    }
    return states[4];
}

/* Opens what the host gives. The number of the state, 9 before the first; or -errno. */
static int judge(struct fixture *f, const uint8_t *data, size_t size)
{
    static uint8_t expected[9000];
    int state = 9;
    give_log(f, data, size);
    int status = try_open(f);
    if (status < 0)
        return status;
    for (int i = 0; i < 5; i++) {
        char text[2] = {(char)('0' + i), 0};
        memset(expected, text[0], sizeof(expected));
        if (!has_text(f, "state", text))
            continue;
        CHECK(has(f, "data", expected, sizeof(expected)));
        state = i;
    }
    shut(f);
    return state;
}

TEST_TIMEOUT(flipped, "a log of which any bit was changed is refused", 250)
{
    struct fixture f = begin();
    struct bytes states[5], log = make_history(&f, states);
    size_t step = log.size / 1500 + 1;
    for (size_t i = 0; i < log.size; i += i < 300 ? 1 : step) {
        log.data[i] ^= (uint8_t)(1 << i % 8);
        int status = judge(&f, log.data, log.size);
        if (status != -EBADMSG && status != -EKEYREJECTED)
            tap_fail(__FILE__, __LINE__, "byte %zu: %d", i, status);
        log.data[i] ^= (uint8_t)(1 << i % 8);
    }
    struct places places = find_places(log);
    for (size_t i = 0; i < places.count; i++) { /* and what stands before each record */
        for (size_t bit = i < 4 ? 0 : i % 7; bit < 64; bit += i < 4 ? 1 : 7) {
            log.data[places.at[i] + bit / 8] ^= (uint8_t)(1 << bit % 8);
            CHECK_INT(judge(&f, log.data, log.size), -EBADMSG);
            log.data[places.at[i] + bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
    }
    CHECK_INT(judge(&f, log.data, log.size), 4);
    CHECK(unlinkat(f.directory, SEALED_LOG, 0) == 0);
    end(&f);
}

TEST_TIMEOUT(cut, "a log that was cut anywhere is its last whole state, or refused without one",
             250)
{
    struct fixture f = begin();
    struct bytes states[5], log = make_history(&f, states);
    struct places places = find_places(log);
    size_t next = 0;
    int last = -1;
    for (size_t size = 0; size <= log.size; size++) {
        bool near = size < 300;
        while (next < places.count && places.at[next] + 64 < size)
            next++;
        near = near || (places.at[next] < size + 64);
        if (!near && size % 97 != 0)
            continue;
        int expected = -EBADMSG, state = judge(&f, log.data, size);
        for (int i = 0; i < 5; i++)
            expected = size >= states[i].size ? i : expected;
        if (expected >= 0)
            CHECK_INT(state, expected);
        else
            CHECK(state == 9 || state == -EBADMSG); /* the first transaction has no state yet */
        CHECK(state >= last || state < 0 || state == 9);
        last = state == 9 ? -1 : state;
    }
    CHECK_INT(last, 4);
    static uint8_t blank[100000];
    memcpy(blank, states[2].data, states[2].size); /* what file systems leave after a crash */
    CHECK_INT(judge(&f, blank, states[2].size + 5000), 2);
    end(&f);
}

static int judge_parts(struct fixture *f, struct span a, struct span b, struct span c)
{
    uint8_t *data = malloc(a.size + b.size + c.size + 1);
    memcpy(data, a.data, a.size);
    memcpy(data + a.size, b.data, b.size);
    memcpy(data + a.size + b.size, c.data, c.size);
    int status = judge(f, data, a.size + b.size + c.size);
    free(data);
    return status;
}

TEST(moved, "records that were left out, doubled or exchanged are refused")
{
    struct fixture f = begin();
    struct bytes states[5], log = make_history(&f, states);
    struct places places = find_places(log);
    for (size_t i = 0; i + 1 < places.count; i++) {
        size_t at = places.at[i], next = places.at[i + 1], after = places.at[i + 2];
        struct span before = span_of(log.data, at), one = span_of(log.data + at, next - at),
                    two = span_of(log.data + next, after - next),
                    from_one = span_of(log.data + at, log.size - at),
                    from_two = span_of(log.data + next, log.size - next),
                    rest = span_of(log.data + after, log.size - after), none = span_of("", 0);
        CHECK_INT(judge_parts(&f, before, from_two, none), -EBADMSG);
        CHECK_INT(judge_parts(&f, before, one, from_one), -EBADMSG);
        struct span swapped = span_of(tap_memory(one.size + two.size), one.size + two.size);
        memcpy((uint8_t *)swapped.data, two.data, two.size);
        memcpy((uint8_t *)swapped.data + two.size, one.data, one.size);
        CHECK_INT(judge_parts(&f, before, swapped, rest), -EBADMSG);
    }
    CHECK_INT(judge(&f, log.data, log.size), 4);
    end(&f);
}

TEST(rolled_back, "an older copy has a lower version: it opens, but not where more is demanded")
{
    struct fixture f = begin();
    struct bytes states[5];
    uint64_t versions[5];
    uint8_t digest[SEALED_DIGEST_SIZE];
    make_history(&f, states);
    for (int i = 0; i < 5; i++) {
        CHECK_INT(judge(&f, states[i].data, states[i].size), i);
        give_log(&f, states[i].data, states[i].size);
        open_store(&f);
        versions[i] = sealed_version(f.store, digest);
        CHECK(i == 0 || versions[i] > versions[i - 1]);
        shut(&f);
    }
    f.options.minimum = versions[3];
    CHECK_INT(judge(&f, states[3].data, states[3].size), 3);
    CHECK_INT(judge(&f, states[2].data, states[2].size), -ESTALE);
    CHECK(unlinkat(f.directory, SEALED_LOG, 0) == 0);
    CHECK_INT(try_open(&f), -ESTALE); /* nothing at all is older still */
    f.options.minimum = 0;
    /* Two histories with the same beginning do not mix. */
    give_log(&f, states[1].data, states[1].size);
    open_store(&f);
    put_text(&f, "state", "x");
    shut(&f);
    struct bytes other = take_log(&f);
    for (size_t i = states[1].size; i < other.size; i += 13) {
        struct span tail = span_of(other.data + i, other.size - i),
                    own = span_of(states[4].data, i);
        int state = i > states[1].size ? judge_parts(&f, own, tail, span_of("", 0)) : -EBADMSG;
        CHECK(state == -EBADMSG || (state < 5 && states[state].size <= i));
    }
    end(&f);
}

TEST(two_writers, "two Keeps that a host has let in at once leave a log that is refused")
{
    struct fixture f = begin(), other;
    struct bytes states[5];
    make_history(&f, states);
    open_store(&f);
    /* The lock is the host's: it makes the other Keep a directory that is another one. */
    other = begin();
    CHECK(linkat(f.directory, SEALED_LOG, other.directory, SEALED_LOG, 0) == 0);
    open_store(&other);
    static uint8_t data[30000];
    for (int i = 0; i < 3; i++) {
        put_file(&f, "mine", data, (size_t)(1000 * i + 900));
        CHECK_INT(sealed_sync(f.store), 0);
        put_file(&other, "theirs", data, (size_t)(700 * i + 100));
        CHECK_INT(sealed_sync(other.store), 0);
    }
    shut(&f);
    shut(&other);
    CHECK_INT(try_open(&f), -EBADMSG);
    end(&other);
    end(&f);
}

TEST(while_open, "what the host changes while a Keep runs is an error when it is read")
{
    struct fixture f = begin();
    static uint8_t data[200000], back[200000];
    size_t got;
    f.options.cache_pages = 16;
    memset(data, 'd', sizeof(data));
    open_store(&f);
    put_file(&f, "file", data, sizeof(data));
    CHECK_INT(sealed_sync(f.store), 0);
    struct bytes old = take_log(&f);
    memset(data, 'e', sizeof(data));
    uint64_t node = hold(&f, "file", 0);
    CHECK_INT(put_at(&f, node, data, sizeof(data), 0), 0);
    CHECK_INT(sealed_sync(f.store), 0);
    struct bytes new = take_log(&f);
    int fd = openat(f.directory, SEALED_LOG, O_WRONLY);
    CHECK(fd >= 0);

    struct places places = find_places(new);
    size_t block = 0; /* one of the newest blocks, which is not in memory any more */
    for (size_t i = 0; i < places.count && !block; i++)
        block = places.at[i] > old.size + 20000 ? places.at[i] : 0;
    CHECK(pwrite(fd, "?", 1, (off_t)block + 100) == 1);
    bool failed = false;
    for (size_t at = 0; at < sizeof(data); at += SEALED_BLOCK)
        failed = get_at(&f, node, back, SEALED_BLOCK, at, &got) == -EIO || failed;
    CHECK(failed);
    CHECK(pwrite(fd, new.data, new.size, 0) == (ssize_t) new.size);
    CHECK(has(&f, "file", data, sizeof(data)));

    /* A record of the same size from another place. */
    size_t other = 0;
    for (size_t i = 0; i < places.count && !other; i++)
        other = places.at[i] > old.size / 2 ? places.at[i] : 0;
    CHECK(pwrite(fd, new.data + other, 4144, (off_t)block) == 4144);
    CHECK_INT(get_at(&f, node, back, 1, 0, &got), 0);
    CHECK(!has(&f, "file", data, sizeof(data)));
    /* The log cut to what it was before: older contents are not given out. */
    CHECK(ftruncate(fd, (off_t)old.size) == 0);
    failed = false;
    for (size_t at = 0; at < sizeof(data); at += SEALED_BLOCK) {
        int status = get_at(&f, node, back, SEALED_BLOCK, at, &got);
        CHECK(status == -EIO || (status == 0 && back[0] == 'e'));
        failed = failed || status < 0;
    }
    CHECK(failed);
    CHECK(pwrite(fd, new.data, new.size, 0) == (ssize_t) new.size);
    close(fd);
    sealed_release(f.store, node);
    end(&f);
}

/* The descriptor of the log becomes another one. */
static void replace_log(const struct fixture *f, int with)
{
    char wanted[80], link[40], target[80];
    snprintf(wanted, sizeof(wanted), "%s/" SEALED_LOG, f->path);
    for (int fd = 3; fd < 100; fd++) {
        snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
        ssize_t length = readlink(link, target, sizeof(target) - 1);
        if (length <= 0)
            continue;
        target[length] = '\0';
        if (strcmp(target, wanted) == 0 && fd != with) {
            CHECK(dup2(with, fd) == fd);
            return;
        }
    }
    CHECK(false);
}

TEST(failing, "after a host has failed to write or to synchronize, nothing is changed any more")
{
    static const struct {
        const char *path; /* what takes the place of the log: cannot be written, or synchronized */
        int flags;
    } hosts[] = {{SEALED_LOG, O_RDONLY}, {"/dev/null", O_RDWR}};
    for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
        struct fixture f = begin();
        uint64_t node;
        open_store(&f);
        put_text(&f, "file", "good");
        CHECK_INT(sealed_sync(f.store), 0);
        replace_log(&f, openat(f.directory, hosts[i].path, hosts[i].flags));
        put_text(&f, "file", "lost");
        CHECK_INT(sealed_sync(f.store), -EIO);
        CHECK_INT(sealed_find(f.store, SEALED_ROOT, "new", SEALED_CREATE, &node), -EIO);
        CHECK_INT(sealed_sync(f.store), -EIO);
        CHECK_INT(sealed_close(f.store), -EIO);
        open_store(&f);
        CHECK(has_text(&f, "file", "good"));
        end(&f);
    }
}

TEST(other_key, "with another key nothing is opened, and the sentence says that it is the key")
{
    struct fixture f = begin();
    open_store(&f);
    put_text(&f, "file", "x");
    shut(&f);
    f.key[31] ^= 1;
    CHECK_INT(try_open(&f), -EKEYREJECTED);
    CHECK(strstr(f.err.message, "another key"));
    f.key[31] ^= 1;
    give_log(&f, (const uint8_t *)"nonsense", 8);
    CHECK_INT(try_open(&f), -EBADMSG);
    give_log(&f, NULL, 0);
    CHECK_INT(try_open(&f), -EBADMSG);
    end(&f);
}

/* ---- Crashes ----------------------------------------------------------------------------------
 */

enum { RUNS = 40, WORDS_MAX = 20000 };

/* Counts up from `from`, tells the number through the pipe when it is synchronized, until it is
 * killed. In each step "list" grows by the number, "now" is replaced by another file of the number,
 * and three blocks of "blocks" get it at once. */
static void work(struct fixture *f, int pipe, uint32_t from)
{
    static uint32_t words[3 * SEALED_BLOCK / 4];
    open_store(f);
    uint64_t list = hold(f, "list", SEALED_CREATE), blocks = hold(f, "blocks", SEALED_CREATE);
    for (uint32_t number = from;; number++) {
        for (size_t i = 0; i < sizeof(words) / 4; i++)
            words[i] = number;
        CHECK_INT(put_at(f, list, &number, 4, (uint64_t)number * 4), 0);
        CHECK_INT(put_at(f, blocks, words, sizeof(words), (number % 5) * 6000), 0);
        put_file(f, "next", words, 5000);
        CHECK_INT(sealed_rename(f->store, SEALED_ROOT, "next", SEALED_ROOT, "now"), 0);
        if (number % 3 == 0)
            continue;
        CHECK_INT(sealed_sync(f->store), 0);
        CHECK(write(pipe, &number, 4) == 4);
    }
}

/* The highest number that is there, after everything was checked. */
static uint32_t check_work(struct fixture *f)
{
    static uint32_t words[WORDS_MAX];
    uint64_t node;
    size_t got = 0;
    if (sealed_find(f->store, SEALED_ROOT, "list", 0, &node) < 0)
        return 0;
    CHECK_INT(get_at(f, node, words, sizeof(words), 0, &got), 0);
    sealed_release(f->store, node);
    uint32_t count = (uint32_t)(got / 4);
    CHECK(got % 4 == 0 && count < WORDS_MAX);
    for (uint32_t i = 1; i < count; i++)
        CHECK(words[i] == i);
    if (sealed_find(f->store, SEALED_ROOT, "now", 0, &node) < 0)
        return count ? count - 1 : 0;
    CHECK_INT(get_at(f, node, words, sizeof(words), 0, &got), 0);
    sealed_release(f->store, node);
    CHECK_INT(got, 5000);
    for (size_t i = 0; i < got / 4; i++)
        CHECK_INT(words[i], words[0]);
    CHECK(words[0] + 1 == count || words[0] + 2 == count);
    return count ? count - 1 : 0;
}

TEST_TIMEOUT(killed, "whatever was synchronized is there after kill -9, and each change is whole",
             250)
{
    struct fixture f = begin();
    uint32_t reached = 0;
    uint64_t random = 7;
    f.options = (struct sealed_options){.cache_pages = 24, .slack = 200000};
    for (int run = 0; run < RUNS; run++) {
        int ends[2];
        CHECK(pipe(ends) == 0);
        pid_t child = fork();
        if (child == 0) {
            close(ends[0]);
            work(&f, ends[1], reached + 1);
        }
        close(ends[1]);
        uint32_t told = reached, number;
        uint32_t wanted = next_random(&random) % 30;
        while (wanted-- > 0 && read(ends[0], &number, 4) == 4)
            told = number;
        usleep(next_random(&random) % 3000);
        kill(child, SIGKILL);
        while (read(ends[0], &number, 4) == 4)
            told = number;
        close(ends[0]);
        int status;
        CHECK(waitpid(child, &status, 0) == child && WIFSIGNALED(status));
        open_store(&f);
        reached = check_work(&f);
        if (reached < told)
            tap_fail(__FILE__, __LINE__, "%u was synchronized, %u is there", told, reached);
        shut(&f);
    }
    CHECK(reached > RUNS);
    open_store(&f);
    end(&f);
}

TAP_MAIN()
