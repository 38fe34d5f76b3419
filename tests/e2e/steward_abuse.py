# SPDX-License-Identifier: Apache-2.0
"""Everything that a client should not do, to a Steward that has to serve others meanwhile.

steward_abuse.py PORT METRICS-PORT PID CSR AUDIT-LOG: prints a line "ok NAME" or "FAILED NAME: why"
for each kind of abuse.
"""
import hashlib
import http.client
import json
import random
import socket
import struct
import sys
import threading

PORT, METRICS, PID = (int(word) for word in sys.argv[1:4])
GOOD = open(sys.argv[4], 'rb').read()
AUDIT = sys.argv[5]
PATIENCE = 60  # seconds, for a Steward that hangs
HEAD = b'POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/pkcs10\r\n'


def connect(source='127.0.0.1'):
    return socket.create_connection(('127.0.0.1', PORT), PATIENCE, (source, 0))


def read_all(s):
    data = b''
    try:
        while piece := s.recv(65536):
            data += piece
    except ConnectionResetError:
        pass
    return data


def ask(body, source='127.0.0.1', method='POST'):
    connection = http.client.HTTPConnection('127.0.0.1', PORT, PATIENCE, (source, 0))
    try:
        connection.request(method, '/', body, {'Content-Type': 'application/pkcs10'})
        answer = connection.getresponse()
        answer.read()
        return answer.status
    finally:
        connection.close()


def metric(name):
    connection = http.client.HTTPConnection('127.0.0.1', METRICS, PATIENCE)
    connection.request('GET', '/metrics')
    for line in connection.getresponse().read().decode().splitlines():
        if line.startswith(name + ' '):
            return int(line.split()[1])
    return 0


def serves_others():
    assert ask(GOOD, '127.0.9.9') == 200, 'others are not served'


def smuggling():
    """What two readers of HTTP could understand differently is refused, and ends the connection."""
    chunked = b'Transfer-Encoding: chunked\r\n'
    second = b'GET /livez HTTP/1.1\r\nHost: x\r\n\r\n'
    requests = [
        HEAD + b'Content-Length: 4\r\n' + chunked + b'\r\n0\r\n\r\n',
        HEAD + chunked + b'Content-Length: 4\r\n\r\n0\r\n\r\n',
        HEAD + b'Content-Length: 4\r\nContent-Length: 0\r\n\r\nabcd',
        HEAD + b'Content-Length: 4\r\nContent-Length: 4\r\n\r\nabcd',
        HEAD + b'Content-Length: +4\r\n\r\nabcd',
        HEAD + b'Content-Length: 4, 4\r\n\r\nabcd',
        HEAD + b'Content-Length: 0x4\r\n\r\nabcd',
        HEAD + b'Content-Length: 18446744073709551620\r\n\r\nabcd',
        HEAD + b'Content-Length: -1\r\n\r\n',
        HEAD + b'Content-Length : 4\r\n\r\nabcd',
        HEAD + b' Content-Length: 4\r\n\r\nabcd',
        HEAD + b'X: y\r\n Content-Length: 4\r\n\r\nabcd',
        HEAD + b'X: y\nContent-Length: 4\r\n\r\nabcd',
        HEAD + b'X: y\rContent-Length: 4\r\n\r\nabcd',
        HEAD + b'X: a\0b\r\nContent-Length: 0\r\n\r\n',
        HEAD + b'Transfer-Encoding: identity, chunked\r\n\r\n0\r\n\r\n',
        HEAD + b'Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n',
        HEAD + b'Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n',
        HEAD + chunked + chunked + b'\r\n0\r\n\r\n',
        HEAD + b'Transfer-Encoding\x0b: chunked\r\n\r\n0\r\n\r\n',
        HEAD + chunked + b'\r\n0x1\r\na\r\n0\r\n\r\n',
        HEAD + chunked + b'\r\n-1\r\na\r\n0\r\n\r\n',
        HEAD + chunked + b'\r\n 1\r\na\r\n0\r\n\r\n',
        HEAD + chunked + b'\r\n1\na\r\n0\r\n\r\n',
        HEAD + chunked + b'\r\n1\r\nab0\r\n\r\n',
        HEAD + chunked + b'\r\nfffffffffffffffff\r\na\r\n0\r\n\r\n',
        HEAD + chunked + b'\r\n1;' + b'x' * 300 + b'\r\na\r\n0\r\n\r\n',
        b'GET / HTTP/1.1\r\n\r\n',
        b'GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n',
        b'GET  / HTTP/1.1\r\nHost: x\r\n\r\n',
        b'GET / HTTP/1.1 \r\nHost: x\r\n\r\n',
        b'GET / HTTP/1.2\r\nHost: x\r\n\r\n',
        b'GET / HTTP/2.0\r\nHost: x\r\n\r\n',
        b'GET /\r\n\r\n',
        b'\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n',
        b'\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n',
    ]
    for request in requests:
        with connect() as s:
            s.sendall(request + second)
            s.shutdown(socket.SHUT_WR)
            answer = read_all(s)
        assert answer.startswith(b'HTTP/1.1 400 '), (request, answer)
        assert answer.count(b'HTTP/1.1 ') == 1, (request, answer)


