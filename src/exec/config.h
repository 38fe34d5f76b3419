/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Enarx.toml: what a workload is given (docs/enarx-toml.md is the reference for users).
 *
 * Keep side; the host parses it too, to report mistakes before a Keep is built. The text is hostile
 * input. All strings of the result are UTF-8 without NUL inside and live as long as the config.
 *
 *     struct config config __attribute__((cleanup(config_free))) = {0};
 *     if (config_parse(text, "Enarx.toml", &config, err) < 0)
 *         …
 */
#pragma once

#include "base/err.h"
#include "base/span.h"
#include "codec/toml.h"

enum { CONFIG_SIZE_MAX = 1000000, CONFIG_FILES_MAX = 1024 };

enum file_kind {
    FILE_NULL,
    FILE_STDIN,
    FILE_STDOUT,
    FILE_STDERR,
    FILE_LISTEN,
    FILE_CONNECT,
    FILE_DIR, /* not in the original: a directory that the host grants with --dir */
};

enum file_protocol { PROTOCOL_TCP, PROTOCOL_TLS, PROTOCOL_UDP, PROTOCOL_DTLS };

/* Whether datagrams travel, in place of a stream. */
static inline bool protocol_is_datagram(enum file_protocol protocol)
{
    return protocol == PROTOCOL_UDP || protocol == PROTOCOL_DTLS;
}

/* Whether the host cannot look into it. */
static inline bool protocol_is_secure(enum file_protocol protocol)
{
    return protocol == PROTOCOL_TLS || protocol == PROTOCOL_DTLS;
}

/* Borrowed strings in an array of the config's. */
struct config_strings {
    const char **items;
    size_t count;
};

/* The oldest version that is good enough: of TLS 1.3, of DTLS 1.2, unless it is named. */
enum config_version { VERSION_PRESET, VERSION_1_2, VERSION_1_3 };

/* How a TLS or DTLS file meets its peer (config_tls.c). */
struct config_tls {
    bool given;                 /* whether there is any of the keys below */
    struct config_strings ca;   /* names of [roots] that are believed; none: see docs */
    struct config_strings alpn; /* application protocols, the preferred first */
    const char *server_name;    /* connect: whose certificate is wanted; NULL: the host's */
    enum config_version min_version;
    /* What the peer, a Keep, runs: digests in lower-case hexadecimal, one of which must be its own;
     * none: any. */
    struct config_strings peer_workload, peer_measurement;
};

/* One [[files]] entry. Its index is the descriptor's number in the WebAssembly program. */
struct config_file {
    enum file_kind kind;
    enum file_protocol protocol; /* listen, connect */
    struct toml_position at;     /* of the entry */
    const char *name;            /* in FD_NAMES; never NULL, never with ':' */
    const char *host;            /* listen: address to bind; connect: host to reach */
    const char *path;            /* dir: absolute name inside the guest */
    uint16_t port;               /* listen, connect */
    bool read_only;              /* dir */
    bool sealed;                 /* dir: the host keeps it, but cannot read or change it */
    struct config_tls tls;       /* listen, connect with PROTOCOL_TLS or PROTOCOL_DTLS */
};

struct config_variable {
    const char *key; /* not empty, without '=' */
    const char *value;
};

/* A certificate, or several, whom files may believe. */
struct config_root {
    const char *name;
    struct span pem;
};

struct config {
    const char *steward;              /* an https URL, or NULL */
    struct config_strings steward_ca; /* names of [roots] that its server is believed by */
    const char **args;                /* argv[1…] */
    size_t arg_count;
    struct config_variable *env; /* in the order of the file */
    size_t env_count;
    struct config_file *files;
    size_t file_count;
    struct config_root *roots;
    size_t root_count;
    void *memory; /* internal: holds the strings */
};

/*
 * Parses the text of a configuration file. `name` is what messages call it; they read
 * "name:line:column: sentence". On failure the class is ERR_CONFIG and the config is empty.
 * Returns 0, -EINVAL, -EFBIG or -ENOMEM.
 */
__attribute__((warn_unused_result)) int config_parse(struct span text, const char *name,
                                                     struct config *config, struct err *err);

/* What holds where there is no configuration file at all: stdin, stdout and stderr. */
__attribute__((warn_unused_result)) int config_default(struct config *config, struct err *err);

/* Releases and empties; an empty config is accepted. */
void config_free(struct config *config);

/* The PEM of a name in [roots], or NULL. */
const struct config_root *config_find_root(const struct config *config, const char *name);
/* The PEM of several names one after the other; data is the caller's, NULL without memory. */
struct span config_gather_roots(const struct config *config, const struct config_strings *names);

/* The word for a kind, as it stands in the file: "listen". */
const char *file_kind_word(enum file_kind kind);
/* The same for a protocol: "tcp". */
const char *file_protocol_word(enum file_protocol protocol);

/* Whether a name may stand in the environment: not empty, no '=', not FD_COUNT or FD_NAMES, which
 * are ours. Fills err if not. */
__attribute__((warn_unused_result)) int config_check_variable(const char *key, struct err *err);
