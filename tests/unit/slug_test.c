// SPDX-License-Identifier: Apache-2.0
/* Names that people give to users, repositories and tags of a Drawbridge. */
#include "drawbridge/client/slug.h"
#include "tap.h"

#include <errno.h>

#define S(text) span_of(text, strlen(text))

TEST(good, "a slug is taken apart as the original does it")
{
    struct slug slug;
    CHECK_INT(slug_parse("alice", SLUG_USER, &slug, NULL), 0);
    CHECK(span_equal(slug.user, S("alice")) && slug.host.size == 0 && slug.tag.size == 0);
    CHECK_INT(slug_parse("localhost:1234/alice", SLUG_USER, &slug, NULL), 0);
    CHECK(span_equal(slug.host, S("localhost:1234")));
    CHECK_INT(slug_parse("[::1]:8443/alice/my-repo", SLUG_REPOSITORY, &slug, NULL), 0);
    CHECK(span_equal(slug.host, S("[::1]:8443")) && span_equal(slug.repository, S("my-repo")));
    CHECK_INT(slug_parse("h.example/alice/r:1.0.0-rc.1+b", SLUG_TAG, &slug, NULL), 0);
    CHECK(span_equal(slug.tag, S("1.0.0-rc.1+b")) && span_equal(slug.user, S("alice")));
    char buffer[256];
    struct text text = text_init(buffer, sizeof(buffer));
    slug_write_path(&slug, &text);
    CHECK(span_equal(text_span(&text), S("alice/r/_tag/1.0.0-rc.1+b")));
}

TEST(wrong, "what could lead to another host or path is no slug")
{
    static const struct {
        const char *text;
        enum slug_kind kind;
    } wrong[] = {
        {"", SLUG_USER},
        {"/alice", SLUG_USER},
        {"a@b/alice", SLUG_USER},
        {"a/b/alice", SLUG_USER},
        {"h?x/alice", SLUG_USER},
        {"h#x/alice", SLUG_USER},
        {"h:x/alice", SLUG_USER},
        {"h:99999/alice", SLUG_USER},
        {"alice/", SLUG_REPOSITORY},
        {"alice", SLUG_REPOSITORY},
        {"alice/..", SLUG_REPOSITORY},
        {"alice/a%2fb", SLUG_REPOSITORY},
        {"alice/r", SLUG_TAG},
        {"alice/r:", SLUG_TAG},
        {"alice/r:1", SLUG_TAG},
        {"alice/r:1.0.0:1.0.0", SLUG_TAG},
        {"alice/r:1.0.0/..", SLUG_TAG},
        {"r:1.0.0", SLUG_TAG},
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct slug slug;
        struct err err = {0};
        CHECK_INT(slug_parse(wrong[i].text, wrong[i].kind, &slug, &err), -EINVAL);
        CHECK_INT(err.class, ERR_USAGE);
    }
    CHECK(!slug_is_host((struct span){0}) && !slug_is_host(S("a b")) && !slug_is_host(S("a/b")));
}

TAP_MAIN()
