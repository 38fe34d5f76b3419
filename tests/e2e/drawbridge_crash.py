#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""kill -9 in a loop under load. Everything that was acknowledged is there afterwards, byte for byte;
everything that is there is whole; nothing is in the way of a repetition. ROUNDS=N makes N rounds, SECONDS=N as many as fit.
A machine that loses its power is not tested, but that the system was told to write before a 201 was
sent. Another program (store_checker.py) finds nothing wrong with the store either. With S3_DOUBLE the store is in object storage that fails now and then."""
import hashlib
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time

from drawbridge_world import API, ENTRY, World, entry, finish, result, skip

SECONDS = int(os.environ.get('SECONDS', '0')) or 10 ** 6
ROUNDS = int(os.environ.get('ROUNDS', '6' if SECONDS == 10 ** 6 else '1000000'))
WRITERS = 4


def content(tag):
    """What a tag's file is: small or large, by its name."""
    number = random.Random(tag)
    size = number.choice([10, 5000, 32768, 32769, 400000, 1500000])
    return hashlib.sha256(tag.encode()).digest() * (size // 32 + 1)


def write(world, name, acknowledged, tried, stop):
    try:
        connection = world.connect()
        for i in range(100000):
            if stop.is_set():
                return
            tag = f'{name}.{i}'
            tried.append(tag)
            first, second = world.publish(tag, content(tag), connection)
            if first == 201:
                acknowledged.append((tag, second == 201))
    except Exception:  # the server is gone, wherever in an exchange that was
        return


def load(world, number, seconds):
    """Publishes from several clients until the server is killed."""
    acknowledged, tried, stop = [], [], threading.Event()
    threads = [threading.Thread(target=write, args=(world, f'{number}.{i}', acknowledged, tried, stop))
               for i in range(WRITERS)]
    for thread in threads:
        thread.start()
    time.sleep(seconds)
    world.kill()
    stop.set()
    for thread in threads:
        thread.join()
    return acknowledged, tried


def check(world, acknowledged, tried):
    """Problems with what is there now."""
    problems = []
    connection = world.connect()
    for tag, with_tree in acknowledged:
        path = f'{API}/alice/repo/_tag/{tag}'
        if world.ask('GET', path, connection=connection)[0] != 200:
            problems.append(f'the tag {tag} was acknowledged and is lost')
        if with_tree and world.ask('GET', path + '/tree', connection=connection)[:2] != (200, content(tag)):
            problems.append(f'the tree of {tag} was acknowledged and is lost')
    for tag in tried:
        status, body, _ = world.ask('GET', f'{API}/alice/repo/_tag/{tag}/tree', connection=connection)
        if status not in (200, 404) or (status == 200 and body != content(tag)):
            problems.append(f'the tree of {tag} is there by half: {status}')
    return problems


def repeat(world, tried):
    """What was cut off can be published again."""
    problems = []
    for tag in tried[-2 * WRITERS:]:
        first, second = world.publish(tag, content(tag))
        if first not in (201, 409) or second not in (201, 409):
            problems.append(f'{tag} cannot be repeated: {first} {second}')
    return problems


def order(world, path):
    """What a PUT of a large file does to the disk before it is acknowledged, as strace sees it."""
    data = os.urandom(200000)
    tag = f'{API}/alice/repo/_tag/0.0.0-order'
    world.put(tag, ENTRY, entry('a/b', data))
    tracer = subprocess.Popen(['strace', '-f', '-y', '-qq', '-e', 'trace=fsync,fdatasync,rename,renameat,sendto', '-o', path,
                               '-p', str(world.process.pid)], stderr=subprocess.PIPE)
    time.sleep(1)
    if tracer.poll() is not None:
        skip('file, name, directory and record are on disk before 201 is sent', 'strace may not trace here')
        return
    good = world.put(tag + '/tree', 'a/b', data) == 201
    tracer.terminate()
    tracer.wait()
    with open(path, encoding='utf-8', errors='replace') as trace:
        lines = trace.read().splitlines()
    steps = ['sync.*/uploads/', 'rename', 'fsync.*/contents/', 'sync.*records.db-wal', 'sendto.*201 Created']
    for line in lines:
        if steps and re.search(steps[0], line):
            steps.pop(0)
    result(good and not steps, 'file, name, directory and record are on disk before 201 is sent')
    for line in lines if steps else []:
        print('#', line)


with tempfile.TemporaryDirectory() as directory:
    world = World(directory, '--log-filter', 'warn')
    try:
        world.start()
        result(world.prepare(), 'a user and a repository')
        if world.storage:
            world.storage.faults(error=0.02, reset=0.01, lost=0.02)
        elif shutil.which('strace'):
            order(world, os.path.join(directory, 'trace'))
        else:
            skip('file, name, directory and record are on disk before 201 is sent', 'there is no strace')
        all_acknowledged, all_tried = [], []
        end = time.monotonic() + SECONDS
        for number in range(ROUNDS):
            if time.monotonic() > end:
                break
            acknowledged, tried = load(world, number, random.uniform(0.3, 1.5))
            all_acknowledged += acknowledged
            all_tried += tried
            world.start()
            problems = check(world, acknowledged, tried) + repeat(world, tried)
            for problem in problems:
                print('#', problem)
            result(not problems and acknowledged,
                   f'round {number + 1}: nothing is lost, nothing is there by half')
        problems = check(world, all_acknowledged, all_tried)
        result(not problems, f'all {len(all_acknowledged)} that were acknowledged are there at the end')
        checker = [sys.executable, os.path.join(os.path.dirname(__file__), 'store_checker.py')]
        ran = subprocess.run([*checker, *([world.storage.endpoint, 'world'] if world.storage else [world.store])],
                             capture_output=True, text=True, check=False)
        result(ran.returncode == 0, 'a program that shares nothing with Drawbridge finds no problem')
        for line in (ran.stdout + ran.stderr).splitlines():
            print('#', line)
        collected, checked = world.run('collect'), world.run('fsck')
        print('#', collected.stdout.strip(), '#', checked.stdout.strip())
        result(collected.returncode == 0 and checked.returncode == 0, 'fsck finds no problem')
        result(world.kill(15) == 0, 'and it ends')
    finally:
        world.close()
finish()
