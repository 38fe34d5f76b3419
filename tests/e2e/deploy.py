# SPDX-License-Identifier: Apache-2.0
"""Attest first, fetch second: from publish to a service in a Keep, with a genuine Drawbridge, OpenID provider and
Steward, and with false ones. Started by Meson with BACKEND, ENARX, STEWARD, PROGRAMS, DRAWBRIDGE, OIDC and OIDC_PACKAGES
set. Without it nobody would notice that a Keep runs what nobody proved."""
import atexit
import base64
import hashlib
import http.server
import json
import os
import re
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), '..', 'lib'))
sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
from drawbridge_world import API, DIRECTORY, World, finish, result  # noqa: E402
from peers import STDIO, free_port  # noqa: E402
from stewards import Impostor, Steward, digest_of, make_authority, read, reply  # noqa: E402

ENARX, STEWARD, PROGRAMS, BACKEND = (os.environ[name] for name in ('ENARX', 'STEWARD', 'PROGRAMS', 'BACKEND'))
if not PROGRAMS:
    print('1..0 # SKIP clang cannot compile for wasm32-wasi (wasi-libc, lld)')
    sys.exit(0)
if BACKEND == 'kvm' and not os.access('/dev/kvm', os.R_OK | os.W_OK):
    print('1..0 # SKIP /dev/kvm cannot be opened')
    sys.exit(0)

work = tempfile.mkdtemp()
atexit.register(shutil.rmtree, work)
os.chdir(work)
environment = {name: value for name, value in os.environ.items() if not name.startswith('ENARX')}
environment |= {'ENARX_STATE_DIR': work + '/state', 'XDG_DATA_HOME': work + '/data', 'ENARX_BACKEND': BACKEND}
module = os.path.join(PROGRAMS, 'hello.wasm')


def enarx(*words, env=(), timeout=120):
    try:
        return subprocess.run([ENARX, *words], env=environment | dict(env), capture_output=True, timeout=timeout,
                              stdin=subprocess.DEVNULL)
    except subprocess.TimeoutExpired as late:
        return subprocess.CompletedProcess(words, 'late', late.stdout or b'', late.stderr or b'')


def deploy(*words, **more):
    return enarx('deploy', '--insecure', '--ca-bundle', work + '/bundle.pem', *words, **more)


def check(name, ended, status, *words):
    said = ended.stdout + ended.stderr
    good = ended.returncode == status and all(word in said for word in words)
    if not good:
        print('#', ended.returncode, repr(said.decode(errors='replace')))
    result(good, name)


def refused(name, ended, *words, status=124):
    check(name, ended, status, *words)
    result(b'Hello, world!' not in ended.stdout, name + ': and nothing has run')


def config_of(port, files='', roots=''):
    return (f'steward = "https://localhost:{port}"\nsteward_ca = {{ custom = ["web"] }}\n' + STDIO + files +
            f'[roots]\nweb = """{read("web.crt")}"""\n' + roots)


def make_package(name, text, wasm=module):
    os.makedirs(name)
    with open(name + '/Enarx.toml', 'w', encoding='utf-8') as file:
        file.write(text)
    shutil.copy(wasm, name + '/main.wasm')
    return digest_of(text, name + '/main.wasm').hex()


# ---- Without any server ---------------------------------------------------------------------------------------------

begun = int(time.time())  # the authority is not older
make_authority(work, 'authority')
make_authority(work, 'web')
subprocess.run(['sh', '-c', 'cat web.crt >bundle.pem'], check=True)
plain = make_package('plain', STDIO)
check('A Keep that hides nothing is refused', enarx('deploy', 'plain'), 123, b'hides nothing from this host', b'--insecure')
check('A directory is deployed', deploy('plain'), 0, b'Hello, world!', plain.encode(), b'nobody vouches for this Keep')
check('also as a URL of a file', deploy('file://' + work + '/plain'), 0, b'Hello, world!')
check('and a module by itself', deploy(module), 0, b'Hello, world!')
check('which takes no arguments of the host', deploy(module, 'one'), 120, b'one')
check('What is not there is told', deploy('./nothing'), 124, b'no Enarx package or WASM module found at')
check('A scheme that nobody speaks is told', deploy('ftp://a/b'), 120, b'unsupported scheme: ftp')
check('Without TLS a digest is needed', deploy('http://127.0.0.1:1/a.wasm'), 120, b'without TLS', b'--digest')
check('A digest is checked before anything is asked', deploy('--digest', 'AB', 'https://127.0.0.1:1/a.wasm'), 120,
      b'64 lower-case hexadecimal digits')
dry = enarx('deploy', '--dry-run', '--json', 'plain')
result(json.loads(dry.stdout)['workload'] == plain, 'A dry run says what would be proved')


