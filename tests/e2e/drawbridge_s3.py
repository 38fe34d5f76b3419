#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The store in object storage: with a double that fails as it is told, and with Ceph. Several Drawbridges
serve one bucket: a name is given once, and what one acknowledged the other has. STORE_TEST is the
program of tests/unit/store_test.c."""
import copy
import os
import random
import subprocess
import sys
import tempfile
import threading
import time

from ceph import Ceph
from drawbridge_world import API, ENTRY, Storage, World, b64, entry, finish, header, result, s3_options, skip

MIB = 1 << 20


def units(endpoint, name):
    """The unit tests of the store, on object storage."""
    ran = subprocess.run([os.environ['STORE_TEST']], capture_output=True, text=True, timeout=280, check=False,
                         env={**os.environ, 'STORE_S3': endpoint})
    result(ran.returncode == 0 and 'ok 1 ' in ran.stdout, f'the tests of the store, {name}')
    for line in ran.stdout.splitlines() if ran.returncode else []:
        print('#', line)


def twin(world):
    """Another Drawbridge on the same bucket."""
    other = copy.copy(world)
    other.process = None
    other.start()
    return other


def both(calls):
    """Calls that are made at once; what they return."""
    results = [None] * len(calls)
    barrier = threading.Barrier(len(calls))

    def run(number):
        barrier.wait()
        results[number] = calls[number]()
    threads = [threading.Thread(target=run, args=(number,)) for number in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def races(world, other, where, names):
    """Both are asked for one name at once, with different contents."""
    problems = []
    for number in range(names):
        tag, contents = f'1.{number}.0', [b'one' * 3000 * (number % 2 + 1), b'two' * 3000 * (number % 2 + 1)]
        worlds = [world, other, world, other]
        statuses = both([lambda w=w, c=contents[i % 2]: w.put(f'{API}/alice/repo/_tag/{tag}', ENTRY, entry('a/b', c))
                         for i, w in enumerate(worlds)])
        if sorted(statuses) != [201, 409, 409, 409]:
            problems.append(f'{tag}: {statuses}')
            continue
        winner = statuses.index(201)
        content, near, far = contents[winner % 2], worlds[winner], worlds[winner - 1]
        path = f'{API}/alice/repo/_tag/{tag}/tree'
        if near.put(path, 'a/b', content) != 201 or far.ask('GET', path)[:2] != (200, content):
            problems.append(f'{tag}: what one acknowledged the other does not have')
    result(not problems, f'a name is given once, and both have it at once, {where}')
    for problem in problems:
        print('#', problem)


def write(world, name, acknowledged):
    try:
        for number in range(10000):
            tag, data = f'{name}.{number}', os.urandom(random.choice([100, 5000, 300000]))
            if world.publish(tag, data) == (201, 201):
                acknowledged.append((tag, data))
    except OSError:  # it was killed
        return


def death(world, other, where):
    """One of two that write is killed; the other has everything."""
    acknowledged, stop = [], time.monotonic() + 3
    threads = [threading.Thread(target=write, args=(w, f'2.{i}', acknowledged), daemon=True)
               for i, w in enumerate([world, other, world, other])]
    for thread in threads:
        thread.start()
    while time.monotonic() < stop:
        time.sleep(0.1)
    world.kill()
    for thread in threads[::2]:
        thread.join()
    there = list(acknowledged)
    lost = [tag for tag, data in there if other.ask('GET', f'{API}/alice/repo/_tag/{tag}/tree')[:2] != (200, data)]
    result(there and not lost, f'one is killed, the other has all {len(there)} that were acknowledged, {where}')
    other.kill()
    for thread in threads:
        thread.join()
    world.start()
    lost = [tag for tag, data in acknowledged if world.ask('GET', f'{API}/alice/repo/_tag/{tag}/tree')[:2] != (200, data)]
    result(not lost, f'both were killed, and nothing is lost, {where}')


def resume(world, other):
    """An upload that goes on with another Drawbridge."""
    data = os.urandom(MIB)
    tag = f'{API}/alice/repo/_tag/3.0.0'
    good = world.put(tag, ENTRY, entry('a/b', data)) == 201
    status, _, head = world.ask('POST', API + '/alice/repo/_upload')
    place = head['Location']
    good = good and status == 201
    for begin, end, drawbridge in ((0, 300000, world), (300000, 700001, other), (700001, MIB, world)):
        status, _, head = drawbridge.ask('PATCH', place, data[begin:end], {'Upload-Offset': str(begin)})
        good = good and status == 204 and head['Upload-Offset'] == str(end)
        good = good and other.ask('HEAD', place)[2]['Upload-Offset'] == str(end)
    statuses = both([lambda w=w: w.ask('PATCH', place, b'x' * 10, {'Upload-Offset': str(MIB - 1)})[0] for w in (world, other)])
    result(good and statuses == [409, 409], 'an upload goes on with another Drawbridge, at the right place only')
    status = other.ask('PUT', tag + '/tree', b'', {'Content-Type': 'a/b', 'Content-Digest': header(data),
                                                 'Drawbridge-Upload': place.rsplit('/', 1)[1]})[0]
    result(status == 201 and world.ask('GET', tag + '/tree')[1] == data, 'and becomes what was sent')
    result(world.ask('HEAD', place)[0] == 404, 'then it is no upload any more')


def large(world, other):
    """More than one part, and ranges of it."""
    data = os.urandom(40 * MIB + 12345)
    result(world.publish('4.0.0', data) == (201, 201), 'a file of several parts')
    path = f'{API}/alice/repo/_tag/4.0.0/tree'
    result(other.ask('GET', path)[:2] == (200, data), 'comes back from the other Drawbridge')
    good = True
    for first, last in ((0, 0), (262143, 262144), (20 * MIB, 21 * MIB), (len(data) - 10, len(data) - 1)):
        status, body, _ = other.ask('GET', path, headers={'Range': f'bytes={first}-{last}'})
        good = good and status == 206 and body == data[first:last + 1]
    result(good, 'and in ranges')
    status, _, head = world.ask('HEAD', path)
    result(status == 200 and b64('sha256', data) in head['Content-Digest'], 'with its digests')


def outage(world):
    """The object storage does not answer for a while."""
    world.storage.faults(error=1)
    begin = time.monotonic()
    result(world.ask('GET', '/health')[0] == 200 and time.monotonic() - begin < 5, 'it lives without its object storage')
    result(world.ask('GET', '/readyz')[0] == 503, 'and is not ready')
    result(world.ask('GET', f'{API}/alice/repo/_tag')[0] == 503, 'what needs it is refused')
    world.storage.faults(slow=0.2, delay=0.05)
    result(world.publish('5.0.0', b'z' * 600000) == (201, 201), 'a slow one is good enough')
    world.storage.faults()


def patience(world):
    """The only thread that serves goes on while an upload is on its way to the object storage."""
    other = copy.copy(world)
    other.process, other.options = None, ('--log-filter', 'warn', '--threads', '1')
    other.start()
    data = os.urandom(20 * MIB)
    tag = f'{API}/alice/repo/_tag/6.0.0'
    statuses, answered = [other.put(tag, ENTRY, entry('a/b', data))], 0
    world.storage.faults(delay=0.3)
    thread = threading.Thread(target=lambda: statuses.append(other.put(tag + '/tree', 'a/b', data)))
    thread.start()
    while thread.is_alive():
        good = other.ask('GET', '/health')[0] == 200
        answered += good and thread.is_alive()
    thread.join()
    world.storage.faults()
    result(statuses == [201, 201] and answered > 2, 'others are served while an upload ends')
    result(other.kill(15) == 0, 'and it ends')


def attempt(world, *options, environment=None):
    """How drawbridge ends, and what it says, when it cannot start."""
    words = ['--addr', '127.0.0.1:0', '--oidc-issuer', world.issuer, '--oidc-audience', 'drawbridge', *options]
    ran = subprocess.run([os.environ['DRAWBRIDGE'], *words], capture_output=True, text=True, timeout=60, check=False,
                         env={**os.environ, **(environment or {})})
    return ran.returncode, ran.stderr


def refusals(world, directory):
    good = s3_options(world.storage.endpoint, directory, 'refusals')
    world.storage.faults(ignore=True)
    status, words = attempt(world, *good)
    result(status == 121 and 'If-None-Match' in words, 'a server that ignores conditions is refused')
    world.storage.faults()
    status, words = attempt(world, *good, environment={'AWS_SECRET_ACCESS_KEY': 'wrong'})
    result(status == 124 and '403' in words and 'wrong' not in words, 'and a secret that is wrong')
    secret = os.path.join(directory, 'secret')
    with open(secret, 'w', encoding='ascii') as file:
        file.write('testsecret\n')
    os.chmod(secret, 0o640)
    status, words = attempt(world, *good, '--s3-secret-file', secret, '--check-config')
    result(status == 121 and 'chmod 600' in words, 'and one that others can read')
    os.chmod(secret, 0o600)
    environment = {'AWS_SECRET_ACCESS_KEY': ''}
    result(attempt(world, *good, '--s3-secret-file', secret, '--check-config', environment=environment)[0] == 0,
           'a secret in a file of nobody else is taken')
    result(attempt(world, *good, '--check-config', environment=environment)[0] == 121, 'without a secret nothing starts')
    for name, options in {'http elsewhere': s3_options('http://storage.example', directory),
                          'a prefix with dots': s3_options(world.storage.endpoint, directory, '../x'),
                          'a directory with an endpoint': ['--store', 's', '--s3-endpoint', 'https://a.example'],
                          'a bucket without an endpoint': ['--store', 's3://test'],
                          'a style that is not known': [*good, '--s3-style', 'other']}.items():
        result(attempt(world, *options, '--check-config')[0] in (120, 121), f'{name}: refused')
    status, words = attempt(world, *s3_options(world.storage.endpoint, directory).copy()[:1], 's3://none/x',
                            *good[2:])
    result(status == 124 and 'NoSuchBucket' in words, 'a bucket that is not there is named')


def secure(world, directory):
    """https, with a certificate that is believed or not."""
    crt, key = os.path.join(directory, 's3.crt'), os.path.join(directory, 's3.key')
    subprocess.run(['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout',
                    key, '-out', crt, '-days', '2', '-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1'],
                   check=True, stderr=subprocess.DEVNULL)
    storage = Storage(crt, key)
    try:
        options = s3_options(f'https://127.0.0.1:{storage.port}', directory, 'tls')
        status, _ = attempt(world, *options)
        result(status == 124, 'https with a certificate of a stranger is refused')
        other = copy.copy(world)
        other.process, other.store_options = None, [*options, '--s3-ca', crt]
        other.start()
        result(other.prepare() and other.publish('1.0.0', b'x' * 100000) == (201, 201), 'https works')
        result(other.run('fsck').returncode == 0 and other.kill(15) == 0, 'fsck, too')
    finally:
        storage.close()


def virtual(world, directory):
    """The bucket in the host's name, which no resolver knows: a file of hosts is put in the place of the
    system's, where that is allowed."""
    name, hosts = 'the bucket may be in the name of the host', os.path.join(directory, 'hosts')
    with open(hosts, 'w', encoding='ascii') as file:
        file.write('127.0.0.1 localhost test.localhost\n')
    within = ['unshare', '--mount', 'sh', '-c', 'mount --bind "$0" /etc/hosts && exec "$@"', hosts]
    if subprocess.run([*within, 'true'], capture_output=True, check=False).returncode:
        skip(name, 'another /etc/hosts cannot be mounted')
        return
    options = s3_options(f'http://localhost:{world.storage.port}', directory, 'virtual')
    prepared = subprocess.run([*within, os.environ['DRAWBRIDGE'], 'collect', *options, '--s3-style', 'virtual'],
                              capture_output=True, text=True, check=False)
    result(prepared.returncode == 121 and 'has no store' in prepared.stderr, name)


