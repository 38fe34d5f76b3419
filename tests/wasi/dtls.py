#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Files of DTLS of Enarx.toml against the DTLS of others: dtls.py ENARX PROGRAMS [TEST…]. Speaks TAP."""
import os
import shutil
import socket
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "lib"))
from authorities import BELIEVE, Authority, roots  # noqa: E402
from datagrams import (CLIENT_HELLO, DATA, HELLO_VERIFY, SERVER_HELLO, ClientAlone, Confused, FinishedLost, Lossy,  # noqa: E402
                       Proxy, ServerAlone, Spoken, gnutls_client, gnutls_server, handshake_type, openssl_client,
                       openssl_server)
from peers import SECONDS, Listening, Starter, ends, free_port, run_tests  # noqa: E402

starter = Starter(*sys.argv[1:3])
HAS_GNUTLS = bool(shutil.which("gnutls-cli") and shutil.which("gnutls-serv"))
LOCAL = "subjectAltName=IP:127.0.0.1"


def listening(directory, *arguments, more="", before=""):
    return Listening(starter, directory, "dtls", more, before, arguments=("dtls", *arguments))


def stop(keep, words, *more):
    """Ends a program that listens, and looks at what it says then."""
    with openssl_client(keep.port, *more) as client:
        client.asks(b"stop\n", b":stop\n")
        return ends(keep.process, 0, words)


def listen(directory):
    """A listener serves openssl s_client, and hears that a client leaves"""
    good = True
    for way in ("", "blocking"):
        keep = listening(directory, way)
        with openssl_client(keep.port) as one:
            good = one.asks(b"hello\n", b"0:hello\n") and good
            with openssl_client(keep.port) as other:
                good = other.asks(b"hello\n", b"1:hello\n") and good
                good = one.asks(b"again\n", b"0:again\n") and other.asks(b"again\n", b"1:again\n") and good
                good = one.leaves() and other.leaves() and good
        good = stop(keep, b"ok 3 accepted, 2 closed\n") and keep.ready and good
    return good


def gnutls_clients(directory):
    """A listener serves gnutls-cli"""
    if not HAS_GNUTLS:
        return "there is no gnutls-bin"
    keep = listening(directory)
    with gnutls_client(keep.port) as one, gnutls_client(keep.port) as other:
        good = one.hears(b"Simple Client Mode") and other.hears(b"Simple Client Mode")
        good = one.asks(b"hello\n", b":hello\n") and other.asks(b"hallo\n", b":hallo\n") and good
    return stop(keep, b"ok 3 accepted, ") and keep.ready and good


def close_notify(directory):
    """A client that is told that the program closes its descriptor ends"""
    keep = listening(directory)
    with openssl_client(keep.port) as client:
        good = client.asks(b"end\n", b"0:end\n") and client.hear() == b""
    return stop(keep, b"ok 2 accepted, 1 closed\n") and keep.ready and good


def old_versions(directory):
    """DTLS 1.0 is refused"""
    keep = listening(directory)
    with openssl_client(keep.port, "-cipher", "ALL:@SECLEVEL=0", version="-dtls1") as client:
        client.say(b"hello\n")
        good = client.hear() == b""
    keep.process.kill()
    out, _ = keep.process.communicate()
    return keep.ready and good and out == b""


def client_certificates(directory):
    """A listener with a ca takes clients of that authority and nobody else"""
    ours, other = Authority(directory, "ours"), Authority(directory, "other")
    keep = listening(directory, more=BELIEVE, before=roots(ours))
    good = keep.ready
    mine = ours.issue("client", "extendedKeyUsage=clientAuth")
    for wrong in ([], other.issue("client", "extendedKeyUsage=clientAuth")):
        more = ["-cert", wrong[0], "-key", wrong[1]] if wrong else []
        with openssl_client(keep.port, *more) as client:
            client.say(b"hello\n")
            good = client.hear() == b"" and good
    return stop(keep, b"ok 3 accepted, 2 closed\n", "-cert", mine[0], "-key", mine[1]) and good


def application_protocols(directory):
    """A listener picks the first of its protocols that the client offers"""
    keep = listening(directory, more='alpn = ["coap", "x"]')
    command = ["openssl", "s_client", "-dtls1_2", "-connect", f"127.0.0.1:{keep.port}", "-alpn", "y,x,coap"]
    with Spoken(command) as client:
        good = client.hears(b"ALPN protocol: coap")
    keep.process.kill()
    keep.process.communicate()
    return keep.ready and good


