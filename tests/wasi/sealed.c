/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A program that keeps something from one run to the next, below /data. What it is to do is the
 * first line of stdin: a workload with sealed directories takes no arguments of the host.
 *     write TEXT   puts the text into a file, and again into one in a directory
 *     read         prints both
 *     count        adds 1 to a number, synchronizes, prints it
 *     forever      the same until it is killed
 *     bench BLOCKS EACH   that many blocks of 4 KiB at random places, synchronized after each EACH
 *     exists NAME  whether there is such a file
 */
#include "check.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static void put(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    CHECK(fd >= 0);
    CHECK(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    CHECK(fsync(fd) == 0 && close(fd) == 0);
}

static void show(const char *path)
{
    char text[1000] = {0};
    int fd = open(path, O_RDONLY);
    CHECK(fd >= 0);
    CHECK(read(fd, text, sizeof(text) - 1) >= 0);
    puts(text);
    CHECK(close(fd) == 0);
}

static void count(void)
{
    unsigned number = 0;
    int fd = open("/data/number", O_RDWR | O_CREAT, 0666);
    CHECK(fd >= 0 && pread(fd, &number, sizeof(number), 0) >= 0);
    number++;
    CHECK(pwrite(fd, &number, sizeof(number), 0) == sizeof(number));
    CHECK(fdatasync(fd) == 0 && close(fd) == 0);
    printf("%u\n", number);
    fflush(stdout);
}

static double seconds(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* Writes, then reads all of it, and checks what it reads. */
static void bench(unsigned blocks, unsigned each)
{
    static unsigned char block[4096];
    unsigned places = blocks / 2 + 1, random = 1;
    int fd = open("/data/bench", O_RDWR | O_CREAT | O_TRUNC, 0666);
    CHECK(fd >= 0);
    double start = seconds();
    for (unsigned i = 0; i < blocks; i++) {
        random = random * 1103515245u + 12345u;
        unsigned place = (random >> 8) % places;
        memset(block, (int)(place & 255), sizeof(block));
        CHECK(pwrite(fd, block, sizeof(block), (off_t)place * 4096) == 4096);
        CHECK((i + 1) % each != 0 || fsync(fd) == 0);
    }
    CHECK(fsync(fd) == 0);
    double written = seconds();
    for (unsigned place = 0; place < places; place++) {
        ssize_t got = pread(fd, block, sizeof(block), (off_t)place * 4096);
        CHECK(got == 0 || (got == 4096 && (block[0] == (place & 255) || block[0] == 0)));
        CHECK(got == 0 || block[4095] == block[0]);
    }
    double end = seconds();
    CHECK(close(fd) == 0 && unlink("/data/bench") == 0);
    printf("%u writes %.3f s, %u reads %.3f s\n", blocks, written - start, places, end - written);
}

int main(void)
{
    char line[200] = "", *text = line;
    unsigned blocks, each;
    CHECK(fgets(line, sizeof(line), stdin));
    line[strcspn(line, "\n")] = '\0';
    const char *what = strsep(&text, " ");
    text = text ? text : "";
    if (strcmp(what, "write") == 0) {
        CHECK(mkdir("/data/directory", 0777) == 0 || errno == EEXIST);
        put("/data/a-name-to-look-for", text);
        put("/data/directory/another", text);
    } else if (strcmp(what, "read") == 0) {
        show("/data/a-name-to-look-for");
        show("/data/directory/another");
    } else if (strcmp(what, "count") == 0) {
        count();
    } else if (strcmp(what, "forever") == 0) {
        for (;;)
            count();
    } else if (strcmp(what, "exists") == 0) {
        puts(access(text, F_OK) == 0 ? "yes" : "no");
    } else if (strcmp(what, "bench") == 0 && sscanf(text, "%u %u", &blocks, &each) == 2) {
        bench(blocks, each);
    } else {
        return 2;
    }
    return 0;
}
