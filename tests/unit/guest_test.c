// SPDX-License-Identifier: Apache-2.0
#include "codec/base64.h"
#include "exec/guest.h"
#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

static struct config parse_config(const char *text)
{
    struct config config;
    struct err err = {0};
    if (config_parse(span_of(text, strlen(text)), "Enarx.toml", &config, &err) < 0)
        tap_fail(__FILE__, __LINE__, "%s", err.message);
    return config;
}

TEST(without_config, "stdio comes first, then the granted directories in their order")
{
    struct config config;
    CHECK_INT(config_default(&config, NULL), 0);
    const char *args[] = {"x"};
    struct control_dir dirs[] = {{6, "/b", true, 0}, {7, "/a", false, 0}};
    struct control control = {.args = args, .arg_count = 1, .dirs = dirs, .dir_count = 2};
    struct guest guest;
    CHECK_INT(guest_init(&guest, &config, false, &control, NULL), 0);
    CHECK_INT(guest.argc, 2);
    CHECK_STR(guest.argv[0], "main.wasm");
    CHECK_STR(guest.argv[1], "x");
    CHECK(!guest.argv[2]);
    CHECK_INT(guest.file_count, 5);
    CHECK_INT(guest.files[2].fd, 2);
    CHECK_STR(guest.files[3].path, "/b");
    CHECK(guest.files[3].read_only);
    CHECK_INT(guest.files[4].fd, 7);
    CHECK_INT(guest.envc, 2);
    CHECK_STR(guest.envp[0], "FD_COUNT=5");
    CHECK_STR(guest.envp[1], "FD_NAMES=stdin:stdout:stderr:/b:/a");
    CHECK(!guest.envp[2]);
    guest_free(&guest);
    config_free(&config);
}

TEST(with_config, "the file decides about descriptors; the host adds at the end")
{
    struct config config = parse_config("args = ['a']\n[env]\nK = 'v=w'\nE = ''\n"
                                        "[[files]]\nkind = 'null'\n"
                                        "[[files]]\nkind = 'stderr'\nname = 'log'\n"
                                        "[[files]]\nkind = 'dir'\npath = '/d'\nread_only = true\n");
    const char *args[] = {"b"}, *env[] = {"H=1"};
    struct control_dir dirs[] = {{6, "/d", false, 0}};
    struct control control = {
        .args = args, .arg_count = 1, .env = env, .env_count = 1, .dirs = dirs, .dir_count = 1};
    struct guest guest;
    CHECK_INT(guest_init(&guest, &config, true, &control, NULL), 0);
    CHECK_STR(guest.argv[1], "a");
    CHECK_STR(guest.argv[2], "b");
    CHECK_STR(guest.envp[0], "FD_COUNT=3");
    CHECK_STR(guest.envp[1], "FD_NAMES=null:log:/d");
    CHECK_STR(guest.envp[2], "K=v=w");
    CHECK_STR(guest.envp[3], "E=");
    CHECK_STR(guest.envp[4], "H=1");
    CHECK_INT(guest.files[0].fd, -1);
    CHECK_INT(guest.files[1].fd, 2);
    CHECK_INT(guest.files[2].fd, 6);
    CHECK(guest.files[2].read_only);
    CHECK_INT(guest_open(&guest, &config, NULL, NULL), 0);
    guest_free(&guest);
    config_free(&config);
}

static void check_refused(const char *text, const struct control *control, const char *message)
{
    struct config config = parse_config(text);
    struct guest guest;
    struct err err = {0};
    CHECK_INT(guest_init(&guest, &config, true, control, &err), -EINVAL);
    CHECK_STR(err.message, message);
    CHECK(!guest.argv && !guest.files);
    config_free(&config);
}

