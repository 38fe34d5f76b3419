// SPDX-License-Identifier: Apache-2.0
/* Names, digests and trees, compared with values of the original. */
#include "codec/base64.h"
#include "codec/json.h"
#include "drawbridge/names.h"
#include "drawbridge/tree.h"
#include "tap.h"

#include <errno.h>

#define S(text) span_of(text, strlen(text))

TEST(names, "names are those that the original accepts, but bounded, and not . and ..")
{
    static char long_name[NAME_MAX_SIZE + 2];
    memset(long_name, 'a', NAME_MAX_SIZE + 1);
    CHECK(name_is_user(S("user")) && name_is_user(S("0")) && name_is_user(S("uSer1")));
    CHECK(!name_is_user(S("")) && !name_is_user((struct span){0}) && !name_is_user(S("user-name")));
    CHECK(!name_is_user(S("us/er")) && !name_is_user(S("us er")) && !name_is_user(S("\xC3\xA4")));
    CHECK(!name_is_user(span_of("a\0", 2)));
    CHECK(name_is_user(span_of(long_name, NAME_MAX_SIZE)) && !name_is_user(S(long_name)));
    CHECK(name_is_repository(S("my-repo")) && name_is_repository(S("-")));
    CHECK(!name_is_repository(S("my_repo")) && !name_is_repository(S("a/b")));
    CHECK(name_is_node(S("tEst-file..__.foo.42.")) && name_is_node(S("...")) &&
          name_is_node(S("a:b")));
    CHECK(!name_is_node(S(".")) && !name_is_node(S("..")) && !name_is_node(S("a/b")));
    CHECK(!name_is_node(S("a%2f")) && !name_is_node(S("")));
}

TEST(tags, "tags are semantic versions, all of it and nothing else")
{
    static const char *const good[] = {"0.0.0",     "1.2.3",   "1.2.3-rc1", "1.2.3-alpha.1+b.7",
                                       "1.0.0+001", "1.0.0--", "10.20.30",  "1.0.0-0a"};
    static const char *const wrong[] = {"",
                                        "1",
                                        "1.2",
                                        "v1.2.3",
                                        "1.2.3.4",
                                        "01.2.3",
                                        "1.2.3-",
                                        "1.2.3+",
                                        "1.2.3-01",
                                        "1.2.3-a..b",
                                        " 1.2.3",
                                        "1.2.3 ",
                                        "1.2.3-\xC3\xA4",
                                        "1.2.x",
                                        "1.2.3/..",
                                        "99999999999999999999.0.0",
                                        "1.2.3+a+b",
                                        "-1.0.0"};
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        CHECK(name_is_tag(S(good[i])));
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        CHECK(!name_is_tag(S(wrong[i])));
    CHECK(!name_is_tag((struct span){0}) && !name_is_tag(span_of("1.2.3\0", 6)));
    struct version version;
    CHECK(version_parse(S("0.4.3-x+y"), &version));
    CHECK(version.major == 0 && version.minor == 4 && version.patch == 3);
}

static bool path_is(const char *text, const char *wanted)
{
    struct span path;
    return name_parse_path(S(text), &path) && span_equal(path, S(wanted));
}

