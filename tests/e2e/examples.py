# SPDX-License-Identifier: Apache-2.0
"""The examples hello, web, echo, chat and kv in Keeps, with clients in Python, in Keeps, and with curl, wrk, Chromium and others where they are installed. Started by Meson with BACKEND, ENARX,
STEWARD and EXAMPLES (the built ones; empty: there are none) set. Without it what users copy could be broken."""
import os
import queue
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), '..', 'lib'))
from peers import SECONDS, free_port  # noqa: E402
from stewards import Steward, digest_of, make_authority, read  # noqa: E402

ENARX, STEWARD, BUILT, BACKEND = (os.environ[name] for name in ('ENARX', 'STEWARD', 'EXAMPLES', 'BACKEND'))
SOURCE = os.path.join(os.path.dirname(os.path.realpath(__file__)), '..', '..', 'examples')
if not BUILT:
    print('1..0 # SKIP clang cannot compile for wasm32-wasi (wasi-libc, lld)')
    sys.exit(0)
if BACKEND == 'kvm' and not os.access('/dev/kvm', os.R_OK | os.W_OK):
    print('1..0 # SKIP /dev/kvm cannot be opened')
    sys.exit(0)

work = tempfile.mkdtemp()
environment = {name: value for name, value in os.environ.items() if not name.startswith('ENARX')}
context = ssl.create_default_context()
context.check_hostname = False
context.verify_mode = ssl.CERT_NONE
count = failed = 0


def result(good, name, skip=None):
    global count, failed
    count += 1
    failed += not good
    print('ok' if good else 'not ok', count, '-', name, f'# SKIP {skip}' if skip else '', flush=True)


class Keep:
    """An example in a Keep, with its own Enarx.toml but for what `change` makes of it. `port` is where it listens, or
    where it finds its server."""

    def __init__(self, module, source, port, change=lambda text: text, more=()):
        self.port, self.more = port, more
        self.package = tempfile.mkdtemp(dir=work)
        self.text = change(re.sub(r'(?m)^port = \d+', f'port = {port}', read(f'{SOURCE}/{source}/Enarx.toml')))
        with open(self.package + '/Enarx.toml', 'w', encoding='utf-8') as file:
            file.write(self.text)
        self.module = self.package + '/main.wasm'
        os.symlink(f'{BUILT}/{module}.wasm', self.module)
        self.start()

    def start(self):
        self.log = open(self.package + '/log', 'wb')
        self.process = subprocess.Popen(
            [ENARX, 'run', '--backend', BACKEND, '--config-beside', *self.more, self.module], env=environment,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log, start_new_session=True)
        self.heard = queue.Queue()
        threading.Thread(target=self.listen, args=(self.process.stdout,), daemon=True).start()

    def listen(self, stdout):  # always, so that the program is never slow because of us
        for line in stdout:
            self.heard.put(line)
        self.heard.put(None)

    def digest(self):
        return digest_of(self.text, self.module).hex()

    def call(self):
        """A connection to the Keep, as soon as it listens."""
        deadline = time.monotonic() + SECONDS
        while True:
            try:
                return Peer(context.wrap_socket(socket.create_connection(('127.0.0.1', self.port), SECONDS)))
            except ConnectionError:
                if time.monotonic() > deadline or self.process.poll() is not None:
                    raise
                time.sleep(0.05)

    def kill(self):
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def say(self, line):
        self.process.stdin.write(line)
        self.process.stdin.flush()

    def hears(self, line):
        """Whether the program prints the line before it ends."""
        while (heard := self.heard.get(timeout=SECONDS)) not in (line, None):
            pass
        return heard == line


class Peer:
    def __init__(self, connection):
        self.connection, self.file = connection, connection.makefile('rb')

    def send(self, data):
        self.connection.sendall(data)
        return self

    def line(self):
        return self.file.readline()

    def ask(self, data):
        return self.send(data).line()

    def is_over(self):
        """Whether the other side has ended the connection."""
        try:
            while self.file.read1():
                pass
            return True
        except (ssl.SSLError, ConnectionError):
            return True
        except TimeoutError:
            return False

    def close(self):
        self.file.close()
        self.connection.close()


# ---- hello ----------------------------------------------------------------------------------------------------------

keep = Keep('hello', 'hello', 0)
result(keep.hears(b'Below 100000, 77031 takes the most Collatz steps: 350.\n') and keep.process.wait(SECONDS) == 0,
       'hello: says hello')


