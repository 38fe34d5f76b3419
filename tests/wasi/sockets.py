#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The other side of connect.wasm and listen.wasm: sockets.py ENARX PROGRAMS. Speaks TAP."""
import os
import socket
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "lib"))
from peers import SECONDS, Listening, Starter, ends, run_tests, server, talk  # noqa: E402

starter = Starter(*sys.argv[1:3])


def connect(directory):
    """A connection of TCP"""
    listener, port = server()
    process = starter.start(directory, "connect.wasm",
                            '[[files]]\nkind = "connect"\nprot = "tcp"\nname = "stream"\n'
                            f'host = "127.0.0.1"\nport = {port}\n')
    connection, _ = listener.accept()
    connection.settimeout(SECONDS)
    return talk(connection) and ends(process, 0, b"ok\n")


def listen(directory):
    """A listener of TCP"""
    keep = Listening(starter, directory, "tcp", module="listen.wasm")
    good = keep.ready
    for _ in range(3):
        with socket.create_connection(("127.0.0.1", keep.port), timeout=SECONDS) as connection:
            good = talk(connection) and connection.recv(1) == b"" and good
    return ends(keep.process, 0, b"ok\n") and good


run_tests([connect, listen], sys.argv[3:], starter)
