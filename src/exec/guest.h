/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the WebAssembly program gets to see: arguments, environment, files. Made of Enarx.toml and
 * of what the host adds to it.
 *
 * Keep side. The host may add, never change: see guest_init.
 */
#pragma once

#include "exec/config.h"
#include "exec/control.h"
#include "exec/file_stream.h"
#include "exec/identity.h"
#include "exec/sealing.h"

/* One descriptor of the program; its number is its index. */
struct guest_file {
    enum file_kind kind;
    const char *name;
    int fd;                /* descriptor of this process; -1 for FILE_NULL and before guest_open */
    const char *path;      /* FILE_DIR: the name of the pre-opened directory */
    bool read_only;        /* FILE_DIR */
    uint64_t minimum;      /* FILE_DIR: version that the host demands of a sealed one; else 0 */
    struct sealed *sealed; /* FILE_DIR: the storage in it after guest_unseal, or NULL */
    const struct config_file *config; /* FILE_LISTEN, FILE_CONNECT: where to; else NULL */
    struct file_stream stream; /* instead of fd after guest_open, unless it is of PROTOCOL_TCP */
};

struct guest {
    const char **argv; /* NULL-terminated */
    size_t argc;
    const char **envp; /* KEY=VALUE, NULL-terminated */
    size_t envc;
    struct guest_file *files;
    size_t file_count;
    bool development; /* a sealed directory was opened, with a key that is no secret */
    struct identity
        identity; /* made when it is certified, or the first file of TLS or DTLS is opened */
    struct certification certification; /* internal: `trust` is owned */
    void *storage;                      /* internal */
};

/*
 * Puts the parts together. `has_config` says whether config came from a file; if so
 *   - a variable of the host that the file sets as well is an error,
 *   - a directory that the host grants must be named by the file, and the other way round.
 * If not, the granted directories follow stderr in the order in which they were granted.
 * Strings are borrowed from config and control. Release with guest_free.
 */
__attribute__((warn_unused_result)) int guest_init(struct guest *guest, const struct config *config,
                                                   bool has_config, const struct control *control,
                                                   struct err *err);

/* Whether there is a sealed directory. */
bool guest_is_sealed(const struct guest *guest);
/* Opens the storage in sealed directories with the key of the workload of this digest. */
__attribute__((warn_unused_result)) int
guest_unseal(struct guest *guest, const uint8_t digest[WORKLOAD_DIGEST_SIZE], struct err *err);
/* Writes what is left, and closes them, when the program is over and unlinked. */
__attribute__((warn_unused_result)) int guest_seal(struct guest *guest, struct err *err);

/* Has the Steward of the config certify the Keep's key, which is made if there is none yet, for
 * this workload, now and whenever the certificate has to be renewed. `digest`, which is the
 * package's, and the attendant live as long as the guest. */
__attribute__((warn_unused_result)) int guest_certify(struct guest *guest,
                                                      const struct config *config,
                                                      struct attendant *attendant,
                                                      const uint8_t *digest, struct err *err);

/* Binds and connects the sockets, in the order of the files of the config that guest_init was
 * given.
 */
__attribute__((warn_unused_result)) int guest_open(struct guest *guest, const struct config *config,
                                                   struct attendant *attendant, struct err *err);

/* Closes the sockets and wipes the key, too. */
void guest_free(struct guest *guest);
