#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The other side of connect.wasm and listen.wasm: sockets.py ENARX PROGRAMS. Speaks TAP."""
import os
import socket
import subprocess
import sys
import tempfile

enarx, programs = sys.argv[1:3]
STDIO = "".join(f'[[files]]\nkind = "{kind}"\n' for kind in ("stdin", "stdout", "stderr"))
LINES = [b"first\n", b"second\n", b"third\n"]


def start(directory, module, config):
    path = os.path.join(directory, "Enarx.toml")
    with open(path, "w", encoding="utf-8") as file:
        file.write(STDIO + config)
    return subprocess.Popen(
        [enarx, "run", "--backend", os.environ["BACKEND"], "--wasmcfgfile", path, os.path.join(programs, module)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def talk(connection):
    """Sends each line in two pieces and expects it back."""
    for line in LINES:
        connection.sendall(line[:2])
        connection.sendall(line[2:])
        answer = b""
        while not answer.endswith(b"\n"):
            part = connection.recv(100)
            if not part:
                return False
            answer += part
        if answer != line:
            return False
    return True


def server():
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(30)
    return listener, listener.getsockname()[1]


def free_port():
    listener, port = server()
    listener.close()
    return port


def ends_well(process):
    out, err = process.communicate(timeout=30)
    if process.returncode or out != b"ok\n":
        print("# status", process.returncode, out, err)
    return process.returncode == 0 and out == b"ok\n"


def connect(directory):
    listener, port = server()
    process = start(directory, "connect.wasm",
                    '[[files]]\nkind = "connect"\nprot = "tcp"\nname = "stream"\n'
                    f'host = "127.0.0.1"\nport = {port}\n')
    connection, _ = listener.accept()
    connection.settimeout(30)
    return talk(connection) and ends_well(process)


def listen(directory):
    listener, ping = server()
    port = free_port()
    process = start(directory, "listen.wasm",
                    '[[files]]\nkind = "listen"\nprot = "tcp"\nname = "ingest"\n'
                    f'addr = "127.0.0.1"\nport = {port}\n'
                    '[[files]]\nkind = "connect"\nprot = "tcp"\nname = "ping"\n'
                    f'host = "127.0.0.1"\nport = {ping}\n')
    ready, _ = listener.accept()
    ready.settimeout(30)
    good = ready.recv(5) == b"ping\n"
    for _ in range(3):
        with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
            good = talk(connection) and connection.recv(1) == b"" and good
    return ends_well(process) and good


tests = [connect, listen]
failed = 0
print(f"1..{len(tests)}")
for number, test in enumerate(tests, 1):
    with tempfile.TemporaryDirectory() as temporary:
        try:
            passed = test(temporary)
        except (OSError, subprocess.TimeoutExpired) as error:
            print("#", error)
            passed = False
    failed += not passed
    print("ok" if passed else "not ok", number, "-", test.__name__)
sys.exit(1 if failed else 0)
