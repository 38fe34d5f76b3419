// SPDX-License-Identifier: Apache-2.0
/* libFuzzer target: the first byte chooses what the others are: a Content-Digest, a directory, a
 * path, a version, a target or a Keep's certificate. What was accepted is written and has to be
 * read back the same. */
#include "codec/json.h"
#include "drawbridge/keep.h"
#include "drawbridge/names.h"
#include "drawbridge/route.h"
#include "drawbridge/tree.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_header(struct span bytes)
{
    char buffer[DIGEST_HEADER_MAX];
    struct text text = text_init(buffer, sizeof(buffer));
    struct digests digests = {0}, again = {0};
    if (digests_parse_header(bytes, &digests) < 0)
        return;
    digests_write_header(&digests, &text);
    if (text.overflow || digests_parse_header(text_span(&text), &again) < 0 ||
        !digests_match(&digests, &again) || !digests_match(&again, &digests))
        abort();
}

static void try_directory(struct span bytes)
{
    char *first = malloc(bytes.size + 1), *second = malloc(bytes.size + 1);
    struct text text = text_init(first, bytes.size + 1);
    struct text again = text_init(second, bytes.size + 1);
    struct json_member member;
    struct entry entry;
    if (directory_canonical(bytes, &text) == 0) {
        if (directory_canonical(text_span(&text), &again) < 0 ||
            !span_equal(text_span(&text), text_span(&again)))
            abort();
        for (struct json_cursor c = json_members(text_span(&text)); json_next(&c, &member);) {
            if (!name_is_node(member.key) || !directory_find(text_span(&text), member.key, &entry))
                abort();
        }
    }
    free(first);
    free(second);
}

static void try_path(struct span bytes)
{
    struct span path, parent, last;
    struct version version;
    (void)version_parse(bytes, &version);
    if (!name_parse_path(bytes, &path))
        return;
    while (path.size > 0) {
        name_split_path(path, &parent, &last);
        if (!name_is_node(last))
            abort();
        path = parent;
    }
}

static void try_target(struct span bytes)
{
    struct route route;
    char problem[ROUTE_PROBLEM_SIZE], value[64];
    unsigned status = route_parse(bytes, &route, problem);
    if (status != 0 && problem[0] == '\0')
        abort();
    (void)!route_query(&route, "q", value, sizeof(value));
    if (status == 0 && route.kind >= ROUTE_REPOSITORY && route.kind != ROUTE_OCI_BASE &&
        (!name_is_user(route.user) || !name_is_repository(route.repository)))
        abort();
}

static void try_keep(struct span bytes)
{
    struct keep keep;
    if (keep_parse(bytes, 1700000000, &keep) == 0 &&
        (strlen(keep.technology) == 0 || strlen(keep.package) > KEEP_NAME_MAX))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const targets[])(struct span) = {try_header, try_directory, try_path, try_target,
                                                   try_keep};
    if (size == 0 || size > 8192)
        return 0;
    targets[data[0] % 5](span_of(data + 1, size - 1));
    return 0;
}