def connect_config(port, more=BELIEVE):
    return ('[[files]]\nkind = "connect"\nprot = "dtls"\nname = "peer"\n'
            f'host = "127.0.0.1"\nport = {port}\n{more}\n')


def await_port(port):
    """Waits until somebody has a port of UDP."""
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        with open("/proc/net/udp", encoding="ascii") as file:
            if any(line.split()[1].endswith(f":{port:04X}") for line in file):
                return
        time.sleep(0.05)


def connect(directory):
    """A connection to gnutls-serv keeps the borders of messages, and cuts what does not fit"""
    if not HAS_GNUTLS:
        return "there is no gnutls-bin"
    authority = Authority(directory, "root")
    port = free_port(socket.SOCK_DGRAM)
    with gnutls_server(port, authority.issue("server", LOCAL)):
        await_port(port)
        process = starter.start(directory, "datagrams.wasm", roots(authority) + connect_config(port), ["100"])
        return ends(process, 0, b"ok\n")


def serve(server):
    """Sends back what an openssl s_server writes, which says goodbye at the end of its input."""
    while True:
        part = server.hear()
        if not part:
            return False
        server.say(part)
        if part == b"bye":
            server.process.stdin.close()
            return True


def connect_openssl(directory):
    """A connection to openssl s_server, which says goodbye: reading gives 0"""
    authority = Authority(directory, "root")
    port = free_port(socket.SOCK_DGRAM)
    with openssl_server(port, authority.issue("server", LOCAL)) as server:
        await_port(port)
        process = starter.start(directory, "datagrams.wasm", roots(authority) + connect_config(port),
                                ["10000", "end"])
        return serve(server) and ends(process, 0, b"ok\n")


def refused(directory, certificate, config, status, words, *more):
    port = free_port(socket.SOCK_DGRAM)
    with openssl_server(port, certificate, *more):
        await_port(port)
        return ends(starter.start(directory, "datagrams.wasm", config(port), ["1"]), status, words)


def foreign_server(directory):
    """A server of another authority, or another name, or workload ends the run before the program begins"""
    ours, other = Authority(directory, "ours"), Authority(directory, "other")

    def config(more=""):
        return lambda port: roots(ours) + connect_config(port, BELIEVE + more)

    pin = '\npeer_workload = ["%s"]' % ("ab" * 32)
    good = refused(directory, other.issue("server", LOCAL), config(), 124, b"is not whom Enarx.toml wants")
    good = refused(directory, ours.issue("server", "subjectAltName=DNS:a.example"), config(), 124,
                   b"IP address mismatch") and good
    good = refused(directory, ours.issue("server", LOCAL), config('\nserver_name = "b.example"'), 124,
                   b"hostname mismatch") and good
    good = refused(directory, ours.issue("server", LOCAL), config(pin), 124,
                   b"names another workload or measurement") and good
    return refused(directory, ours.issue("server", LOCAL), lambda port: connect_config(port, ""), 121,
                   b"[roots]") and good


def nobody_there(directory):
    """A port that nobody has is noticed at once"""
    authority = Authority(directory, "root")
    process = starter.start(directory, "datagrams.wasm",
                            roots(authority) + connect_config(free_port(socket.SOCK_DGRAM)), ["1"])
    return ends(process, 124, b"Connection refused")


def bad_networks(directory):
    """A listener's handshakes succeed though datagrams are lost, repeated and out of order"""
    good = True
    for rule in (Lossy(), Confused(), ServerAlone(), FinishedLost()):
        keep = listening(directory)
        with Proxy(keep.port, rule) as proxy, openssl_client(proxy.port) as client:
            passed = client.asks(b"hello\n", b"0:hello\n")
        passed = stop(keep, b"ok 2 accepted, ") and keep.ready and passed
        if not passed:
            print("#", type(rule).__name__)
        good = passed and good
    return good


def bad_networks_connect(directory):
    """So do those of a connection"""
    authority = Authority(directory, "root")
    certificate = authority.issue("server", LOCAL)
    good = True
    for rule in (Lossy(), Confused(), ClientAlone(), FinishedLost()):
        port = free_port(socket.SOCK_DGRAM)
        with openssl_server(port, certificate) as server, Proxy(port, rule) as proxy:
            await_port(port)
            process = starter.start(directory, "greet.wasm", roots(authority) + connect_config(proxy.port))
            answer = server.hear()
            server.say(answer)
            passed = ends(process, 0, b"ok\n")
        if not passed:
            print("#", type(rule).__name__)
        good = passed and good
    return good


