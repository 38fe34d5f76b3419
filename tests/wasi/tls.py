#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""TLS files of Enarx.toml against the TLS of others: tls.py ENARX PROGRAMS. Speaks TAP."""
import os
import socket
import ssl
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "lib"))
from authorities import BELIEVE, Authority, roots  # noqa: E402
from peers import LINES, SECONDS, Listening, Starter, ends, run_tests, server, talk  # noqa: E402

starter = Starter(*sys.argv[1:3])


def client_context(authority=None):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_REQUIRED if authority else ssl.CERT_NONE
    if authority:
        context.load_verify_locations(authority.root)
    return context


def serve_one(listener, context):
    connection, _ = listener.accept()
    connection.settimeout(SECONDS)
    return context.wrap_socket(connection, server_side=True)


def server_context(authority, extensions="subjectAltName=IP:127.0.0.1,DNS:localhost"):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.issue("server", extensions))
    return context


def connect_config(port, more):
    return ('[[files]]\nkind = "connect"\nprot = "tls"\nname = "stream"\n'
            f'host = "127.0.0.1"\nport = {port}\n{more}\n')


class TlsListening(Listening):
    """A program with a TLS listener, ready to be called."""

    def __init__(self, directory, more="", before="", module="listen.wasm"):
        super().__init__(starter, directory, "tls", more, before, module)

    def call(self, context=None, **named):
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=SECONDS)
        return (context or client_context()).wrap_socket(connection, **named)


def listen(directory):
    """A listener serves Python's TLS and says that it closes"""
    keep = TlsListening(directory)
    good = keep.ready
    for _ in range(3):
        with keep.call() as connection:
            good = talk(connection) and connection.recv(1) == b"" and connection.version() == "TLSv1.3" and good
    return ends(keep.process, 0, b"ok\n") and good


def sessions(directory):
    """A client takes up the session that it had, without another look at the certificate"""
    keep = TlsListening(directory)
    good, session = keep.ready, None
    context = client_context()
    for _ in range(3):
        with keep.call(context, session=session) as connection:
            good = talk(connection) and connection.recv(1) == b"" and good
            good = connection.session_reused == (session is not None) and good
            session = connection.session
    return ends(keep.process, 0, b"ok\n") and good


def other_clients(directory):
    """openssl s_client and gnutls-cli talk to a listener"""
    keep = TlsListening(directory)
    commands = [["openssl", "s_client", "-quiet", "-no_ign_eof", "-tls1_3", "-connect", f"127.0.0.1:{keep.port}"],
                ["gnutls-cli", "--no-ca-verification", "--insecure", "-p", str(keep.port), "127.0.0.1"],
                ["openssl", "s_client", "-quiet", "-connect", f"127.0.0.1:{keep.port}"]]
    good = keep.ready
    for command in commands:
        client = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for line in LINES:
            client.stdin.write(line)
            client.stdin.flush()
            time.sleep(0.1)
        too_late = threading.Timer(SECONDS, client.kill)
        too_late.start()
        output = client.stdout.read()  # until the listener has closed
        too_late.cancel()
        client.wait()
        if b"".join(LINES) not in output or client.returncode < 0:
            print("#", command[0], client.returncode, output, client.stderr.read())
            good = False
    return ends(keep.process, 0, b"ok\n") and good


def slow_clients(directory):
    """Who is slow with a handshake, or cheats, keeps nobody else waiting; what is decrypted is readable"""
    keep = TlsListening(directory, module="crowd.wasm")
    silent = [socket.create_connection(("127.0.0.1", keep.port)) for _ in range(6)]
    silent[0].sendall(b"\x16\x03\x01")
    silent[1].sendall(b"GET / HTTP/1.1\r\n\r\n")
    silent[2].close()
    with keep.call() as connection:
        connection.sendall(b"one\ntwo\nthree\nend\n")
        answer = b""
        while not answer.endswith(b"end\n"):
            part = connection.recv(100)
            if not part:
                break
            answer += part
    return keep.ready and answer == b"one\ntwo\nthree\nend\n" and ends(keep.process, 0, b"ok\n")


