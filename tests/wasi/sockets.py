#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The other side of connect.wasm and listen.wasm: sockets.py ENARX PROGRAMS. Speaks TAP."""
import os
import socket
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "lib"))
from peers import STDIO, await_ping, ends, free_port, server, talk  # noqa: E402

enarx, programs = sys.argv[1:3]


def start(directory, module, config):
    path = os.path.join(directory, "Enarx.toml")
    with open(path, "w", encoding="utf-8") as file:
        file.write(STDIO + config)
    return subprocess.Popen(
        [enarx, "run", "--backend", os.environ["BACKEND"], "--wasmcfgfile", path, os.path.join(programs, module)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def connect(directory):
    listener, port = server()
    process = start(directory, "connect.wasm",
                    '[[files]]\nkind = "connect"\nprot = "tcp"\nname = "stream"\n'
                    f'host = "127.0.0.1"\nport = {port}\n')
    connection, _ = listener.accept()
    connection.settimeout(30)
    return talk(connection) and ends(process, 0, b"ok\n")


def listen(directory):
    listener, ping = server()
    port = free_port()
    process = start(directory, "listen.wasm",
                    '[[files]]\nkind = "listen"\nprot = "tcp"\nname = "ingest"\n'
                    f'addr = "127.0.0.1"\nport = {port}\n'
                    '[[files]]\nkind = "connect"\nprot = "tcp"\nname = "ping"\n'
                    f'host = "127.0.0.1"\nport = {ping}\n')
    good = await_ping(listener)
    for _ in range(3):
        with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
            good = talk(connection) and connection.recv(1) == b"" and good
    return ends(process, 0, b"ok\n") and good


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
