#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A double of object storage for tests: the part of the S3 protocol that a Drawbridge uses, in memory
and strict. It checks every signature by itself, honours conditional writes, and can be told to fail:

    s3_double.py [CERTIFICATE KEY]      prints its port; access key "testkey", secret "testsecret",
                                        region us-east-1, bucket "test"
    PUT /!faults  {"error": P, "reset": P, "lost": P, "slow": SECONDS, "ignore": true, "delay": SECONDS}

P are probabilities: of 503, of a connection that ends before anything was done, and after it was. "slow"
sleeps in the middle of an answer, "delay" before each. "ignore": conditions of writes are not looked at."""
import hashlib
import hmac
import http.server
import json
import os
import random
import re
import socketserver
import ssl
import sys
import threading
import time
import urllib.parse
from datetime import datetime, timezone
from xml.sax.saxutils import escape

KEY, SECRET, REGION, BUCKET, PAGE = 'testkey', 'testsecret', 'us-east-1', 'test', 7
lock = threading.Lock()
objects, uploads, faults = {}, {}, {}
NAMESPACE = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'


class Refused(Exception):
    def __init__(self, status, code):
        super().__init__(code)
        self.status, self.code = status, code


def chain(secret, *steps):
    key = ('AWS4' + secret).encode()
    for step in steps:
        key = hmac.new(key, step.encode(), hashlib.sha256).digest()
    return key


def check_signature(request, body):
    """AWS Signature Version 4, from its description."""
    match = re.fullmatch(r'AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^/]+)/s3/aws4_request, '
                         r'SignedHeaders=([a-z0-9;-]+), Signature=([0-9a-f]{64})', request.headers['Authorization'] or '')
    if not match:
        raise Refused(403, 'AccessDenied')
    key_id, day, region, names, signature = match.groups()
    date = request.headers['x-amz-date'] or ''
    if key_id != KEY or region != REGION or date[:8] != day:
        raise Refused(403, 'InvalidAccessKeyId')
    then = datetime.strptime(date, '%Y%m%dT%H%M%SZ').replace(tzinfo=timezone.utc)
    if abs((datetime.now(timezone.utc) - then).total_seconds()) > 900:
        raise Refused(403, 'RequestTimeTooSkewed')
    names = names.split(';')
    sent = {name.lower() for name in request.headers if name.lower().startswith('x-amz-') or name.lower() == 'host'}
    if names != sorted(names) or not sent <= set(names):
        raise Refused(403, 'SignatureDoesNotMatch')
    digest = request.headers['x-amz-content-sha256']
    if digest != hashlib.sha256(body).hexdigest():
        raise Refused(400, 'XAmzContentSHA256Mismatch')
    path, _, query = request.path.partition('?')
    pairs = [pair.partition('=') for pair in query.split('&')] if query else []
    canonical = '&'.join(sorted(f'{urllib.parse.quote(urllib.parse.unquote(k), safe="-_.~")}='
                                f'{urllib.parse.quote(urllib.parse.unquote(v), safe="-_.~")}' for k, _, v in pairs))
    text = '\n'.join([request.command, urllib.parse.quote(urllib.parse.unquote(path), safe='/-_.~'), canonical,
                      *(f'{name}:{" ".join(request.headers[name].split())}' for name in names), '', ';'.join(names),
                      digest])
    scope = f'{day}/{region}/s3/aws4_request'
    to_sign = '\n'.join(['AWS4-HMAC-SHA256', date, scope, hashlib.sha256(text.encode()).hexdigest()])
    key = chain(SECRET, day, region, 's3', 'aws4_request')
    if not hmac.compare_digest(hmac.new(key, to_sign.encode(), hashlib.sha256).hexdigest(), signature):
        raise Refused(403, 'SignatureDoesNotMatch')


def stamp(seconds):
    return datetime.fromtimestamp(seconds, timezone.utc).strftime('%Y-%m-%dT%H:%M:%S.000Z')


def check_condition(headers, name):
    if faults.get('ignore'):
        return
    there = objects.get(name)
    if headers['If-None-Match'] is not None:
        if headers['If-None-Match'] != '*':
            raise Refused(501, 'NotImplemented')
        if there:
            raise Refused(412, 'PreconditionFailed')
    if headers['If-Match'] is not None:
        if not there:
            raise Refused(404, 'NoSuchKey')
        if headers['If-Match'] != there[1]:
            raise Refused(412, 'PreconditionFailed')


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'

    def log_message(self, *arguments):
        pass

    def answer(self, status, body=b'', headers=None):
        if isinstance(body, str):
            body = ('<?xml version="1.0" encoding="UTF-8"?>\n' + body).encode()
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        if status not in (204, 304):
            self.send_header('Content-Length', (headers or {}).get('x-length') or str(len(body)))
        self.end_headers()
        if self.command == 'HEAD' or status in (204, 304):
            return
        if faults.get('slow') and len(body) > 10:
            self.wfile.write(body[:10])
            time.sleep(faults['slow'])
            body = body[10:]
        self.wfile.write(body)

    def fail(self, status, code):
        self.answer(status, f'<Error><Code>{code}</Code><Message>&quot;{code}&quot;</Message></Error>')

    def hang_up(self):
        self.close_connection = True
        self.connection.close()

    def locate(self):
        """The bucket's name and the object's, and the query."""
        path, _, query = self.path.partition('?')
        path, host = urllib.parse.unquote(path)[1:], self.headers['Host'].partition(':')[0]
        if host.endswith('.localhost'):
            bucket, name = host.partition('.')[0], path
        else:
            bucket, _, name = path.partition('/')
        if bucket != BUCKET:
            raise Refused(404, 'NoSuchBucket')
        return name, dict(urllib.parse.parse_qsl(query, keep_blank_values=True))

    def handle_one(self):
        body = self.rfile.read(int(self.headers['Content-Length'] or 0))
        if self.path == '/!faults':
            faults.clear()
            faults.update(json.loads(body))
            self.answer(200)
            return
        time.sleep(faults.get('delay', 0))
        try:
            check_signature(self, body)
            if random.random() < faults.get('reset', 0):
                self.hang_up()
                return
            if random.random() < faults.get('error', 0):
                raise Refused(503, 'SlowDown')
            name, query = self.locate()
            with lock:
                answer = getattr(self, 'on_' + self.command.lower())(name, query, body)
            if random.random() < faults.get('lost', 0):
                self.hang_up()
                return
            self.answer(*answer)
        except Refused as refused:
            self.fail(refused.status, refused.code)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    do_GET = do_PUT = do_HEAD = do_POST = do_DELETE = handle_one

    def on_put(self, name, query, body):
        if 'uploadId' in query:
            upload = uploads.get(query['uploadId'])
            if not upload or upload['name'] != name:
                raise Refused(404, 'NoSuchUpload')
            tag = f'"{hashlib.md5(body).hexdigest()}"'
            upload['parts'][int(query['partNumber'])] = (body, tag)
            return 200, b'', {'ETag': tag}
        check_condition(self.headers, name)
        tag = f'"{hashlib.md5(body).hexdigest()}"'
        objects[name] = (body, tag, time.time())
        return 200, b'', {'ETag': tag}

    def on_get(self, name, query, _):
        if not name:
            return self.list_uploads(query) if 'uploads' in query else self.list_objects(query)
        if name not in objects:
            raise Refused(404, 'NoSuchKey')
        body, tag, _ = objects[name]
        headers = {'ETag': tag, 'Accept-Ranges': 'bytes'}
        if self.headers['If-None-Match'] == tag:
            return 304, b'', headers
        wanted = re.fullmatch(r'bytes=(\d+)-(\d+)', self.headers['Range'] or '')
        if not wanted:
            return 200, body, headers
        first, last = map(int, wanted.groups())
        if first >= len(body):
            raise Refused(416, 'InvalidRange')
        part = body[first:last + 1]
        headers['Content-Range'] = f'bytes {first}-{first + len(part) - 1}/{len(body)}'
        return 206, part, headers

    def on_head(self, name, query, body):
        status, found, headers = self.on_get(name, query, body)
        return status, b'', {**headers, 'x-length': str(len(found))}

    def on_delete(self, name, query, _):
        if 'uploadId' in query:
            if not uploads.pop(query['uploadId'], None):
                raise Refused(404, 'NoSuchUpload')
        else:
            objects.pop(name, None)
        return 204,

    def on_post(self, name, query, body):
        if 'uploads' in query:
            number = hashlib.sha256(os.urandom(9)).hexdigest()[:20] + '~/+'
            uploads[number] = {'name': name, 'parts': {}, 'begun': time.time()}
            return 200, (f'<InitiateMultipartUploadResult {NAMESPACE}><Bucket>{BUCKET}</Bucket><Key>{escape(name)}</Key>'
                         f'<UploadId>{number}</UploadId></InitiateMultipartUploadResult>')
        upload = uploads.get(query.get('uploadId'))
        if not upload or upload['name'] != name:
            raise Refused(404, 'NoSuchUpload')
        listed = re.findall(r'<Part><PartNumber>(\d+)</PartNumber><ETag>([^<]*)</ETag></Part>', body.decode())
        whole = b''
        for place, (number, tag) in enumerate(listed):
            part = upload['parts'].get(int(number))
            if not part or part[1] != tag:
                return 200, '<Error><Code>InvalidPart</Code></Error>'
            if len(part[0]) < 5 << 20 and place + 1 < len(listed):
                return 200, '<Error><Code>EntityTooSmall</Code></Error>'
            whole += part[0]
        tag = f'"{hashlib.md5(whole).hexdigest()}-{len(listed)}"'
        objects[name] = (whole, tag, time.time())
        del uploads[query['uploadId']]
        return 200, f'<CompleteMultipartUploadResult {NAMESPACE}><ETag>{escape(tag)}</ETag></CompleteMultipartUploadResult>'

    def list_objects(self, query):
        if query.get('list-type') != '2':
            raise Refused(501, 'NotImplemented')
        names = sorted(n for n in objects if n.startswith(query.get('prefix', '')))
        names = [n for n in names if n > query.get('continuation-token', '')]
        rows = ''.join(f'<Contents><Key>{escape(n)}</Key><LastModified>{stamp(objects[n][2])}</LastModified>'
                       f'<ETag>{objects[n][1].replace(chr(34), "&quot;")}</ETag><Size>{len(objects[n][0])}</Size>'
                       '<StorageClass>STANDARD</StorageClass></Contents>' for n in names[:PAGE])
        more = len(names) > PAGE
        token = f'<NextContinuationToken>{escape(names[PAGE - 1])}</NextContinuationToken>' if more else ''
        return 200, (f'<ListBucketResult {NAMESPACE}><Name>{BUCKET}</Name><IsTruncated>{str(more).lower()}</IsTruncated>'
                     f'{token}{rows}</ListBucketResult>')

    def list_uploads(self, query):
        found = sorted((u['name'], k, u['begun']) for k, u in uploads.items()
                       if u['name'].startswith(query.get('prefix', '')) and
                       (u['name'], k) > (query.get('key-marker', ''), query.get('upload-id-marker', '')))
        rows = ''.join(f'<Upload><Key>{escape(n)}</Key><UploadId>{k}</UploadId><Initiated>{stamp(b)}</Initiated></Upload>'
                       for n, k, b in found[:PAGE])
        more = len(found) > PAGE
        markers = (f'<NextKeyMarker>{escape(found[PAGE - 1][0])}</NextKeyMarker>'
                   f'<NextUploadIdMarker>{found[PAGE - 1][1]}</NextUploadIdMarker>') if more else ''
        return 200, (f'<ListMultipartUploadsResult {NAMESPACE}><IsTruncated>{str(more).lower()}</IsTruncated>{markers}{rows}'
                     '</ListMultipartUploadsResult>')


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request, client_address):
        if not isinstance(sys.exc_info()[1], (OSError, ValueError)):
            super().handle_error(request, client_address)


if __name__ == '__main__':
    server = Server(('127.0.0.1', 0), Handler)
    if len(sys.argv) == 3:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(sys.argv[1], sys.argv[2])
        server.socket = context.wrap_socket(server.socket, server_side=True)
    print(server.server_address[1], flush=True)
    server.serve_forever()
