// SPDX-License-Identifier: Apache-2.0
#include "exec/config.h"
#include "tap.h"

#include <errno.h>
#include <stdlib.h>

static int parse(const char *text, struct config *config, struct err *err)
{
    return config_parse(span_of(text, strlen(text)), "Enarx.toml", config, err);
}

static struct config parse_valid(const char *text)
{
    struct config config;
    struct err err = {0};
    if (parse(text, &config, &err) < 0)
        tap_fail(__FILE__, __LINE__, "%s", err.message);
    return config;
}

TEST(empty, "an empty file gives no files, in contrast to no file")
{
    struct config config = parse_valid("");
    CHECK(!config.steward);
    CHECK_INT(config.arg_count, 0);
    CHECK_INT(config.env_count, 0);
    CHECK_INT(config.file_count, 0);
    config_free(&config);
    config_free(&config);
}

TEST(defaults, "without a file the program has stdin, stdout and stderr")
{
    struct config config;
    CHECK_INT(config_default(&config, NULL), 0);
    CHECK_INT(config.file_count, 3);
    CHECK_INT(config.files[0].kind, FILE_STDIN);
    CHECK_STR(config.files[1].name, "stdout");
    CHECK_INT(config.files[2].kind, FILE_STDERR);
    config_free(&config);
}

TEST(whole, "every key arrives, with its defaults")
{
    struct config config = parse_valid("steward = \"https://attest.example\"\n"
                                       "args = ['a', '']\n"
                                       "[env]\n"
                                       "B = 'two=2'\n"
                                       "A = ''\n"
                                       "[[files]]\nkind = 'null'\n"
                                       "[[files]]\nkind = 'stdin'\nname = 'in'\n"
                                       "[[files]]\nkind = 'listen'\nname = 'web'\nprot = 'tls'\n"
                                       "[[files]]\nkind = 'listen'\nname = 'adm'\nprot = 'tcp'\n"
                                       "addr = '127.0.0.1'\nport = 8080\n"
                                       "[[files]]\nkind = 'connect'\nprot = 'tcp'\nhost = 'db'\n"
                                       "[[files]]\nkind = 'dir'\npath = '/data'\n"
                                       "[[files]]\nkind = 'dir'\npath = '/'\nname = 'root'\n"
                                       "read_only = true\nsealed = true\n");
    CHECK_STR(config.steward, "https://attest.example");
    CHECK_INT(config.arg_count, 2);
    CHECK_STR(config.args[0], "a");
    CHECK_STR(config.args[1], "");
    CHECK_INT(config.env_count, 2);
    CHECK_STR(config.env[0].key, "B");
    CHECK_STR(config.env[0].value, "two=2");
    CHECK_INT(config.file_count, 7);
    CHECK_STR(config.files[0].name, "null");
    CHECK_STR(config.files[1].name, "in");
    CHECK_STR(config.files[2].host, "::");
    CHECK_INT(config.files[2].protocol, PROTOCOL_TLS);
    CHECK_INT(config.files[2].port, 443);
    CHECK_STR(config.files[3].host, "127.0.0.1");
    CHECK_INT(config.files[3].port, 8080);
    CHECK_STR(config.files[4].name, "db");
    CHECK_INT(config.files[4].port, 80);
    CHECK_STR(config.files[5].name, "/data");
    CHECK(!config.files[5].read_only && !config.files[5].sealed);
    CHECK_STR(config.files[6].path, "/");
    CHECK(config.files[6].read_only && config.files[6].sealed);
    config_free(&config);
}

