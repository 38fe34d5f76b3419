// SPDX-License-Identifier: Apache-2.0
#include "drawbridge/route.h"

#include "codec/base64.h"
#include "drawbridge/names.h"
#include "drawbridge/store.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* The version of the original whose interface this is. */
static const struct version served = {0, 4, 3};

static const char *const names[ROUTE_KINDS] = {
    [ROUTE_NONE] = "none",
    [ROUTE_HEALTH] = "health",
    [ROUTE_READY] = "ready",
    [ROUTE_SEARCH] = "search",
    [ROUTE_USER] = "user",
    [ROUTE_USAGE] = "usage",
    [ROUTE_REPOSITORY] = "repository",
    [ROUTE_GRANTS] = "grants",
    [ROUTE_GRANT] = "grant",
    [ROUTE_TOKENS] = "tokens",
    [ROUTE_TOKEN] = "token",
    [ROUTE_UPLOADS] = "uploads",
    [ROUTE_UPLOAD] = "upload",
    [ROUTE_TAGS] = "tags",
    [ROUTE_TAG] = "tag",
    [ROUTE_TREE] = "tree",
    [ROUTE_YANK] = "yank",
    [ROUTE_RESTORE] = "restore",
    [ROUTE_SIGNATURES] = "signatures",
    [ROUTE_META] = "meta",
    [ROUTE_OCI_BASE] = "oci-base",
    [ROUTE_OCI_TAGS] = "oci-tags",
    [ROUTE_OCI_MANIFEST] = "oci-manifest",
    [ROUTE_OCI_BLOB] = "oci-blob",
    [ROUTE_OCI_UPLOADS] = "oci-uploads",
    [ROUTE_OCI_UPLOAD] = "oci-upload",
    [ROUTE_OCI_REFERRERS] = "oci-referrers",
};

const char *route_name(enum route_kind kind)
{
    return names[kind];
}

static unsigned refuse(char problem[ROUTE_PROBLEM_SIZE], unsigned status, const char *sentence)
{
    snprintf(problem, ROUTE_PROBLEM_SIZE, "%s", sentence);
    return status;
}

static bool is_word(struct span text, const char *word)
{
    return span_equal(text, span_of(word, strlen(word)));
}

static struct span skip_slashes(struct span text)
{
    while (text.size > 0 && text.data[0] == '/')
        text = span_of(text.data + 1, text.size - 1);
    return text;
}

static bool take_prefix(struct span *text, const char *prefix)
{
    size_t size = strlen(prefix);
    if (text->size < size || memcmp(text->data, prefix, size) != 0)
        return false;
    *text = span_of(text->data + size, text->size - size);
    return true;
}

/* Takes what is before the next slash, and the slash. */
static struct span take_part(struct span *text)
{
    const uint8_t *slash = text->size > 0 ? memchr(text->data, '/', text->size) : NULL;
    struct span part = span_of(text->data, slash ? (size_t)(slash - text->data) : text->size);
    size_t used = part.size + (slash ? 1 : 0);
    *text = span_of(text->data + used, text->size - used);
    return part;
}

static unsigned not_found(struct span target, char problem[ROUTE_PROBLEM_SIZE])
{
    int size = target.size < 200 ? (int)target.size : 200;
    bool printable = true;
    for (int i = 0; i < size; i++)
        printable = printable && target.data[i] > 0x20 && target.data[i] < 0x7F;
    snprintf(problem, ROUTE_PROBLEM_SIZE, "Route `/%.*s` not found", printable ? size : 0,
             (const char *)target.data);
    return 404;
}

/* The version of the interface: whether this server speaks it. */
static unsigned check_version(struct span text, char problem[ROUTE_PROBLEM_SIZE])
{
    struct version asked;
    if (!version_parse(text, &asked))
        return refuse(problem, 400, "Failed to parse API version: it is not a semantic version");
    bool newer = asked.major != served.major   ? asked.major > served.major
                 : asked.minor != served.minor ? asked.minor > served.minor
                                               : asked.patch > served.patch;
    if (newer && (asked.major > served.major || (served.major == 0 && asked.minor > served.minor)))
        return refuse(problem, 501, "Unsupported API version");
    return 0;
}

/* What stands behind a tag: "tree/a/b", "yank", … */
static const struct {
    const char *word;
    enum route_kind kind;
} behind_tag[] = {
    {"yank", ROUTE_YANK},
    {"restore", ROUTE_RESTORE},
    {"signature", ROUTE_SIGNATURES},
    {"meta", ROUTE_META},
};

