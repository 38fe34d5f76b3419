# SPDX-License-Identifier: Apache-2.0
"""Stewards, genuine and false, and what they vouch for, for tests in Python."""
import base64
import hashlib
import json
import os
import re
import socket
import ssl
import subprocess
import threading

from peers import server


def openssl(*arguments, data=None):
    return subprocess.run(["openssl", *arguments], input=data, check=True, capture_output=True).stdout


def make_authority(directory, name):
    path = os.path.join(directory, name)
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}",
            "-days", "2", "-addext", "basicConstraints=critical,CA:true", "-addext",
            "keyUsage=critical,digitalSignature,keyCertSign,cRLSign", "-addext", "subjectAltName=DNS:localhost",
            "-keyout", path + ".key", "-out", path + ".crt")
    return path


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


class Steward:
    """A Steward over HTTPS with an authority of its own; its server has a certificate of `web`."""

    def __init__(self, steward, directory, authority, web, policy='debug = true\nworkload = "required"\n', more=(),
                 port=0):
        config = os.path.join(directory, "steward.toml")
        with open(config, "w", encoding="utf-8") as file:
            file.write(policy)
        self.process = subprocess.Popen(
            [steward, "--key", authority + ".key", "--crt", authority + ".crt", "--config", config,
             "--tls-key", web + ".key", "--tls-crt", web + ".crt", "--addr", "127.0.0.1", "--port", str(port),
             *more],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        for line in self.process.stdout:
            found = re.search(r"listening on port (\d+)", line)
            if found:
                self.port = int(found[1])
                break

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()


class Impostor:
    """Answers like a Steward, but wrongly."""

    def __init__(self, web, answer):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(web + ".crt", web + ".key")
        self.listener, self.port = server()
        self.thread = threading.Thread(target=self.serve, args=(context, answer))
        self.thread.start()

    def serve(self, context, answer):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:  # stopped
                return
            with context.wrap_socket(connection, server_side=True) as tls, connection:
                request = b""
                while b"\r\n\r\n" not in request:
                    request += tls.recv(4096)
                head, body = request.split(b"\r\n\r\n", 1)
                length = int(re.search(rb"(?i)content-length: (\d+)", head)[1])
                while len(body) < length:
                    body += tls.recv(4096)
                tls.sendall(answer(body))

    def stop(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.thread.join()


def reply(body):
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(body) + body


def digest_of(text, module):
    """The digest of a package, from its Enarx.toml and the path of its module, computed here from the description of
    Drawbridge's trees."""
    def entry(content, kind):
        digests = {name: base64.b64encode(hashlib.new(name.replace("-", ""), content).digest()).decode()
                   for name in ("sha-224", "sha-256", "sha-384", "sha-512")}
        return {"digest": digests, "length": len(content), "type": kind}
    with open(module, "rb") as file:
        wasm = file.read()
    directory = {"Enarx.toml": entry(text.encode(), "application/toml"), "main.wasm": entry(wasm, "application/wasm")}
    return hashlib.sha256(json.dumps(directory, separators=(",", ":")).encode()).digest()
