#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Keeps that a Steward certifies: certify.py ENARX STEWARD PROGRAMS BACKEND. Speaks TAP."""
import base64
import os
import select
import socket
import ssl
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "lib"))
from peers import SECONDS, STDIO, await_ping, ends, free_port, run_tests, server, talk  # noqa: E402
from stewards import Impostor, Steward, digest_of, make_authority, openssl, read, reply  # noqa: E402

enarx, steward, programs, backend = sys.argv[1:5]


def config(port, web, files, roots=""):
    return (f'steward = "https://localhost:{port}"\nsteward_ca = {{ custom = ["web"] }}\n' + STDIO + files +
            f'[roots]\nweb = """{read(web + ".crt")}"""\n' + roots)


def start(directory, module, text, name="Enarx.toml"):
    path = os.path.join(directory, name)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return subprocess.Popen([enarx, "run", "--backend", backend, "--wasmcfgfile", path, os.path.join(programs, module)],
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def listener_config(port, ping, more="", prot="tls"):
    return (f'[[files]]\nkind = "listen"\nprot = "{prot}"\nname = "ingest"\naddr = "127.0.0.1"\nport = {port}\n{more}'
            '[[files]]\nkind = "connect"\nprot = "tcp"\nname = "ping"\n'
            f'host = "127.0.0.1"\nport = {ping}\n')


def certified(directory):
    """A client believes the Steward, and finds the workload's digest in the certificate"""
    authority, web = make_authority(directory, "authority"), make_authority(directory, "web")
    with Steward(steward, directory, authority, web) as issuer:
        listener, ping = server()
        port = free_port()
        text = config(issuer.port, web, listener_config(port, ping))
        process = start(directory, "listen.wasm", text)
        good = await_ping(listener)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.load_verify_locations(authority + ".crt")
        uri = "ni:///sha-256;" + base64.urlsafe_b64encode(digest_of(text, os.path.join(programs, "listen.wasm"))).decode().rstrip("=")
        for _ in range(3):
            with context.wrap_socket(socket.create_connection(("127.0.0.1", port), timeout=SECONDS)) as connection:
                names = connection.getpeercert()["subjectAltName"]
                good = ("URI", uri) in names and ("URI", "enarx:technology/kvm") in names and talk(connection) and good
                good = connection.recv(1) == b"" and good
        return ends(process, 0, b"ok\n") and good


def between_keeps(directory):
    """Two Keeps know each other by their workloads"""
    authority, web = make_authority(directory, "authority"), make_authority(directory, "web")
    roots = f'steward = """{read(authority + ".crt")}"""\n'
    with Steward(steward, directory, authority, web) as issuer:
        good = True
        for wrong in (False, True):
            listener, ping = server()
            port = free_port()
            serving = config(issuer.port, web,
                             listener_config(port, ping, 'ca = { custom = ["steward"] }\n'), roots)
            first = start(directory, "crowd.wasm", serving)
            good = await_ping(listener) and good
            pin = "00" * 32 if wrong else digest_of(serving, os.path.join(programs, "crowd.wasm")).hex()
            calling = config(issuer.port, web, '[[files]]\nkind = "connect"\nprot = "tls"\nname = "stream"\n'
                             f'host = "127.0.0.1"\nport = {port}\n'
                             f'peer_workload = ["{pin}"]\n')
            second = start(directory, "greet.wasm", calling, "other.toml")
            if wrong:
                good = ends(second, 124, b"names another workload or measurement") and good
                first.kill()
                first.communicate()
            else:
                good = ends(second, 0, b"ok\n") and ends(first, 0, b"ok\n") and good
        return good


def between_keeps_by_dtls(directory):
    """Two Keeps know each other by their workloads with DTLS, too"""
    authority, web = make_authority(directory, "authority"), make_authority(directory, "web")
    roots = f'steward = """{read(authority + ".crt")}"""\n'
    with Steward(steward, directory, authority, web) as issuer:
        listener, ping = server()
        port = free_port(socket.SOCK_DGRAM)
        serving = 'args = ["dtls", "plain"]\n' + config(
            issuer.port, web, listener_config(port, ping, 'ca = { custom = ["steward"] }\n', "dtls"), roots)
        first = start(directory, "peers.wasm", serving)
        good = bool(await_ping(listener))
        for wrong in (False, True):
            pin = "00" * 32 if wrong else digest_of(serving, os.path.join(programs, "peers.wasm")).hex()
            calling = config(issuer.port, web, '[[files]]\nkind = "connect"\nprot = "dtls"\nname = "peer"\n'
                             f'host = "127.0.0.1"\nport = {port}\npeer_workload = ["{pin}"]\n')
            second = start(directory, "greet.wasm", calling, "other.toml")
            good = ends(second, *((124, b"names another workload or measurement") if wrong else (0, b"ok\n"))) and good
        first.kill()
        first.communicate()
        return good


def refused(directory):
    """A Steward that takes no unprotected Keeps ends the run, with its status"""
    authority, web = make_authority(directory, "authority"), make_authority(directory, "web")
    with Steward(steward, directory, authority, web, 'workload = "required"\n') as issuer:
        process = start(directory, "hello.wasm", config(issuer.port, web, ""))
        return ends(process, 124, b"refuses this Keep: status 4")


def foreign_steward(directory):
    """A Steward whose server is not vouched for, or that is not there, ends the run before the program begins"""
    authority, web, other = (make_authority(directory, name) for name in ("authority", "web", "other"))
    with Steward(steward, directory, authority, other) as issuer:
        process = start(directory, "hello.wasm", config(issuer.port, web, ""))
        good = ends(process, 124, b"no certificate from the Steward")
    process = start(directory, "hello.wasm", config(free_port(), web, ""))
    return ends(process, 124, b"cannot connect to localhost port") and good


def useless_answers(directory):
    """Answers that are no path, cut short, for another key or workload, or too large are of no use"""
    authority, web = make_authority(directory, "authority"), make_authority(directory, "web")
    other = openssl("x509", "-in", web + ".crt", "-outform", "der")

    def path(*certificates):
        body = b"".join(certificates)
        return b"\x30\x82" + len(body).to_bytes(2, "big") + body

    with Steward(steward, directory, authority, web) as issuer:
        def from_steward(_):  # a genuine answer to somebody else
            context = ssl.create_default_context(cafile=web + ".crt")
            context.check_hostname = False
            key = os.path.join(directory, "foreign.pem")
            openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", key)
            request = subprocess.run([sys.executable, os.path.join(os.path.dirname(__file__), "kvm_request.py"), key],
                                     check=True, capture_output=True).stdout
            with context.wrap_socket(socket.create_connection(("127.0.0.1", loose.port))) as tls:
                tls.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/pkcs10\r\n"
                            b"Content-Length: %d\r\n\r\n" % len(request) + request)
                answer = b""
                while True:
                    part = tls.recv(65536)
                    if not part:
                        return answer
                    answer += part

        good = True
        loose_directory = os.path.join(directory, "loose")
        os.mkdir(loose_directory)
        with Steward(steward, loose_directory, authority, web, 'debug = true\nworkload = "optional"\n') as loose:
            for answer, words in ((lambda _: reply(b"x"), b"it is not a path of certificates"),
                                  (lambda _: reply(path(other, other)), b"is for another key"),
                                  (lambda _: reply(b"x" * 200000), b"no certificate from the Steward"),
                                  (lambda _: reply(path(other, other))[:-20], b"no certificate from the Steward"),
                                  (lambda _: b"HTTP/1.1 200 OK\r\n\r\n\r\n", b"Steward"),
                                  (from_steward, b"is for another key")):
                impostor = Impostor(web, answer)
                process = start(directory, "hello.wasm", config(impostor.port, web, ""))
                good = ends(process, 124, words) and good
                impostor.stop()
        return good and issuer.process.poll() is None


