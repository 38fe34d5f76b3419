// SPDX-License-Identifier: Apache-2.0
/* What targets name, and what certificates of Keeps say. */
#include "drawbridge/keep.h"
#include "drawbridge/route.h"
#include "tap.h"

#define S(text) span_of(text, strlen(text))

static struct route route;
static char problem[ROUTE_PROBLEM_SIZE];

static unsigned parse(const char *target)
{
    return route_parse(S(target), &route, problem);
}

TEST(kinds, "each path of the interface leads to its kind, and only the whole of it")
{
    static const struct {
        const char *target;
        enum route_kind kind;
    } good[] = {
        {"/health", ROUTE_HEALTH},
        {"/readyz?x", ROUTE_READY},
        {"/api/v0.1.0/user", ROUTE_USER},
        {"//api//v0.4.3/user?a=b", ROUTE_USER},
        {"/api/v0.4.9/user", ROUTE_USER},
        {"/api/v0.1.0/_search", ROUTE_SEARCH},
        {"/api/v0.1.0/user/_usage", ROUTE_USAGE},
        {"/api/v0.1.0/user/repo", ROUTE_REPOSITORY},
        {"/api/v0.1.0/user/repo/_tag", ROUTE_TAGS},
        {"/api/v0.1.0/user/repo/_tag/1.0.0", ROUTE_TAG},
        {"/api/v0.1.0/user/repo/_tag/1.0.0/tree", ROUTE_TREE},
        {"/api/v0.1.0/user/repo/_tag/1.0.0/tree/", ROUTE_TREE},
        {"/api/v0.1.0/user/repo/_tag/1.0.0/tree/a/_b", ROUTE_TREE},
        {"/api/v0.1.0/user/repo/_tag/1.0.0/yank", ROUTE_YANK},
        {"/api/v0.1.0/user/repo/_tag/1.0.0/restore", ROUTE_RESTORE},
        {"/api/v0.1.0/user/repo/_tag/1.0.0/signature", ROUTE_SIGNATURES},
        {"/api/v0.1.0/user/repo/_tag/1.0.0/meta", ROUTE_META},
        {"/api/v0.1.0/user/repo/_grant", ROUTE_GRANTS},
        {"/api/v0.1.0/user/repo/_grant/other", ROUTE_GRANT},
        {"/api/v0.1.0/user/repo/_token/1f", ROUTE_TOKEN},
        {"/api/v0.1.0/user/repo/_upload", ROUTE_UPLOADS},
        {"/v2/", ROUTE_OCI_BASE},
        {"/v2/user/repo/tags/list?n=1", ROUTE_OCI_TAGS},
        {"/v2/user/repo/manifests/latest", ROUTE_OCI_MANIFEST},
        {"/v2/user/repo/blobs/uploads/", ROUTE_OCI_UPLOADS},
        {"/v2/user/repo/blobs/uploads/ab", ROUTE_OCI_UPLOAD},
    };
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        CHECK_INT(parse(good[i].target), 0);
        CHECK_STR(route_name(route.kind), route_name(good[i].kind));
    }
    CHECK_INT(parse("/api/v0.1.0/user/repo/_tag/1.0.0/tree/a/_b"), 0);
    CHECK(span_equal(route.user, S("user")) && span_equal(route.repository, S("repo")));
    CHECK(span_equal(route.tag, S("1.0.0")) && span_equal(route.path, S("a/_b")));
}

TEST(wrong, "what is malformed has the original's status")
{
    static const struct {
        const char *target;
        unsigned status;
    } wrong[] = {
        {"", 404},
        {"/", 404},
        {"/healthy", 404},
        {"/api", 404},
        {"/api/v0.1.0", 404},
        {"/api/v0.1.0/", 404},
        {"/api/v0.1.0/_tag", 404},
        {"/api/v1/user", 400},
        {"/api/v0.5.0/user", 501},
        {"/api/v1.0.0/user", 501},
        {"/api/v0.1.0/us.er", 400},
        {"/api/v0.1.0/us%41er", 400},
        {"/api/v0.1.0/user/", 400},
        {"/api/v0.1.0/user/a/b", 400},
        {"/api/v0.1.0/user/repo/_tagg", 404},
        {"/api/v0.1.0/user/repo/_tag/v1.0.0", 400},
        {"/api/v0.1.0/user/repo/_tag/1.0.0/tree/../a", 400},
        {"/api/v0.1.0/user/repo/_tag/1.0.0/yank/x", 404},
        {"/api/v0.1.0/user/repo/_upload/a-b", 400},
        {"/v2/user/repo/blobs/sha256:12", 400},
        {"/v2/user/repo/blobs/", 404},
        {"/v2/user/repo/manifests/-x", 400},
        {"/v2/us.er/repo/tags/list", 400},
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        CHECK_INT(parse(wrong[i].target), wrong[i].status);
        CHECK(problem[0]);
    }
    CHECK_INT(route_parse(span_of("/api/v0.1.0/us\0er", 17), &route, problem), 400);
}

TEST(query, "values of the query are decoded, and nothing that could break a line is in them")
{
    char value[8];
    CHECK_INT(parse("/health?a=%41b&c&d=&e=%0A&f=12345678&g=%4"), 0);
    CHECK_INT(route_query(&route, "a", value, sizeof(value)), 1);
    CHECK_STR(value, "Ab");
    CHECK_INT(route_query(&route, "d", value, sizeof(value)), 1);
    CHECK_STR(value, "");
    CHECK_INT(route_query(&route, "x", value, sizeof(value)), 0);
    CHECK(route_query(&route, "c", value, sizeof(value)) < 0);
    CHECK(route_query(&route, "e", value, sizeof(value)) < 0);
    CHECK(route_query(&route, "f", value, sizeof(value)) < 0);
    CHECK(route_query(&route, "g", value, sizeof(value)) < 0);
}

TEST(names, "a Keep's package is compared whole")
{
    struct keep keep = {.package = "store.example/user/repo:1.0.0"};
    CHECK(keep_is_named(&keep, S("user"), S("repo"), S("1.0.0")));
    CHECK(!keep_is_named(&keep, S("ser"), S("repo"), S("1.0.0")));
    CHECK(!keep_is_named(&keep, S("user"), S("repo"), S("1.0.01")));
    CHECK(!keep_is_named(&keep, S("user"), S("epo"), S("1.0.0")));
    strcpy(keep.package, "store.example/other/user/repo:1.0.0");
    CHECK(!keep_is_named(&keep, S("user"), S("repo"), S("1.0.0")));
    strcpy(keep.package, "/user/repo:1.0.0");
    CHECK(!keep_is_named(&keep, S("user"), S("repo"), S("1.0.0")));
    keep.package[0] = '\0';
    CHECK(keep_is_named(&keep, S("user"), S("repo"), S("1.0.0")));
    CHECK(keep_parse((struct span){0}, 0, &keep) < 0);
    CHECK(keep_parse(S("x"), 0, &keep) < 0);
}

TAP_MAIN()
