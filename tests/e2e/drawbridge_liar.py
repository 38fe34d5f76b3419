# SPDX-License-Identifier: Apache-2.0
# A Drawbridge that lies, for drawbridge_liar.sh: serves one package over TLS, with a fault that the
# name of the repository chooses. Prints its port.
#
#     drawbridge_liar.py CERTIFICATE KEY
import base64
import hashlib
import http.server
import json
import ssl
import sys
import time

DIRECTORY = "application/vnd.drawbridge.directory.v1+json"
ENTRY = "application/vnd.drawbridge.entry.v1+json"
WASM = b"\0asm" + bytes(range(256)) * 300


def digests(content):
    return {f"sha-{n}": base64.b64encode(hashlib.new(f"sha{n}", content).digest()).decode()
            for n in (224, 256, 384, 512)}


def entry(content, kind):
    return {"digest": digests(content), "length": len(content), "type": kind}


def compact(value):
    return json.dumps(value, separators=(",", ":")).encode()


def directory(names, content=WASM, kind="application/wasm"):
    return compact({name: entry(content, kind) for name in names})


def package(fault):
    """Contents by their path below the tag, each with its type, and how the tag describes the root."""
    root = directory({"unsorted": ["z", "a"], "climb": ["../evil"], "dots": [".."], "slash": ["a/b"],
                      "hidden": [".", "main.wasm"]}.get(fault, ["main.wasm"]))
    if fault == "huge":
        root = compact({"a": entry(WASM, "application/wasm") | {"length": 16 << 30}})
    if fault == "spaces":
        root = root.replace(b":", b": ", 1)
    contents = {"/tree": (root, DIRECTORY), "/tree/main.wasm": (WASM, "application/wasm")}
    if fault == "deep":
        inner, contents = directory(["x"]), {}
        levels = [inner]
        for _ in range(40):
            inner = directory(["d"], inner, DIRECTORY)
            levels.append(inner)
        root = levels[-1]
        for depth, level in enumerate(reversed(levels)):
            contents["/tree" + "/d" * depth] = (level, DIRECTORY)
    tag = compact(entry(root, DIRECTORY))
    if fault == "nodigest":
        tag = compact({"digest": {}, "length": len(root), "type": DIRECTORY})
    if fault == "nojson":
        tag = b"{"
    contents[""] = (tag, ENTRY)
    if fault == "root":
        contents["/tree"] = (directory(["main.wasm"], b"other"), DIRECTORY)
    if fault == "content":
        contents["/tree/main.wasm"] = (WASM[:-1] + b"!", "application/wasm")
    if fault == "short":
        contents["/tree/main.wasm"] = (WASM[:-1], "application/wasm")
    if fault == "long":
        contents["/tree/main.wasm"] = (WASM + b"!", "application/wasm")
    return contents


class Liar(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        repository, rest = self.path.removeprefix("/api/v0.1.0/alice/").split("/", 1)
        content, kind = package(repository).get(rest.removeprefix("_tag/1.0.0"), (None, None))
        if repository == "redirect":
            return self.answer(302, b"", "text/plain", location="https://localhost:1/")
        if repository == "screen" or content is None:
            return self.answer(401, b"no \x1b[2Jway\xc2\x9b\nhere", "text/plain")
        said = b"other" if repository == "header" and rest.endswith("wasm") else content
        said = b"other" if repository == "taghead" else said
        cut = 1000 if repository == "cut" and rest.endswith("wasm") else None
        self.answer(200, content, kind, said, cut)

    def answer(self, status, content, kind, said=None, cut=None, location=None):
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Content-Type", kind)
        if location:
            self.send_header("Location", location)
        if said is not None:
            self.send_header("Content-Digest", ",".join(f"{n}=:{d}:" for n, d in digests(said).items()))
        self.end_headers()
        if self.path.startswith("/api/v0.1.0/alice/slow/"):
            for at in range(0, len(content), 20000):
                self.wfile.write(content[at:at + 20000])
                time.sleep(0.5)
            return
        self.wfile.write(content[:cut])
        self.close_connection = cut is not None

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Liar)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[1], sys.argv[2])
server.socket = context.wrap_socket(server.socket, server_side=True)
print("port", server.server_port, flush=True)
server.serve_forever()