static const struct {
    const char *text, *message, *hint;
} mistakes[] = {
    {"a = ", "Enarx.toml:1:5: a value is missing or begins with a wrong character", ""},
    {"arg = []", "Enarx.toml:1:1: unknown key \"arg\"", "Did you mean \"args\"?"},
    {"\n colour = 1", "Enarx.toml:2:2: unknown key \"colour\"",
     "The keys are steward, steward_ca, args, env, [roots] and [[files]]."},
    {"steward = 1", "Enarx.toml:1:11: steward must be a string, but is an integer",
     "Put the value in quotes."},
    {"steward = 'http://x'", "Enarx.toml:1:11: refusing to use an unencrypted steward url",
     "Write https:// in place of http://."},
    {"steward = 'x'", "Enarx.toml:1:11: steward must be an https URL with a host",
     "For example: steward = \"https://attest.example.com\""},
    {"steward = 'https://'", "Enarx.toml:1:11: steward must be an https URL with a host",
     "For example: steward = \"https://attest.example.com\""},
    {"steward = 'https:///x'", "Enarx.toml:1:11: steward must be an https URL with a host",
     "For example: steward = \"https://attest.example.com\""},
    {"args = 'x'", "Enarx.toml:1:8: args must be an array of strings, but is a string",
     "For example: args = [\"--verbose\", \"input.txt\"]"},
    {"args = ['x', 2]", "Enarx.toml:1:14: an element of args must be a string, but is an integer",
     "Put the value in quotes."},
    {"args = [\"\\u0000\"]", "Enarx.toml:1:9: an element of args must not contain U+0000", ""},
    {"env = []", "Enarx.toml:1:7: env must be a table of strings, but is an array",
     "Write [env] on a line, below it lines such as KEY = \"value\"."},
    {"[env]\nA = 1", "Enarx.toml:2:5: a value in env must be a string, but is an integer",
     "Put the value in quotes."},
    {"[env]\n'' = 'x'", "Enarx.toml:2:1: \"\" cannot be the name of an environment variable",
     "A name is not empty and has no '=' in it."},
    {"[env]\n'a=b' = 'x'", "Enarx.toml:2:1: \"a=b\" cannot be the name of an environment variable",
     "A name is not empty and has no '=' in it."},
    {"[env]\nFD_COUNT = '9'", "Enarx.toml:2:1: the environment variable FD_COUNT is set by Enarx",
     "It describes the [[files]]; use another name for your own variable."},
    {"files = 1", "Enarx.toml:1:9: files must be an array of tables, but is an integer",
     "Write [[files]] with two brackets."},
    {"[files]", "Enarx.toml:1:2: files must be an array of tables, but is a table",
     "Write [[files]] with two brackets."},
    {"files = [1]", "Enarx.toml:1:10: an element of files must be a table, but is an integer", ""},
    {"[[files]]", "Enarx.toml:1:3: \"kind\" is missing in this [[files]] entry",
     "Add for example kind = \"stdin\"; the kinds are null, stdin, stdout, stderr, listen, connect "
     "and dir."},
    {"[[files]]\nkind = 'pipe'", "Enarx.toml:2:8: \"pipe\" is not a kind of file",
     "The kinds are null, stdin, stdout, stderr, listen, connect and dir."},
    {"[[files]]\nname = 'x'\nkind = 'stdin'\nport = 1",
     "Enarx.toml:4:1: unknown key \"port\" in a file of kind \"stdin\"",
     "The keys of this kind are: kind, name."},
    {"[[files]]\nkind = 'stdin'\nname = 'a:b'", "Enarx.toml:3:8: file name must not contain ':'",
     "FD_NAMES separates the names with ':'; use '-' or '_'."},
    {"[[files]]\nkind = 'listen'\nname = 'x'",
     "Enarx.toml:1:3: \"prot\" is missing in this file of kind \"listen\"",
     "Add a line such as prot = \"tcp\""},
    {"[[files]]\nkind = 'listen'\nprot = 'tcp'",
     "Enarx.toml:1:3: \"name\" is missing in this file of kind \"listen\"",
     "Add a line such as name = \"input\""},
    {"[[files]]\nkind = 'connect'\nprot = 'tcp'",
     "Enarx.toml:1:3: \"host\" is missing in this file of kind \"connect\"",
     "Add a line such as host = \"localhost\""},
    {"[[files]]\nkind = 'connect'\nprot = 'sctp'\nhost = 'x'",
     "Enarx.toml:3:8: \"sctp\" is not a protocol",
     "prot is \"tcp\", \"tls\", \"udp\" or \"dtls\"."},
    {"[[files]]\nkind = 'connect'\nprot = 'udp'\nhost = 'x'",
     "Enarx.toml:1:3: \"port\" is missing in this file with prot = \"udp\"",
     "Add a line such as port = 5684; only tcp and tls have a default."},
    {"[[files]]\nkind = 'listen'\nprot = 'dtls'\nname = 'x'",
     "Enarx.toml:1:3: \"port\" is missing in this file with prot = \"dtls\"",
     "Add a line such as port = 5684; only tcp and tls have a default."},
    {"[[files]]\nkind = 'listen'\nprot = 'udp'\nname = 'x'\nport = 1\nalpn = ['h2']",
     "Enarx.toml:1:3: this file has keys for DTLS, but prot = \"udp\"",
     "Write prot = \"dtls\", or leave them out."},
    {"[[files]]\nkind = 'listen'\nmin_version = '1.3'\nprot = 'dtls'\nname = 'x'\nport = 1",
     "Enarx.toml:1:3: min_version = \"1.3\" is not possible with prot = \"dtls\"",
     "The only version of DTLS here is 1.2; leave min_version out."},
    {"[[files]]\nkind = 'listen'\nprot = 'dtls'\nname = 'x'\nport = 1\nserver_name = 'y'",
     "Enarx.toml:1:3: server_name is for files of kind \"connect\"", ""},
    {"[[files]]\nkind = 'connect'\nprot = 'tcp'\nhost = ''",
     "Enarx.toml:4:8: host must have 1 to 253 characters", ""},
    {"[[files]]\nkind = 'connect'\nprot = 'tcp'\nhost = '::1'",
     "Enarx.toml:1:3: file name must not contain ':'",
     "Give this file a name of its own: name = \"…\""},
    {"[[files]]\nkind = 'connect'\nprot = 'tcp'\nhost = 'x'\nport = '80'",
     "Enarx.toml:5:8: port must be an integer, but is a string",
     "Write the number without quotes: port = 8080"},
    {"[[files]]\nkind = 'connect'\nprot = 'tcp'\nhost = 'x'\nport = 65536",
     "Enarx.toml:5:8: port must be from 0 to 65535", ""},
    {"[[files]]\nkind = 'connect'\nprot = 'tcp'\nhost = 'x'\nalpn = ['h2']",
     "Enarx.toml:1:3: this file has keys for TLS, but prot = \"tcp\"",
     "Write prot = \"tls\", or leave them out."},
    {"[[files]]\nkind = 'connect'\nprot = 'tls'\nhost = 'x'\nca = 'x'",
     "Enarx.toml:5:6: ca must be a table with the key \"custom\"",
     "For example: ca = { custom = [\"name\"] }, and below [roots] the line name = "
     "\"\"\"-----BEGIN CERTIFICATE----- …\"\"\""},
    {"[[files]]\nkind = 'connect'\nprot = 'tls'\nhost = 'x'\nca = { custom = ['a'] }",
     "Enarx.toml:1:3: there is no \"a\" in [roots]", "Add its certificate below [roots]."},
    {"[[files]]\nkind = 'connect'\nprot = 'tls'\nhost = 'x'\nalpn = []",
     "Enarx.toml:5:8: alpn must be an array of strings, at least one",
     "Leave the key out where nothing is meant."},
    {"[[files]]\nkind = 'connect'\nprot = 'tls'\nhost = 'x'\nalpn = ['']",
     "Enarx.toml:5:8: a protocol in alpn has 1 to 255 bytes", ""},
    {"[[files]]\nkind = 'connect'\nprot = 'tls'\nhost = 'x'\nmin_version = '1.1'",
     "Enarx.toml:5:15: min_version is \"1.2\" or \"1.3\"", ""},
    {"[[files]]\nkind = 'connect'\nprot = 'tls'\nhost = 'x'\npeer_workload = ['00']",
     "Enarx.toml:5:17: peer_workload takes digests of 64 lower-case hexadecimal digits", ""},
    {"[[files]]\nkind = 'listen'\nprot = 'tls'\nname = 'x'\nserver_name = 'y'",
     "Enarx.toml:1:3: server_name is for files of kind \"connect\"", ""},
    {"[[files]]\nkind = 'listen'\nprot = 'tls'\nname = 'x'\npeer_measurement = "
     "['0000000000000000000000000000000000000000000000000000000000000000']",
     "Enarx.toml:1:3: clients whose workload or measurement is to be known need a ca",
     "Name in ca the Steward that certifies them."},
    {"roots = 1", "Enarx.toml:1:9: roots must be a table of certificates, but is an integer",
     "Write [roots] on a line, below it name = \"\"\"-----BEGIN CERTIFICATE----- …\"\"\""},
    {"[roots]\na = 'x'", "Enarx.toml:2:5: \"a\" is not a certificate in PEM", ""},
    {"[[files]]\nkind = 'dir'", "Enarx.toml:1:3: \"path\" is missing in this file of kind \"dir\"",
     "Add a line such as path = \"/data\""},
    {"[[files]]\nkind = 'dir'\npath = 'data'",
     "Enarx.toml:3:8: path must be an absolute directory name without \".\", \"..\" or //",
     "It is the GUEST part of --dir HOST::GUEST, for example \"/data\"."},
    {"[[files]]\nkind = 'dir'\npath = '/a/../b'",
     "Enarx.toml:3:8: path must be an absolute directory name without \".\", \"..\" or //",
     "It is the GUEST part of --dir HOST::GUEST, for example \"/data\"."},
    {"[[files]]\nkind = 'dir'\npath = '/a/'",
     "Enarx.toml:3:8: path must be an absolute directory name without \".\", \"..\" or //",
     "It is the GUEST part of --dir HOST::GUEST, for example \"/data\"."},
    {"[[files]]\nkind = 'dir'\npath = '/a'\nread_only = 1",
     "Enarx.toml:4:13: read_only must be true or false, but is an integer", ""},
    {"[[files]]\nkind = 'dir'\npath = '/a'\nsealed = 'yes'",
     "Enarx.toml:4:10: sealed must be true or false, but is a string", ""},
    {"[[files]]\nkind = 'dir'\npath = '/a'\nsealed = true\n[[files]]\nkind = 'dir'\npath = '/a'",
     "Enarx.toml:5:3: the sealed directory \"/a\" is named twice", ""},
    {"[[files]]\nkind = 'stdin'\nsealed = true",
     "Enarx.toml:3:1: unknown key \"sealed\" in a file of kind \"stdin\"",
     "The keys of this kind are: kind, name."},
    {"[[files]]\nkind = 'dir'\npath = '/a'\nseal = true",
     "Enarx.toml:4:1: unknown key \"seal\" in a file of kind \"dir\"",
     "The keys of this kind are: kind, name, path, read_only, sealed."},
};