# ---- With genuine servers -------------------------------------------------------------------------------------------

world = World(work, '--ca', 'authority.crt', '--keep-technologies', 'kvm', '--cert', 'web.crt', '--key', 'web.key')
world.trust = ssl.create_default_context(cafile='web.crt')
world.trust.check_hostname = False
world.start()
atexit.register(world.close)
host = f'localhost:{world.port}'
issuer = Steward(STEWARD, work, work + '/authority', work + '/web')
atexit.register(issuer.__exit__)
signed_in = {'ENARX_TOKEN': world.token, 'ENARX_CA_BUNDLE': 'bundle.pem'}
for words in (('user', 'register', host + '/alice'), ('repo', 'register', '--private', host + '/alice/secret')):
    check('enarx ' + ' '.join(words[:2]), enarx(*words, env=signed_in), 0)
digest = make_package('secret', config_of(issuer.port))
check('A private package is published', enarx('package', 'publish', host + '/alice/secret:1.0.0', 'secret', env=signed_in), 0)
slug = host + '/alice/secret:1.0.0'
result(world.ask('GET', API + '/alice/secret/_tag/1.0.0/tree', token=False)[0] == 401, 'Nobody else can read it')
dry = enarx('deploy', '--dry-run', '--json', '--ca-bundle', 'bundle.pem', slug)
facts = json.loads(dry.stdout or b'{}')
result(facts.get('workload') == digest and facts.get('steward') == f'https://localhost:{issuer.port}',
       'but everybody may know its digest and its Steward')
check('A Keep that proves itself gets it, and runs it', deploy(slug), 0, b'Hello, world!', digest.encode(),
      f'https://localhost:{issuer.port}'.encode(), b'valid until')
check('also by its URL', deploy(f'https://{host}/api/v0.1.0/alice/secret/_tag/1.0.0'), 0, b'Hello, world!')
ended = deploy('--timings', '--json', slug)
check('Timings tell how long proving and fetching took', ended, 0, b'"admit_us"', b'"fetch_us"', b'"certify_us"')
check('A workload that is proved takes nothing from the host, not even by enarx run',
      enarx('run', '--config-beside', '--env', 'A=1', 'secret/main.wasm'), 121, b'takes no arguments and no variables')
check('A digest that is wanted has to be the package\'s', deploy('--digest', plain, slug), 124, b'the package is another one')
check('A package that does not exist is told', deploy(host + '/alice/secret:2.0.0'), 124, b'404', b'Does it exist?')

with Steward(STEWARD, tempfile.mkdtemp(dir=work), work + '/web', work + '/web') as foreign:
    refused('A Steward that the Drawbridge does not know opens nothing',
            deploy('--steward', f'https://localhost:{foreign.port}', slug), b'cannot fetch the workload', b'the Drawbridge trusts')
with Steward(STEWARD, tempfile.mkdtemp(dir=work), work + '/authority', work + '/web', 'workload = "required"\n') as strict:
    refused('A Steward that takes no unprotected Keeps gives no certificate',
            deploy('--steward', f'https://localhost:{strict.port}', slug), b'refuses this Keep')
with Steward(STEWARD, tempfile.mkdtemp(dir=work), work + '/authority', work + '/web',
             more=('--time', time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime(time.time() + 3600)))) as later:
    refused('A certificate of another time is of no use', deploy('--steward', f'https://localhost:{later.port}', slug),
            b'the certificate is not valid now')
impostor = Impostor(work + '/web', lambda _: reply(b'x'))
refused('A false Steward is found out', deploy('--steward', f'https://localhost:{impostor.port}', slug),
        b'is not a path of certificates')
impostor.stop()
# ---- A service in the background ------------------------------------------------------------------------------------

port = free_port()
listen = f'[[files]]\nkind = "listen"\nprot = "tls"\nname = "web"\naddr = "127.0.0.1"\nport = {port}\n'
digest = make_package('service', config_of(issuer.port, listen), os.path.join(PROGRAMS, 'crowd.wasm'))
check('A service is published', enarx('package', 'publish', host + '/alice/secret:3.0.0', 'service', env=signed_in), 0)
ended = deploy('--detach', '--json', host + '/alice/secret:3.0.0')
check('and deployed in the background', ended, 0, digest.encode())
keep = json.loads(ended.stdout or b'{}').get('id', 'none')
context = ssl.create_default_context(cafile='authority.crt')
context.check_hostname = False


def names_of_service(at=None):
    with socket.create_connection(('127.0.0.1', at or port), 60) as plain_socket, context.wrap_socket(plain_socket) as tls:
        return [name for _, name in tls.getpeercert()['subjectAltName']], tls.getpeercert()


