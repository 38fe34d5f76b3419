#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Looks at a store without any code of Drawbridge: what its records and contents have to be to each other.

    store_checker.py DIRECTORY              a store in a directory
    store_checker.py ENDPOINT PREFIX        one in the bucket "test" (tests/e2e/s3_double.py)

Prints a line a problem; ends with 1 if there are any."""
import hashlib
import json
import os
import sqlite3
import struct
import sys
from base64 import b64encode

from ceph import fetch

BLOCK = 256 * 1024


class Directory:
    def __init__(self, path):
        self.path = path
        base = sqlite3.connect(f'file:{path}/records.db?mode=ro', uri=True)
        self.records = {key: (value, content) for key, value, content in base.execute('SELECT key, value, content FROM record')}
        self.contents = {sha: (size, data, sums) for sha, size, data, sums in base.execute('SELECT * FROM content')}

    def read(self, sha, _):
        name = sha.hex()
        with open(os.path.join(self.path, 'contents', name[:2], name[2:]), 'rb') as file:
            return file.read()

    def sums(self, place):
        return place


class Bucket:
    """The head, the snapshot, the parts of the log and its end, as src/drawbridge/s3_log.h describes them."""

    def __init__(self, endpoint, prefix):
        self.port, self.prefix = int(endpoint.rsplit(':', 1)[1]), prefix
        self.records, self.contents = {}, {}
        head = self.get('head')
        if head[:16] != b'drawbridge head1' or hashlib.sha256(head[:-32]).digest() != head[-32:]:
            raise ValueError('the head is damaged')
        self.at, (count,) = struct.unpack_from('<Q', head, 16)[0], struct.unpack_from('<I', head, 96)
        last, snapshot = self.part(head, 24)
        if snapshot:
            self.apply(snapshot)
        place = 100
        at = last
        for _ in range(count):
            _, units = self.part(head, place, 'log')
            at = self.follow(units, at)
            place += 72
        size, = struct.unpack_from('<I', head, place)
        at = self.follow(head[place + 4:place + 4 + size], at)
        if at != self.at or place + 4 + size + 32 != len(head):
            raise ValueError(f'the log ends at {at}, the head says {self.at}')

    def get(self, name):
        status, body = fetch(self.port, f'/test/{self.prefix}/{name}')
        if status != 200:
            raise ValueError(f'{name} is not there: {status}')
        return body

    def part(self, head, place, folder='snapshots'):
        _, last, size = struct.unpack_from('<QQQ', head, place)
        nonce, digest = head[place + 24:place + 40], head[place + 40:place + 72]
        if size == 0:
            return last, b''
        body = self.get(f'{folder}/{last:016x}-{nonce.hex()}')
        if len(body) != size or hashlib.sha256(body).digest() != digest:
            raise ValueError(f'{folder}/{last:016x} is damaged')
        return last, body

    def follow(self, units, at):
        place = 0
        while place < len(units):
            number, size = struct.unpack_from('<Q16xI', units, place)
            place += 28
            if number > at:
                if number != at + 1:
                    raise ValueError(f'the log has {number} behind {at}')
                self.apply(units[place:place + size])
                at = number
            place += size
        return at

    def apply(self, ops):
        place = 0

        def take(size):
            nonlocal place
            place += size
            return ops[place - size:place]

        def sized():
            return take(struct.unpack('<I', take(4))[0])
        while place < len(ops):
            kind = take(1)
            if kind == b'R':
                key, value = sized().decode(), sized()
                self.records[key] = value, take(32) if take(1) == b'\1' else None
            elif kind == b'D':
                self.records.pop(sized().decode(), None)
            elif kind == b'C':
                sha, (length, within) = take(32), struct.unpack('<QB', take(9))
                body = sized()
                self.contents[sha] = (length, body, None) if within else (length, None, body)
            elif kind == b'X':
                self.contents.pop(take(32), None)
            else:
                raise ValueError(f'an op {kind}')

    def read(self, sha, place):
        return self.get(f'contents/{sha.hex()}-{place[:16].hex()}')

    def sums(self, place):
        return place[16:]


def check_content(store, sha, content):
    size, data, place = content
    body = data if data is not None else store.read(sha, place)
    if len(body) != size or hashlib.sha256(body).digest() != sha:
        yield f'the content {sha.hex()} is damaged'
    if data is None and store.sums(place) != b''.join(
            hashlib.sha256(body[at:at + BLOCK]).digest() for at in range(0, len(body), BLOCK)):
        yield f'the hashes of blocks of {sha.hex()} are wrong'


def check_record(store, key, value, sha):
    if sha is not None and sha not in store.contents:
        yield f'{key}: its content is not there'
    letter, parts = key[0], key.split('/')
    if letter in 'urtnbm':
        entry = json.loads(value)
        if letter in 'nbm' and (sha is None or entry['digest']['sha-256'] != b64encode(sha).decode() or
                                entry['length'] != store.contents[sha][0]):
            yield f'{key}: its metadata are not those of its content'
    for owner, needed in (('t', 'r/' + '/'.join(parts[1:3])), ('n', 't/' + '/'.join(parts[1:4]))):
        if letter == owner and needed not in store.records:
            yield f'{key}: there is no {needed}'


def check_usage(store):
    """What users are charged with is what they have."""
    used = {}
    for key, (value, _) in store.records.items():
        if key[0] in 'nbm':
            user = key.split('/')[1]
            used[user] = used.get(user, 0) + json.loads(value)['length']
    for user, size in used.items():
        said = json.loads(store.records.get(f'q/{user}', (b'{"bytes":0}', None))[0])['bytes']
        if said != size:
            yield f'{user} is charged with {said} bytes and has {size}'


def problems(store):
    for sha, content in store.contents.items():
        try:
            yield from check_content(store, sha, content)
        except (OSError, ValueError) as error:
            yield f'the content {sha.hex()} cannot be read: {error}'
    for key, (value, sha) in store.records.items():
        yield from check_record(store, key, value, sha)
    yield from check_usage(store)


if __name__ == '__main__':
    found = list(problems(Bucket(*sys.argv[1:]) if len(sys.argv) == 3 else Directory(sys.argv[1])))
    print('\n'.join(found), end='\n' if found else '')
    sys.exit(bool(found))
