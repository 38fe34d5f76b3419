/* SPDX-License-Identifier: Apache-2.0 */
/* Little-endian numbers in byte ranges of any alignment. The caller checks the range. */
#pragma once

#include <stdint.h>

static inline uint16_t load_le16(const uint8_t *at)
{
    return (uint16_t)(at[0] | at[1] << 8);
}

static inline uint32_t load_le32(const uint8_t *at)
{
    return load_le16(at) | (uint32_t)load_le16(at + 2) << 16;
}

static inline uint64_t load_le64(const uint8_t *at)
{
    return load_le32(at) | (uint64_t)load_le32(at + 4) << 32;
}