def certified(steward, web):
    """What makes a package one that the Steward certifies."""
    return lambda text: (f'steward = "https://localhost:{steward.port}"\nsteward_ca = {{ custom = ["web"] }}\n{text}'
                         f'[roots]\nweb = """{read(web + ".crt")}"""\n')


# ---- web ------------------------------------------------------------------------------------------------------------

authority, web = make_authority(work, 'authority'), make_authority(work, 'web')
NAME = 'keep.example'
with Steward(STEWARD, work, authority, web, more=('--san', NAME)) as steward:
    keep = Keep('web', 'web', free_port(), certified(steward, web))
    keep.call().close()


def output(*command, say=None):
    """What a command prints. It hears `say`, and its input does not end before it does."""
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          env=environment | {'HOME': work}) as process:
        timer = threading.Timer(SECONDS, process.kill)
        timer.start()
        errors = queue.Queue()
        threading.Thread(target=lambda: errors.put(process.stderr.read()), daemon=True).start()
        if say:
            process.stdin.write(say)
            process.stdin.flush()
        said = process.stdout.read()
        timer.cancel()
        process.stdin.close()
        process.wait(SECONDS)
        return said + errors.get()


def client(name, good, *command, say=None):
    """A client of others, if it is installed. `good` judges its output."""
    if not shutil.which(command[0]):
        result(True, name, f'{command[0]} is not installed')
        return
    said = output(*command, say=say)
    result(good(said), name)
    if not good(said):
        print('#', said[-1000:])


def says(*words):
    return lambda said: all(word in said for word in words)


url = f'https://{NAME}:{keep.port}'
curl = ['curl', '-sS', '--cacert', authority + '.crt', '--resolve', f'{NAME}:{keep.port}:127.0.0.1', '-w',
        '%{http_code} %{num_connects}\n']
client('web: curl', says(b'Hello from a Keep', b'200 1\n', b'200 0\n', b'404 0\n'), *curl, url + '/', url + '/healthz', url + '/no')
client('web: curl asks for a head', says(b'200 1\n', b'Content-Length: 3'), *curl, '-I', url + '/healthz')
client('web: curl posts in vain', says(b'405 1\n'), *curl, '-d', 'x=1', url + '/')
REQUEST = f'GET /healthz HTTP/1.1\r\nHost: {NAME}\r\nConnection: close\r\n\r\n'.encode()
client('web: openssl s_client', says(b'200 OK', b'ok\n'), 'openssl', 's_client', '-quiet', '-CAfile', authority + '.crt',
       '-verify_return_error', '-verify_hostname', NAME, '-servername', NAME, '-alpn', 'http/1.1', '-connect', f'127.0.0.1:{keep.port}', say=REQUEST)
client('web: gnutls-cli', says(b'The certificate is trusted', b'200 OK', b'ok\n'), 'gnutls-cli', '--x509cafile', authority + '.crt',
       '--verify-hostname', NAME, '--sni-hostname', NAME, '-p', str(keep.port), '127.0.0.1', say=REQUEST)
client('web: wrk, 16 connections for a second',
       lambda said: b'Requests/sec' in said and b'Socket errors' not in said and b'Non-2xx' not in said,
       'wrk', '-t1', '-c16', '-d1s', f'https://127.0.0.1:{keep.port}/healthz')
if shutil.which('chromium') and shutil.which('certutil'):
    os.makedirs(work + '/.pki/nssdb')
    output('certutil', '-d', 'sql:' + work + '/.pki/nssdb', '-N', '--empty-password')
    output('certutil', '-d', 'sql:' + work + '/.pki/nssdb', '-A', '-t', 'C,,', '-n', 'authority', '-i', authority + '.crt')
client('web: Chromium, which trusts the Steward', says(b'<h1>Hello from a Keep</h1>'), 'chromium', '--headless', '--no-sandbox',
       '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update',
       '--disable-sync', '--user-data-dir=' + work + '/chromium', f'--host-resolver-rules=MAP {NAME} 127.0.0.1', '--dump-dom', url + '/')
keep.kill()

# ---- echo -----------------------------------------------------------------------------------------------------------

keep = Keep('echo', 'echo', free_port())
keep.call().close()
silent = [socket.create_connection(('127.0.0.1', keep.port)) for _ in range(12)]  # no handshake
peers = [keep.call() for _ in range(88)]  # 100 with the silent ones, which is as many as there may be
for each, peer in enumerate(peers):
    peer.send(b'half of line %d' % each)
