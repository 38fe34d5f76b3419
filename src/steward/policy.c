// SPDX-License-Identifier: Apache-2.0
#include "base/cleanup.h"
#include "codec/base64.h"
#include "steward/policy_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { FILE_SIZE_MAX = 1 << 20, LIFETIME_MIN = 60, PATH_SIZE = 4096 };

static const struct word workload_words[] = {{"required", 0}, {"optional", 1}, {0}};

/* All of standard input, which may be a pipe. */
static int read_input(uint8_t **data, size_t *size, struct err *err)
{
    autofree uint8_t *bytes = malloc(FILE_SIZE_MAX + 1);
    if (!bytes)
        return err_set(err, ERR_IO, ENOMEM, "cannot read standard input");
    ssize_t got;
    for (*size = 0; (got = read(STDIN_FILENO, bytes + *size, FILE_SIZE_MAX + 1 - *size)) != 0;) {
        if (got < 0 && errno != EINTR)
            return err_set(err, ERR_IO, errno, "cannot read standard input");
        *size += got > 0 ? (size_t)got : 0;
    }
    *data = take_ptr(bytes);
    return 0;
}

static int read_bytes(const char *path, uint8_t **data, size_t *size, struct err *err)
{
    autoclose int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat status;
    if (fd < 0 || fstat(fd, &status) < 0)
        return err_set(err, ERR_CONFIG, errno, "cannot open %s", path);
    if (!S_ISREG(status.st_mode) || status.st_size > FILE_SIZE_MAX)
        return err_set(err, ERR_CONFIG, 0, "%s is not a file of at most %d bytes", path,
                       FILE_SIZE_MAX);
    autofree uint8_t *bytes = malloc((size_t)status.st_size + 1);
    if (!bytes)
        return err_set(err, ERR_IO, ENOMEM, "cannot read %s", path);
    ssize_t got = read(fd, bytes, (size_t)status.st_size);
    if (got != status.st_size)
        return err_set(err, ERR_IO, got < 0 ? errno : EIO, "cannot read %s", path);
    *size = (size_t)got;
    *data = take_ptr(bytes);
    return 0;
}

/* A certificate in PEM or DER beside the policy file. */
static int read_root(struct loader *loader, const struct toml_node *node, struct attest_bytes *root)
{
    char path[PATH_SIZE];
    const char *slash = strrchr(loader->path, '/');
    if (node->kind != TOML_STRING || node->string.size == 0)
        return policy_error(loader, node, "simulation_roots must be names of files");
    bool absolute = node->string.data[0] == '/' || !slash;
    int length =
        snprintf(path, sizeof(path), "%.*s%.*s", absolute ? 0 : (int)(slash - loader->path + 1),
                 loader->path, (int)node->string.size, (const char *)node->string.data);
    if (length >= PATH_SIZE)
        return policy_error(loader, node, "the name of the file is too long");
    autofree uint8_t *data = NULL;
    size_t size;
    int status = read_bytes(path, &data, &size, loader->err);
    if (status < 0)
        return status;
    uint8_t *copy = policy_allocate(loader, BASE64_DECODED(size));
    if (!copy)
        return -ENOMEM;
    struct span text = span_of(data, size);
    struct pem_block block;
    if (pem_next(&text, &block) == 1) {
        if (base64_decode(block.body, copy, &size) < 0)
            return policy_error(loader, node, "%s is not well-formed PEM", path);
    } else {
        memcpy(copy, data, size);
    }
    *root = (struct attest_bytes){copy, size};
    return 0;
}

static int read_roots(struct loader *loader, const struct key *key, const struct toml_node *node,
                      void *place)
{
    struct attest_policy *policy = place;
    if (node->kind != TOML_ARRAY)
        return policy_error(loader, node, "%s must be an array of names of files", key->name);
    struct attest_bytes *roots = policy_allocate(loader, toml_count(node) * sizeof(*roots));
    if (!roots)
        return -ENOMEM;
    policy->simulation_roots = roots;
    for (const struct toml_node *item = toml_first(node); item; item = item->next) {
        int status = read_root(loader, item, &roots[policy->simulation_root_count]);
        if (status < 0)
            return status;
        policy->simulation_root_count++;
    }
    return 0;
}

static int read_sgx(struct loader *loader, const struct key *key, const struct toml_node *node,
                    void *place)
{
    (void)key, (void)place;
    return policy_read_sgx(loader, node);
}

static int read_snp(struct loader *loader, const struct key *key, const struct toml_node *node,
                    void *place)
{
    (void)key, (void)place;
    return policy_read_snp(loader, node);
}

static int read_tdx(struct loader *loader, const struct key *key, const struct toml_node *node,
                    void *place)
{
    (void)key, (void)place;
    return policy_read_tdx(loader, node);
}

#define LIMITS_MEMBER(member) offsetof(struct policy_limits, member)

static const struct key limit_keys[] = {
    {"certifications_per_minute", policy_read_u32, LIMITS_MEMBER(certifications_per_minute), 0,
     NULL},
    {"burst", policy_read_u32, LIMITS_MEMBER(burst), 0, NULL},
    {"connections", policy_read_u32, LIMITS_MEMBER(connections), 0, NULL},
    {0},
};

