/* SPDX-License-Identifier: Apache-2.0 */
/* WASI's functions, called through their table over a memory that is no program's. */
#include "exec/sealed_dir.h"
#include "tap.h"
#include "wick/wasi/context.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MEMORY_SIZE = 65536 };

struct fixture {
    struct wick_wasi *wasi;
    struct guest_memory memory;
    uint32_t dir, ram; /* pre-opened: a new directory of the host, one in memory */
    char path[64];     /* of the former */
};

/* ---- Calling ---------------------------------------------------------------------------------
 */

static const struct wasi_function *function(const char *name)
{
    for (size_t i = 0; i < WASI_FUNCTION_COUNT; i++) {
        if (strcmp(wasi_functions[i].name, name) == 0)
            return &wasi_functions[i];
    }
    tap_fail(__FILE__, __LINE__, "there is no function %s", name);
}

static enum wasi_errno call(struct fixture *f, const char *name, const uint64_t *args)
{
    wick_value_t slots[9];
    const struct wasi_function *found = function(name);
    for (size_t i = 0; i < strlen(found->parameters); i++)
        slots[i].u64 = args[i];
    struct wasi_call frame = {.wasi = f->wasi, .memory = f->memory, .args = slots};
    return found->run(&frame);
}
/* Arguments beyond those given are 0. */
#define CALL(f, name, ...) call(f, name, (uint64_t[9]){__VA_ARGS__})

/* Fixed places in the memory. */
enum { RESULT = 16, PATH = 256, PATH_2 = 1024, IOVS = 2048, EVENTS = 3072, DATA = 8192 };

static uint32_t result32(const struct fixture *f)
{
    return take_u32(f->memory.base + RESULT);
}

static uint64_t result64(const struct fixture *f, uint32_t offset)
{
    return take_u64(f->memory.base + RESULT + offset);
}

static uint64_t put_text(struct fixture *f, uint32_t at, const char *text)
{
    memcpy(f->memory.base + at, text, strlen(text));
    return strlen(text);
}

/* One buffer at DATA. */
static void put_iov(struct fixture *f, uint32_t length)
{
    put_u32(f->memory.base + IOVS, DATA);
    put_u32(f->memory.base + IOVS + 4, length);
}

static enum wasi_errno open_at(struct fixture *f, uint32_t dir, const char *path, uint32_t oflags,
                               uint64_t rights, uint32_t fdflags)
{
    uint64_t length = put_text(f, PATH, path);
    return CALL(f, "path_open", dir, 0, PATH, length, oflags, rights, rights, fdflags, RESULT);
}

static uint32_t must_open(struct fixture *f, uint32_t dir, const char *path, uint32_t oflags)
{
    CHECK_INT(open_at(f, dir, path, oflags,
                      oflags & OFLAG_DIRECTORY ? RIGHTS_ALL & ~(uint64_t)0x400140 : RIGHTS_ALL, 0),
              0);
    return result32(f);
}

static enum wasi_errno path_call(struct fixture *f, const char *name, uint32_t dir,
                                 const char *path)
{
    return CALL(f, name, dir, PATH, put_text(f, PATH, path));
}

static enum wasi_errno stat_path(struct fixture *f, uint32_t dir, uint32_t lookup, const char *path)
{
    return CALL(f, "path_filestat_get", dir, lookup, PATH, put_text(f, PATH, path), RESULT);
}

static enum wasi_errno write_text(struct fixture *f, uint32_t fd, const char *text)
{
    put_iov(f, (uint32_t)put_text(f, DATA, text));
    return CALL(f, "fd_write", fd, IOVS, 1, RESULT);
}

static enum wasi_errno two_paths(struct fixture *f, const char *name, uint32_t from,
                                 const char *path, uint32_t to, const char *to_path)
{
    uint64_t length = put_text(f, PATH, path), to_length = put_text(f, PATH_2, to_path);
    if (strcmp(name, "path_link") == 0)
        return CALL(f, name, from, 0, PATH, length, to, PATH_2, to_length);
    if (strcmp(name, "path_symlink") == 0)
        return CALL(f, name, PATH, length, to, PATH_2, to_length);
    return CALL(f, name, from, PATH, length, to, PATH_2, to_length);
}

