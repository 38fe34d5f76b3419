/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records of the store: their keys and their form.
 *
 *     u/USER                 {metadata,"content":{"subject":…}}
 *     s/SUBJECT/SLOT         USER                  which users a subject has; SUBJECT is its
 * SHA-256 q/USER                 {"bytes":N,"repositories":N} r/USER/REPO
 * {metadata,"content":{"public":…}} g/USER/REPO/OTHER      {"user":OTHER,"access":"read"}
 *     d/USER/REPO/ID         {"id":…,"scopes":[…],"tag":…,"created":…,"expires":…,"hash":…}
 *     p/USER/REPO/ID         {"created":N}         an upload that can be resumed
 *     t/USER/REPO/TAG        {metadata,"content":…,"root":entry,…}
 *     n/USER/REPO/TAG/PATH   {metadata}            refers to a content
 *     b/USER/REPO/SHA256     {metadata}            a blob of OCI, likewise
 *     m/USER/REPO/SHA256     {metadata}            a manifest of OCI, likewise
 *     o/USER/REPO/TAG        {"manifest":SHA256}   a tag of OCI
 *     f/USER/REPO/SUBJECT/SHA256   a descriptor    a manifest that refers to the manifest SUBJECT
 *
 * Metadata are those of an entry (drawbridge/tree.h); of JSON kinds the content, which they are of,
 * is a member of the record, byte for byte.
 */
#pragma once

#include "drawbridge/store.h"
#include "drawbridge/tree.h"

struct record {
    struct store_value raw;
    struct span value;   /* the JSON, into raw */
    struct entry entry;  /* into raw, once record_read_entry was called */
    struct span content; /* likewise; empty if there is none */
};

/* A key out of its letter and parts, joined by slashes. */
enum { RECORD_KEY_MAX = 6000 };
struct record_key {
    char text[RECORD_KEY_MAX];
};
struct record_key record_key(char letter, const struct span *parts, size_t count);
#define RECORD_KEY(letter, ...)                                                                    \
    record_key(letter, (const struct span[]){__VA_ARGS__},                                         \
               sizeof((const struct span[]){__VA_ARGS__}) / sizeof(struct span))

/* Reads a record; record_free releases it, also one that is zeros. 0, -ENOENT, -EBADMSG if it is
 * damaged, or another errno. */
__attribute__((warn_unused_result)) int record_find(struct store *store, const char *key,
                                                    struct record *record);
/* Reads the metadata of a record. 0 or -EBADMSG. */
__attribute__((warn_unused_result)) int record_read_entry(struct record *record);
/* Both; there is nothing to release on failure. */
__attribute__((warn_unused_result)) int record_get(struct store *store, const char *key,
                                                   struct record *record);
void record_free(struct record *record);

/* Writes a record: begin, members, end. `content` may be empty. */
void record_begin(struct text *text, const struct entry *entry, struct span content);
void record_member(struct text *text, const char *name, struct span json);
void record_end(struct text *text);
/* The beginning of a record that is another without one member, or with all (NULL). */
void record_begin_without(struct text *text, struct span value, const char *name);
