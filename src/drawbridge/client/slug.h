/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a person calls a user, a repository or a tag: [HOST[:PORT]/]USER[/REPOSITORY[:TAG]].
 * No I/O, no allocation.
 *
 *     struct slug slug;
 *     int status = slug_parse("store.example.com/alice/hello:1.0.0", SLUG_TAG, &slug, err);
 */
#pragma once

#include "base/err.h"
#include "base/span.h"
#include "base/text.h"

enum slug_kind { SLUG_USER, SLUG_REPOSITORY, SLUG_TAG };

enum { SLUG_HOST_MAX = 260 };

/* All parts borrow from the text; those that the kind does not have are empty. */
struct slug {
    struct span host; /* with its port; empty if none is written */
    struct span user, repository, tag;
};

/* 0, or -EINVAL with class ERR_USAGE. */
__attribute__((warn_unused_result)) int slug_parse(const char *text, enum slug_kind kind,
                                                   struct slug *slug, struct err *err);

/* Whether this is a host with or without a port, as URLs have it. */
bool slug_is_host(struct span host);

/* The path of the thing below the base of the interface: "alice", "alice/hello",
 * "alice/hello/_tag/1.0.0". */
void slug_write_path(const struct slug *slug, struct text *text);
