// SPDX-License-Identifier: Apache-2.0
/* The guest's files, arguments and environment become the engine's WASI. */
#include "exec/program.h"
#include "exec/sealed_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <wick_wasi.h>

/* Sockets now belong to WASI, so that they are closed when the program closes them; stdio and
 * directories stay the exec's. */
static enum wick_status add_socket(struct wick_wasi *wasi, uint32_t number, struct guest_file *file)
{
    enum wick_wasi_role role =
        file->kind == FILE_LISTEN ? WICK_WASI_LISTENER : WICK_WASI_CONNECTION;
    enum wick_status status =
        file->stream.ops
            ? wick_wasi_add_stream(wasi, number, file->stream.ops, file->stream.env, role)
            : wick_wasi_add_fd(wasi, number, file->fd, role, true);
    if (status == WICK_OK) {
        file->fd = -1;
        file->stream.ops = NULL;
    }
    return status;
}

static enum wick_status add_file(struct wick_wasi *wasi, uint32_t number, struct guest_file *file)
{
    switch (file->kind) {
    case FILE_NULL:
        return wick_wasi_add_null(wasi, number);
    case FILE_STDIN:
    case FILE_STDOUT:
    case FILE_STDERR:
        if (fcntl(file->fd, F_GETFL) < 0) /* closed by whoever started us */
            return wick_wasi_add_null(wasi, number);
        return wick_wasi_add_fd(wasi, number, file->fd, WICK_WASI_STREAM, false);
    case FILE_DIR:
        if (file->sealed)
            return wick_wasi_add_tree(wasi, number, &sealed_dir_tree, file->sealed, SEALED_ROOT,
                                      file->path, file->read_only);
        return wick_wasi_add_dir(wasi, number, file->fd, file->path, file->read_only, false);
    case FILE_LISTEN:
    case FILE_CONNECT:
        return add_socket(wasi, number, file);
    }
    return WICK_USAGE;
}

static int fill(struct wick_wasi *wasi, const struct guest *guest, struct err *err)
{
    enum wick_status status = WICK_OK;
    for (size_t i = 0; i < guest->argc && status == WICK_OK; i++)
        status = wick_wasi_add_arg(wasi, guest->argv[i]);
    for (size_t i = 0; i < guest->envc && status == WICK_OK; i++)
        status = wick_wasi_add_env(wasi, guest->envp[i]);
    if (status)
        return err_set(err, ERR_IO, ENOMEM, "hand over the arguments");
    for (size_t i = 0; i < guest->file_count; i++) {
        if (add_file(wasi, (uint32_t)i, &guest->files[i]))
            return err_set(err, ERR_IO, 0, "file %zu, \"%s\", cannot be used", i,
                           guest->files[i].name);
    }
    return 0;
}

int link_wasi(wick_linker_t *linker, const struct guest *guest, void **state, struct err *err)
{
    struct wick_wasi *wasi = wick_wasi_new();
    *state = wasi;
    if (!wasi)
        return err_set(err, ERR_IO, ENOMEM, "cannot link the program");
    int status = fill(wasi, guest, err);
    if (status == 0 && wick_wasi_define(wasi, linker))
        return err_set(err, ERR_IO, ENOMEM, "cannot link the program");
    return status;
}

void unlink_wasi(void *state)
{
    wick_wasi_delete(state);
}