uri = 'ni:///sha-256;' + base64.urlsafe_b64encode(bytes.fromhex(digest)).decode().rstrip('=')
result(uri in names_of_service()[0], 'Its clients see which workload serves them')
listed = json.loads(enarx('keep', 'list', '--json').stdout)
result([each['id'] for each in listed] == [keep] and listed[0]['state'] == 'running' and listed[0]['workload'] == digest,
       'enarx keep list shows it')
check('and for people, too', enarx('keep', 'list'), 0, keep.encode(), b'running', b'STATE')
with open(f'state/keeps/{keep}/certificate.pem', encoding='ascii') as file:
    result('BEGIN CERTIFICATE' in file.read(), 'Its certificate is there to be looked at')
check('It cannot be forgotten while it runs', enarx('keep', 'remove', keep), 120, b'runs')
check('The beginning of an id is enough to stop it', enarx('keep', 'stop', keep[:4]), 0)
check('Then it has ended', enarx('keep', 'list', '--all'), 0, keep.encode(), b'ended')
check('Its log stays', enarx('keep', 'logs', keep), 0)
check('until it is forgotten', enarx('keep', 'remove', '--all'), 0, keep.encode())
check('A Keep that is not there is told', enarx('keep', 'stop', keep), 120, b'there is no Keep')
ended = deploy('--detach', module)
check('A program that ends is waited for only until it begins', ended, 0, b'Keep ')
keep = re.search(rb'Keep ([0-9a-f]{8})', ended.stdout)[1].decode()
check('What it wrote is in its log', enarx('keep', 'logs', '--follow', keep), 0, b'argument 0: main.wasm')
ended = deploy('--detach', '/bin/sh')
check('A Keep that cannot begin is no success', ended, 122, b'not WebAssembly')

# ---- Renewal --------------------------------------------------------------------------------------------------------

fixed = free_port()
policy = 'debug = true\nworkload = "required"\ncertificate_lifetime = 60\n'
port, other = free_port(), free_port()
for name, number in ('renewed', port), ('patient', other):
    listen = f'[[files]]\nkind = "listen"\nprot = "tls"\nname = "web"\naddr = "127.0.0.1"\nport = {number}\n'
    make_package(name, config_of(fixed, listen), os.path.join(PROGRAMS, 'crowd.wasm'))
first = time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime(begun + 1))
time.sleep(max(0, begun + 43 - time.time()))  # two thirds of a minute are over
with Steward(STEWARD, tempfile.mkdtemp(dir=work), work + '/authority', work + '/web', policy, ('--time', first), fixed):
    ended = deploy('--detach', '--json', 'renewed')
    patient = deploy('--detach', '--json', 'patient')
check('A service has a certificate whose time is nearly over', ended, 0)
expires = json.loads(ended.stdout or b'{}').get('expires', '')


def is_open(connection):
    """Whether the other side has not closed a connection on which nothing was answered."""
    connection.setblocking(False)
    try:
        while connection.recv(4096):
            pass
        return False
    except BlockingIOError:
        return True


def until(certificate):
    return time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime(ssl.cert_time_to_seconds(certificate['notAfter'])))


with socket.create_server(('127.0.0.1', fixed)) as silent:
    silent.settimeout(60)
    old = names_of_service(other)[1]
    asked, _ = silent.accept()
    result(until(old) == json.loads(patient.stdout or b'{}').get('expires') and is_open(asked),
           'While the Steward is asked for a new one, nobody waits for it')
    asked.close()
with Steward(STEWARD, tempfile.mkdtemp(dir=work), work + '/authority', work + '/web', port=fixed):
    certificate = names_of_service()[1]
    for _ in range(600):
        if until(certificate) > expires:
            break
        time.sleep(0.1)
        certificate = names_of_service()[1]
    result(until(certificate) > expires, 'and when it has answered, clients see the new one')
result(names_of_service()[1]['serialNumber'] == certificate['serialNumber'], 'which it keeps while that is good')
for each in ended, patient:
    check('It can be stopped', enarx('keep', 'stop', json.loads(each.stdout or b'{}').get('id', 'none')), 0)

# ---- A Drawbridge that lies -----------------------------------------------------------------------------------------

with open(module, 'rb') as program:
    WASM = program.read()
CONFIG = STDIO.encode()


def describe(content, kind):
    digests = {f'sha-{n}': base64.b64encode(hashlib.new(f'sha{n}', content).digest()).decode()
               for n in (224, 256, 384, 512)}
    return {'digest': digests, 'length': len(content), 'type': kind}


def compact(value):
    return json.dumps(value, separators=(',', ':')).encode()


