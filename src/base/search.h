/* SPDX-License-Identifier: Apache-2.0 */
/* Binary search. Both sides of the trust boundary. */
#pragma once

#include <stdint.h>

/*
 * The number of the first item in [from, end) whose `field` is not below `key`, `end` if there is
 * none; the items ascend by it. Numbers are uint32_t; `from`, `end` and `key` are evaluated once,
 * `items` again and again.
 */
#define SEARCH_FIRST(items, from, end, field, key)                                                 \
    ({                                                                                             \
        uint32_t low_ = (from), high_ = (end), key_ = (key);                                       \
        while (low_ < high_) {                                                                     \
            uint32_t middle_ = low_ + (high_ - low_) / 2;                                          \
            if ((items)[middle_].field < key_)                                                     \
                low_ = middle_ + 1;                                                                \
            else                                                                                   \
                high_ = middle_;                                                                   \
        }                                                                                          \
        low_;                                                                                      \
    })