TEST(host_cannot_change, "a host can neither replace nor slip in what the file does not allow")
{
    const char *env[] = {"A=host"}, *ours[] = {"FD_NAMES=x"};
    struct control_dir dirs[] = {{6, "/other", false, 0}};
    check_refused("[env]\nA = 'file'", &(struct control){.env = env, .env_count = 1},
                  "the environment variable A is already set");
    check_refused("", &(struct control){.env = ours, .env_count = 1},
                  "the environment variable FD_NAMES is already set");
    check_refused("", &(struct control){.dirs = dirs, .dir_count = 1},
                  "the directory \"/other\" is granted, but not named in Enarx.toml");
    check_refused("[[files]]\nkind = 'dir'\npath = '/data'",
                  &(struct control){.dirs = dirs, .dir_count = 1},
                  "Enarx.toml:1:3: the directory \"/data\" is not granted");
}

TEST(listen, "a listening socket is there before the program runs, and gone after it")
{
    struct config config = parse_config("[[files]]\nkind = 'listen'\nprot = 'tcp'\nname = 'web'\n"
                                        "addr = '127.0.0.1'\nport = 0");
    struct guest guest;
    struct err err = {0};
    CHECK_INT(guest_init(&guest, &config, true, &(struct control){0}, NULL), 0);
    if (guest_open(&guest, &config, NULL, &err) < 0)
        tap_fail(__FILE__, __LINE__, "%s", err.message);
    int fd = guest.files[0].fd;
    CHECK(fd > 2);
    guest_free(&guest);
    CHECK(close(fd) < 0);
    config_free(&config);
}

TEST(sealing, "a workload's key stays the same: else what it has sealed is lost")
{
    uint8_t workload[WORKLOAD_DIGEST_SIZE] = {1}, key[SEALING_KEY_SIZE];
    char text[2 * SEALING_KEY_SIZE + 1];
    bool development = false;
    CHECK_INT(sealing_key(workload, key, &development, NULL), 0);
    CHECK(development);
    hex_encode(span_of(key, sizeof(key)), text);
    CHECK_STR(text, "30b3ecb9256393385dca6406c736080794327661d4da384e92b9076e532bd86f");
}

TEST(sealed,
     "a sealed directory is opened with the workload's key; a version is for sealed ones only")
{
    struct config config = parse_config("[[files]]\nkind = 'dir'\npath = '/d'\nsealed = true\n");
    char path[] = "/tmp/guest-test-XXXXXX";
    CHECK(mkdtemp(path));
    int fd = open(path, O_RDONLY | O_DIRECTORY);
    struct control_dir dirs[] = {{fd, "/d", false, 0}};
    struct control control = {.dirs = dirs, .dir_count = 1};
    const uint8_t digest[WORKLOAD_DIGEST_SIZE] = {1}, other[WORKLOAD_DIGEST_SIZE] = {2};
    static const struct {
        bool other;
        uint64_t minimum;
        int status;
        const char *message;
    } runs[] = {
        {false, 0, 0, ""},
        {false, 1, 0, ""},
        {true, 0, -EKEYREJECTED,
         "cannot open the sealed directory \"/d\": sealed.log was sealed "
         "with another key"},
        {false, 9, -ESTALE,
         "cannot open the sealed directory \"/d\": sealed.log has version 1, "
         "but at least 9 is wanted"},
    };
    for (size_t i = 0; i < sizeof(runs) / sizeof(runs[0]); i++) {
        struct guest guest;
        struct err err = {0};
        dirs[0].minimum = runs[i].minimum;
        CHECK_INT(guest_init(&guest, &config, true, &control, &err), 0);
        CHECK(guest_is_sealed(&guest));
        CHECK_INT(guest_unseal(&guest, runs[i].other ? other : digest, &err), runs[i].status);
        CHECK_STR(err.message, runs[i].message);
        CHECK(guest.development);
        CHECK_INT(guest_seal(&guest, &err), 0);
        guest_free(&guest);
    }
    config_free(&config);
    config = parse_config("[[files]]\nkind = 'dir'\npath = '/d'\n");
    struct guest guest;
    struct err err = {0};
    CHECK_INT(guest_init(&guest, &config, true, &control, &err), -EINVAL);
    CHECK_STR(err.message, "a version is demanded of the directory \"/d\", which is not sealed");
    CHECK_INT(guest_init(&guest, &config, false, &control, &err), -EINVAL);
    config_free(&config);
    CHECK(unlinkat(fd, "sealed.log", 0) == 0 && rmdir(path) == 0);
    close(fd);
}

TAP_MAIN()