def old_protocol(directory):
    """TLS 1.2 is refused, unless min_version allows it"""
    keep = TlsListening(directory, 'min_version = "1.2"')
    context = client_context()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    good = keep.ready
    for _ in range(3):
        with keep.call(context) as connection:
            good = talk(connection) and connection.recv(1) == b"" and connection.version() == "TLSv1.2" and good
    good = ends(keep.process, 0, b"ok\n") and good
    keep = TlsListening(directory)
    try:
        with keep.call(context) as connection:
            good = False
    except ssl.SSLError:
        pass
    keep.process.kill()
    keep.process.communicate()
    return good and keep.ready


def client_certificates(directory):
    """A listener with a ca takes clients of that authority and nobody else"""
    ours, other = Authority(directory, "ours"), Authority(directory, "other")
    keep = TlsListening(directory, BELIEVE, roots(ours))
    context = client_context()
    context.load_cert_chain(*ours.issue("client", "extendedKeyUsage=clientAuth"))
    good = keep.ready
    for _ in range(3):
        with keep.call(context) as connection:
            good = talk(connection) and connection.recv(1) == b"" and good
    good = ends(keep.process, 0, b"ok\n") and good
    for wrong in (None, other):
        keep = TlsListening(directory, BELIEVE, roots(ours))
        context = client_context()
        if wrong:
            context.load_cert_chain(*wrong.issue("client", "extendedKeyUsage=clientAuth"))
        try:
            with keep.call(context) as connection:
                connection.sendall(LINES[0])
                good = connection.recv(100) == b"" and good
        except (ssl.SSLError, ConnectionError):
            pass
        out, _ = keep.process.communicate(timeout=SECONDS)
        good = b"ok\n" not in out and good
    return good


def application_protocols(directory):
    """A listener picks the first of its protocols that the client offers"""
    keep = TlsListening(directory, 'alpn = ["h2", "http/1.1"]')
    good = keep.ready
    for offered, picked in ((["http/1.1", "h2"], "h2"), (["x", "http/1.1"], "http/1.1"), (["h2"], "h2")):
        context = client_context()
        context.set_alpn_protocols(offered)
        with keep.call(context) as connection:
            good = talk(connection) and connection.recv(1) == b"" and good
            good = connection.selected_alpn_protocol() == picked and good
    return ends(keep.process, 0, b"ok\n") and good


def connect(directory):
    """A connection believes the authority that Enarx.toml names"""
    authority = Authority(directory, "root")
    listener, port = server()
    process = starter.start(directory, "connect.wasm", roots(authority) + connect_config(port, BELIEVE))
    with serve_one(listener, server_context(authority)) as connection:
        return talk(connection) and ends(process, 0, b"ok\n")


def connect_refused(directory, context, config, words):
    listener, port = server()
    process = starter.start(directory, "connect.wasm", config(port))
    try:
        with serve_one(listener, context) as connection:
            connection.recv(1)
    except (ssl.SSLError, ConnectionError, socket.timeout):
        pass
    return ends(process, 124, words)


def foreign_server(directory):
    """A server of another authority or of another name ends the run before the program begins"""
    ours, other = Authority(directory, "ours"), Authority(directory, "other")

    def config(port):
        return roots(ours) + connect_config(port, BELIEVE)

    return (connect_refused(directory, server_context(other), config, b"is not whom Enarx.toml wants") and
            connect_refused(directory, server_context(ours, "subjectAltName=DNS:example.com"), config,
                            b"IP address mismatch"))


def server_name(directory):
    """server_name is asked for and has to be in the certificate"""
    authority = Authority(directory, "root")
    asked = []
    context = server_context(authority, "subjectAltName=DNS:keep.example")
    context.sni_callback = lambda _, name, __: asked.append(name)
    listener, port = server()
    process = starter.start(directory, "connect.wasm",
                    roots(authority) + connect_config(port, BELIEVE + '\nserver_name = "keep.example"'))
    with serve_one(listener, context) as connection:
        return talk(connection) and ends(process, 0, b"ok\n") and asked == ["keep.example"]