result(all(peer.ask(b', and the rest\n') == b'half of line %d, and the rest\n' % each
           for each, peer in reversed(list(enumerate(peers)))),
       'echo: as many clients as there may be get their own lines back, whoever else is silent')
waiting = socket.create_connection(('127.0.0.1', keep.port), SECONDS)
silent.pop().close()
result(Peer(context.wrap_socket(waiting)).ask(b'at last\n') == b'at last\n', 'echo: one more waits until somebody leaves')
result(peers[0].ask(b'one\ntwo\n\n') == b'one\n' and peers[0].line() == b'two\n' and peers[0].line() == b'\n',
       'echo: several lines at once are several lines')
result(peers[0].send(b'x' * 5000).is_over(), 'echo: a line that is too long ends the connection')
peers[1].close()
result(peers[2].ask(b'still\n') == b'still\n', 'echo: and nobody else\'s')
keep.kill()

# ---- chat -----------------------------------------------------------------------------------------------------------

with Steward(STEWARD, work, authority, web) as steward:
    room = Keep('chat_server', 'chat/server', free_port(), certified(steward, web))
    carol = room.call()
result(carol.ask(b'carol\n') == b'* carol comes in\n', 'chat: the first line is the name')


def pinned(digest):
    def change(text):
        return re.sub('(?s)-----BEGIN.*-----END[^\n]*', read(authority + '.crt').strip(), text).replace('0' * 64, digest)
    return change


alice, bob = (Keep('chat_client', 'chat/client', room.port, pinned(room.digest())) for _ in range(2))
alice.say(b'alice\n')
result(carol.line() == b'* alice comes in\n', 'chat: a client in a Keep finds the workload that it pins')
bob.say(b'bob\n')
result(carol.line() == b'* bob comes in\n', 'chat: and another one')
alice.say(b'Hello, Bob!\n')
result(bob.hears(b'alice: Hello, Bob!\n'), 'chat: two Keeps talk through a third one')
bob.say(b'Hello, Alice!\n')
result(alice.hears(b'bob: Hello, Alice!\n'), 'chat: both ways')
carol.send(b'\x1b[2J\xc2\x9b1m\n')
result(bob.hears(b'carol: ?[2J\xc2?1m\n'), 'chat: what moves a cursor is disarmed')
stranger = Keep('chat_client', 'chat/client', room.port, pinned('ab' * 32))
stranger.process.stdin.close()
result(stranger.process.wait(SECONDS) == 124 and 'names another workload' in read(stranger.package + '/log'),
       'chat: a client does not begin where another workload is than the one that it pins')
result(room.call().ask(b'ALICE\n').startswith(b'! ') and room.call().ask(b'a b\n').startswith(b'! '),
       'chat: a name is taken once, and is a word')
mallory = room.call()
mallory.ask(b'mallory\n')
result(mallory.send(b'x' * 600).is_over(), 'chat: a line that is too long ends the connection')
slow = room.call()
slow.ask(b'slow\n')
while carol.line() != b'* slow comes in\n':
    pass
line, sent, gone = b'y' * 500 + b'\n', 0, False
while not gone and sent < 40000:  # slow never reads; carol reads all
    carol.send(line)
    sent += 1
    while (answer := carol.line()) != b'carol: ' + line:
        gone = gone or answer == b'* slow goes out\n'
result(gone, 'chat: who does not read is dropped')
carol.send(b'That was much.\n')
result(carol.line() == b'carol: That was much.\n' and alice.hears(b'carol: That was much.\n'),
       'chat: and nobody else')
alice.process.stdin.close()
while (answer := carol.line()) not in (b'* alice goes out\n', b''):
    pass
result(answer != b'' and alice.process.wait(SECONDS) == 0, 'chat: a client goes when its input ends')
for each in (bob, room):
    each.kill()

# ---- kv -------------------------------------------------------------------------------------------------------------