static unsigned parse_tag(struct span rest, struct route *route, char problem[ROUTE_PROBLEM_SIZE])
{
    route->tag = take_part(&rest);
    bool more = rest.size > 0;
    if (!name_is_tag(route->tag))
        return refuse(problem, 400, "Failed to parse tag: it is not a semantic version");
    if (!more) {
        route->kind = ROUTE_TAG;
        return 0;
    }
    struct span word = take_part(&rest);
    if (is_word(word, "tree")) {
        route->kind = ROUTE_TREE;
        return name_parse_path(rest, &route->path)
                   ? 0
                   : refuse(problem, 400, "Failed to parse tree path: it is malformed");
    }
    for (size_t i = 0; i < sizeof(behind_tag) / sizeof(behind_tag[0]); i++) {
        if (rest.size == 0 && is_word(word, behind_tag[i].word)) {
            route->kind = behind_tag[i].kind;
            return 0;
        }
    }
    return refuse(problem, 404, "Route not found on repository");
}

static bool is_id(struct span id)
{
    return name_is_user(id) && id.size <= STORE_ID_MAX;
}

/* What stands behind a repository: "_tag/…", … */
static const struct {
    const char *word;
    enum route_kind all, one;
} behind_repository[] = {
    {"_grant", ROUTE_GRANTS, ROUTE_GRANT},
    {"_token", ROUTE_TOKENS, ROUTE_TOKEN},
    {"_upload", ROUTE_UPLOADS, ROUTE_UPLOAD},
};

static unsigned parse_tail(struct span tail, struct route *route, char problem[ROUTE_PROBLEM_SIZE])
{
    struct span word = take_part(&tail);
    if (is_word(word, "_tag")) {
        route->kind = ROUTE_TAGS;
        return tail.size > 0 ? parse_tag(tail, route, problem) : 0;
    }
    for (size_t i = 0; i < sizeof(behind_repository) / sizeof(behind_repository[0]); i++) {
        if (!is_word(word, behind_repository[i].word))
            continue;
        route->kind = tail.size > 0 ? behind_repository[i].one : behind_repository[i].all;
        route->id = tail;
        bool user = route->kind == ROUTE_GRANT;
        if (tail.size == 0 || (user ? name_is_user(tail) : is_id(tail)))
            return 0;
        return refuse(problem, 400, "Failed to parse name: it is malformed");
    }
    return refuse(problem, 404, "Route not found on repository");
}

/* "user/repo/_tail": the first "/_" ends the names. */
static unsigned parse_names(struct span rest, struct route *route, char problem[ROUTE_PROBLEM_SIZE])
{
    const uint8_t *mark = rest.size > 1 ? memmem(rest.data, rest.size, "/_", 2) : NULL;
    struct span left = span_of(rest.data, mark ? (size_t)(mark - rest.data) : rest.size);
    struct span tail = {0};
    if (mark)
        tail = span_of(mark + 1, rest.size - left.size - 1);
    if (left.size == 0 || left.data[0] == '_') /* no names before a tail */
        return not_found(rest, problem);
    bool alone = !memchr(left.data, '/', left.size);
    route->user = take_part(&left);
    if (!name_is_user(route->user))
        return refuse(problem, 400,
                      "Failed to parse user name: letters and digits are what it may have");
    if (alone && mark) {
        route->kind = ROUTE_USAGE;
        return is_word(tail, "_usage") ? 0 : refuse(problem, 404, "Route not found on user");
    }
    route->kind = ROUTE_USER;
    if (alone)
        return 0;
    route->repository = left;
    route->kind = ROUTE_REPOSITORY;
    if (!name_is_repository(left))
        return refuse(
            problem, 400,
            "Failed to parse repository name: letters, digits and - are what it may have");
    return mark ? parse_tail(tail, route, problem) : 0;
}

/* A reference of OCI: "sha256:…" or a tag, [a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}. */
static bool is_reference(struct span text)
{
    struct span digits = text;
    if (take_prefix(&digits, "sha256:")) {
        uint8_t ignored[STORE_SHA256];
        for (size_t i = 0; i < digits.size; i++) {
            if (digits.data[i] >= 'A' && digits.data[i] <= 'F')
                return false;
        }
        return digits.size == 2 * STORE_SHA256 && hex_decode(digits, ignored, STORE_SHA256) == 0;
    }
    for (size_t i = 0; i < text.size; i++) {
        uint8_t character = text.data[i];
        bool word = character == '_' || name_is_user(span_of(&character, 1));
        if (!word && (i == 0 || (character != '.' && character != '-')))
            return false;
    }
    return text.size > 0 && text.size <= 128;
}

/* What stands behind "/v2/user/repo/", the longest first. */
static const struct {
    const char *word;
    enum route_kind all, one; /* ROUTE_NONE: there is none */
} oci_kinds[] = {
    {"blobs/uploads/", ROUTE_OCI_UPLOADS, ROUTE_OCI_UPLOAD},
    {"blobs/uploads", ROUTE_OCI_UPLOADS, ROUTE_NONE},
    {"blobs/", ROUTE_NONE, ROUTE_OCI_BLOB},
    {"manifests/", ROUTE_NONE, ROUTE_OCI_MANIFEST},
    {"referrers/", ROUTE_NONE, ROUTE_OCI_REFERRERS},
    {"tags/list", ROUTE_OCI_TAGS, ROUTE_NONE},
};

