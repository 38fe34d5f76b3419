# SPDX-License-Identifier: Apache-2.0
"""What the other sides of programs with sockets share."""
import os
import socket
import subprocess
import sys
import tempfile
import time
import traceback

STDIO = "".join(f'[[files]]\nkind = "{kind}"\n' for kind in ("stdin", "stdout", "stderr"))
LINES = [b"first\n", b"second\n", b"third\n"]
SECONDS = 60


def server():
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(SECONDS)
    return listener, listener.getsockname()[1]


def free_port(kind=socket.SOCK_STREAM):
    with socket.socket(socket.AF_INET, kind) as bound:
        bound.bind(("127.0.0.1", 0))
        return bound.getsockname()[1]


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


def await_ping(listener):
    """A program tells that it is ready. What it told that with, or None."""
    ready, _ = listener.accept()
    ready.settimeout(SECONDS)
    return ready if ready.recv(5) == b"ping\n" else None


def ends(process, status, words):
    """Whether a program ends with the status and says the words."""
    out, err = process.communicate(timeout=SECONDS)
    good = process.returncode == status and words in out + err
    if not good:
        print("# status", process.returncode, out, err)
    return good


class Starter:
    """Starts programs of a directory in Keeps of kind $BACKEND."""

    def __init__(self, enarx, programs):
        self.enarx, self.programs, self.processes = enarx, programs, []

    def start(self, directory, module, config, arguments=(), before=()):
        path = os.path.join(directory, f"Enarx-{time.monotonic_ns()}.toml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(STDIO + config)
        process = subprocess.Popen(
            [*before, self.enarx, "run", "--backend", os.environ["BACKEND"], "--wasmcfgfile", path,
             os.path.join(self.programs, module), *arguments],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.processes.append(process)
        return process

    def stop(self):
        """Ends what a test has left."""
        for process in self.processes:
            if process.poll() is None:
                process.kill()
                process.communicate()
        self.processes.clear()


class Listening:
    """A program that listens, ready to be called."""

    def __init__(self, starter, directory, prot, more="", before="", module="peers.wasm", arguments=(),
                 addr="127.0.0.1"):
        listener, ping = server()
        self.port = free_port(socket.SOCK_DGRAM if prot in ("udp", "dtls") else socket.SOCK_STREAM)
        self.config = (before +
                       f'[[files]]\nkind = "listen"\nprot = "{prot}"\nname = "ingest"\n'
                       f'addr = "{addr}"\nport = {self.port}\n{more}\n'
                       '[[files]]\nkind = "connect"\nprot = "tcp"\nname = "ping"\n'
                       f'host = "127.0.0.1"\nport = {ping}\n')
        self.process = starter.start(directory, module, self.config, arguments)
        self.ping = await_ping(listener)
        self.ready = bool(self.ping)

    def tell(self):
        """Tells the program to go on."""
        self.ping.sendall(b"x")


def run_tests(tests, only, starter=None):
    """Runs those of the functions that are named, or all, each with a directory, and stops what the starter has started
    after each. A result that is a text says why there was nothing to test."""
    tests = [test for test in tests if not only or test.__name__ in only]
    failed = 0
    print(f"1..{len(tests)}")
    for number, test in enumerate(tests, 1):
        with tempfile.TemporaryDirectory() as temporary:
            try:
                passed = test(temporary)
            except (OSError, subprocess.SubprocessError) as error:
                print("#", repr(error), traceback.extract_tb(error.__traceback__)[-3:])
                passed = False
        if starter:
            starter.stop()
        skipped = f" # SKIP {passed}" if isinstance(passed, str) else ""
        failed += not passed
        print("ok" if passed else "not ok", number, "-", test.__doc__ + skipped, flush=True)
    sys.exit(1 if failed else 0)