store = tempfile.mkdtemp(dir=work)
keep = Keep('kv', 'kv', free_port(), more=('--dir', store + '::/data'))
kv = keep.call()
SECRET = b'nobody else knows this'
talk = [
    ('a value is stored', b'SET name %d\n%s\n' % (len(SECRET), SECRET), [b'OK\n']),
    ('and found', b'GET name\n', [b'VALUE %d\n' % len(SECRET), SECRET + b'\n']),
    ('what was never stored is not', b'GET nothing\n', [b'NONE\n']),
    ('a value may be empty', b'SET empty 0\n\nGET empty\n', [b'OK\n', b'VALUE 0\n', b'\n']),
    ('a counter begins at 1', b'INCR visits\n', [b'VALUE 1\n', b'1\n']),
    ('and counts', b'INCR visits\nINCR visits\n', [b'VALUE 1\n', b'2\n', b'VALUE 1\n', b'3\n']),
    ('a text does not count', b'INCR name\n', [b'ERROR the value is no number that can grow\n']),
    ('nor what would not fit', b'SET most 19\n9223372036854775807\nINCR most\n',
     [b'OK\n', b'ERROR the value is no number that can grow\n']),
    ('the keys are listed in order', b'KEYS\n', [b'KEYS 4\n', b'empty\n', b'most\n', b'name\n', b'visits\n']),
    ('from a key on', b'KEYS most\n', [b'KEYS 2\n', b'name\n', b'visits\n']),
    ('a key is removed', b'DEL most\nDEL most\nGET most\n', [b'OK\n', b'NONE\n', b'NONE\n']),
]
for name, request, expected in talk:
    kv.send(request)
    answers = [kv.line() for _ in expected]
    result(answers == expected, 'kv: ' + name)
    if answers != expected:
        print('#', answers)
big = os.urandom(48 * 1024) .hex().encode()[:65536]
big = big[:65535] + b'\n'
kv.send(b'SET big 65536\n' + big + b'\n')
result(kv.line() == b'OK\n' and kv.ask(b'GET big\n') == b'VALUE 65536\n' and kv.file.read(65537) == big + b'\n',
       'kv: a value of 64 KiB, with line feeds, comes back as it was')
for name, request in (('a value that is too long', b'SET big 65537\n'), ('a value that is longer than said', b'SET a 1\nxyz\n'),
                      ('a size that is none', b'SET a -1\n'), ('a key with a path', b'GET ../sealed.log\n'),
                      ('a key with a dot first', b'SET .new 1\nx\n'), ('a key that is too long', b'GET ' + b'k' * 101 + b'\n'),
                      ('an unknown word', b'FLUSH\n'), ('an empty line', b'\n'), ('a line that does not end', b'x' * 300)):
    peer = keep.call()
    result(peer.ask(request).startswith(b'ERROR ') and peer.is_over(), f'kv: {name} is refused')
half = keep.call()
half.send(b'SET half 100\nnot all of it')

acknowledged = 0
writer = keep.call()
while acknowledged < 200:
    answer = writer.ask(b'SET k%d 6\nv%05d\n' % (acknowledged % 50, acknowledged))
    acknowledged += answer == b'OK\n'
writer.send(b'SET k0 6\nlater!\n')  # unanswered: the old value or the new one
keep.kill()
keep.start()
kv = keep.call()
good = kv.ask(b'GET k0\n') == b'VALUE 6\n' and kv.line() in (b'v00150\n', b'later!\n')
for each in range(1, 50):
    good = kv.ask(b'GET k%d\n' % each) == b'VALUE 6\n' and kv.line() == b'v%05d\n' % (150 + each) and good
result(good, 'kv: what was acknowledged is there after kill -9')
result(kv.ask(b'GET name\n') == b'VALUE %d\n' % len(SECRET) and kv.line() == SECRET + b'\n' and
       kv.ask(b'GET big\n') == b'VALUE 65536\n' and kv.file.read(65537) == big + b'\n' and
       kv.ask(b'INCR visits\n') == b'VALUE 1\n' and kv.line() == b'4\n', 'kv: everything else, too')
result(kv.ask(b'GET half\n') == b'NONE\n', 'kv: and nothing that was sent by half')
disk = b''
for folder, _, names in os.walk(store):
    for name in names:
        disk += name.encode()
        with open(os.path.join(folder, name), 'rb') as file:
            disk += file.read()
result(len(disk) > 65536 and not any(word in disk for word in (SECRET, b'visits', b'v00150', big[:32])),
       'kv: the host\'s disk shows neither keys nor values')
keep.kill()
subprocess.run(['rm', '-rf', work], check=True)
print(f'1..{count}')
sys.exit(1 if failed else 0)