def with_hosts(directory, text):
    """A command that sees another /etc/hosts; None where this machine does not let us."""
    path = os.path.join(directory, "hosts")
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    before = ["unshare", "--mount", "sh", "-c", 'mount --bind "$0" /etc/hosts && exec "$@"', path]
    good = subprocess.run([*before, "true"], capture_output=True, check=False).returncode == 0
    return before if good else None


def names(directory):
    """The host looks names up; if it leads to another server, that is found out"""
    authority, other = Authority(directory, "root"), Authority(directory, "other")
    before = with_hosts(directory, "127.0.0.1 service.example\n127.0.0.1 localhost\n")
    if not before:
        return "other names need the right to mount"
    good = True
    for issuer, accepted in ((authority, True), (other, False)):
        listener, port = server()
        text = connect_config(port, BELIEVE).replace('host = "127.0.0.1"', 'host = "service.example"')
        process = starter.start(directory, "connect.wasm", roots(authority) + text, before=before)
        try:
            with serve_one(listener, server_context(issuer, "subjectAltName=DNS:service.example")) as connection:
                good = talk(connection) and accepted and good
        except (ssl.SSLError, ConnectionError):
            good = not accepted and good
        good = ends(process, *((0, b"ok\n") if accepted else (124, b"is not whom Enarx.toml wants"))) and good
    process = starter.start(directory, "connect.wasm", roots(authority) + text.replace("service.", "unknown."), before=before)
    return ends(process, 121, b"the host knows no address for the name") and good


def no_authority(directory):
    """Without an authority there is no connection, and the sentence says what to do"""
    listener, port = server()
    process = starter.start(directory, "connect.wasm", connect_config(port, ""))
    good = ends(process, 121, b"[roots]")
    listener.close()
    return good


def wanted_workload(directory):
    """A peer whose certificate names no workload is not whom peer_workload wants"""
    authority = Authority(directory, "root")
    pin = "ab" * 32
    return connect_refused(directory, server_context(authority),
                           lambda port: roots(authority) +
                           connect_config(port, BELIEVE + f'\npeer_workload = ["{pin}"]'),
                           b"names another workload or measurement")


def known_workload(directory):
    """A peer whose certificate names the workload and the measurement is"""
    authority = Authority(directory, "root")
    workload, measurement = "5a" * 32, "c3" * 48
    result = "02 01 01 0c 03 736e70 0c 05 47656e6f61 04 30" + measurement + "82 20" + workload
    value = bytes.fromhex(result.replace(" ", ""))
    der = (b"\x30" + (bytes([len(value)]) if len(value) < 128 else b"\x81" + bytes([len(value)])) + value).hex(":")
    extensions = f"subjectAltName=IP:127.0.0.1\n1.3.6.1.4.1.58270.1.7=DER:{der}\n"
    good = True
    for wanted, accepted in ((workload, True), ("00" * 32, False)):
        def config(port, wanted=wanted):
            return roots(authority) + connect_config(
                port, BELIEVE + f'\npeer_workload = ["{wanted}"]\npeer_measurement = ["{measurement}"]')
        context = server_context(authority, extensions)
        if accepted:
            listener, port = server()
            process = starter.start(directory, "connect.wasm", config(port))
            with serve_one(listener, context) as connection:
                good = talk(connection) and ends(process, 0, b"ok\n") and good
        else:
            good = connect_refused(directory, context, config, b"names another workload") and good
    return good


tests = [listen, sessions, other_clients, slow_clients, old_protocol, client_certificates, application_protocols, connect,
         foreign_server, server_name, names, no_authority, wanted_workload, known_workload]
run_tests(tests, sys.argv[3:], starter)