static struct fixture fixture_new(void)
{
    struct fixture f = {.wasi = wick_wasi_new(), .path = "/tmp/wasi-test-XXXXXX"};
    f.memory = (struct guest_memory){calloc(1, MEMORY_SIZE), MEMORY_SIZE};
    CHECK(f.wasi && f.memory.base && mkdtemp(f.path));
    int fd = open(f.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    f.dir = 3;
    f.ram = 4;
    CHECK_INT(wick_wasi_add_dir(f.wasi, f.dir, fd, "/", false, true), WICK_OK);
    CHECK_INT(wick_wasi_add_memory_dir(f.wasi, f.ram, "/ram", 1 << 20), WICK_OK);
    return f;
}

static void fixture_fini(struct fixture *f)
{
    char command[128];
    wick_wasi_delete(f->wasi);
    free(f->memory.base);
    snprintf(command, sizeof(command), "rm -rf '%s'", f->path);
    CHECK_INT(system(command), 0);
}
#define FIXTURE __attribute__((cleanup(fixture_fini))) struct fixture

/* ---- The table and the memory ----------------------------------------------------------------
 */

TEST(table_is_complete, "programs would not link")
{
    FIXTURE f = fixture_new();
    wasm_engine_t *engine = wasm_engine_new();
    wasm_store_t *store = wasm_store_new(engine);
    wick_linker_t *linker = wick_linker_new(store);
    CHECK_INT(wick_wasi_define(f.wasi, linker), WICK_OK);
    for (size_t i = 0; i < WASI_FUNCTION_COUNT; i++) {
        const char *name = wasi_functions[i].name;
        wasm_extern_t *item =
            wick_linker_get(linker, "wasi_snapshot_preview1", 22, name, strlen(name));
        wasm_func_t *func = wasm_extern_as_func(item);
        CHECK(func != NULL);
        CHECK_INT(wasm_func_param_arity(func), strlen(wasi_functions[i].parameters));
        CHECK_INT(wasm_func_result_arity(func), wasi_functions[i].ends ? 0 : 1);
    }
    wick_linker_delete(linker);
    wasm_store_delete(store);
    wasm_engine_delete(engine);
}

/* Every function with every argument out of reach: no crash, no access outside. What does not
 * look at memory or has no way to fail is left out. */
TEST(wild_pointers, "a program could read or write the memory of its host")
{
    FIXTURE f = fixture_new();
    static const uint64_t wild[] = {MEMORY_SIZE - 1, MEMORY_SIZE,    MEMORY_SIZE + 1,
                                    UINT32_MAX,      UINT32_MAX - 7, 0x80000000};
    uint32_t fd = must_open(&f, f.dir, "file", OFLAG_CREAT);
    for (size_t i = 0; i < WASI_FUNCTION_COUNT; i++) {
        const char *name = wasi_functions[i].name;
        if (strcmp(name, "fd_close") == 0 || strcmp(name, "fd_renumber") == 0 ||
            strcmp(name, "proc_exit") == 0 || strcmp(name, "fd_fdstat_set_rights") == 0)
            continue;
        for (size_t k = 0; k < sizeof(wild) / sizeof(wild[0]); k++) {
            for (int base = 0; base < 3; base++) {
                uint64_t w = wild[k], first = base == 0 ? w : base == 1 ? f.dir : fd;
                call(&f, name, (uint64_t[9]){first, w, w, w, w, w, w, w, w});
                call(&f, name, (uint64_t[9]){first, w, 1, w, w, w, w, w, w});
                call(&f, name, (uint64_t[9]){first, 0, w, 4, 0, 0, 0, 0, w});
            }
        }
    }
    CHECK_INT(CALL(&f, "random_get", MEMORY_SIZE - 4, 5), WASI_FAULT);
    CHECK_INT(CALL(&f, "random_get", MEMORY_SIZE - 4, 4), 0);
    CHECK_INT(CALL(&f, "random_get", UINT32_MAX, UINT32_MAX), WASI_FAULT);
    CHECK_INT(CALL(&f, "clock_time_get", 0, 0, MEMORY_SIZE - 7), WASI_FAULT);
    CHECK_INT(CALL(&f, "fd_read", fd, MEMORY_SIZE - 4, 1, RESULT), WASI_FAULT);
    CHECK_INT(CALL(&f, "fd_read", fd, 0, 0x20000000, RESULT), WASI_FAULT);
    put_u32(f.memory.base + IOVS, UINT32_MAX);
    put_u32(f.memory.base + IOVS + 4, 2);
    CHECK_INT(CALL(&f, "fd_read", fd, IOVS, 1, RESULT), WASI_FAULT);
    CHECK_INT(CALL(&f, "path_open", f.dir, 0, MEMORY_SIZE - 1, 2, 0, 0, 0, 0, RESULT), WASI_FAULT);
    CHECK_INT(CALL(&f, "poll_oneoff", 0, 0, 0x10000000, RESULT), WASI_INVAL);
    CHECK_INT(CALL(&f, "poll_oneoff", 0, 0, 0x10000, RESULT), WASI_FAULT);
}

TEST(no_memory, "a module without a memory could crash its host")
{
    FIXTURE f = fixture_new();
    uint8_t *base = f.memory.base;
    f.memory = (struct guest_memory){NULL, 0};
    CHECK_INT(CALL(&f, "args_sizes_get", 0, 4), WASI_FAULT);
    CHECK_INT(CALL(&f, "random_get", 0, 0), WASI_FAULT);
    CHECK_INT(CALL(&f, "fd_write", 1, 0, 0, 0), WASI_BADF);
    f.memory.base = base;
}

/* ---- Arguments, clocks, the end --------------------------------------------------------------
 */

TEST(arguments, "main() would see wrong arguments")
{
    FIXTURE f = fixture_new();
    CHECK_INT(wick_wasi_add_arg(f.wasi, "main.wasm"), WICK_OK);
    CHECK_INT(wick_wasi_add_arg(f.wasi, ""), WICK_OK);
    CHECK_INT(wick_wasi_add_env(f.wasi, "A=b"), WICK_OK);
    CHECK_INT(CALL(&f, "args_sizes_get", RESULT, RESULT + 4), 0);
    CHECK_INT(result32(&f), 2);
    CHECK_INT(take_u32(f.memory.base + RESULT + 4), 11);
    CHECK_INT(CALL(&f, "args_get", RESULT, DATA), 0);
    CHECK_INT(result32(&f), DATA);
    CHECK_INT(take_u32(f.memory.base + RESULT + 4), DATA + 10);
    CHECK_STR((char *)f.memory.base + DATA, "main.wasm");
    CHECK_INT(CALL(&f, "args_get", MEMORY_SIZE - 4, DATA), WASI_FAULT);
    CHECK_INT(CALL(&f, "args_get", RESULT, MEMORY_SIZE - 10), WASI_FAULT);
    CHECK_INT(CALL(&f, "environ_sizes_get", RESULT, RESULT + 4), 0);
    CHECK_INT(result32(&f), 1);
    CHECK_INT(CALL(&f, "environ_get", RESULT, DATA), 0);
    CHECK_STR((char *)f.memory.base + DATA, "A=b");
}

TEST(clocks, "time would be wrong")
{
    FIXTURE f = fixture_new();
    for (uint64_t id = 0; id < 4; id++) {
        CHECK_INT(CALL(&f, "clock_time_get", id, 0, RESULT), 0);
        CHECK(result64(&f, 0) > 0);
        CHECK_INT(CALL(&f, "clock_res_get", id, RESULT), 0);
        CHECK(result64(&f, 0) > 0);
    }
    CHECK_INT(CALL(&f, "clock_time_get", 4, 0, RESULT), WASI_INVAL);
    CHECK_INT(CALL(&f, "clock_res_get", 4, RESULT), WASI_INVAL);
}

TEST(program_end, "exit statuses would be lost, or a signal would hit the host")
{
    FIXTURE f = fixture_new();
    wick_value_t slots[1] = {{.u32 = 42}};
    struct wasi_call frame = {.wasi = f.wasi, .memory = f.memory, .args = slots};
    wasi_proc_exit(&frame);
    CHECK(frame.ended);
    CHECK_INT(frame.exit_status, 42);
    frame.ended = false;
    slots[0].u32 = 6; /* SIGABRT */
    wasi_proc_raise(&frame);
    CHECK(frame.ended);
    CHECK_INT(frame.exit_status, 134);
    CHECK_INT(CALL(&f, "proc_raise", 31), WASI_INVAL);
    CHECK_INT(CALL(&f, "proc_raise", 18), WASI_NOTSUP);
    CHECK_INT(CALL(&f, "proc_raise", 16), 0);
}

/* ---- Descriptors -----------------------------------------------------------------------------
 */

TEST(bad_descriptors, "a wrong number could reach a file of the host")
{
    FIXTURE f = fixture_new();
    static const char *const names[] = {
        "fd_close",    "fd_sync",      "fd_datasync",   "fd_tell",        "fd_seek",
        "fd_read",     "fd_write",     "fd_pread",      "fd_pwrite",      "fd_readdir",
        "fd_advise",   "fd_allocate",  "fd_fdstat_get", "fd_prestat_get", "fd_filestat_get",
        "path_open",   "sock_accept",  "sock_recv",     "sock_send",      "sock_shutdown",
        "fd_renumber", "path_readlink"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        CHECK_INT(CALL(&f, names[i], 0), WASI_BADF);
        CHECK_INT(CALL(&f, names[i], 77), WASI_BADF);
        CHECK_INT(CALL(&f, names[i], UINT32_MAX), WASI_BADF);
    }
}

TEST(prestat, "programs would not find their directories")
{
    FIXTURE f = fixture_new();
    CHECK_INT(CALL(&f, "fd_prestat_get", f.ram, RESULT), 0);
    CHECK_INT(result32(&f), 0);
    CHECK_INT(take_u32(f.memory.base + RESULT + 4), 4);
    CHECK_INT(CALL(&f, "fd_prestat_dir_name", f.ram, DATA, 3), WASI_NAMETOOLONG);
    CHECK_INT(CALL(&f, "fd_prestat_dir_name", f.ram, DATA, 5), 0);
    CHECK(memcmp(f.memory.base + DATA, "/ram\0", 5) == 0);
    CHECK_INT(CALL(&f, "fd_prestat_dir_name", f.ram, MEMORY_SIZE - 2, 4), WASI_FAULT);
    uint32_t fd = must_open(&f, f.dir, "file", OFLAG_CREAT);
    CHECK_INT(CALL(&f, "fd_prestat_get", fd, RESULT), WASI_BADF);
    /* What stands before a directory must not end the search for it. */
    CHECK_INT(wick_wasi_add_null(f.wasi, 7), WICK_OK);
    CHECK_INT(wick_wasi_add_memory_dir(f.wasi, 8, "/late", 4096), WICK_OK);
    CHECK_INT(CALL(&f, "fd_prestat_get", 7, RESULT), 0);
    CHECK_INT(result32(&f), 1);
    CHECK_INT(CALL(&f, "fd_prestat_get", 6, RESULT), WASI_BADF);
}

TEST(rights, "a right that was given up would still work")
{
    FIXTURE f = fixture_new();
    uint32_t fd = must_open(&f, f.dir, "file", OFLAG_CREAT);
    CHECK_INT(write_text(&f, fd, "x"), 0);
    CHECK_INT(CALL(&f, "fd_fdstat_get", fd, RESULT), 0);
    uint64_t rights = result64(&f, 8);
    CHECK(!(rights & (RIGHT_PATH_OPEN | RIGHT_SOCK_ACCEPT)));
    CHECK_INT(CALL(&f, "fd_fdstat_set_rights", fd, rights & ~RIGHT_FD_WRITE, 0), 0);
    CHECK_INT(write_text(&f, fd, "x"), WASI_BADF);
    CHECK_INT(CALL(&f, "fd_fdstat_set_rights", fd, rights, 0), WASI_NOTCAPABLE);
    CHECK_INT(CALL(&f, "fd_fdstat_set_rights", fd, RIGHT_FD_TELL, 0), 0);
    CHECK_INT(CALL(&f, "fd_sync", fd), WASI_NOTCAPABLE);
    CHECK_INT(CALL(&f, "fd_tell", fd, RESULT), 0);
    /* What a directory does not pass on cannot be asked for. */
    CHECK_INT(CALL(&f, "fd_fdstat_get", f.dir, RESULT), 0);
    CHECK(!(result64(&f, 8) & RIGHT_FD_FILESTAT_SET_SIZE));
    CHECK_INT(CALL(&f, "fd_fdstat_set_rights", f.dir, result64(&f, 8), RIGHT_FD_READ), 0);
    CHECK_INT(open_at(&f, f.dir, "file", 0, RIGHT_FD_READ | RIGHT_FD_WRITE, 0), WASI_NOTCAPABLE);
    CHECK_INT(open_at(&f, f.dir, "file", 0, RIGHT_FD_READ, 0), 0);
    CHECK_INT(write_text(&f, result32(&f), "x"), WASI_BADF);
}

TEST(directories_as_files, "a directory would be treated as a file, or the other way round")
{
    FIXTURE f = fixture_new();
    uint32_t file = must_open(&f, f.dir, "file", OFLAG_CREAT);
    put_iov(&f, 4);
    for (uint32_t dir = f.dir; dir <= f.ram; dir++) {
        CHECK_INT(CALL(&f, "fd_read", dir, IOVS, 1, RESULT), WASI_ISDIR);
        CHECK_INT(CALL(&f, "fd_write", dir, IOVS, 1, RESULT), WASI_ISDIR);
        CHECK_INT(CALL(&f, "fd_pread", dir, IOVS, 1, 0, RESULT), WASI_ISDIR);
        CHECK_INT(CALL(&f, "fd_pwrite", dir, IOVS, 1, 0, RESULT), WASI_ISDIR);
        CHECK_INT(CALL(&f, "fd_seek", dir, 0, WHENCE_SET, RESULT), WASI_BADF);
        CHECK_INT(CALL(&f, "fd_tell", dir, RESULT), WASI_BADF);
        CHECK_INT(CALL(&f, "fd_allocate", dir, 0, 1), WASI_BADF);
        CHECK_INT(CALL(&f, "fd_filestat_set_size", dir, 0), WASI_BADF);
        CHECK_INT(CALL(&f, "sock_shutdown", dir, 1), WASI_NOTSOCK);
        CHECK_INT(open_at(&f, dir, ".", OFLAG_DIRECTORY, RIGHT_FD_READ | RIGHT_FD_WRITE, 0),
                  WASI_ISDIR);
        CHECK_INT(CALL(&f, "fd_fdstat_get", dir, RESULT), 0);
        uint64_t base = result64(&f, 8), inheriting = result64(&f, 16);
        uint64_t length = put_text(&f, PATH, ".");
        CHECK_INT(CALL(&f, "path_open", dir, 0, PATH, length, 0, base, inheriting, 0, RESULT), 0);
    }
    CHECK_INT(open_at(&f, file, "x", 0, 0, 0), WASI_NOTDIR);
    CHECK_INT(CALL(&f, "fd_readdir", file, DATA, 100, 0, RESULT), WASI_NOTDIR);
    CHECK_INT(path_call(&f, "path_unlink_file", file, "x"), WASI_NOTDIR);
}

TEST(renumber, "dup2() would lose files")
{
    FIXTURE f = fixture_new();
    uint32_t a = must_open(&f, f.dir, "a", OFLAG_CREAT), b = must_open(&f, f.dir, "b", OFLAG_CREAT);
    CHECK_INT(write_text(&f, a, "in a"), 0);
    CHECK_INT(CALL(&f, "fd_renumber", a, b), 0);
    CHECK_INT(CALL(&f, "fd_filestat_get", a, RESULT), WASI_BADF);
    CHECK_INT(CALL(&f, "fd_filestat_get", b, RESULT), 0);
    CHECK_INT(result64(&f, 32), 4);
    CHECK_INT(CALL(&f, "fd_renumber", b, b), 0);
    CHECK_INT(CALL(&f, "fd_renumber", b, 99), WASI_BADF);
    CHECK_INT(CALL(&f, "fd_renumber", 99, b), WASI_BADF);
    CHECK_INT(must_open(&f, f.dir, "c", OFLAG_CREAT), a); /* the lowest free number */
}

/* ---- Files -----------------------------------------------------------------------------------
 */

static void check_contents(struct fixture *f, uint32_t fd, const char *expected)
{
    memset(f->memory.base + DATA, 0, 64);
    put_iov(f, 64);
    CHECK_INT(CALL(f, "fd_pread", fd, IOVS, 1, 0, RESULT), 0);
    CHECK_STR((char *)f->memory.base + DATA, expected);
}

/* Both kinds of directories behave alike. */
static void read_and_write(struct fixture *f, uint32_t dir)
{
    uint32_t fd = must_open(f, dir, "file", OFLAG_CREAT);
    CHECK_INT(open_at(f, dir, "file", OFLAG_CREAT | OFLAG_EXCL, 0, 0), WASI_EXIST);
    CHECK_INT(write_text(f, fd, "hello world"), 0);
    CHECK_INT(result32(f), 11);
    CHECK_INT(CALL(f, "fd_seek", fd, (uint64_t)-5, WHENCE_END, RESULT), 0);
    CHECK_INT(result64(f, 0), 6);
    CHECK_INT(write_text(f, fd, "there"), 0);
    check_contents(f, fd, "hello there");
    put_iov(f, (uint32_t)put_text(f, DATA, "J"));
    CHECK_INT(CALL(f, "fd_pwrite", fd, IOVS, 1, 0, RESULT), 0);
    check_contents(f, fd, "Jello there");
    CHECK_INT(CALL(f, "fd_filestat_set_size", fd, 5), 0);
    check_contents(f, fd, "Jello");
    CHECK_INT(CALL(f, "fd_allocate", fd, 0, 9), 0);
    CHECK_INT(CALL(f, "fd_filestat_get", fd, RESULT), 0);
    CHECK_INT(result64(f, 32), 9);
    CHECK_INT(f->memory.base[RESULT + 16], FILETYPE_REGULAR_FILE);
    CHECK_INT(CALL(f, "fd_allocate", fd, 0, 0), WASI_INVAL);
    CHECK_INT(CALL(f, "fd_allocate", fd, 1, INT64_MAX), WASI_FBIG);
    CHECK_INT(CALL(f, "fd_seek", fd, (uint64_t)-1, WHENCE_SET, RESULT), WASI_INVAL);
    CHECK_INT(CALL(f, "fd_seek", fd, 0, 3, RESULT), WASI_INVAL);
    CHECK_INT(CALL(f, "fd_advise", fd, 0, 10, 3), 0);
    CHECK_INT(CALL(f, "fd_advise", fd, 0, 10, 6), WASI_INVAL);
    CHECK_INT(CALL(f, "fd_advise", fd, UINT64_MAX, 10, 0), WASI_INVAL);
    CHECK_INT(CALL(f, "fd_sync", fd), 0);
    CHECK_INT(CALL(f, "fd_datasync", fd), 0);
    CHECK_INT(CALL(f, "sock_shutdown", fd, 1), WASI_NOTSOCK);
    CHECK_INT(CALL(f, "fd_close", fd), 0);
    CHECK_INT(CALL(f, "fd_close", fd), WASI_BADF);
    fd = must_open(f, dir, "file", OFLAG_TRUNC);
    check_contents(f, fd, "");
}

TEST(files, "files would lose bytes")
{
    FIXTURE f = fixture_new();
    read_and_write(&f, f.dir);
    read_and_write(&f, f.ram);
}

static void append(struct fixture *f, uint32_t dir)
{
    CHECK_INT(open_at(f, dir, "log", OFLAG_CREAT, RIGHTS_ALL, FDFLAG_APPEND), 0);
    uint32_t fd = result32(f);
    CHECK_INT(write_text(f, fd, "one"), 0);
    CHECK_INT(CALL(f, "fd_seek", fd, 0, WHENCE_SET, RESULT), 0);
    CHECK_INT(write_text(f, fd, "two"), 0);
    check_contents(f, fd, "onetwo");
    put_iov(f, (uint32_t)put_text(f, DATA, "O"));
    CHECK_INT(CALL(f, "fd_pwrite", fd, IOVS, 1, 0, RESULT), 0); /* at its offset all the same */
    check_contents(f, fd, "Onetwo");
    CHECK_INT(CALL(f, "fd_fdstat_get", fd, RESULT), 0);
    CHECK_INT(f->memory.base[RESULT + 2], FDFLAG_APPEND);
    CHECK_INT(CALL(f, "fd_fdstat_set_flags", fd, 0), 0);
    CHECK_INT(CALL(f, "fd_seek", fd, 0, WHENCE_SET, RESULT), 0);
    CHECK_INT(write_text(f, fd, "X"), 0);
    check_contents(f, fd, "Xnetwo");
    CHECK_INT(CALL(f, "fd_fdstat_set_flags", fd, 32), WASI_INVAL);
}

TEST(appending, "logs would be overwritten")
{
    FIXTURE f = fixture_new();
    append(&f, f.dir);
    append(&f, f.ram);
}

TEST(large_offsets, "files beyond 4 GiB would wrap around")
{
    FIXTURE f = fixture_new();
    uint32_t fd = must_open(&f, f.dir, "sparse", OFLAG_CREAT);
    CHECK_INT(CALL(&f, "fd_seek", fd, (uint64_t)5 << 30, WHENCE_SET, RESULT), 0);
    CHECK_INT(write_text(&f, fd, "end"), 0);
    CHECK_INT(CALL(&f, "fd_tell", fd, RESULT), 0);
    CHECK(result64(&f, 0) == ((uint64_t)5 << 30) + 3);
    uint32_t ram = must_open(&f, f.ram, "sparse", OFLAG_CREAT);
    CHECK_INT(CALL(&f, "fd_seek", ram, (uint64_t)5 << 30, WHENCE_SET, RESULT), 0);
    CHECK_INT(write_text(&f, ram, "end"), WASI_NOSPC);
    CHECK_INT(CALL(&f, "fd_filestat_set_size", ram, UINT64_MAX), WASI_INVAL);
}

TEST(many_buffers, "vectors would be cut or read twice")
{
    FIXTURE f = fixture_new();
    uint32_t fd = must_open(&f, f.dir, "file", OFLAG_CREAT);
    put_text(&f, DATA, "abcdefghij");
    for (uint32_t i = 0; i < 100; i++) {
        put_u32(f.memory.base + IOVS + i * 8, DATA + i % 10);
        put_u32(f.memory.base + IOVS + i * 8 + 4, i % 3 ? 1 : 0);
    }
    CHECK_INT(CALL(&f, "fd_write", fd, IOVS, 100, RESULT), 0);
    CHECK_INT(result32(&f), 66);
    CHECK_INT(CALL(&f, "fd_write", fd, IOVS, 0, RESULT), 0);
    CHECK_INT(result32(&f), 0);
    CHECK_INT(CALL(&f, "fd_write", fd, 0, 1025, RESULT), WASI_INVAL);
}

static void times(struct fixture *f, uint32_t dir)
{
    uint32_t fd = must_open(f, dir, "file", OFLAG_CREAT);
    uint64_t length = put_text(f, PATH, "file"), when = 1000000007u;
    CHECK_INT(CALL(f, "fd_filestat_set_times", fd, 5, when, FSTFLAG_MTIM), 0);
    CHECK_INT(stat_path(f, dir, 0, "file"), 0);
    CHECK(result64(f, 48) == when);
    CHECK(result64(f, 40) != 5);
    CHECK_INT(CALL(f, "path_filestat_set_times", dir, 0, PATH, length, 77, 78,
                   FSTFLAG_ATIM | FSTFLAG_MTIM),
              0);
    CHECK_INT(CALL(f, "path_filestat_set_times", dir, 1, PATH, length, 77, 78, FSTFLAG_MTIM_NOW),
              0);
    CHECK_INT(CALL(f, "fd_filestat_get", fd, RESULT), 0);
    CHECK_INT(result64(f, 40), 77);
    CHECK(result64(f, 48) > 1000000000000u);
    CHECK_INT(CALL(f, "fd_filestat_set_times", fd, 0, 0, FSTFLAG_ATIM | FSTFLAG_ATIM_NOW),
              WASI_INVAL);
    CHECK_INT(CALL(f, "fd_filestat_set_times", fd, 0, 0, 16), WASI_INVAL);
}

TEST(file_times, "make would rebuild, or not")
{
    FIXTURE f = fixture_new();
    times(&f, f.dir);
    times(&f, f.ram);
}

/* ---- The tree --------------------------------------------------------------------------------
 */

static void change_tree(struct fixture *f, uint32_t dir)
{
    CHECK_INT(path_call(f, "path_create_directory", dir, "a"), 0);
    CHECK_INT(path_call(f, "path_create_directory", dir, "a"), WASI_EXIST);
    CHECK_INT(path_call(f, "path_create_directory", dir, "a/b/"), 0);
    CHECK_INT(path_call(f, "path_create_directory", dir, "x/b"), WASI_NOENT);
    must_open(f, dir, "a/b/file", OFLAG_CREAT);
    CHECK_INT(path_call(f, "path_create_directory", dir, "a/b/file/c"), WASI_NOTDIR);
    CHECK_INT(path_call(f, "path_remove_directory", dir, "a/b"), WASI_NOTEMPTY);
    CHECK_INT(path_call(f, "path_remove_directory", dir, "a/b/file"), WASI_NOTDIR);
    CHECK_INT(path_call(f, "path_unlink_file", dir, "a"), WASI_ISDIR);
    CHECK_INT(path_call(f, "path_unlink_file", dir, "a/b/file/"), WASI_NOTDIR);
    CHECK_INT(path_call(f, "path_unlink_file", dir, "a/b/none"), WASI_NOENT);
    CHECK_INT(two_paths(f, "path_rename", dir, "a/b", dir, "a/b/c"), WASI_INVAL);
    CHECK_INT(path_call(f, "path_create_directory", dir, "d"), 0);
    CHECK_INT(two_paths(f, "path_rename", dir, "a/b/file", dir, "d"), WASI_ISDIR);
    CHECK_INT(path_call(f, "path_remove_directory", dir, "d"), 0);
    CHECK_INT(two_paths(f, "path_rename", dir, "a", dir, "a/b/file"), WASI_INVAL);
    CHECK_INT(two_paths(f, "path_rename", dir, "none", dir, "b"), WASI_NOENT);
    CHECK_INT(two_paths(f, "path_rename", dir, "a/b/", dir, "c/"), 0);
    CHECK_INT(two_paths(f, "path_rename", dir, "a", dir, "c"), WASI_NOTEMPTY);
    CHECK_INT(stat_path(f, dir, 0, "c/file"), 0);
    CHECK_INT(stat_path(f, dir, 0, "a/b"), WASI_NOENT);
    CHECK_INT(stat_path(f, dir, 0, "c/file/"), WASI_NOTDIR);
    CHECK_INT(stat_path(f, dir, 0, "c/./../c//file"), 0);
    CHECK_INT(two_paths(f, "path_rename", dir, "c/file", dir, "other"), 0);
    CHECK_INT(two_paths(f, "path_rename", dir, "other", dir, "other"), 0);
    CHECK_INT(two_paths(f, "path_rename", dir, "a", dir, "c"), 0); /* replaces what is empty */
    CHECK_INT(path_call(f, "path_remove_directory", dir, "c"), 0);
    CHECK_INT(path_call(f, "path_unlink_file", dir, "other"), 0);
}

TEST(tree, "directories would be lost or could not be removed")
{
    FIXTURE f = fixture_new();
    change_tree(&f, f.dir);
    change_tree(&f, f.ram);
    must_open(&f, f.dir, "file", OFLAG_CREAT);
    CHECK_INT(two_paths(&f, "path_rename", f.dir, "file", f.ram, "file"), WASI_XDEV);
    CHECK_INT(two_paths(&f, "path_link", f.dir, "file", f.ram, "file"), WASI_XDEV);
}

static void odd_paths(struct fixture *f, uint32_t dir)
{
    char path[5000];
    CHECK_INT(stat_path(f, dir, 0, ""), WASI_NOENT);
    CHECK_INT(stat_path(f, dir, 2, "x"), WASI_INVAL);
    memset(f->memory.base + DATA, 'x', sizeof(path));
    CHECK_INT(CALL(f, "path_filestat_get", dir, 0, DATA, 4096, RESULT), WASI_NAMETOOLONG);
    CHECK_INT(CALL(f, "path_filestat_get", dir, 0, DATA, 256, RESULT), WASI_NAMETOOLONG);
    CHECK_INT(CALL(f, "path_filestat_get", dir, 0, DATA, 255, RESULT), WASI_NOENT);
    memcpy(f->memory.base + DATA, "a\0b", 3);
    CHECK_INT(CALL(f, "path_filestat_get", dir, 0, DATA, 3, RESULT), WASI_INVAL);
    CHECK_INT(open_at(f, dir, "x", 16, 0, 0), WASI_INVAL);
    CHECK_INT(open_at(f, dir, "x", 0, 0, 32), WASI_INVAL);
    CHECK_INT(open_at(f, dir, "x/", OFLAG_CREAT, 0, 0), WASI_ISDIR);
    CHECK_INT(open_at(f, dir, "x", OFLAG_CREAT | OFLAG_DIRECTORY, 0, 0), WASI_INVAL);
}

TEST(odd_names, "odd paths would name something else")
{
    FIXTURE f = fixture_new();
    odd_paths(&f, f.dir);
    odd_paths(&f, f.ram);
}

/* ---- Confinement -----------------------------------------------------------------------------
 */

/* Everything that takes a path must refuse this one. */
static void refuse(struct fixture *f, uint32_t dir, const char *path)
{
    CHECK(open_at(f, dir, path, 0, RIGHT_FD_READ, 0) != 0);
    CHECK(open_at(f, dir, path, OFLAG_CREAT, RIGHT_FD_READ, 0) != 0);
    CHECK(open_at(f, dir, path, OFLAG_TRUNC, RIGHT_FD_WRITE, 0) != 0);
    CHECK(stat_path(f, dir, 1, path) != 0);
    CHECK(path_call(f, "path_create_directory", dir, path) != 0);
    CHECK(path_call(f, "path_remove_directory", dir, path) != 0);
    uint64_t length = put_text(f, PATH, path);
    CHECK(CALL(f, "path_filestat_set_times", dir, 1, PATH, length, 0, 0, FSTFLAG_MTIM) != 0);
    CHECK(CALL(f, "path_readlink", dir, PATH, length, DATA, 100, RESULT) != 0);
    CHECK(two_paths(f, "path_rename", dir, "inside", dir, path) != 0);
    CHECK(two_paths(f, "path_rename", dir, path, dir, "moved") != 0);
    CHECK(two_paths(f, "path_link", dir, "inside", dir, path) != 0);
    CHECK(two_paths(f, "path_link", dir, path, dir, "linked") != 0);
    CHECK(two_paths(f, "path_symlink", 0, "inside", dir, path) != 0);
}

TEST(confinement, "a program could leave its directory")
{
    FIXTURE f = fixture_new();
    char absolute[128], outside[128];
    snprintf(outside, sizeof(outside), "%s-outside", f.path);
    snprintf(absolute, sizeof(absolute), "%s/inside", f.path);
    CHECK_INT(mkdir(outside, 0700), 0);
    CHECK_INT(symlinkat(outside, open(f.path, O_RDONLY), "absolute"), 0);
    CHECK_INT(symlinkat("..", open(f.path, O_RDONLY), "up"), 0);
    must_open(&f, f.dir, "inside", OFLAG_CREAT);
    must_open(&f, f.ram, "inside", OFLAG_CREAT);
    static const char *const paths[] = {"..",          "../x",        "../../etc/passwd",
                                        "/",           "/etc/passwd", "./../x",
                                        "sub/../../x", "sub/../..",   "//etc/passwd"};
    CHECK_INT(path_call(&f, "path_create_directory", f.dir, "sub"), 0);
    CHECK_INT(path_call(&f, "path_create_directory", f.ram, "sub"), 0);
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        refuse(&f, f.dir, paths[i]);
        refuse(&f, f.ram, paths[i]);
        CHECK_INT(stat_path(&f, f.dir, 1, paths[i]), WASI_PERM);
        CHECK_INT(stat_path(&f, f.ram, 1, paths[i]), WASI_PERM);
    }
    refuse(&f, f.dir, absolute);
    refuse(&f, f.dir, "absolute/x");
    refuse(&f, f.dir, "absolute/");
    refuse(&f, f.dir, "up/x");
    refuse(&f, f.dir, "sub/../up/etc");
    CHECK_INT(two_paths(&f, "path_symlink", 0, "/etc", f.dir, "link"), WASI_PERM);
    /* A directory that was opened is a border of its own. */
    CHECK_INT(open_at(&f, f.dir, "sub", OFLAG_DIRECTORY, RIGHT_PATH_FILESTAT_GET, 0), 0);
    CHECK_INT(stat_path(&f, result32(&f), 1, "../inside"), WASI_PERM);
    CHECK_INT(rmdir(outside), 0);
}