class Liar(http.server.BaseHTTPRequestHandler):
    """The fault is the first node of the path."""
    protocol_version = 'HTTP/1.1'
    tries = {}

    def do_GET(self):
        fault, rest = self.path.split('/', 2)[1:]
        Liar.tries[fault] = Liar.tries.get(fault, 0) + 1
        if fault == 'api':  # what a tag's Steward is
            body = compact({'digest': describe(WASM, 'application/wasm')['digest'], 'steward': 'https://a/\x1b[31m'})
            self.send_response(200)
            self.send_header('Content-Type', 'application/json')
            self.send_header('Content-Length', str(len(body)))
            self.end_headers()
            self.wfile.write(body)
            return
        listing = {'Enarx.toml': describe(CONFIG, 'application/toml'), 'main.wasm': describe(WASM, 'application/wasm')}
        if fault == 'nomodule':
            del listing['main.wasm']
        if fault == 'enormous':
            listing['main.wasm']['length'] = 1 << 40
        root = compact(listing)
        if fault == 'spaces':
            root = root.replace(b':', b': ', 1)
        if fault == 'nojson':
            root = b'{'
        content, kind = {'tree': (root, DIRECTORY), 'tree/Enarx.toml': (CONFIG, 'application/toml'),
                         'tree/main.wasm': (WASM, 'application/wasm'), 'app.wasm': (WASM, 'application/wasm')}[rest]
        if fault == 'swapped' and rest == 'tree/Enarx.toml':
            content = CONFIG.replace(b'stdin', b'null ')
        if fault == 'changed' and rest.endswith('.wasm'):
            content = content[:-1] + b'\0'
        if fault == 'longer' and rest.endswith('.wasm'):
            content += b'\0'
        status = 503 if fault == 'busy' and Liar.tries[fault] < 3 else 302 if fault == 'elsewhere' else 200
        self.send_response(status)
        self.send_header('Content-Type', kind)
        self.send_header('Content-Length', str(len(content) if status == 200 else 0))
        if status == 302:
            self.send_header('Location', 'https://elsewhere.example/')
        self.end_headers()
        if status == 200:
            cut = fault == 'truncated' and rest.endswith('.wasm') or fault == 'flaky' and Liar.tries[fault] == 1
            self.wfile.write(content[:len(content) // 2] if cut else content)
            if cut:
                self.close_connection = True

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    def handle_error(self, *_):
        pass


liar = Server(('127.0.0.1', 0), Liar)
secured = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
secured.load_cert_chain('web.crt', 'web.key')
liar.socket = secured.wrap_socket(liar.socket, server_side=True)
threading.Thread(target=liar.serve_forever, daemon=True).start()
base = f'https://localhost:{liar.server_port}'
wasm_digest = hashlib.sha256(WASM).hexdigest()
check('A module is fetched from any server', deploy('--digest', wasm_digest, base + '/fine/app.wasm'), 0, b'Hello, world!')
check('also without a digest that is known before', deploy(base + '/fine/app.wasm'), 0, wasm_digest.encode())
check('and a directory', deploy(base + '/fine/tree'), 0, b'Hello, world!', plain.encode())
check('A server that is busy is asked again', deploy(base + '/busy/app.wasm'), 0, b'Hello, world!')
check('and one that breaks off', deploy(base + '/flaky/app.wasm'), 0, b'Hello, world!')
for fault, words in (('swapped', b'its digest differs'), ('changed', b'its digest differs'), ('longer', b'has more than'),
                     ('nomodule', b'has no main.wasm'), ('enormous', b'has more than'), ('spaces', b'canonical form'),
                     ('nojson', b'canonical form'), ('truncated', b'cannot receive from'),
                     ('elsewhere', b'It is elsewhere')):
    refused(f'A server with the fault {fault}', deploy(f'{base}/{fault}/tree'), words)
ended = deploy(f'localhost:{liar.server_port}/alice/x:1.0.0')
refused('A Steward that is no URL', ended, b'names a Steward that is no URL of https')
result(b'\x1b' not in ended.stderr, 'and nothing of it reaches the terminal')
refused('A module that is another one', deploy('--digest', wasm_digest, base + '/changed/app.wasm'), b'its digest differs')
subprocess.run(['cp', 'authority.crt', 'bundle.pem'], check=True)
refused('A server that nobody vouches for', deploy(base + '/fine/app.wasm'), b'cannot fetch the workload')
liar.shutdown()
refused('A server that is not there', deploy(f'https://localhost:{free_port()}/app.wasm'), b'cannot connect to localhost')
result(enarx('keep', 'list', '--json').stdout.strip() in (b'[]', b'[\n]'), 'Nothing is left running')
finish()
