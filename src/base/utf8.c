// SPDX-License-Identifier: Apache-2.0
#include "base/utf8.h"

static const struct {
    uint8_t first_low, first_high, second_low, second_high, length;
} forms[] = {
    {0x00, 0x7F, 0x00, 0xFF, 1}, {0xC2, 0xDF, 0x80, 0xBF, 2}, {0xE0, 0xE0, 0xA0, 0xBF, 3},
    {0xE1, 0xEC, 0x80, 0xBF, 3}, {0xED, 0xED, 0x80, 0x9F, 3}, {0xEE, 0xEF, 0x80, 0xBF, 3},
    {0xF0, 0xF0, 0x90, 0xBF, 4}, {0xF1, 0xF3, 0x80, 0xBF, 4}, {0xF4, 0xF4, 0x80, 0x8F, 4},
};

size_t utf8_length(struct span bytes)
{
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]) && bytes.size > 0; i++) {
        size_t length = forms[i].length;
        if (bytes.data[0] < forms[i].first_low || bytes.data[0] > forms[i].first_high)
            continue;
        if (length == 1)
            return 1;
        if (bytes.size < length || bytes.data[1] < forms[i].second_low ||
            bytes.data[1] > forms[i].second_high)
            return 0;
        for (size_t k = 2; k < length; k++) {
            if ((bytes.data[k] & 0xC0) != 0x80)
                return 0;
        }
        return length;
    }
    return 0;
}