struct race {
    const char *path;
    atomic_bool stop;
};

/* Exchanges a directory for a link that leads out, and back. */
static void *swap(void *env)
{
    struct race *race = env;
    int dir = open(race->path, O_RDONLY | O_DIRECTORY);
    while (!atomic_load(&race->stop))
        renameat2(dir, "sub", dir, "link", RENAME_EXCHANGE);
    close(dir);
    return NULL;
}

TEST_TIMEOUT(symlink_race, "a second thread could help a program out of its directory", 120)
{
    FIXTURE f = fixture_new();
    char outside[128], secret[256];
    snprintf(outside, sizeof(outside), "%s-outside", f.path);
    snprintf(secret, sizeof(secret), "%s/secret", outside);
    CHECK_INT(mkdir(outside, 0700), 0);
    close(open(secret, O_CREAT | O_WRONLY, 0600));
    CHECK_INT(path_call(&f, "path_create_directory", f.dir, "sub"), 0);
    CHECK_INT(symlinkat(outside, open(f.path, O_RDONLY), "link"), 0);
    struct race race = {.path = f.path};
    pthread_t thread;
    CHECK_INT(pthread_create(&thread, NULL, swap, &race), 0);
    for (int i = 0; i < 20000; i++) {
        CHECK(open_at(&f, f.dir, "sub/secret", 0, RIGHT_FD_READ, 0) != 0);
        CHECK(stat_path(&f, f.dir, 1, "sub/secret") != 0);
        CHECK(path_call(&f, "path_unlink_file", f.dir, "sub/secret") != 0);
        if (path_call(&f, "path_create_directory", f.dir, "sub/new") == 0)
            path_call(&f, "path_remove_directory", f.dir, "sub/new");
    }
    atomic_store(&race.stop, true);
    pthread_join(thread, NULL);
    CHECK_INT(unlink(secret), 0);
    CHECK_INT(rmdir(outside), 0); /* nothing was made there */
}

