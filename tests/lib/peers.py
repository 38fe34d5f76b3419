# SPDX-License-Identifier: Apache-2.0
"""What the other sides of programs with sockets share."""
import socket

STDIO = "".join(f'[[files]]\nkind = "{kind}"\n' for kind in ("stdin", "stdout", "stderr"))
LINES = [b"first\n", b"second\n", b"third\n"]
SECONDS = 60


def server():
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(SECONDS)
    return listener, listener.getsockname()[1]


def free_port():
    listener, port = server()
    listener.close()
    return port


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
    """A program tells that it is ready."""
    ready, _ = listener.accept()
    ready.settimeout(SECONDS)
    return ready.recv(5) == b"ping\n"


def ends(process, status, words):
    """Whether a program ends with the status and says the words."""
    out, err = process.communicate(timeout=SECONDS)
    good = process.returncode == status and words in out + err
    if not good:
        print("# status", process.returncode, out, err)
    return good