static int read_limits(struct loader *loader, const struct key *key, const struct toml_node *node,
                       void *place)
{
    (void)key;
    return policy_read_table(loader, node, "[limits]", limit_keys, place);
}

#define FILE_MEMBER(member) offsetof(struct policy_file, member)

static const struct key top_keys[] = {
    {"sgx", read_sgx, 0, 0, NULL},
    {"snp", read_snp, 0, 0, NULL},
    {"tdx", read_tdx, 0, 0, NULL},
    {"workload", policy_read_choice, FILE_MEMBER(policy.workload_optional), 0, workload_words},
    {"workload_digest", policy_read_digests, FILE_MEMBER(policy.workloads), 32, NULL},
    {"certificate_lifetime", policy_read_u32, FILE_MEMBER(certificate_lifetime), 0, NULL},
    {"limits", read_limits, FILE_MEMBER(limits), 0, NULL},
    {"simulation_roots", read_roots, FILE_MEMBER(policy), 0, NULL},
    {"debug", policy_read_flag, FILE_MEMBER(policy.accept_unprotected), 0, NULL},
    {0},
};

static bool overlaps(const struct attest_list *a, const struct attest_list *b, size_t size)
{
    for (size_t i = 0; i < a->count; i++) {
        for (size_t k = 0; k < b->count; k++) {
            if (memcmp(a->items + i * size, b->items + k * size, size) == 0)
                return true;
        }
    }
    return false;
}

/* A table has to constrain which software is accepted. */
static int check_table(struct loader *loader, const char *name, const struct attest_list *signers,
                       const struct attest_list *allowed, const struct attest_list *denied,
                       size_t size)
{
    if (signers->count + allowed->count + denied->count == 0)
        return err_set(loader->err, ERR_CONFIG, 0,
                       "%s: in %s one of `signer`, `hash`, or `hash_blacklist` must be specified",
                       loader->path, name);
    if (overlaps(allowed, denied, size))
        return err_set(loader->err, ERR_CONFIG, 0,
                       "%s: in %s the same value is in both hash and hash_blacklist", loader->path,
                       name);
    return 0;
}

static int check_policy(struct loader *loader)
{
    const struct attest_policy *policy = &loader->file->policy;
    static const struct attest_list none = {0};
    int status = 0;
    if (loader->file->certificate_lifetime < LIFETIME_MIN)
        return err_set(loader->err, ERR_CONFIG, 0,
                       "%s: certificate_lifetime must be at least %d seconds", loader->path,
                       LIFETIME_MIN);
    const struct policy_limits *limits = &loader->file->limits;
    if (limits->burst == 0 || limits->connections == 0)
        return err_set(loader->err, ERR_CONFIG, 0,
                       "%s: burst and connections in [limits] must be at least 1", loader->path);
    if (policy->sgx.accepted)
        status = check_table(loader, "[sgx]", &policy->sgx.signers, &policy->sgx.measurements,
                             &policy->sgx.measurements_denied, 32);
    if (status == 0 && policy->snp.accepted)
        status = check_table(loader, "[snp]", &policy->snp.authors, &policy->snp.measurements,
                             &policy->snp.measurements_denied, 48);
    if (status == 0 && policy->tdx.accepted)
        status = check_table(loader, "[tdx]", &none, &policy->tdx.measurements,
                             &policy->tdx.measurements_denied, 48);
    return status;
}

int policy_file_parse(struct span text, const char *path, struct policy_file *file, struct err *err)
{
    *file = (struct policy_file){
        .certificate_lifetime = POLICY_LIFETIME_DEFAULT,
        .limits = {POLICY_CERTIFICATIONS_DEFAULT, POLICY_BURST_DEFAULT, POLICY_CONNECTIONS_DEFAULT},
    };
    struct loader loader = {.path = path, .file = file, .err = err};
    const struct toml_node *root;
    struct toml_error error;
    if (text.size > FILE_SIZE_MAX)
        return err_set(err, ERR_CONFIG, 0, "%s has more than %d bytes", path, FILE_SIZE_MAX);
    size_t room = TOML_MEMORY(text.size);
    autofree void *memory = malloc(room);
    if (!memory)
        return err_set(err, ERR_IO, ENOMEM, "cannot read the policy %s", path);
    if (toml_parse(text, memory, room, &root, &error) < 0)
        return err_set(err, ERR_CONFIG, 0, "%s:%u:%u: %s", path, error.at.line, error.at.column,
                       error.message);
    int status = policy_read_table(&loader, root, "the policy", top_keys, file);
    return status == 0 ? check_policy(&loader) : status;
}

int policy_file_load(const char *path, struct policy_file *file, struct err *err)
{
    autofree uint8_t *data = NULL;
    size_t size;
    *file = (struct policy_file){0};
    bool is_input = strcmp(path, "-") == 0;
    int status = is_input ? read_input(&data, &size, err) : read_bytes(path, &data, &size, err);
    if (status < 0)
        return status;
    return policy_file_parse(span_of(data, size), is_input ? "standard input" : path, file, err);
}

void policy_file_free(struct policy_file *file)
{
    for (size_t i = 0; i < file->block_count; i++)
        free(file->blocks[i]);
    free(file->blocks);
    *file = (struct policy_file){0};
}