TEST(symlinks, "links would not work inside of a directory")
{
    FIXTURE f = fixture_new();
    must_open(&f, f.dir, "file", OFLAG_CREAT);
    CHECK_INT(two_paths(&f, "path_symlink", 0, "file", f.dir, "link"), 0);
    CHECK_INT(two_paths(&f, "path_symlink", 0, "none", f.dir, "dangling"), 0);
    CHECK_INT(two_paths(&f, "path_symlink", 0, "loop", f.dir, "loop"), 0);
    CHECK_INT(two_paths(&f, "path_symlink", 0, "x", f.dir, "none/"), WASI_NOENT);
    CHECK_INT(two_paths(&f, "path_symlink", 0, "x", f.dir, "link"), WASI_EXIST);
    CHECK_INT(two_paths(&f, "path_symlink", 0, "x", f.ram, "link"), WASI_NOTSUP);
    CHECK_INT(open_at(&f, f.dir, "link", 0, 0, 0), WASI_LOOP);
    CHECK_INT(open_at(&f, f.dir, "dangling", 0, 0, 0), WASI_LOOP);
    CHECK_INT(open_at(&f, f.dir, "dangling", OFLAG_CREAT, 0, 0), WASI_LOOP);
    CHECK_INT(stat_path(&f, f.dir, 0, "link"), 0);
    CHECK_INT(f.memory.base[RESULT + 16], FILETYPE_SYMBOLIC_LINK);
    CHECK_INT(stat_path(&f, f.dir, 1, "link"), 0);
    CHECK_INT(f.memory.base[RESULT + 16], FILETYPE_REGULAR_FILE);
    CHECK_INT(stat_path(&f, f.dir, 1, "dangling"), WASI_NOENT);
    CHECK_INT(stat_path(&f, f.dir, 1, "loop"), WASI_LOOP);
    uint64_t length = put_text(&f, PATH, "link");
    CHECK_INT(CALL(&f, "path_open", f.dir, 1, PATH, length, 0, 0, 0, 0, RESULT), 0);
    memset(f.memory.base + DATA, 0, 8);
    CHECK_INT(CALL(&f, "path_readlink", f.dir, PATH, length, DATA, 3, RESULT), 0);
    CHECK_INT(result32(&f), 3);
    CHECK_STR((char *)f.memory.base + DATA, "fil");
    length = put_text(&f, PATH, "file");
    CHECK_INT(CALL(&f, "path_readlink", f.dir, PATH, length, DATA, 3, RESULT), WASI_INVAL);
    CHECK_INT(two_paths(&f, "path_link", f.dir, "dangling", f.dir, "hard"), 0);
    CHECK_INT(two_paths(&f, "path_link", f.dir, "file", f.dir, "hard"), WASI_EXIST);
    CHECK_INT(two_paths(&f, "path_link", f.dir, "file", f.dir, "new/"), WASI_NOENT);
    CHECK_INT(path_call(&f, "path_unlink_file", f.dir, "loop"), 0);
}

