/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the trees of packages are made of, as JSON in its canonical form: entries and directories.
 *
 *     entry      {"digest":{…},"length":N,"type":"media/type"} and members that are not known
 *     directory  {"name":entry,…}, names ascending by bytes
 *
 * Canonical: no white space; members of an entry in this order, unknown ones behind them in the
 * order in which they came. A directory has the digests of its children's contents, and a tag,
 * which is an entry, those of its root: whoever knows the tag knows the tree.
 */
#pragma once

#include "drawbridge/digest.h"

#define TYPE_DIRECTORY "application/vnd.drawbridge.directory.v1+json"
#define TYPE_ENTRY     "application/vnd.drawbridge.entry.v1+json"
#define TYPE_JOSE      "application/jose+json"
#define TYPE_JSON      "application/json"

enum { TYPE_MAX_SIZE = 255, ENTRY_MAX_SIZE = 4096, CUSTOM_MAX_SIZE = 2048 };

struct entry {
    struct digests digests;
    uint64_t length;
    struct span type;   /* borrowed */
    struct span custom; /* unknown members as ,"name":value,… without white space; borrowed */
};

/* Whether a text is a media type, with or without parameters, that needs no escapes in JSON. */
bool media_type_valid(struct span type);
/* The type without parameters. */
struct span media_type_essence(struct span type);

/*
 * Reads an entry out of a value that json_parse accepted. `custom` takes the unknown members; it
 * may be NULL if the value was written by entry_write: then they are taken from the value itself.
 * 0 or -EINVAL.
 */
__attribute__((warn_unused_result)) int entry_parse(struct span value, struct text *custom,
                                                    struct entry *entry);
void entry_write(const struct entry *entry, struct text *text);

/* Writes a value that json_parse accepted without white space. */
void json_write_compact(struct span value, struct text *text);

/*
 * Brings a directory into canonical form: `text`, whose capacity the caller chose, receives it. At
 * least as much as `bytes` is always enough. 0; -EINVAL if it is not a directory; -ENOMEM.
 */
__attribute__((warn_unused_result)) int directory_canonical(struct span bytes, struct text *text);

/* Finds the entry of a name in a canonical directory. */
bool directory_find(struct span directory, struct span name, struct entry *entry);

/* Writes a directory: begin, entries in ascending order of names, end. */
void directory_begin(struct text *text);
void directory_add(struct text *text, struct span name, const struct entry *entry);
void directory_end(struct text *text);