TEST(paths, "nothing climbs out of a tree")
{
    struct span path, parent, last;
    CHECK(path_is("", "") && path_is("/", "") && path_is("///a/b/", "a/b") && path_is("a", "a"));
    static const char *const wrong[] = {"..", "a/..", "a//b", "a/./b", "a//", "a/%2e%2e/b", "a\\b"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        CHECK(!name_parse_path(S(wrong[i]), &path));
    CHECK(!name_parse_path(span_of("a\0b", 3), &path));
    static char deep[2 * PATH_DEPTH_MAX + 4];
    for (size_t i = 0; i < PATH_DEPTH_MAX; i++)
        strcat(deep, "/a");
    CHECK(name_parse_path(S(deep), &path));
    strcat(deep, "/a");
    CHECK(!name_parse_path(S(deep), &path));
    name_split_path(S("a/b/c"), &parent, &last);
    CHECK(span_equal(parent, S("a/b")) && span_equal(last, S("c")));
    name_split_path(S("a"), &parent, &last);
    CHECK(parent.size == 0 && span_equal(last, S("a")));
}

#define FOO_HEADER                                                                                 \
    "sha-224=:CAj2TmDViXn8tnbJbsk4Jw3qQkRa7vzTpOb42w==:,"                                          \
    "sha-256=:LCa0a2j/xo/5m0U8HTBBNBNCLXBkg7+g+YpeiGJm564=:,"                                      \
    "sha-384=:mMEf/f3VQGdrGhN8saIrKnA1DJpEFx1rEYDGvly7LuP3nVMsih3Z7y6OCOdSo7q7:,"                  \
    "sha-512=:9/u6bgY2+JDlb7vzKD5STG+jIErimDgtYkdB0NxmODJuKCxBvl5CVNiCB3LFUYosWowMf37aGVlKfrU5RT4" \
    "e1w==:"

TEST(header, "Content-Digest is read and written as the original does")
{
    char buffer[DIGEST_HEADER_MAX];
    struct text text = text_init(buffer, sizeof(buffer));
    struct digests computed, given = {0};
    CHECK_INT(digests_of(S("foo"), &computed), 0);
    digests_write_header(&computed, &text);
    CHECK(!text.overflow);
    CHECK_STR(buffer, FOO_HEADER);
    CHECK_INT(digests_parse_header(S(FOO_HEADER), &given), 0);
    CHECK(digests_match(&given, &computed) && digests_match(&computed, &given));
    given = (struct digests){0};
    CHECK(digests_empty(&given));
    CHECK_INT(
        digests_parse_header(S("SHA-256=:LCa0a2j/xo/5m0U8HTBBNBNCLXBkg7+g+YpeiGJm564=:"), &given),
        0);
    CHECK(digests_match(&given, &computed) && !digests_match(&computed, &given));
    given.value[DIGEST_SHA256][31] ^= 1;
    CHECK(!digests_match(&given, &computed));
}

TEST(header_wrong, "a digest that is not understood is never ignored")
{
    static const char *const wrong[] = {
        "",
        ",",
        "sha-256",
        "sha-256=",
        "sha-256=:",
        "sha-256=::",
        "md5=:LCa0a2j/xo/5m0U8HTBBNBNCLXBkg7+g+YpeiGJm564=:",
        "sha-256=LCa0a2j/xo/5m0U8HTBBNBNCLXBkg7+g+YpeiGJm564=",
        "sha-256=:LCa0a2j/xo/5m0U8HTBBNBNCLXBkg7+g+YpeiGJm564:",
        "sha-256=:LCa0a2j_xo_5m0U8HTBBNBNCLXBkg7-g-YpeiGJm564=:",
        "sha-256=: LCa0a2j/xo/5m0U8HTBBNBNCLXBkg7+g+YpeiGJm564=:",
        "sha-512=:LCa0a2j/xo/5m0U8HTBBNBNCLXBkg7+g+YpeiGJm564=:",
        "sha-256=:LCa0a2j/xo/5m0U8HTBBNBNCLXBkg7+g+YpeiGJm564=:,",
        "sha-224=:CAj2TmDViXn8tnbJbsk4Jw3qQkRa7vzTpOb42w==:, sha-256=:",
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct digests digests = {0};
        CHECK(digests_parse_header(S(wrong[i]), &digests) < 0);
    }
}

static struct entry entry_of(const char *content, size_t size, const char *type)
{
    struct entry entry = {.length = size, .type = S(type)};
    CHECK_INT(digests_of(span_of(content, size), &entry.digests), 0);
    return entry;
}

static struct entry directory_entry(const struct text *text)
{
    return entry_of(text->data, text->size, TYPE_DIRECTORY);
}

static void check_sha256(const struct entry *entry, uint64_t length, const char *wanted)
{
    char encoded[64] = "";
    base64_encode(span_of(entry->digests.value[DIGEST_SHA256], 32), false, encoded);
    CHECK_INT(entry->length, length);
    CHECK_STR(encoded, wanted);
}

TEST(flat, "directories have the lengths and digests of the original, byte for byte")
{
    char buffer[2048];
    struct text text = text_init(buffer, sizeof(buffer));
    static const char config[] = "steward = \"example.com\"\nargs = [\"foo\", \"bar\"]";
    struct entry toml = entry_of(config, sizeof(config) - 1, "application/toml");
    struct entry wasm = entry_of("\xDE\xAD\xBE\xEF", 4, "application/octet-stream");
    check_sha256(&toml, 45, "GJHVBiZnfqseNDknDacwRgc57BHuPG4U5PTqmS7IByg=");
    check_sha256(&wasm, 4, "X3jDMnTkP6neVlkmXB2RfiXANyLcsLjSfbjV/qqBOVM=");
    directory_begin(&text);
    directory_add(&text, S("Enarx.toml"), &toml);
    directory_add(&text, S("main.wasm"), &wasm);
    directory_end(&text);
    struct entry root = directory_entry(&text);
    check_sha256(&root, 711, "FROAZ1HBVkPPA+V846fvW0nAuvkrWib9Dpfm+8AfQlw=");
    struct text tag = text_init(buffer, sizeof(buffer));
    entry_write(&root, &tag);
    CHECK_INT(tag.size, 367);
    struct entry empty = entry_of("{}", 2, TYPE_DIRECTORY);
    check_sha256(&empty, 2, "RBNvo1WzZ4oRRq0W9+hknpT7T8If536DEMBg9hyq/4o=");
}

TEST(nested, "a nested tree's root lists all that is in it")
{
    char buffer[2048], root_buffer[2048];
    struct text text = text_init(buffer, sizeof(buffer));
    struct text root_text = text_init(root_buffer, sizeof(root_buffer));
    struct entry bar = entry_of("bar", 3, "application/octet-stream");
    struct entry foo = entry_of("foo", 3, "application/octet-stream");
    directory_begin(&text);
    directory_add(&text, S("test-file-bar"), &bar);
    directory_end(&text);
    struct entry inner = directory_entry(&text);
    check_sha256(&inner, 363, "ns0No9E6pdxxFr31XcuczLsyywKAJdH+JWSO8sU425E=");
    directory_begin(&root_text);
    directory_add(&root_text, S("test-dir"), &inner);
    directory_add(&root_text, S("test-file-foo"), &foo);
    directory_end(&root_text);
    struct entry root = directory_entry(&root_text), found;
    check_sha256(&root, 742, "2sEkTVVLPkT8pUNfBNVqiu5a2CogIEB1aJvHUA2IjcE=");
    CHECK(directory_find(text_span(&root_text), S("test-file-foo"), &found));
    CHECK(digests_match(&found.digests, &foo.digests) && found.length == 3);
    CHECK(!directory_find(text_span(&root_text), S("test-file"), &found));
}

#define ENTRY                                                                                      \
    "{\"digest\":{\"sha-224\":\"CAj2TmDViXn8tnbJbsk4Jw3qQkRa7vzTpOb42w==\"},\"length\":3,"         \
    "\"type\":\"text/plain\"}"

#define NO_LENGTH                                                                                  \
    "{\"digest\":{\"sha-224\":\"CAj2TmDViXn8tnbJbsk4Jw3qQkRa7vzTpOb42w==\"},\"length\":-3,"        \
    "\"type\":\"text/plain\"}"
#define NO_TYPE                                                                                    \
    "{\"digest\":{\"sha-224\":\"CAj2TmDViXn8tnbJbsk4Jw3qQkRa7vzTpOb42w==\"},\"length\":3,"         \
    "\"type\":\"text\"}"

static int canonical(const char *bytes, char *out)
{
    struct text text = text_init(out, 2048);
    return directory_canonical(S(bytes), &text);
}

TEST(canonical, "white space and order make no difference to what a directory is")
{
    char out[2048];
    CHECK_INT(canonical(" { } ", out), 0);
    CHECK_STR(out, "{}");
    CHECK_INT(canonical("{\"b\":" ENTRY ",\"B\":" ENTRY "}", out), 0);
    CHECK_STR(out, "{\"B\":" ENTRY ",\"b\":" ENTRY "}");
    CHECK_INT(
        canonical("{\"a\": { \"type\":\"text/plain\", \"x\" : [ 1 , \" \\\" \" ],\n\"length\":3,"
                  "\"digest\":{\"sha-224\":\"CAj2TmDViXn8tnbJbsk4Jw3qQkRa7vzTpOb42w==\"}}}",
                  out),
        0);
    CHECK_STR(out, "{\"a\":{\"digest\":{\"sha-224\":\"CAj2TmDViXn8tnbJbsk4Jw3qQkRa7vzTpOb42w==\"},"
                   "\"length\":3,\"type\":\"text/plain\",\"x\":[1,\" \\\" \"]}}");
    struct entry entry;
    CHECK(directory_find(S(out), S("a"), &entry));
    CHECK(span_equal(entry.custom, S(",\"x\":[1,\" \\\" \"]")));
}

TEST(canonical_wrong, "what is no directory is refused")
{
    char out[2048];
    static const char *const wrong[] = {
        "",
        "[]",
        "7",
        "{\"a\":{}}",
        "{\"a\":7}",
        "{\"..\":" ENTRY "}",
        "{\"a/b\":" ENTRY "}",
        "{\"a\":" ENTRY ",\"a\":" ENTRY "}",
        "{\"a\":{\"digest\":{},\"length\":3,\"type\":\"text/plain\"}}",
        "{\"a\":{\"digest\":{\"md5\":\"\"},\"length\":3,\"type\":\"text/plain\"}}",
        "{\"a\":" NO_LENGTH "}",
        "{\"a\":" NO_TYPE "}",
        "{\"a\":" ENTRY,
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        CHECK_INT(canonical(wrong[i], out), -EINVAL);
}

TEST(types, "media types are types and need no escapes")
{
    CHECK(media_type_valid(S("application/wasm")) && media_type_valid(S("a/b; c=d")));
    CHECK(media_type_valid(S(TYPE_DIRECTORY)));
    CHECK(span_equal(media_type_essence(S("a/b;c=d")), S("a/b")));
    static const char *const wrong[] = {"",      "a",     "/",           "a/",    "/b",
                                        "a/b/c", "a b/c", "a/b;c=\"d\"", "a/b\n", "a/b; \xC3\xA4",
                                        "a/b;\\"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        CHECK(!media_type_valid(S(wrong[i])));
}

TAP_MAIN()