TEST(read_only, "a read-only directory could be changed")
{
    FIXTURE f = fixture_new();
    must_open(&f, f.dir, "inside", OFLAG_CREAT);
    CHECK_INT(path_call(&f, "path_create_directory", f.dir, "sub"), 0);
    int fd = open(f.path, O_RDONLY | O_DIRECTORY);
    CHECK_INT(wick_wasi_add_dir(f.wasi, 9, fd, "/ro", true, true), WICK_OK);
    CHECK_INT(open_at(&f, 9, "new", OFLAG_CREAT, 0, 0), WASI_ROFS);
    CHECK_INT(open_at(&f, 9, "inside", OFLAG_TRUNC, 0, 0), WASI_ROFS);
    CHECK_INT(open_at(&f, 9, "inside", 0, RIGHT_FD_WRITE, 0), WASI_ROFS);
    CHECK_INT(open_at(&f, 9, "inside", OFLAG_CREAT | OFLAG_EXCL, 0, 0), WASI_EXIST);
    CHECK_INT(open_at(&f, 9, "inside", OFLAG_CREAT,
                      RIGHT_FD_READ | RIGHT_FD_FILESTAT_SET_TIMES | RIGHT_FD_FILESTAT_GET, 0),
              0);
    uint32_t file = result32(&f);
    CHECK_INT(CALL(&f, "fd_filestat_set_times", file, 0, 0, FSTFLAG_MTIM), WASI_ROFS);
    CHECK_INT(path_call(&f, "path_create_directory", 9, "x"), WASI_ROFS);
    CHECK_INT(path_call(&f, "path_unlink_file", 9, "inside"), WASI_ROFS);
    CHECK_INT(path_call(&f, "path_remove_directory", 9, "sub"), WASI_ROFS);
    CHECK_INT(two_paths(&f, "path_rename", 9, "inside", f.dir, "x"), WASI_ROFS);
    CHECK_INT(two_paths(&f, "path_rename", f.dir, "inside", 9, "x"), WASI_ROFS);
    CHECK_INT(two_paths(&f, "path_link", 9, "inside", f.dir, "x"), WASI_ROFS);
    CHECK_INT(two_paths(&f, "path_symlink", 0, "x", 9, "x"), WASI_ROFS);
    CHECK_INT(open_at(&f, 9, "sub", OFLAG_DIRECTORY, RIGHT_PATH_CREATE_DIRECTORY, 0), 0);
    CHECK_INT(path_call(&f, "path_create_directory", result32(&f), "x"), WASI_ROFS);
}

