# SPDX-License-Identifier: Apache-2.0
"""der_split.py FILE PREFIX: the elements of a SEQUENCE, each into a file of its own; prints how many."""
import sys

data = open(sys.argv[1], 'rb').read()


def head(at):
    size = data[at + 1]
    if size < 128:
        return at + 2, size
    count = size & 127
    return at + 2 + count, int.from_bytes(data[at + 2:at + 2 + count], 'big')


at, size = head(0)
assert at + size == len(data)
count = 0
while at < len(data):
    start, size = head(at)
    with open(f'{sys.argv[2]}{count}', 'wb') as out:
        out.write(data[at:start + size])
    at, count = start + size, count + 1
print(count)
