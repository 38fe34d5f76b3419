/* SPDX-License-Identifier: Apache-2.0 */
/* What programs do with files, below the directory that the argument names. With another argument
 * there are no symbolic links. */
#include "check.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum { ENTRIES = 1200 };

static void check_contents(const char *path, const char *expected)
{
    char buffer[100] = {0};
    int fd = open(path, O_RDONLY);
    CHECK(fd >= 0);
    CHECK(read(fd, buffer, sizeof(buffer)) == (ssize_t)strlen(expected));
    CHECK(strcmp(buffer, expected) == 0);
    CHECK(close(fd) == 0);
}

static void check_reading_and_writing(void)
{
    struct iovec parts[2] = {{(char *)"hello ", 6}, {(char *)"world", 5}};
    int fd = open("file", O_RDWR | O_CREAT | O_EXCL, 0666);
    CHECK(fd >= 0);
    CHECK(writev(fd, parts, 2) == 11);
    CHECK(pwrite(fd, "J", 1, 0) == 1);
    CHECK(lseek(fd, -5, SEEK_END) == 6);
    CHECK(write(fd, "there", 5) == 5);
    CHECK(ftruncate(fd, 9) == 0);
    CHECK(fsync(fd) == 0 && fdatasync(fd) == 0);
    CHECK(close(fd) == 0);
    check_contents("file", "Jello the");
    CHECK_ERRNO(open("file", O_RDWR | O_CREAT | O_EXCL, 0666), EEXIST);
    CHECK_ERRNO(open("none", O_RDONLY), ENOENT);
    CHECK_ERRNO(open("file/x", O_RDONLY), ENOTDIR);
    fd = open("file", O_WRONLY | O_APPEND);
    CHECK(lseek(fd, 0, SEEK_SET) == 0);
    CHECK(write(fd, "!", 1) == 1);
    CHECK(fcntl(fd, F_GETFL) & O_APPEND);
    char byte;
    CHECK_ERRNO(read(fd, &byte, 1), EBADF);
    CHECK(close(fd) == 0);
    check_contents("file", "Jello the!");
    CHECK_ERRNO(close(fd), EBADF);
}

static void check_tree(void)
{
    CHECK(mkdir("dir", 0777) == 0);
    CHECK_ERRNO(mkdir("dir", 0777), EEXIST);
    CHECK(rename("file", "dir/renamed") == 0);
    CHECK_ERRNO(rmdir("dir"), ENOTEMPTY);
    CHECK_ERRNO(unlink("dir"), EISDIR);
    CHECK(link("dir/renamed", "linked") == 0);
    struct stat a, b;
    CHECK(stat("dir/renamed", &a) == 0 && stat("linked", &b) == 0);
    CHECK(a.st_ino == b.st_ino && a.st_nlink == 2 && a.st_size == 10 && S_ISREG(a.st_mode));
    CHECK(unlink("dir/renamed") == 0);
    CHECK(rmdir("dir") == 0);
    CHECK(unlink("linked") == 0);
}

static void check_links(void)
{
    char target[20] = {0};
    struct stat status;
    int fd = open("target", O_CREAT | O_WRONLY, 0666);
    CHECK(fd >= 0 && write(fd, "x", 1) == 1 && close(fd) == 0);
    CHECK(symlink("target", "symbolic") == 0);
    CHECK(readlink("symbolic", target, sizeof(target)) == 6 && strcmp(target, "target") == 0);
    CHECK(lstat("symbolic", &status) == 0 && S_ISLNK(status.st_mode));
    CHECK(stat("symbolic", &status) == 0 && S_ISREG(status.st_mode));
    check_contents("symbolic", "x");
    CHECK_ERRNO(open("symbolic", O_RDONLY | O_NOFOLLOW), ELOOP);
    CHECK(unlink("symbolic") == 0);
    CHECK(symlink("../../../etc/passwd", "escape") == 0);
    CHECK_ERRNO(open("escape", O_RDONLY), EPERM);
    CHECK_ERRNO(open("../../../etc/passwd", O_RDONLY), EPERM);
    CHECK(unlink("escape") == 0 && unlink("target") == 0);
}

static void check_times(void)
{
    struct stat status;
    int fd = open("target", O_CREAT | O_WRONLY, 0666);
    CHECK(fd >= 0 && close(fd) == 0);
    struct timespec times[2] = {{1000, 5}, {2000, 7}};
    CHECK(utimensat(AT_FDCWD, "target", times, 0) == 0);
    CHECK(stat("target", &status) == 0);
    CHECK(status.st_atim.tv_sec == 1000 && status.st_mtim.tv_sec == 2000);
    CHECK(status.st_mtim.tv_nsec == 7);
    CHECK(unlink("target") == 0);
}

static void check_large(void)
{
    int fd = open("sparse", O_CREAT | O_RDWR, 0666);
    CHECK(lseek(fd, 5ll << 30, SEEK_SET) == 5ll << 30);
    CHECK(write(fd, "end", 3) == 3);
    struct stat status;
    CHECK(fstat(fd, &status) == 0 && status.st_size == (5ll << 30) + 3);
    char buffer[4] = {0};
    CHECK(pread(fd, buffer, 3, 5ll << 30) == 3 && strcmp(buffer, "end") == 0);
    CHECK(close(fd) == 0 && unlink("sparse") == 0);
}

static void check_directory(void)
{
    static char seen[ENTRIES];
    char name[40];
    CHECK(mkdir("many", 0777) == 0);
    for (int i = 0; i < ENTRIES; i++) {
        snprintf(name, sizeof(name), "many/entry-%d", i);
        int fd = open(name, O_CREAT | O_WRONLY, 0666);
        CHECK(fd >= 0 && close(fd) == 0);
    }
    DIR *dir = opendir("many");
    CHECK(dir != NULL);
    int count = 0, number;
    for (struct dirent *entry; (entry = readdir(dir));) {
        if (sscanf(entry->d_name, "entry-%d", &number) != 1)
            continue;
        CHECK(number >= 0 && number < ENTRIES && !seen[number]++);
        CHECK(entry->d_type == DT_REG);
        count++;
        snprintf(name, sizeof(name), "many/entry-%d", number);
        CHECK(unlink(name) == 0);
    }
    CHECK(count == ENTRIES);
    CHECK(closedir(dir) == 0 && rmdir("many") == 0);
}

static void check_stdio(void)
{
    FILE *file = fopen("text", "w+");
    CHECK(file != NULL);
    for (int i = 0; i < 10000; i++)
        CHECK(fprintf(file, "line %d\n", i) > 0);
    rewind(file);
    int number = -1, expected = 0;
    while (fscanf(file, "line %d\n", &number) == 1)
        CHECK(number == expected++);
    CHECK(expected == 10000);
    CHECK(fclose(file) == 0 && remove("text") == 0);
}

int main(int argc, char **argv)
{
    CHECK(argc >= 2 && chdir(argv[1]) == 0);
    check_reading_and_writing();
    check_tree();
    if (argc == 2)
        check_links();
    else
        CHECK_ERRNO(symlink("target", "symbolic"), ENOTSUP);
    CHECK_ERRNO(open("../../../etc/passwd", O_RDONLY), EPERM);
    check_times();
    check_large();
    check_directory();
    check_stdio();
    puts("ok");
    return 0;
}