/* ---- readdir ---------------------------------------------------------------------------------
 */

/* Counts the whole entries in the buffer, and remembers the last cookie. */
static uint32_t count_entries(const struct fixture *f, uint32_t used, uint64_t *cookie)
{
    uint32_t count = 0;
    for (uint32_t at = 0; at + DIRENT_SIZE <= used; count++) {
        const uint8_t *head = f->memory.base + DATA + at;
        at += DIRENT_SIZE + take_u32(head + 16);
        if (at > used)
            break;
        *cookie = take_u64(head);
    }
    return count;
}

static uint32_t read_all(struct fixture *f, uint32_t fd, uint32_t size)
{
    uint32_t total = 0, used = size;
    uint64_t cookie = 0;
    while (used == size) {
        CHECK_INT(CALL(f, "fd_readdir", fd, DATA, size, cookie, RESULT), 0);
        used = result32(f);
        CHECK(used <= size);
        total += count_entries(f, used, &cookie);
    }
    return total;
}

static void list_many(struct fixture *f, uint32_t dir)
{
    char name[32];
    uint32_t sub;
    CHECK_INT(path_call(f, "path_create_directory", dir, "many"), 0);
    CHECK_INT(open_at(f, dir, "many", OFLAG_DIRECTORY,
                      RIGHT_FD_READDIR | RIGHT_PATH_OPEN | RIGHT_PATH_CREATE_FILE |
                          RIGHT_PATH_UNLINK_FILE,
                      0),
              0);
    sub = result32(f);
    CHECK_INT(read_all(f, sub, 4096), 2);
    for (int i = 0; i < 1000; i++) {
        snprintf(name, sizeof(name), "file.%d", i);
        CHECK_INT(open_at(f, sub, name, OFLAG_CREAT, 0, 0), 0);
        CHECK_INT(CALL(f, "fd_close", result32(f)), 0);
    }
    CHECK_INT(read_all(f, sub, 4096), 1002);
    CHECK_INT(read_all(f, sub, 100), 1002);
    CHECK_INT(read_all(f, sub, 50000), 1002);
    /* In the middle, entries go; the rest must come once. */
    uint64_t cookie = 0;
    CHECK_INT(CALL(f, "fd_readdir", sub, DATA, 4096, 0, RESULT), 0);
    uint32_t seen = count_entries(f, result32(f), &cookie);
    for (int i = 0; i < 1000; i += 2) {
        snprintf(name, sizeof(name), "file.%d", i);
        CHECK_INT(path_call(f, "path_unlink_file", sub, name), 0);
    }
    CHECK_INT(CALL(f, "fd_readdir", sub, DATA, 56000, cookie, RESULT), 0);
    uint32_t rest = count_entries(f, result32(f), &cookie);
    CHECK(seen + rest <= 1002 && rest + seen >= 502);
    CHECK_INT(read_all(f, sub, 4096), 502);
    CHECK_INT(CALL(f, "fd_readdir", sub, DATA, 0, 0, RESULT), 0);
    CHECK_INT(result32(f), 0);
}

TEST(readdir, "entries would be missing or come twice")
{
    FIXTURE f = fixture_new();
    list_many(&f, f.dir);
    list_many(&f, f.ram);
    CHECK_INT(CALL(&f, "fd_readdir", f.dir, DATA, 100, UINT64_MAX, RESULT), WASI_INVAL);
}

/* ---- poll ------------------------------------------------------------------------------------
 */

static void subscribe(struct fixture *f, uint32_t index, uint8_t kind, uint32_t fd_or_clock,
                      uint64_t timeout, uint16_t flags)
{
    uint8_t *out = f->memory.base + DATA + index * SUBSCRIPTION_SIZE;
    memset(out, 0, SUBSCRIPTION_SIZE);
    put_u64(out, 100 + index);
    out[8] = kind;
    put_u32(out + 16, fd_or_clock);
    put_u64(out + 24, timeout);
    out[40] = (uint8_t)flags;
}

static const uint8_t *event(const struct fixture *f, uint32_t index)
{
    return f->memory.base + EVENTS + index * EVENT_SIZE;
}