def on_double(directory):
    world = World(directory, '--log-filter', 'warn', '--threads', '4')
    try:
        units(world.storage.endpoint, 'with the double')
        world.storage.faults(error=0.05, reset=0.03, lost=0.05)
        units(world.storage.endpoint, 'with answers that are lost')
        world.storage.faults()
        world.start()
        result(world.prepare(), 'a user and a repository')
        other = twin(world)
        races(world, other, 'with the double', 12)
        resume(world, other)
        large(world, other)
        outage(world)
        patience(world)
        death(world, other, 'with the double')
        checked = world.run('fsck')
        result(checked.returncode == 0 and ' 0 problems' in checked.stdout, 'fsck finds no problem')
        left = os.listdir(os.path.join(directory, 'scratch'))
        result(world.kill(15) == 0 and len(os.listdir(os.path.join(directory, 'scratch'))) == len(left) - 1,
               'who ends leaves nothing in the scratch directory')
        refusals(world, directory)
        secure(world, directory)
        virtual(world, directory)
    finally:
        world.close()


def on_ceph(directory):
    missing = Ceph.missing()
    if missing:
        skip('with Ceph', f'there is no {missing}')
        return
    ceph = Ceph(os.path.join(directory, 'ceph'))
    world = World(directory, '--log-filter', 'warn', '--threads', '4')
    try:
        units(ceph.endpoint, 'with Ceph')
        world.store_options = s3_options(ceph.endpoint, directory, 'ceph')
        world.start()
        result(world.prepare(), 'a user and a repository')
        other = twin(world)
        races(world, other, 'with Ceph', 8)
        large(world, other)
        death(world, other, 'with Ceph')
        collected, checked = world.run('collect'), world.run('fsck')
        result(collected.returncode == 0 and checked.returncode == 0 and ' 0 problems' in checked.stdout,
               'fsck finds no problem')
    finally:
        world.close()
        ceph.close()


for run in (on_double, on_ceph):
    if sys.argv[1:] and run.__name__ not in sys.argv[1:]:
        continue
    with tempfile.TemporaryDirectory() as temporary:
        run(temporary)
finish()
