/* SPDX-License-Identifier: Apache-2.0 */
/* The table of WASI's functions, and how they meet the engine. */
#include "wick/wasi/context.h"

static const char module_name[] = "wasi_snapshot_preview1";

const struct wasi_function wasi_functions[WASI_FUNCTION_COUNT] = {
    {"args_get", "ii", false, wasi_args_get},
    {"args_sizes_get", "ii", false, wasi_args_sizes_get},
    {"environ_get", "ii", false, wasi_environ_get},
    {"environ_sizes_get", "ii", false, wasi_environ_sizes_get},
    {"clock_res_get", "ii", false, wasi_clock_res_get},
    {"clock_time_get", "iIi", false, wasi_clock_time_get},
    {"fd_advise", "iIIi", false, wasi_fd_advise},
    {"fd_allocate", "iII", false, wasi_fd_allocate},
    {"fd_close", "i", false, wasi_fd_close},
    {"fd_datasync", "i", false, wasi_fd_datasync},
    {"fd_fdstat_get", "ii", false, wasi_fd_fdstat_get},
    {"fd_fdstat_set_flags", "ii", false, wasi_fd_fdstat_set_flags},
    {"fd_fdstat_set_rights", "iII", false, wasi_fd_fdstat_set_rights},
    {"fd_filestat_get", "ii", false, wasi_fd_filestat_get},
    {"fd_filestat_set_size", "iI", false, wasi_fd_filestat_set_size},
    {"fd_filestat_set_times", "iIIi", false, wasi_fd_filestat_set_times},
    {"fd_pread", "iiiIi", false, wasi_fd_pread},
    {"fd_prestat_get", "ii", false, wasi_fd_prestat_get},
    {"fd_prestat_dir_name", "iii", false, wasi_fd_prestat_dir_name},
    {"fd_pwrite", "iiiIi", false, wasi_fd_pwrite},
    {"fd_read", "iiii", false, wasi_fd_read},
    {"fd_readdir", "iiiIi", false, wasi_fd_readdir},
    {"fd_renumber", "ii", false, wasi_fd_renumber},
    {"fd_seek", "iIii", false, wasi_fd_seek},
    {"fd_sync", "i", false, wasi_fd_sync},
    {"fd_tell", "ii", false, wasi_fd_tell},
    {"fd_write", "iiii", false, wasi_fd_write},
    {"path_create_directory", "iii", false, wasi_path_create_directory},
    {"path_filestat_get", "iiiii", false, wasi_path_filestat_get},
    {"path_filestat_set_times", "iiiiIIi", false, wasi_path_filestat_set_times},
    {"path_link", "iiiiiii", false, wasi_path_link},
    {"path_open", "iiiiiIIii", false, wasi_path_open},
    {"path_readlink", "iiiiii", false, wasi_path_readlink},
    {"path_remove_directory", "iii", false, wasi_path_remove_directory},
    {"path_rename", "iiiiii", false, wasi_path_rename},
    {"path_symlink", "iiiii", false, wasi_path_symlink},
    {"path_unlink_file", "iii", false, wasi_path_unlink_file},
    {"poll_oneoff", "iiii", false, wasi_poll_oneoff},
    {"proc_exit", "i", true, wasi_proc_exit},
    {"proc_raise", "i", false, wasi_proc_raise},
    {"sched_yield", "", false, wasi_sched_yield},
    {"random_get", "ii", false, wasi_random_get},
    {"sock_accept", "iii", false, wasi_sock_accept},
    {"sock_recv", "iiiiii", false, wasi_sock_recv},
    {"sock_send", "iiiii", false, wasi_sock_send},
    {"sock_shutdown", "ii", false, wasi_sock_shutdown},
};

static wasm_trap_t *enter(void *env, wick_caller_t *caller, wick_value_t *slots)
{
    const struct wasi_binding *binding = env;
    struct wasi_call call = {.wasi = binding->wasi, .args = slots};
    call.memory.base = wick_caller_memory(caller, &call.memory.size);
    enum wasi_errno result = binding->function->run(&call);
    if (call.ended)
        return wick_trap_exit(wick_caller_store(caller), (int32_t)call.exit_status);
    if (!binding->function->ends)
        slots[0].u32 = result;
    return NULL;
}

static wasm_functype_t *make_type(const struct wasi_function *function)
{
    size_t count = strlen(function->parameters);
    wasm_valtype_vec_t parameters, results;
    wasm_valtype_vec_new_uninitialized(&parameters, count);
    for (size_t i = 0; i < count; i++)
        parameters.data[i] =
            function->parameters[i] == 'I' ? wasm_valtype_new_i64() : wasm_valtype_new_i32();
    wasm_valtype_vec_new_uninitialized(&results, function->ends ? 0 : 1);
    if (!function->ends)
        results.data[0] = wasm_valtype_new_i32();
    return wasm_functype_new(&parameters, &results);
}

enum wick_status wick_wasi_define(struct wick_wasi *wasi, wick_linker_t *linker)
{
    for (size_t i = 0; i < WASI_FUNCTION_COUNT; i++) {
        struct wasi_binding *binding = &wasi->bindings[i];
        *binding = (struct wasi_binding){wasi, &wasi_functions[i]};
        wasm_functype_t *type = make_type(binding->function);
        if (!type)
            return WICK_NO_MEMORY;
        enum wick_status status = wick_linker_define_func(
            linker, module_name, binding->function->name, type, enter, binding);
        wasm_functype_delete(type);
        if (status)
            return status;
    }
    return WICK_OK;
}
