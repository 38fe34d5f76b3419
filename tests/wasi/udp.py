#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Files of UDP of Enarx.toml: udp.py ENARX PROGRAMS [TEST…]. Speaks TAP."""
import os
import select
import socket
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "lib"))
from peers import SECONDS, Listening, Starter, ends, run_tests  # noqa: E402

starter = Starter(*sys.argv[1:3])


def udp_socket(family=socket.AF_INET):
    made = socket.socket(family, socket.SOCK_DGRAM)
    made.bind(("::1" if family == socket.AF_INET6 else "127.0.0.1", 0))
    made.settimeout(SECONDS)
    return made


def connect_config(host, port):
    return f'[[files]]\nkind = "connect"\nprot = "udp"\nname = "peer"\nhost = "{host}"\nport = {port}\n'


def connect_to(directory, family, host):
    peer, stranger = udp_socket(family), udp_socket(family)
    process = starter.start(directory, "datagrams.wasm", connect_config(host, peer.getsockname()[1]), ["10000"])
    good = True
    while True:
        datagram, address = peer.recvfrom(70000)
        stranger.sendto(b"stray", address)
        if datagram == b"bye":
            break
        peer.sendto(datagram, address)
    return ends(process, 0, b"ok\n") and good


def connect(directory):
    """A connection keeps the borders of datagrams, cuts what does not fit, and hears its peer only"""
    return connect_to(directory, socket.AF_INET, "127.0.0.1")


def connect_ipv6(directory):
    """The same over IPv6"""
    if not socket.has_ipv6 or not os.path.exists("/proc/net/if_inet6"):
        return "this machine has no IPv6"
    return connect_to(directory, socket.AF_INET6, "::1")


def ask(peer, text, port):
    peer.sendto(text, ("127.0.0.1", port))
    return peer.recv(2100)


def listen(directory):
    """A listener gives each peer a descriptor of its own, which hears nobody else"""
    good = True
    for way in ("", "blocking"):
        keep = Listening(starter, directory, "udp", arguments=("udp", way))
        peers = [udp_socket() for _ in range(3)]
        good = keep.ready and good
        for turn in range(4):
            for number, peer in enumerate(peers):
                text = b"%d from %d" % (turn, number)
                good = ask(peer, text, keep.port) == b"%d:%s" % (number, text) and good
        good = ask(peers[1], b"", keep.port) == b"1:" and good
        good = ask(peers[0], b"stop", keep.port) == b"0:stop" and good
        good = ends(keep.process, 0, b"ok 3 accepted, 0 closed\n") and good
    return good


def bursts(directory):
    """Datagrams that queued up before their peer was accepted all arrive, in one descriptor"""
    keep = Listening(starter, directory, "udp", arguments=("udp", "late"))
    peers = [udp_socket() for _ in range(20)]
    for turn in range(5):
        for peer in peers:
            peer.sendto(b"%d" % turn, ("127.0.0.1", keep.port))
    keep.tell()
    numbers, good = set(), keep.ready
    for peer in peers:
        answers = [peer.recv(100).split(b":") for _ in range(5)]
        numbers.add(answers[0][0])
        good = [text for _, text in answers] == [b"%d" % turn for turn in range(5)] and good
        good = len({number for number, _ in answers}) == 1 and good
    good = len(numbers) == 20 and good
    ask(peers[0], b"stop", keep.port)
    return ends(keep.process, 0, b"ok 20 accepted, 0 closed\n") and good


def crowds(directory):
    """Peers that send while others are accepted have one descriptor each, and hear no others"""
    keep = Listening(starter, directory, "udp", arguments=("udp",))
    peers = [udp_socket() for _ in range(50)]
    heard = {peer: [] for peer in peers}
    deadline = time.monotonic() + SECONDS
    waiting = dict.fromkeys(peers, 0.0)
    while waiting and time.monotonic() < deadline:
        for number, peer in enumerate(peers):  # whoever heard too little sends again
            if peer in waiting and time.monotonic() > waiting[peer]:
                for _ in range(3):
                    peer.sendto(b"of %d" % number, ("127.0.0.1", keep.port))
                waiting[peer] = time.monotonic() + 2
        for peer in select.select(list(waiting), [], [], 0.1)[0]:
            heard[peer].append(peer.recv(100))
            if len(heard[peer]) == 3:
                del waiting[peer]
    good = keep.ready and not waiting
    for number, peer in enumerate(peers):
        good = len(set(heard[peer])) == 1 and heard[peer][0].endswith(b":of %d" % number) and good
    last = udp_socket()
    ask(last, b"stop", keep.port)
    return ends(keep.process, 0, b"ok 51 accepted, 0 closed\n") and good


def any_address(directory):
    """A listener on every address hears peers of IPv4 and of IPv6"""
    if not socket.has_ipv6 or not os.path.exists("/proc/net/if_inet6"):
        return "this machine has no IPv6"
    keep = Listening(starter, directory, "udp", arguments=("udp",), addr="::")
    good = keep.ready
    peers = [(udp_socket(), ("127.0.0.1", keep.port)), (udp_socket(socket.AF_INET6), ("::1", keep.port))]
    for turn in range(3):
        for number, (peer, address) in enumerate(peers):
            peer.sendto(b"%d" % turn, address)
            good = peer.recv(100) == b"%d:%d" % (number, turn) and good
    ask(peers[0][0], b"stop", keep.port)
    return ends(keep.process, 0, b"ok 2 accepted, 0 closed\n") and good


def closed_peers(directory):
    """Who sends again after its descriptor was closed is a new peer"""
    keep = Listening(starter, directory, "udp", arguments=("udp",))
    peer = udp_socket()
    good = keep.ready and ask(peer, b"end", keep.port) == b"0:end"
    time.sleep(0.5)
    good = ask(peer, b"again", keep.port) == b"1:again" and good
    ask(peer, b"stop", keep.port)
    return ends(keep.process, 0, b"ok 2 accepted, 1 closed\n") and good


def taken_port(directory):
    """A port that another Keep listens on is not shared with a second one"""
    keep = Listening(starter, directory, "udp", arguments=("udp",))
    peer = udp_socket()
    good = keep.ready and ask(peer, b"one", keep.port) == b"0:one"
    second = starter.start(directory, "peers.wasm", keep.config)
    good = ends(second, 124, b"Address already in use") and good
    ask(peer, b"stop", keep.port)
    return ends(keep.process, 0, b"ok 1 accepted, 0 closed\n") and good


run_tests([connect, connect_ipv6, listen, bursts, crowds, any_address, closed_peers, taken_port], sys.argv[3:], starter)