def broken_off(directory):
    """A Steward that breaks off every connection is asked again, and then an error that says so"""
    web = make_authority(directory, "web")
    listener = socket.create_server(("127.0.0.1", 0))
    port, asked = listener.getsockname()[1], 0
    process = start(directory, "hello.wasm", config(port, web, ""))
    deadline = time.monotonic() + SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        if select.select([listener], [], [], 0.1)[0]:
            asked += 1
            listener.close()  # resets what was not accepted
            listener = socket.create_server(("127.0.0.1", port))
    listener.close()
    return ends(process, 124, b"no certificate from the Steward") and asked > 1


def other_time(directory):
    """A certificate that is not valid now is of no use, whosever clock is wrong"""
    authority, web = make_authority(directory, "authority"), make_authority(directory, "web")
    later = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3600))
    with Steward(steward, directory, authority, web, more=("--time", later)) as issuer:
        process = start(directory, "hello.wasm", config(issuer.port, web, ""))
        return ends(process, 124, b"the certificate is not valid now")


def no_authority(directory):
    """Without steward_ca nothing is sent, and the sentence says what to do"""
    process = start(directory, "hello.wasm", 'steward = "https://localhost:1"\n' + STDIO)
    return ends(process, 121, b"Add steward_ca")


tests = [certified, between_keeps, between_keeps_by_dtls, refused, foreign_steward, useless_answers, broken_off, other_time,
         no_authority]
run_tests(tests, sys.argv[5:])
