# SPDX-License-Identifier: Apache-2.0
"""A Ceph of one machine for tests, in memory: a monitor, one place for objects and the gateway that
speaks the protocol of S3, as Debian packages them. Nothing of it survives."""
import hashlib
import hmac
import http.client
import os
import shutil
import socket
import subprocess
import time
from datetime import datetime, timezone

from s3_double import BUCKET, KEY, REGION, SECRET, chain

PROGRAMS = ['ceph', 'ceph-mon', 'ceph-osd', 'monmaptool', 'radosgw', 'radosgw-admin']
CLUSTER = '8f0c7c5e-0000-4000-8000-000000000001'
CONFIG = '''[global]
fsid = {cluster}
mon host = v1:127.0.0.1:{monitor}
public network = 127.0.0.0/8
auth cluster required = none
auth service required = none
auth client required = none
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 1
osd pool default pgp num = 1
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
mon allow pool size one = true
mon data = {directory}/mon
osd data = {directory}/osd
run dir = {directory}/run
log file = {directory}/log/$name.log
admin socket = {directory}/run/$name.asok
pid file =
osd objectstore = memstore
memstore device bytes = 2147483648
mon data avail crit = 1
ms bind msgr2 = false
rgw frontends = beast endpoint=127.0.0.1:{gateway}
rgw enable gc threads = false
rgw run sync thread = false
'''


def free_port():
    with socket.socket() as listener:
        listener.bind(('127.0.0.1', 0))
        return listener.getsockname()[1]


def signed(port, method, path):
    """A request without query and body; its status and what was answered."""
    date, empty = datetime.now(timezone.utc).strftime('%Y%m%dT%H%M%SZ'), hashlib.sha256().hexdigest()
    fields = {'host': f'127.0.0.1:{port}', 'x-amz-content-sha256': empty, 'x-amz-date': date}
    names = ';'.join(fields)
    text = '\n'.join([method, path, '', *(f'{k}:{v}' for k, v in fields.items()), '', names, empty])
    scope = f'{date[:8]}/{REGION}/s3/aws4_request'
    to_sign = '\n'.join(['AWS4-HMAC-SHA256', date, scope, hashlib.sha256(text.encode()).hexdigest()])
    key = chain(SECRET, date[:8], REGION, 's3', 'aws4_request')
    signature = hmac.new(key, to_sign.encode(), hashlib.sha256).hexdigest()
    fields['authorization'] = f'AWS4-HMAC-SHA256 Credential={KEY}/{scope}, SignedHeaders={names}, Signature={signature}'
    connection = http.client.HTTPConnection('127.0.0.1', port, timeout=30)
    connection.request(method, path, headers=fields)
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, body


def fetch(port, path):
    """Gets an object; a server that fails now and then is asked again."""
    for _ in range(20):
        try:
            status, body = signed(port, 'GET', path)
            if status != 503:
                break
        except (OSError, http.client.HTTPException):
            continue
    return status, body


class Ceph:
    def __init__(self, directory):
        self.directory, self.processes = directory, []
        for name in ('mon', 'osd', 'log', 'run'):
            os.makedirs(os.path.join(directory, name))
        self.port, monitor = free_port(), free_port()
        self.config = os.path.join(directory, 'ceph.conf')
        with open(self.config, 'w', encoding='ascii') as file:
            file.write(CONFIG.format(cluster=CLUSTER, directory=directory, monitor=monitor, gateway=self.port))
        self.endpoint = f'http://127.0.0.1:{self.port}'
        maps = os.path.join(directory, 'monmap')
        self.run('monmaptool', '--create', '--fsid', CLUSTER, '--addv', 'a', f'[v1:127.0.0.1:{monitor}]', maps, config=False)
        self.run('ceph-mon', '--mkfs', '-i', 'a', '--monmap', maps)
        self.start('ceph-mon', '-i', 'a')
        self.run('ceph', 'osd', 'create')
        self.run('ceph', 'osd', 'crush', 'add', 'osd.0', '1', 'host=h', 'root=default')
        self.run('ceph-osd', '--mkfs', '-i', '0')
        self.start('ceph-osd', '-i', '0')
        self.run('radosgw-admin', 'user', 'create', '--uid=test', '--display-name=test', f'--access-key={KEY}',
                 f'--secret-key={SECRET}')
        self.start('radosgw', '-n', 'client.rgw')
        self.make_bucket()

    @staticmethod
    def missing():
        """The first of its programs that is not there, or None."""
        return next((name for name in PROGRAMS if not shutil.which(name)), None)

    def run(self, *words, config=True):
        subprocess.run([words[0], *(['-c', self.config] if config else []), *words[1:]], check=True, timeout=120,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def start(self, program, *words):
        with open(os.path.join(self.directory, program + '.out'), 'wb') as file:
            self.processes.append(subprocess.Popen([program, '-c', self.config, '-f', *words], stdout=file, stderr=file))

    def make_bucket(self):
        for _ in range(300):
            try:
                if signed(self.port, 'PUT', '/' + BUCKET)[0] == 200:
                    return
            except OSError:
                pass
            time.sleep(0.2)
        raise RuntimeError('the gateway of Ceph does not answer')

    def close(self):
        for process in reversed(self.processes):
            process.kill()
            process.wait()
