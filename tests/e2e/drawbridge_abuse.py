#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What clients that are hostile, slow or many cannot do: smuggle requests, hold memory, get a name
twice, fill the disk and break what is there."""
import concurrent.futures
import os
import socket
import subprocess
import tempfile
import time

from drawbridge_world import API, ENTRY, World, entry, finish, header, result, skip

MIB = 1 << 20


def raw(world, data, timeout=10):
    """What the server says to bytes, until it closes."""
    with socket.create_connection(('127.0.0.1', world.port), timeout) as connection:
        connection.sendall(data)
        answer = b''
        try:
            while piece := connection.recv(65536):
                answer += piece
        except (TimeoutError, ConnectionResetError):
            pass
        return answer


def smuggling(world):
    for name, head in {
            'two lengths': 'Content-Length: 3\r\nContent-Length: 4\r\n',
            'a length and chunks': 'Content-Length: 3\r\nTransfer-Encoding: chunked\r\n',
            'a coding that is not known': 'Transfer-Encoding: gzip, chunked\r\n',
            'a length with a sign': 'Content-Length: +3\r\n',
            'a folded line': 'X: a\r\n b\r\nContent-Length: 3\r\n',
            'a blank before a colon': 'Content-Length : 3\r\n'}.items():
        answer = raw(world, f'PUT {API}/alice HTTP/1.1\r\nHost: x\r\n{head}\r\nabcGET /health HTTP/1.1\r\nHost: x\r\n\r\n'
                     .encode())
        result(answer.startswith(b'HTTP/1.1 400 ') and answer.count(b'HTTP/1.1') == 1,
               f'{name} are refused, and nothing behind them is answered')
    answer = raw(world, b'GET /health HTTP/1.1\r\nHost: x\r\nX: ' + b'a' * 20000 + b'\r\n\r\n')
    result(answer.startswith(b'HTTP/1.1 431 '), 'a large head is refused')
    answer = raw(world, b'GET /health HTTP/1.1\nHost: x\n\n')
    result(answer.startswith(b'HTTP/1.1 400 '), 'lines that end otherwise, too')
    result(world.ask('PUT', API + '/alice', b'x' * (3 * MIB), {'Content-Type': 'application/json'})[0] == 413,
           'JSON that is too large is refused')


def slowness(world):
    head = f'PUT {API}/alice/repo/_tag/1.0.0/tree HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n'
    start = time.monotonic()
    with socket.create_connection(('127.0.0.1', world.port), 20) as connection:
        connection.sendall(head.encode())
        closed = connection.recv(100) == b''
    result(closed and time.monotonic() - start < 15, 'who does not finish a head loses the connection')
    data = b'y' * 1000000
    path = f'{API}/alice/repo/_tag/2.0.0'
    result(world.put(path, ENTRY, entry('a/b', data)) == 201, 'a tag')
    head = (f'PUT {path}/tree HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\nContent-Type: a/b\r\n'
            f'Authorization: Bearer {world.token}\r\nContent-Digest: {header(data)}\r\n\r\n')
    with socket.create_connection(('127.0.0.1', world.port), 20) as connection:
        connection.sendall(head.encode())
        gone = False
        for _ in range(400):
            try:
                connection.sendall(b'y')
                time.sleep(0.05)
            except OSError:
                gone = True
                break
    result(gone, 'and who lets a body trickle in')
    result(world.ask('GET', path + '/tree')[0] == 404 and world.put(path + '/tree', 'a/b', data) == 201,
           'what came of it is not there, and the name is free')


def refused_early(world):
    """A body that nobody wants is not taken."""
    head = (f'PUT {API}/alice/repo/_tag/3.0.0/tree HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000000\r\n'
            f'Content-Type: a/b\r\nContent-Digest: {header(b"")}\r\nExpect: 100-continue\r\n\r\n')
    answer = raw(world, head.encode())
    result(answer.startswith(b'HTTP/1.1 401 '), 'who may not upload is told so before the body')


def one_name(world):
    """Many PUTs of one name: one is first."""
    data = [bytes([i]) * 100000 for i in range(24)]
    path = f'{API}/alice/repo/_tag/4.0.0'
    with concurrent.futures.ThreadPoolExecutor(24) as pool:
        tags = list(pool.map(lambda each: world.put(path, ENTRY, entry('a/b', each)), data))
        result(sorted(tags) == [201] + [409] * 23, 'of many tags of one name one is made')
        mine = data[tags.index(201)]
        nodes = list(pool.map(lambda each: world.put(path + '/tree', 'a/b', mine), range(24)))
        result(sorted(nodes) == [201] + [409] * 23, 'and of many trees')
        result(world.ask('GET', path + '/tree')[1] == mine, 'which is whole')
        users = list(pool.map(lambda i: world.put(f'{API}/alice/r{i}', 'application/json', b'{"public":true}'), range(24)))
        usage = world.ask('GET', API + '/alice/_usage')[1]
        result(users == [201] * 24 and b'"repositories":25' in usage, 'what is counted meanwhile is counted right')


def resident(world):
    with open(f'/proc/{world.process.pid}/status', encoding='ascii') as status:
        return int(next(line for line in status if line.startswith('VmHWM:')).split()[1]) * 1024


def many(world):
    """200 transfers at once over TLS, uploads and downloads of 4 MiB, that begin before any ends."""
    data = os.urandom(4 * MIB)
    path = f'{API}/alice/repo/_tag/5.0.0'
    world.put(path, ENTRY, entry('a/b', data))
    result(world.put(path + '/tree', 'a/b', data) == 201, 'a file of 4 MiB')
    for i in range(100):
        world.put(f'{API}/alice/repo/_tag/5.1.{i}', ENTRY, entry('a/b', data))
    readers, writers = [], []
    for i in range(100):
        reader = world.connect()
        reader.request('GET', path + '/tree')
        readers.append(reader)
        writer = world.connect()
        writer.putrequest('PUT', f'{API}/alice/repo/_tag/5.1.{i}/tree')
        for name, value in {'Content-Length': len(data), 'Content-Type': 'a/b', 'Content-Digest': header(data),
                            'Authorization': 'Bearer ' + world.token}.items():
            writer.putheader(name, value)
        writer.endheaders(data[:100000])
        writers.append(writer)
    answers = [reader.getresponse() for reader in readers]
    for at in range(100000, len(data), MIB):
        for writer in writers:
            writer.send(data[at:at + MIB])
    good = all(writer.getresponse().status == 201 for writer in writers)
    good = good and all(answer.read() == data for answer in answers)
    result(good, '200 transfers at once come to their end')
    used = resident(world)
    print(f'# most memory so far: {used / MIB:.1f} MiB')
    result(used <= 64 * MIB, 'in at most 64 MiB of memory')


def full(directory):
    """A disk that is full: refused, nothing broken, and it goes on when there is room."""
    place = os.path.join(directory, 'small')
    os.mkdir(place)
    if subprocess.run(['mount', '-t', 'tmpfs', '-o', 'size=12m', 'tmpfs', place], stderr=subprocess.DEVNULL).returncode:
        skip('a full disk', 'no tmpfs can be mounted here')
        return
    world = World(directory, '--log-filter', 'warn')
    try:
        world.start('small/store')
        result(world.prepare(), 'a store on a small disk')
        kept, statuses = [], []
        for i in range(12):
            data = os.urandom(2 * MIB)
            statuses.append(world.publish(f'1.0.{i}', data))
            if statuses[-1] == (201, 201):
                kept.append((i, data))
        result(kept and 507 in statuses[-1], 'what does not fit is answered with 507')
        result(all(world.ask('GET', f'{API}/alice/repo/_tag/1.0.{i}/tree')[1] == data for i, data in kept),
               'what was acknowledged is there')
        result(world.run('fsck').returncode == 0, 'fsck finds no problem')
        result(not [name for name in os.listdir(world.store + '/uploads') if name.startswith('t-')],
               'nothing is left of what did not fit')
    finally:
        world.close()
        subprocess.run(['umount', '-l', place], check=True)


with tempfile.TemporaryDirectory() as top:
    slow = World(top, '--log-filter', 'warn', '--timeout', '2', '--client-connections-max', '400')
    try:
        slow.start('slow')
        result(slow.prepare(), 'a user and a repository')
        smuggling(slow)
        slowness(slow)
        refused_early(slow)
        one_name(slow)
        slow.kill()
        slow.options = ('--log-filter', 'warn', '--client-connections-max', '400')
        slow.secure()
        slow.start('slow')
        many(slow)
        result(slow.kill(15) == 0, 'and it ends')
    finally:
        slow.close()
    full(top)
finish()
