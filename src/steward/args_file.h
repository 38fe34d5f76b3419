/* SPDX-License-Identifier: Apache-2.0 */
/*
 * @FILE on a command line: options out of a TOML file, as the original's programs take them. Host.
 *
 * Each argument that begins with "@" is replaced by options made of the keys of the file's table:
 * texts, numbers and dates become --key=value, true becomes --key, false nothing, and an array one
 * option for each of its elements. Tables, and arrays in arrays, are errors.
 */
#pragma once

#include "base/err.h"

struct args {
    char **words; /* argv[0] first; NULL behind the last */
    int count;
    char **blocks; /* words that were made; internal */
    size_t block_count;
};

/* Words of argv are borrowed. Class ERR_CONFIG for what is wrong in a file. Release with args_free
 * either way. */
__attribute__((warn_unused_result)) int args_expand(int argc, char **argv, struct args *args,
                                                    struct err *err);
void args_free(struct args *args);
