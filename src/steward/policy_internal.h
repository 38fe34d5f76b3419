/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of the policy file's parser share. Internal. */
#pragma once

#include "codec/toml.h"
#include "steward/policy.h"

/* A file while it is read. */
struct loader {
    const char *path;
    struct policy_file *file;
    struct err *err;
};

/* One key of a table. */
struct key {
    const char *name;
    /* Reads the value into the object at `place`, which is the table's object plus `offset`. */
    int (*read)(struct loader *loader, const struct key *key, const struct toml_node *node,
                void *place);
    size_t offset;
    size_t size;              /* bytes of each item, or the largest number */
    const struct word *words; /* for values that are words of a list */
};

/* A word and the bits it stands for. */
struct word {
    const char *name;
    uint64_t bits;
};

/* Reads every key of a table with the rows of `keys`; a key without a row is an error. */
int policy_read_table(struct loader *loader, const struct toml_node *table, const char *name,
                      const struct key *keys, void *object);

/* Memory that lives as long as the file. NULL after an error. */
void *policy_allocate(struct loader *loader, size_t size);

/* An error at a value. Returns -EINVAL. */
__attribute__((format(printf, 3, 4))) int
policy_error(struct loader *loader, const struct toml_node *node, const char *format, ...);

/* Readers of values. */
int policy_read_digests(struct loader *, const struct key *, const struct toml_node *, void *place);
int policy_read_strings(struct loader *, const struct key *, const struct toml_node *, void *place);
int policy_read_flag(struct loader *, const struct key *, const struct toml_node *, void *place);
int policy_read_u8(struct loader *, const struct key *, const struct toml_node *, void *place);
int policy_read_u16(struct loader *, const struct key *, const struct toml_node *, void *place);
int policy_read_u32(struct loader *, const struct key *, const struct toml_node *, void *place);
int policy_read_u64(struct loader *, const struct key *, const struct toml_node *, void *place);
/* An array of words as the sum of their bits. */
int policy_read_words(struct loader *, const struct key *, const struct toml_node *, void *place);
int policy_read_words32(struct loader *, const struct key *, const struct toml_node *, void *place);
/* One word of the list, as its bits. */
int policy_read_choice(struct loader *, const struct key *, const struct toml_node *, void *place);

/* The tables. */
int policy_read_sgx(struct loader *loader, const struct toml_node *table);
int policy_read_snp(struct loader *loader, const struct toml_node *table);
int policy_read_tdx(struct loader *loader, const struct toml_node *table);

/* Statuses of TCB levels that a policy may name. */
extern const struct word policy_statuses[];
