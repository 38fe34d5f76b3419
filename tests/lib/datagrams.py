# SPDX-License-Identifier: Apache-2.0
"""Peers that speak DTLS by the commands of others, and what goes wrong between them."""
import select
import socket
import subprocess
import threading
import time

from peers import SECONDS


class Spoken:
    """A command that sends what it reads and writes what it receives. Ends with the block."""

    def __init__(self, command):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL)
        self.heard = b""
        self.timer = threading.Timer(SECONDS, self.process.kill)
        self.timer.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.timer.cancel()
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        try:
            self.process.stdin.close()
        except BrokenPipeError:  # it ended before it read all
            pass

    def say(self, text):
        self.process.stdin.write(text)
        self.process.stdin.flush()

    def hear(self):
        """What comes next, or nothing if the command has ended."""
        return self.process.stdout.read1(70000)

    def hears(self, text):
        """Whether a text comes, beside what else the command writes."""
        while text not in self.heard:
            part = self.hear()
            if not part:
                return False
            self.heard += part
        self.heard = self.heard.split(text, 1)[1]
        return True

    def asks(self, text, answer):
        self.say(text)
        return self.hears(answer)

    def leaves(self):
        """Whether the command ends well when nothing is left to be sent."""
        self.process.stdin.close()
        while self.hear():
            pass
        return self.process.wait(SECONDS) == 0


def openssl_client(port, *more, version="-dtls1_2"):
    return Spoken(["openssl", "s_client", version, "-quiet", "-no_ign_eof", "-connect", f"127.0.0.1:{port}", *more])


def gnutls_client(port, *more):
    return Spoken(["gnutls-cli", "--udp", "--no-ca-verification", "--insecure", "-p", str(port), "127.0.0.1", *more])


def openssl_server(port, certificate, *more):
    return Spoken(["openssl", "s_server", "-dtls1_2", "-quiet", "-4", "-accept", str(port),
                   "-cert", certificate[0], "-key", certificate[1], *more])


def gnutls_server(port, certificate, *more):
    return Spoken(["gnutls-serv", "--udp", "--echo", "-p", str(port), "--x509certfile", certificate[0],
                   "--x509keyfile", certificate[1], *more])


CLIENT_HELLO, HELLO_VERIFY, SERVER_HELLO = 1, 3, 2  # handshake messages
CHANGE_CIPHER, DATA = 20, 23  # records


def handshake_type(datagram):
    """The first handshake message of an unencrypted record, or None."""
    return datagram[13] if len(datagram) > 13 and datagram[0] == 22 and datagram[3:5] == b"\0\0" else None


class Proxy:
    """Stands between peers of UDP. rule(to_server, datagram) says what is passed on: a list of datagrams."""

    def __init__(self, server_port, rule):
        self.front = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.front.bind(("127.0.0.1", 0))
        self.port = self.front.getsockname()[1]
        self.back = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.back.connect(("127.0.0.1", server_port))
        self.rule, self.client, self.ends = rule, None, False
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        while not self.ends:
            for ready in select.select([self.front, self.back], [], [], 0.1)[0]:
                try:
                    self.carry(ready)
                except ConnectionRefusedError:  # the server is gone
                    pass

    def carry(self, ready):
        if ready is self.front:
            datagram, self.client = ready.recvfrom(70000)
            for passed in self.rule(True, datagram):
                self.back.send(passed)
        else:
            datagram = ready.recv(70000)
            for passed in self.rule(False, datagram):
                self.front.sendto(passed, self.client)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.ends = True
        self.thread.join()
        self.front.close()
        self.back.close()


class Lossy:
    """Loses the first datagrams of a handshake once, in both directions."""

    def __init__(self):
        self.lost = set()

    def __call__(self, to_server, datagram):
        kind = (to_server, datagram[:1], datagram[13:17])
        if datagram[0] != DATA and len(self.lost) < 4 and kind not in self.lost:
            self.lost.add(kind)
            return []
        return [datagram]


class Confused:
    """Passes messages of a handshake on twice, or later than the one that follows."""

    def __init__(self):
        self.held = {True: None, False: None}
        self.count = 0

    def __call__(self, to_server, datagram):
        if handshake_type(datagram) is None:
            return [datagram]
        self.count += 1
        held, self.held[to_server] = self.held[to_server], None
        if held:
            return [datagram, datagram, held, held]
        if self.count % 3 == 0:
            self.held[to_server] = datagram
            return []
        return [datagram, datagram]


class ServerAlone:
    """Loses the server's answer to the cookie once, and what the client repeats: only the server's timer helps."""

    def __init__(self):
        self.hellos, self.since = 0, None

    def __call__(self, to_server, datagram):
        if to_server:
            self.hellos += handshake_type(datagram) == CLIENT_HELLO
            return [datagram] if self.hellos <= 2 or handshake_type(datagram) != CLIENT_HELLO else []
        if handshake_type(datagram) == HELLO_VERIFY:
            return [datagram]
        self.since = self.since or time.monotonic()
        return [datagram] if time.monotonic() > self.since + 0.5 else []


class ClientAlone:
    """Loses the first three ClientHellos: only the client's timer helps."""

    def __init__(self):
        self.hellos = 0

    def __call__(self, to_server, datagram):
        self.hellos += to_server and handshake_type(datagram) == CLIENT_HELLO
        return [datagram] if not to_server or self.hellos > 2 else []


class FinishedLost:
    """Loses the server's last datagram of the handshake once, so that the client repeats its own."""

    def __init__(self):
        self.lost = False

    def __call__(self, to_server, datagram):
        last = not to_server and bytes([CHANGE_CIPHER]) + b"\xfe\xfd" in datagram
        if last and not self.lost:
            self.lost = True
            return []
        return [datagram]