static unsigned parse_oci_tail(struct span rest, struct route *route,
                               char problem[ROUTE_PROBLEM_SIZE])
{
    for (size_t i = 0; i < sizeof(oci_kinds) / sizeof(oci_kinds[0]); i++) {
        struct span id = rest;
        if (!take_prefix(&id, oci_kinds[i].word))
            continue;
        route->kind = id.size > 0 ? oci_kinds[i].one : oci_kinds[i].all;
        if (route->kind == ROUTE_NONE)
            break;
        route->id = id;
        if (id.size > 0 && !(route->kind == ROUTE_OCI_UPLOAD ? is_id(id) : is_reference(id)))
            return refuse(problem, 400, "the reference is malformed");
        if (route->kind == ROUTE_OCI_MANIFEST && name_is_tag(id))
            route->tag = id;
        return 0;
    }
    return refuse(problem, 404, "there is nothing here");
}

/* Names of this repository have two parts. */
static unsigned parse_oci(struct span rest, struct route *route, char problem[ROUTE_PROBLEM_SIZE])
{
    if (rest.size == 0) {
        route->kind = ROUTE_OCI_BASE;
        return 0;
    }
    route->user = take_part(&rest);
    route->repository = take_part(&rest);
    if (!name_is_user(route->user) || !name_is_repository(route->repository))
        return refuse(problem, 400, "the name is not of the form user/repository");
    return parse_oci_tail(rest, route, problem);
}

static unsigned parse_path(struct span path, struct route *route, char problem[ROUTE_PROBLEM_SIZE])
{
    static const struct {
        const char *path;
        enum route_kind kind;
    } plain[] = {{"/health", ROUTE_HEALTH}, {"/livez", ROUTE_HEALTH}, {"/readyz", ROUTE_READY}};
    for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++) {
        if (is_word(path, plain[i].path)) {
            route->kind = plain[i].kind;
            return 0;
        }
    }
    struct span rest = path, whole;
    if (take_prefix(&rest, "/v2/") || is_word(path, "/v2"))
        return parse_oci(is_word(path, "/v2") ? (struct span){0} : rest, route, problem);
    whole = rest = skip_slashes(path);
    if (!take_prefix(&rest, "api"))
        return not_found(whole, problem);
    rest = skip_slashes(rest);
    if (!take_prefix(&rest, "v") || !memchr(rest.data, '/', rest.size))
        return not_found(whole, problem);
    unsigned status = check_version(take_part(&rest), problem);
    if (status != 0)
        return status;
    if (is_word(rest, "_search")) {
        route->kind = ROUTE_SEARCH;
        return 0;
    }
    return parse_names(rest, route, problem);
}

unsigned route_parse(struct span target, struct route *route, char problem[ROUTE_PROBLEM_SIZE])
{
    const uint8_t *mark = target.size > 0 ? memchr(target.data, '?', target.size) : NULL;
    size_t size = mark ? (size_t)(mark - target.data) : target.size;
    *route = (struct route){.prefix = span_of(target.data, size)};
    if (mark)
        route->query = span_of(mark + 1, target.size - size - 1);
    problem[0] = '\0';
    unsigned status = parse_path(route->prefix, route, problem);
    struct span rest = route->prefix;
    if (status != 0) /* what kind of message it gets still depends on the interface */
        route->kind = take_prefix(&rest, "/v2/") ? ROUTE_OCI_BASE : ROUTE_NONE;
    return status;
}

static int hex_digit(uint8_t digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    digit |= 0x20;
    return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

static int decode(struct span value, char *out, size_t capacity)
{
    size_t size = 0;
    for (size_t i = 0; i < value.size; i++) {
        int character = value.data[i];
        if (character == '%') {
            int high = i + 2 < value.size ? hex_digit(value.data[i + 1]) : -1;
            int low = i + 2 < value.size ? hex_digit(value.data[i + 2]) : -1;
            if (high < 0 || low < 0)
                return -EINVAL;
            character = high * 16 + low;
            i += 2;
        }
        if (character < 0x20 || character == 0x7F || size + 1 >= capacity)
            return -EINVAL;
        out[size++] = (char)character;
    }
    out[size] = '\0';
    return 1;
}

int route_query(const struct route *route, const char *key, char *out, size_t capacity)
{
    struct span rest = route->query;
    while (rest.size > 0) {
        const uint8_t *and = memchr(rest.data, '&', rest.size);
        size_t size = and? (size_t)(and-rest.data) : rest.size;
        struct span pair = span_of(rest.data, size);
        size_t used = size + (and? 1 : 0);
        rest = span_of(rest.data + used, rest.size - used);
        const uint8_t *equals = size > 0 ? memchr(pair.data, '=', size) : NULL;
        size_t name = equals ? (size_t)(equals - pair.data) : size;
        if (!is_word(span_of(pair.data, name), key))
            continue;
        return equals ? decode(span_of(equals + 1, size - name - 1), out, capacity) : -EINVAL;
    }
    return 0;
}