static uint64_t now(clockid_t clock)
{
    struct timespec time;
    clock_gettime(clock, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

TEST(poll_clocks, "sleep() would end early or never")
{
    FIXTURE f = fixture_new();
    static const clockid_t ids[] = {CLOCK_REALTIME, CLOCK_MONOTONIC};
    for (uint32_t id = 0; id < 2; id++) {
        for (uint16_t absolute = 0; absolute < 2; absolute++) {
            uint64_t begin = now(CLOCK_MONOTONIC);
            subscribe(&f, 0, EVENT_CLOCK, id, (absolute ? now(ids[id]) : 0) + 30000000, absolute);
            subscribe(&f, 1, EVENT_CLOCK, 1, 3600000000000, 0);
            CHECK_INT(CALL(&f, "poll_oneoff", DATA, EVENTS, 2, RESULT), 0);
            uint64_t took = now(CLOCK_MONOTONIC) - begin;
            CHECK_INT(result32(&f), 1);
            CHECK_INT(take_u64(event(&f, 0)), 100);
            CHECK(took >= 29900000 && took < 2000000000);
        }
    }
    subscribe(&f, 0, EVENT_CLOCK, 1, 0, 1); /* long ago */
    CHECK_INT(CALL(&f, "poll_oneoff", DATA, EVENTS, 1, RESULT), 0);
    subscribe(&f, 0, EVENT_CLOCK, 9, 0, 0);
    CHECK_INT(CALL(&f, "poll_oneoff", DATA, EVENTS, 1, RESULT), 0);
    CHECK_INT(event(&f, 0)[8], WASI_INVAL);
    subscribe(&f, 0, 3, 9, 0, 0);
    CHECK_INT(CALL(&f, "poll_oneoff", DATA, EVENTS, 1, RESULT), WASI_INVAL);
    CHECK_INT(CALL(&f, "poll_oneoff", DATA, EVENTS, 0, RESULT), WASI_INVAL);
}

TEST(poll_files, "select() would hang, or miss what is there")
{
    FIXTURE f = fixture_new();
    int ends[2];
    CHECK_INT(pipe(ends), 0);
    CHECK_INT(wick_wasi_add_fd(f.wasi, 10, ends[0], WICK_WASI_STREAM, true), WICK_OK);
    CHECK_INT(wick_wasi_add_fd(f.wasi, 11, ends[1], WICK_WASI_STREAM, true), WICK_OK);
    uint32_t file = must_open(&f, f.dir, "file", OFLAG_CREAT);
    subscribe(&f, 0, EVENT_FD_READ, 10, 0, 0);
    subscribe(&f, 1, EVENT_CLOCK, 1, 20000000, 0);
    CHECK_INT(CALL(&f, "poll_oneoff", DATA, EVENTS, 2, RESULT), 0);
    CHECK_INT(result32(&f), 1);
    CHECK_INT(take_u64(event(&f, 0)), 101);
    CHECK_INT(write(ends[1], "xyz", 3), 3);
    subscribe(&f, 1, EVENT_FD_WRITE, 11, 0, 0);
    subscribe(&f, 2, EVENT_FD_READ, 99, 0, 0);
    subscribe(&f, 3, EVENT_FD_READ, file, 0, 0);
    subscribe(&f, 4, EVENT_CLOCK, 1, 3600000000000, 0);
    CHECK_INT(CALL(&f, "poll_oneoff", DATA, EVENTS, 5, RESULT), 0);
    CHECK_INT(result32(&f), 4);
    CHECK_INT(take_u64(event(&f, 0) + 16), 3);
    CHECK_INT(event(&f, 1)[10], EVENT_FD_WRITE);
    CHECK_INT(event(&f, 2)[8], WASI_BADF);
    CHECK_INT(event(&f, 3)[8], 0);
    CHECK_INT(CALL(&f, "fd_close", 11), 0);
    put_iov(&f, 3);
    CHECK_INT(CALL(&f, "fd_read", 10, IOVS, 1, RESULT), 0);
    subscribe(&f, 0, EVENT_FD_READ, 10, 0, 0);
    CHECK_INT(CALL(&f, "poll_oneoff", DATA, EVENTS, 1, RESULT), 0);
    CHECK_INT(event(&f, 0)[24], EVENT_FLAG_HANGUP);
}

/* ---- Sockets and streams ---------------------------------------------------------------------
 */

TEST(sockets, "connections would lose bytes or flags")
{
    FIXTURE f = fixture_new();
    int ends[2];
    CHECK_INT(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    CHECK_INT(wick_wasi_add_fd(f.wasi, 10, ends[0], WICK_WASI_CONNECTION, true), WICK_OK);
    CHECK_INT(wick_wasi_add_fd(f.wasi, 10, ends[0], WICK_WASI_CONNECTION, true), WICK_USAGE);
    CHECK_INT(write(ends[1], "hello", 5), 5);
    put_iov(&f, 5);
    CHECK_INT(CALL(&f, "sock_recv", 10, IOVS, 1, RIFLAG_PEEK, RESULT, RESULT + 8), 0);
    CHECK_INT(result32(&f), 5);
    CHECK_INT(CALL(&f, "sock_recv", 10, IOVS, 1, RIFLAG_WAITALL, RESULT, RESULT + 8), 0);
    CHECK_INT(result32(&f), 5);
    CHECK_INT(CALL(&f, "sock_recv", 10, IOVS, 1, 4, RESULT, RESULT + 8), WASI_INVAL);
    CHECK_INT(CALL(&f, "sock_accept", 10, 0, RESULT), WASI_NOTCAPABLE);
    CHECK_INT(CALL(&f, "fd_fdstat_set_flags", 10, FDFLAG_NONBLOCK), 0);
    CHECK_INT(CALL(&f, "fd_read", 10, IOVS, 1, RESULT), WASI_AGAIN);
    CHECK_INT(CALL(&f, "sock_send", 10, IOVS, 1, 0, RESULT), 0);
    CHECK_INT(CALL(&f, "sock_send", 10, IOVS, 1, 1, RESULT), WASI_INVAL);
    CHECK_INT(CALL(&f, "fd_seek", 10, 0, WHENCE_SET, RESULT), WASI_SPIPE);
    CHECK_INT(CALL(&f, "sock_shutdown", 10, 0), WASI_INVAL);
    CHECK_INT(CALL(&f, "sock_shutdown", 10, SDFLAG_WR), 0);
    CHECK_INT(write_text(&f, 10, "x"), WASI_PIPE); /* and no SIGPIPE */
    CHECK_INT(CALL(&f, "fd_fdstat_get", 10, RESULT), 0);
    CHECK_INT(f.memory.base[RESULT], FILETYPE_SOCKET_STREAM);
    close(ends[1]);
}

TEST(null_file, "the kind null would not behave as documented")
{
    FIXTURE f = fixture_new();
    CHECK_INT(wick_wasi_add_null(f.wasi, 10), WICK_OK);
    CHECK_INT(write_text(&f, 10, "gone"), 0);
    CHECK_INT(result32(&f), 4);
    CHECK_INT(CALL(&f, "fd_read", 10, IOVS, 1, RESULT), 0);
    CHECK_INT(result32(&f), 0);
    CHECK_INT(CALL(&f, "fd_fdstat_get", 10, RESULT), 0);
    CHECK_INT(f.memory.base[RESULT + 2], FDFLAG_APPEND | FDFLAG_NONBLOCK);
    subscribe(&f, 0, EVENT_FD_READ, 10, 0, 0);
    CHECK_INT(CALL(&f, "poll_oneoff", DATA, EVENTS, 1, RESULT), 0);
}

static int64_t stream_read(void *env, uint8_t *data, size_t size)
{
    (void)size;
    *data = (uint8_t)(*(int *)env)++;
    return 1;
}

static int64_t stream_ready(void *env, bool writing, struct wick_wasi_wait *wait)
{
    (void)env;
    (void)wait;
    return writing ? -EPIPE : 1;
}

static void stream_close(void *env)
{
    *(int *)env = -1;
}

TEST(streams, "TLS connections could not be files")
{
    static const struct wick_wasi_stream stream = {
        .read = stream_read, .ready = stream_ready, .close = stream_close};
    int state = 'a';
    {
        FIXTURE f = fixture_new();
        CHECK_INT(wick_wasi_add_stream(f.wasi, 10, &stream, &state, WICK_WASI_CONNECTION), WICK_OK);
        put_iov(&f, 3);
        CHECK_INT(CALL(&f, "sock_recv", 10, IOVS, 1, RIFLAG_WAITALL, RESULT, RESULT + 8), 0);
        CHECK(memcmp(f.memory.base + DATA, "abc", 3) == 0);
        CHECK_INT(write_text(&f, 10, "x"), WASI_BADF);
        subscribe(&f, 0, EVENT_FD_READ, 10, 0, 0);
        subscribe(&f, 1, EVENT_FD_WRITE, 10, 0, 0);
        CHECK_INT(CALL(&f, "poll_oneoff", DATA, EVENTS, 2, RESULT), 0);
        CHECK_INT(result32(&f), 2);
        CHECK_INT(CALL(&f, "sock_shutdown", 10, 1), WASI_NOTSUP);
    }
    CHECK_INT(state, -1);
}

/* The last datagram that was written is the one that is read. */
struct mailbox {
    char text[100];
    size_t size;
    int asked, fd; /* how often poll_oneoff asked; what it waits for */
};

static int64_t mailbox_receive(void *env, uint8_t *data, size_t size, bool peek)
{
    struct mailbox *box = env;
    size_t whole = box->size;
    memcpy(data, box->text, whole < size ? whole : size);
    if (!peek)
        box->size = 0;
    return (int64_t)whole;
}

static int64_t mailbox_write(void *env, const uint8_t *data, size_t size)
{
    struct mailbox *box = env;
    if (size > sizeof(box->text))
        return -EMSGSIZE;
    memcpy(box->text, data, size);
    box->size = size;
    return (int64_t)size;
}

/* Nothing happens on the descriptor: it is the third question that is answered well. */
static int64_t mailbox_ready(void *env, bool writing, struct wick_wasi_wait *wait)
{
    struct mailbox *box = env;
    *wait = (struct wick_wasi_wait){box->fd, POLLIN, 1};
    return writing || ++box->asked > 2;
}

static void mailbox_close(void *env)
{
    (void)env;
}

static const struct wick_wasi_stream mailbox_stream = {
    .datagrams = true,
    .receive = mailbox_receive,
    .write = mailbox_write,
    .ready = mailbox_ready,
    .close = mailbox_close,
};

/* Buffers of these sizes one after the other. */
static void put_iovs(struct fixture *f, uint32_t first, uint32_t second)
{
    put_u32(f->memory.base + IOVS, DATA);
    put_u32(f->memory.base + IOVS + 4, first);
    put_u32(f->memory.base + IOVS + 8, DATA + first);
    put_u32(f->memory.base + IOVS + 12, second);
}

TEST(datagrams, "datagrams would be split, joined, or cut without a word")
{
    FIXTURE f = fixture_new();
    struct mailbox box = {.fd = -1};
    CHECK_INT(wick_wasi_add_stream(f.wasi, 10, &mailbox_stream, &box, WICK_WASI_CONNECTION),
              WICK_OK);
    CHECK_INT(CALL(&f, "fd_fdstat_get", 10, RESULT), 0);
    CHECK_INT(f.memory.base[RESULT], FILETYPE_SOCKET_DGRAM);
    memcpy(f.memory.base + DATA, "abcdef", 6);
    put_iovs(&f, 2, 4);
    CHECK_INT(CALL(&f, "fd_write", 10, IOVS, 2, RESULT), 0);
    CHECK_INT(result32(&f), 6);
    CHECK(box.size == 6 && memcmp(box.text, "abcdef", 6) == 0);
    memset(f.memory.base + DATA, 0, 6);
    put_iovs(&f, 1, 2);
    CHECK_INT(CALL(&f, "sock_recv", 10, IOVS, 2, RIFLAG_PEEK, RESULT, RESULT + 8), 0);
    CHECK_INT(result32(&f), 3);
    CHECK_INT(f.memory.base[RESULT + 8], ROFLAG_DATA_TRUNCATED);
    CHECK(memcmp(f.memory.base + DATA, "abc\0", 4) == 0);
    put_iovs(&f, 1, 9);
    CHECK_INT(CALL(&f, "sock_recv", 10, IOVS, 2, RIFLAG_WAITALL, RESULT, RESULT + 8), 0);
    CHECK_INT(result32(&f), 6);
    CHECK_INT(f.memory.base[RESULT + 8], 0);
    CHECK(memcmp(f.memory.base + DATA, "abcdef", 6) == 0);
    put_iovs(&f, 60, 60);
    CHECK_INT(CALL(&f, "sock_send", 10, IOVS, 2, 0, RESULT), WASI_MSGSIZE);
    put_iovs(&f, 4, 1);
    CHECK_INT(CALL(&f, "sock_send", 10, IOVS, 1, 0, RESULT), 0);
    put_iovs(&f, 3, 1);
    CHECK_INT(CALL(&f, "sock_recv", 10, IOVS, 1, 0, RESULT, RESULT + 8), 0);
    CHECK_INT(result32(&f), 3);
    CHECK_INT(f.memory.base[RESULT + 8], ROFLAG_DATA_TRUNCATED);
}

TEST(listeners, "reading a listener of datagrams would call a function that is not there")
{
    static const struct wick_wasi_stream listener = {
        .datagrams = true, .ready = mailbox_ready, .close = mailbox_close};
    FIXTURE f = fixture_new();
    struct mailbox box = {.fd = -1};
    CHECK_INT(wick_wasi_add_stream(f.wasi, 10, &listener, &box, WICK_WASI_LISTENER), WICK_OK);
    put_iovs(&f, 2, 4);
    for (uint32_t count = 0; count <= 2; count++) {
        CHECK_INT(CALL(&f, "sock_recv", 10, IOVS, count, 0, RESULT, RESULT + 8), WASI_BADF);
        CHECK_INT(CALL(&f, "sock_recv", 10, IOVS, count, RIFLAG_PEEK, RESULT, RESULT + 8),
                  WASI_BADF);
        CHECK_INT(CALL(&f, "fd_read", 10, IOVS, count, RESULT), count ? WASI_BADF : 0);
    }
}

TEST(ask_again, "a handshake that waits for its timer would never go on")
{
    FIXTURE f = fixture_new();
    int ends[2];
    CHECK_INT(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    struct mailbox box = {.fd = ends[0]};
    CHECK_INT(wick_wasi_add_stream(f.wasi, 10, &mailbox_stream, &box, WICK_WASI_CONNECTION),
              WICK_OK);
    subscribe(&f, 0, EVENT_FD_READ, 10, 0, 0);
    CHECK_INT(CALL(&f, "poll_oneoff", DATA, EVENTS, 1, RESULT), 0);
    CHECK_INT(result32(&f), 1);
    CHECK_INT(box.asked, 3);
    close(ends[0]);
    close(ends[1]);
}

/* ---- Directories of the embedder's own making: sealed ones ------------------------------------
 */

static struct sealed *add_sealed(struct fixture *f, const char *name, uint32_t number)
{
    static const uint8_t key[SEALED_KEY_SIZE];
    char path[100];
    struct sealed *store;
    snprintf(path, sizeof(path), "%s/%s", f->path, name);
    CHECK(mkdir(path, 0777) == 0);
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    CHECK_INT(sealed_open(fd, key, NULL, &store, NULL), 0);
    close(fd);
    CHECK_INT(
        wick_wasi_add_tree(f->wasi, number, &sealed_dir_tree, store, SEALED_ROOT, name, false),
        WICK_OK);
    return store;
}

TEST(trees, "sealed directories would not behave as those of the host")
{
    FIXTURE f = fixture_new();
    const uint32_t dir = 5, other = 6, read_only = 100;
    struct sealed *store = add_sealed(&f, "one", dir), *second = add_sealed(&f, "two", other);
    read_and_write(&f, dir);
    append(&f, dir);
    times(&f, dir);
    change_tree(&f, dir);
    odd_paths(&f, dir);
    uint32_t fd = must_open(&f, dir, "keep", OFLAG_CREAT);
    CHECK_INT(write_text(&f, fd, "kept"), 0);
    CHECK_INT(two_paths(&f, "path_rename", dir, "keep", other, "keep"), WASI_XDEV);
    CHECK_INT(two_paths(&f, "path_link", dir, "keep", other, "keep"), WASI_XDEV);
    CHECK_INT(two_paths(&f, "path_rename", dir, "keep", f.ram, "keep"), WASI_XDEV);
    CHECK_INT(two_paths(&f, "path_symlink", 0, "keep", dir, "link"), WASI_NOTSUP);
    CHECK_INT(two_paths(&f, "path_link", dir, "keep", dir, "linked"), 0);
    CHECK_INT(wick_wasi_add_tree(f.wasi, dir, &sealed_dir_tree, store, SEALED_ROOT, "x", false),
              WICK_USAGE);

    CHECK_INT(
        wick_wasi_add_tree(f.wasi, read_only, &sealed_dir_tree, store, SEALED_ROOT, "/ro", true),
        WICK_OK);
    CHECK_INT(open_at(&f, read_only, "keep", 0, RIGHT_FD_READ, 0), 0);
    CHECK_INT(open_at(&f, read_only, "keep", OFLAG_CREAT, RIGHT_FD_READ, 0), 0);
    CHECK_INT(open_at(&f, read_only, "keep", OFLAG_CREAT | OFLAG_EXCL, RIGHT_FD_READ, 0),
              WASI_EXIST);
    CHECK_INT(open_at(&f, read_only, "keep", OFLAG_TRUNC, RIGHT_FD_READ, 0), WASI_ROFS);
    CHECK_INT(open_at(&f, read_only, "keep", 0, RIGHT_FD_WRITE, 0), WASI_ROFS);
    CHECK_INT(open_at(&f, read_only, "new", OFLAG_CREAT, RIGHT_FD_READ, 0), WASI_ROFS);
    CHECK_INT(path_call(&f, "path_create_directory", read_only, "d"), WASI_ROFS);
    CHECK_INT(path_call(&f, "path_unlink_file", read_only, "keep"), WASI_ROFS);
    CHECK_INT(two_paths(&f, "path_rename", read_only, "keep", dir, "gone"), WASI_ROFS);
    CHECK_INT(stat_path(&f, read_only, 1, "keep"), 0);
    /* All is released before the stores are closed. */
    wick_wasi_delete(f.wasi);
    f.wasi = NULL;
    CHECK(sealed_close(store) == 0 && sealed_close(second) == 0);
}

TAP_MAIN()
