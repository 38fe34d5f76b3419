/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the OCI interface share. Internal to the service. */
#pragma once

#include "drawbridge/upload.h"

#define TYPE_OCTETS       "application/octet-stream"
#define TYPE_OCI_MANIFEST "application/vnd.oci.image.manifest.v1+json"
#define TYPE_OCI_INDEX    "application/vnd.oci.image.index.v1+json"
#define TYPE_WASM_CONFIG  "application/vnd.wasm.config.v0+json"

enum { OCI_LAYERS_MAX = 32 };

/* "sha256:…" as bytes. */
bool oci_digest(struct span reference, uint8_t sha256[STORE_SHA256]);
/* The key of a blob ('b') or manifest ('m') of the route's repository. */
struct record_key oci_key(char letter, const struct route *route, const uint8_t *sha256);
/* Makes a content, of `stage` or there already, a blob of the route's repository. */
int oci_put_blob(struct exchange *exchange, struct stage *stage, const struct entry *entry,
                 bool limited);
/* The record of a blob of the route's repository. */
static inline int oci_get_blob(struct exchange *exchange, const uint8_t *sha256,
                               struct record *record)
{
    struct record_key key = oci_key('b', &exchange->route, sha256);
    return record_get(exchange->service->store, key.text, record);
}

/* A manifest that is being put: its bytes and what is in them. */
struct oci_manifest {
    struct span bytes; /* as they came: never changed, not even blanks around the JSON */
    struct span json;
    struct entry entry;   /* digests, length, type */
    struct span subject;  /* "sha256:…", or empty */
    struct span artifact; /* artifactType, or that of the config, or empty */
};

/* oci_manifests.c: writes a manifest, and with a tag the tag. 0 or -errno. */
int oci_put_manifest(struct exchange *exchange, const struct oci_manifest *manifest,
                     struct span tag, bool limited);

/* oci_native.c: both ways between manifests and tags of the original's interface. */
/* A tag that is a version, with a manifest that is a package: makes the tag, if there is none; if
 * there is one, it has to have the same tree: refuses. */
bool oci_to_native(struct exchange *exchange, const struct oci_manifest *manifest);
/* The manifest of the route's tag, which was made with the original's interface: makes it, and its
 * name. 0, -ENOENT if there is no such tag, or none that a manifest can describe. */
int oci_from_native(struct exchange *exchange, uint8_t sha256[STORE_SHA256]);
