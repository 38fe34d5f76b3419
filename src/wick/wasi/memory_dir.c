#include "wick/wasi/file.h"
enum wasi_errno memory_dir_new(uint64_t max_bytes, struct wasi_file **out)
{
    (void)max_bytes;
    (void)out;
    return WASI_NOTSUP;
}
