# SPDX-License-Identifier: Apache-2.0
import sys

number, following = 0, 1
for _ in range(int(sys.argv[1]) if len(sys.argv) > 1 else 10):
    print(number)
    number, following = following, number + following
