/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of users, repositories, tags and nodes, and of versions of the interface. No I/O.
 *
 * All are bounded and made of characters that mean nothing to file systems, URLs and JSON.
 */
#pragma once

#include "base/span.h"

enum { NAME_MAX_SIZE = 255, PATH_MAX_SIZE = 4096, PATH_DEPTH_MAX = 32 };

/* [0-9A-Za-z]+ */
bool name_is_user(struct span name);
/* [0-9A-Za-z-]+ */
bool name_is_repository(struct span name);
/* Semantic Versioning 2.0.0: major.minor.patch, with an optional pre-release and build. */
bool name_is_tag(struct span name);
/* [0-9A-Za-z._:-]+ but neither "." nor ".." */
bool name_is_node(struct span name);

/* A path as it came: leading slashes and one at the end are dropped; what is left are nodes joined
 * by single slashes, or nothing for the root. False if it is not one. */
bool name_parse_path(struct span text, struct span *path);
/* Splits "a/b/c" into "a/b" and "c"; the parent of "a" is empty. The path is not empty. */
void name_split_path(struct span path, struct span *parent, struct span *last);

struct version {
    uint64_t major, minor, patch;
};
/* The numbers of a semantic version; false if it is none, or if one is above 2^63 - 1. */
bool version_parse(struct span text, struct version *version);