def first_hello():
    """A ClientHello without a cookie, as s_client makes it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as trap:
        trap.bind(("127.0.0.1", 0))
        trap.settimeout(SECONDS)
        with openssl_client(trap.getsockname()[1]):
            return trap.recv(2000)


def with_cookie(hello, verify):
    """The ClientHello that shows the cookie of a HelloVerifyRequest, in place of an empty one."""
    cookie = verify[28:28 + verify[27]]
    body = hello[25:]
    at = 2 + 32
    at += 1 + body[at]  # behind the session's identifier
    body = body[:at] + bytes([len(cookie)]) + cookie + body[at + 1:]
    size = len(body).to_bytes(3, "big")
    message = hello[13:14] + size + b"\0\1" + b"\0\0\0" + size + body
    return hello[:3] + b"\0" * 7 + b"\1" + len(message).to_bytes(2, "big") + message


def cookies(directory):
    """Whoever has not shown a cookie, or shows one of another address, gets a small answer and nothing else"""
    keep = listening(directory)
    hello = first_hello()
    good = keep.ready and handshake_type(hello) == CLIENT_HELLO
    callers = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(40)]
    verifies = []
    for caller in callers:
        caller.settimeout(SECONDS)
        caller.connect(("127.0.0.1", keep.port))
        caller.send(hello)
        verifies.append(caller.recv(2000))
        good = handshake_type(verifies[-1]) == HELLO_VERIFY and len(verifies[-1]) < len(hello) and good
    good = len({verify[28:] for verify in verifies}) == 40 and good
    for caller, stolen in zip(callers, verifies[1:]):
        caller.send(with_cookie(hello, stolen))
        good = handshake_type(caller.recv(2000)) == HELLO_VERIFY and good
    for rubbish in (b"", b"x", b"\x16\xfe\xfd" + b"\0" * 100, b"\x15\xfe\xfd" + b"\0" * 9 + b"\2\2\x28", os.urandom(1200)):
        callers[0].send(rubbish)
    return stop(keep, b"ok 1 accepted, 0 closed\n") and good


def silent_clients(directory):
    """Clients that show their cookie and say nothing more keep nobody waiting"""
    keep = listening(directory)
    hello = first_hello()
    good = keep.ready
    callers = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(20)]
    for caller in callers:
        caller.settimeout(SECONDS)
        caller.connect(("127.0.0.1", keep.port))
        caller.send(hello)
        shown = with_cookie(hello, caller.recv(2000))
        caller.send(shown)
        caller.send(shown)
        good = handshake_type(caller.recv(2000)) == SERVER_HELLO and good
    return stop(keep, b"ok 21 accepted, 0 closed\n") and good


def late_clients(directory):
    """A client that does not go on with its handshake is given up"""
    keep = listening(directory, "once")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as caller:
        caller.settimeout(SECONDS)
        caller.connect(("127.0.0.1", keep.port))
        hello = first_hello()
        caller.send(hello)
        caller.send(with_cookie(hello, caller.recv(2000)))
        return keep.ready and ends(keep.process, 0, b"ok 1 accepted, 1 closed\n")


def forged_alerts(directory):
    """Datagrams that anybody can send end no association"""
    keep = listening(directory)
    rubbish = [b"\x15\xfe\xfd" + b"\0" * 9 + b"\2\2\x28", b"\x15\xfe\xfd\0\1" + b"\0" * 5 + b"\x7f\0\x20" + b"x" * 32,
               b"\x17\xfe\xfd\0\1" + b"\0" * 5 + b"\x7e\0\x20" + b"y" * 32, b"z" * 100, b""]

    def rule(to_server, datagram):
        return rubbish + [datagram] if to_server and datagram[0] == DATA else [datagram]
    with Proxy(keep.port, rule) as proxy, openssl_client(proxy.port) as client:
        good = keep.ready
        for turn in range(3):
            good = client.asks(b"hello %d\n" % turn, b"0:hello %d\n" % turn) and good
    return stop(keep, b"ok 2 accepted, ") and good


run_tests([listen, gnutls_clients, close_notify, old_versions, client_certificates, application_protocols, connect,
           connect_openssl, foreign_server, nobody_there, bad_networks, bad_networks_connect, cookies, silent_clients,
           late_clients, forged_alerts], sys.argv[3:], starter)
