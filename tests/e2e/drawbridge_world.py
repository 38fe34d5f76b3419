# SPDX-License-Identifier: Apache-2.0
"""A Drawbridge, its OpenID provider and a client for the tests that are written in Python. Started
by Meson with DRAWBRIDGE, OIDC and OIDC_PACKAGES set; with S3_DOUBLE also, the store is a bucket of
that script instead of a directory."""
import base64
import hashlib
import http.client
import json
import os
import signal
import ssl
import subprocess
import sys
import time
import urllib.parse
import urllib.request

API = '/api/v0.1.0'
ENTRY = 'application/vnd.drawbridge.entry.v1+json'
DIRECTORY = 'application/vnd.drawbridge.directory.v1+json'
SCOPES = 'manage:drawbridge_users manage:drawbridge_repositories manage:drawbridge_tags'
count = failed = 0


def result(good, name):
    global count, failed
    count += 1
    failed += not good
    print(('ok' if good else 'not ok'), count, '-', name, flush=True)


def skip(name, reason):
    global count
    count += 1
    print('ok', count, '-', name, '# SKIP', reason, flush=True)


def finish():
    print(f'1..{count}')
    sys.exit(failed > 0)


def b64(algorithm, data):
    return base64.b64encode(hashlib.new(algorithm, data).digest()).decode()


def header(data):
    return ','.join(f'sha-{n}=:{b64("sha" + n, data)}:' for n in ('224', '256', '384', '512'))


def entry(kind, data):
    digests = {f'sha-{n}': b64('sha' + n, data) for n in ('224', '256', '384', '512')}
    return json.dumps({'digest': digests, 'length': len(data), 'type': kind}, separators=(',', ':')).encode()


class Storage:
    """The double of object storage."""

    def __init__(self, *arguments):
        self.process = subprocess.Popen([sys.executable, os.path.join(os.path.dirname(__file__), 's3_double.py'), *arguments],
                                        stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline())
        self.endpoint = f'http://127.0.0.1:{self.port}'

    def faults(self, **faults):
        connection = http.client.HTTPConnection('127.0.0.1', self.port)
        connection.request('PUT', '/!faults', json.dumps(faults))
        connection.getresponse().read()
        connection.close()

    def close(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


def s3_options(endpoint, directory, prefix='world'):
    return ['--store', f's3://test/{prefix}', '--s3-endpoint', endpoint, '--s3-key-id', 'testkey', '--scratch',
            os.path.join(directory, 'scratch')]


class World:
    def __init__(self, directory, *options):
        self.directory, self.options, self.process, self.trust = directory, options, None, None
        oidc, packages = os.environ['OIDC'], os.environ['OIDC_PACKAGES']
        install = os.path.join(os.path.dirname(oidc), '../npm/install')
        installed = subprocess.run([install, packages, os.path.dirname(oidc)], stdout=subprocess.PIPE, text=True)
        if installed.returncode:
            print('1..0 # SKIP', installed.stdout.strip())
            sys.exit(0)
        self.provider = subprocess.Popen(['node', oidc, packages, '0', 'drawbridge'], stdout=subprocess.PIPE,
                                         stderr=subprocess.DEVNULL, text=True)
        self.issuer = self.provider.stdout.readline().strip()
        self.token = self.mint('test|alice')
        self.log = open(os.path.join(directory, 'log'), 'ab')
        self.storage = Storage() if os.environ.get('S3_DOUBLE') else None
        self.store_options = s3_options(self.storage.endpoint, directory) if self.storage else None
        os.environ['AWS_SECRET_ACCESS_KEY'] = 'testsecret'

    def mint(self, subject):
        query = urllib.parse.urlencode({'sub': subject, 'scope': SCOPES})
        with urllib.request.urlopen(f'{self.issuer}/mint?{query}') as answer:
            return answer.read().decode()

    def start(self, store='store', wait=True):
        self.store = os.path.join(self.directory, store)
        options = self.store_options or ['--store', self.store]
        self.process = subprocess.Popen(
            [os.environ['DRAWBRIDGE'], '--addr', '127.0.0.1:0', *options, '--oidc-issuer', self.issuer,
             '--oidc-audience', 'drawbridge', *self.options], stdout=subprocess.PIPE, stderr=self.log, text=True)
        line = self.process.stdout.readline()
        if 'port' not in line:
            raise SystemExit('Bail out! drawbridge does not start')
        self.port = int(line.split()[-1])
        while wait and self.ask('GET', '/readyz')[0] != 200:
            time.sleep(0.05)

    def kill(self, number=signal.SIGKILL):
        self.process.send_signal(number)
        status = self.process.wait()
        self.process.stdout.close()
        self.process = None
        return status

    def close(self):
        if self.process:
            self.kill()
        self.provider.kill()
        if self.storage:
            self.storage.close()

    def secure(self):
        """Serve HTTPS from the next start on."""
        crt, key = os.path.join(self.directory, 'crt.pem'), os.path.join(self.directory, 'key.pem')
        subprocess.run(['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes',
                        '-keyout', key, '-out', crt, '-days', '2', '-subj', '/CN=localhost', '-addext',
                        'subjectAltName=IP:127.0.0.1'], check=True, stderr=subprocess.DEVNULL)
        self.options = (*self.options, '--cert', crt, '--key', key)
        self.trust = ssl.create_default_context(cafile=crt)

    def connect(self, timeout=60):
        if self.trust:
            return http.client.HTTPSConnection('127.0.0.1', self.port, timeout=timeout, context=self.trust)
        return http.client.HTTPConnection('127.0.0.1', self.port, timeout=timeout)

    def ask(self, method, path, body=None, headers=None, connection=None, token=True):
        """Status, body and headers."""
        own = connection or self.connect()
        fields = dict(headers or {})
        if token:
            fields.setdefault('Authorization', 'Bearer ' + self.token)
        try:
            own.request(method, path, body, fields)
            answer = own.getresponse()
            return answer.status, answer.read(), answer.headers
        finally:
            if not connection:
                own.close()

    def put(self, path, kind, data, connection=None):
        return self.ask('PUT', path, data, {'Content-Type': kind, 'Content-Digest': header(data)}, connection)[0]

    def prepare(self):
        """A user with a repository."""
        return (self.put(API + '/alice', 'application/json', b'{"subject":"test|alice"}') == 201 and
                self.put(API + '/alice/repo', 'application/json', b'{"public":true}') == 201)

    def publish(self, tag, data, connection=None):
        """A package of one file; the statuses."""
        path = f'{API}/alice/repo/_tag/{tag}'
        return (self.put(path, ENTRY, entry('application/wasm', data), connection),
                self.put(path + '/tree', 'application/wasm', data, connection))

    def run(self, *arguments):
        options = self.store_options or ['--store', self.store]
        return subprocess.run([os.environ['DRAWBRIDGE'], *arguments, *options], capture_output=True, text=True)