TEST(tls, "the keys of TLS files arrive; names in ca may come before [roots]")
{
    static const char text[] =
        "[[files]]\nkind = 'connect'\nprot = 'tls'\nhost = 'a'\nca = { custom = ['r'] }\n"
        "alpn = ['h2', 'http/1.1']\nserver_name = 'b'\nmin_version = '1.2'\n"
        "peer_workload = ['000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f']\n"
        "[roots]\nr = '''-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'''";
    struct config config;
    struct err err = {0};
    CHECK_INT(parse(text, &config, &err), 0);
    const struct config_tls *tls = &config.files[0].tls;
    CHECK_INT(config.files[0].port, 443);
    CHECK(tls->given && tls->min_version == VERSION_1_2);
    CHECK_STR(tls->server_name, "b");
    CHECK_INT(tls->alpn.count, 2);
    CHECK_STR(tls->alpn.items[1], "http/1.1");
    CHECK_INT(tls->peer_workload.count, 1);
    CHECK_INT(tls->peer_measurement.count, 0);
    CHECK_INT(tls->ca.count, 1);
    CHECK(config_find_root(&config, "r") != NULL);
    CHECK(config_find_root(&config, "s") == NULL);
    config_free(&config);
}

TEST(datagrams, "files of UDP and DTLS would be taken for streams, or lose their keys")
{
    static const char text[] =
        "[[files]]\nkind = 'connect'\nprot = 'udp'\nhost = 'a'\nport = 53\n"
        "[[files]]\nkind = 'listen'\nprot = 'dtls'\nname = 'coap'\nport = 0\n"
        "ca = { custom = ['r'] }\nmin_version = '1.2'\n"
        "[roots]\nr = '''-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'''";
    struct config config;
    struct err err = {0};
    CHECK_INT(parse(text, &config, &err), 0);
    CHECK_INT(config.files[0].protocol, PROTOCOL_UDP);
    CHECK_INT(config.files[0].port, 53);
    CHECK_STR(config.files[0].name, "a");
    CHECK_INT(config.files[1].protocol, PROTOCOL_DTLS);
    CHECK_INT(config.files[1].port, 0);
    CHECK_STR(config.files[1].host, "::");
    CHECK_INT(config.files[1].tls.min_version, VERSION_1_2);
    CHECK_INT(config.files[1].tls.ca.count, 1);
    config_free(&config);
}

TEST(mistakes, "each mistake is told with its place and its remedy")
{
    for (size_t i = 0; i < sizeof(mistakes) / sizeof(mistakes[0]); i++) {
        struct config config;
        struct err err = {0};
        if (parse(mistakes[i].text, &config, &err) != -EINVAL)
            tap_fail(__FILE__, __LINE__, "accepted: %s", mistakes[i].text);
        CHECK_STR(err.message, mistakes[i].message);
        CHECK_STR(err.hint, mistakes[i].hint);
        CHECK_INT(err.class, ERR_CONFIG);
        CHECK(!config.memory && !config.files);
    }
}

TEST(oversized, "a huge file is refused before any memory is taken")
{
    struct config config;
    struct err err = {0};
    char *text = malloc(CONFIG_SIZE_MAX + 1);
    memset(text, '\n', CONFIG_SIZE_MAX + 1);
    CHECK_INT(config_parse(span_of(text, CONFIG_SIZE_MAX + 1), "x", &config, &err), -EFBIG);
    CHECK_STR(err.message, "x is larger than 1000000 bytes");
    CHECK_INT(config_parse(span_of(text, CONFIG_SIZE_MAX), "x", &config, &err), 0);
    config_free(&config);
    free(text);
}

TAP_MAIN()
