/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packages of a Drawbridge: tags and trees, published and fetched. Host side; blocks.
 *
 * Nothing that a server says is taken on trust: a tag names the digests of its root, directories
 * those of what is in them, and each content is compared with what its parent says, and with the
 * Content-Digest of its own answer, before it is used. Names are checked before they become files.
 */
#pragma once

#include "drawbridge/client/local_tree.h"
#include "drawbridge/client/remote.h"
#include "jose/jwk.h"

enum { PACKAGE_NODES_MAX = 65536, PACKAGE_CHUNK = 4 << 20 };

/* Of a tree that is walked or fetched, by the lengths that its directories and tag name. */
#define PACKAGE_BYTES_MAX (UINT64_C(16) << 30)

struct package_tag {
    struct entry entry; /* of the root; borrows from `canonical` */
    char *canonical;    /* the tag, as it is signed */
    size_t canonical_size;
    char *jws; /* the whole signature, if the tag is one itself, else NULL */
    size_t jws_size;
    uint8_t signer[JWK_THUMBPRINT_SIZE]; /* then: of its key */
    bool yanked;
};

/* Gets a tag. */
__attribute__((warn_unused_result)) int package_tag_get(struct remote *remote,
                                                        const struct slug *slug,
                                                        struct package_tag *tag, struct err *err);
void package_tag_free(struct package_tag *tag);

struct package_count {
    size_t created, present; /* objects; those that were there already, with the same content */
};

/* Uploads a tree and its tag. What is there already with the same content is passed over, so that
 * a publication that broke off is completed by repeating it; other content is -EEXIST. */
__attribute__((warn_unused_result)) int
package_publish(struct remote *remote, const struct slug *slug, const struct local_tree *tree,
                const struct package_watch *watch, struct package_count *count, struct err *err);

/* A node of a tree that is walked. */
struct package_node {
    struct span path;          /* below the tag; empty for the root */
    const struct entry *entry; /* what its parent says */
    bool is_directory;
    const char *listing; /* of a directory, verified: canonical JSON */
};

/*
 * Visits the node at `path` (empty: the root) and everything below it, parents first; directories
 * are fetched and verified, files are not. A negative errno of `visit` ends the walk.
 */
struct package_walk {
    struct remote *remote;
    const struct slug *slug;
    const struct package_tag *tag;
    int (*visit)(void *context, const struct package_node *node, struct err *err);
    void *context;
};
__attribute__((warn_unused_result)) int package_walk(const struct package_walk *walk,
                                                     struct span path, struct err *err);

/* Fetches a node's file to a descriptor, verified; what was written before a failure stays there.
 */
__attribute__((warn_unused_result)) int
package_file_get(struct remote *remote, const struct slug *slug, const struct package_node *node,
                 int fd, const struct package_watch *watch, struct err *err);

/*
 * Fetches the node at `path` and everything below it as `destination`, which must not exist. It
 * comes into being whole or not at all: everything is collected and verified in a directory beside
 * it and renamed.
 */
__attribute__((warn_unused_result)) int
package_fetch(struct remote *remote, const struct slug *slug, const struct package_tag *tag,
              struct span path, const char *destination, const struct package_watch *watch,
              struct err *err);