def heads():
    """A head is limited in size and lines, also if it never ends."""
    for request in (b'GET / HTTP/1.1\r\nHost: x\r\nX: ' + b'y' * 17000 + b'\r\n\r\n',
                    b'GET / HTTP/1.1\r\nHost: x\r\n' + b'X: y\r\n' * 64 + b'\r\n',
                    b'GET /' + b'y' * 17000,
                    b'y' * 17000):
        with connect() as s:
            s.sendall(request)
            answer = read_all(s)
        assert answer.startswith(b'HTTP/1.1 431 '), (request[:80], answer)


def connections():
    """One client cannot take all connections."""
    refused = metric('steward_connections_refused_total')
    held = [connect('127.0.0.2') for _ in range(80)]
    serves_others()
    assert metric('steward_connections_refused_total') >= refused + 16
    assert metric('steward_connections') <= 70
    for s in held:
        s.close()


def slow_bodies():
    """Bodies that never end do not use up memory, and do not stop others."""
    held = []
    for i in range(400):
        s = connect(f'127.0.{1 + i // 50}.1')
        s.sendall(HEAD + b'Content-Length: 2000000\r\n\r\n')
        s.settimeout(PATIENCE)
        held.append(s)
    part = b'x' * 400000
    for s in held:
        try:
            s.sendall(part)
        except ConnectionError:
            pass
    serves_others()
    assert metric('steward_overloaded_total') > 0, 'nobody had to give up memory'
    assert metric('steward_buffered_bytes') < 100 << 20
    for s in held:
        s.close()


def slow_heads():
    """A head byte by byte keeps nobody waiting."""
    held = [connect('127.0.0.3') for _ in range(60)]
    for byte in b'POST / HTTP/1.1\r\nHost: x\r\nX: ':
        for s in held:
            s.sendall(bytes([byte]))
    serves_others()
    for s in held:
        s.close()


def slow_readers():
    """Who asks and does not read does not stop others."""
    held = []
    for i in range(60):
        s = socket.socket()
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        s.settimeout(PATIENCE)
        s.bind(('127.0.0.4', 0))
        s.connect(('127.0.0.1', PORT))
        s.setblocking(False)
        held.append(s)
    many = b'GET / HTTP/1.1\r\nHost: x\r\n\r\n' * 20000
    for s in held:
        try:
            s.send(many)
        except BlockingIOError:
            pass
    serves_others()
    for s in held:
        s.close()


def resets():
    """Connections that are reset at any moment leave nothing behind."""
    request = HEAD + b'Content-Length: %d\r\n\r\n' % len(GOOD) + GOOD
    for size in list(range(0, len(request), 97)) + [len(request)]:
        with connect() as s:
            s.sendall(request[:size])
            s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
    serves_others()
    while metric('steward_connections') > 0:
        pass


def mutations():
    """Malformed requests in parallel with good ones: each gets the answer that it deserves."""
    failures = []

    def change(rng):
        data = bytearray(GOOD)
        for _ in range(rng.randrange(1, 4)):
            kind, at = rng.randrange(4), rng.randrange(len(data))
            if kind == 0:
                data[at] ^= 1 << rng.randrange(8)
            elif kind == 1:
                del data[at:at + rng.randrange(1, 64)]
            elif kind == 2:
                data[at:at] = rng.randbytes(rng.randrange(1, 64))
            else:
                data[at:at + 4] = b'\x84\xff\xff\xff'
        return bytes(data)

    def bad(seed):
        rng = random.Random(seed)
        for _ in range(300):
            body = change(rng)
            status = ask(body, '127.0.0.5')
            if body != GOOD and status not in (400, 401):
                failures.append((status, body.hex()))

    def good():
        for _ in range(150):
            if ask(GOOD, '127.0.0.6') != 200:
                failures.append('a good request was refused')

    threads = [threading.Thread(target=bad, args=(seed,)) for seed in range(3)]
    threads += [threading.Thread(target=good) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures, failures[0]


def afterwards():
    """The Steward lives, has closed what was closed, holds no memory, and its log is whole."""
    assert ask(GOOD) == 200 and ask(None, method='GET') == 200
    while metric('steward_connections') > 0:
        pass
    assert metric('steward_buffered_bytes') == 0
    for line in open(f'/proc/{PID}/status', encoding='ascii'):
        if line.startswith('VmHWM:'):
            assert int(line.split()[1]) < 200 * 1024, line
    previous = '0' * 64
    for line in open(AUDIT, encoding='ascii').read().splitlines():
        entry = json.loads(line)
        assert entry['previous'] == previous, line
        previous = hashlib.sha256(line.encode()).hexdigest()


for step in (smuggling, heads, connections, slow_heads, slow_bodies, slow_readers, resets, mutations,
             afterwards):
    try:
        step()
        print('ok', step.__name__, flush=True)
    except (AssertionError, OSError, http.client.HTTPException) as error:
        print(f'FAILED {step.__name__}: {error!r:.2000}', flush=True)
