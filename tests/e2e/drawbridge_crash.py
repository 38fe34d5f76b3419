#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""kill -9 in a loop under load. Everything that was acknowledged is there afterwards, byte for byte;
everything that is there is whole; nothing is in the way of a repetition. ROUNDS=N makes N rounds.
What is on disk when the machine loses its power is not tested by this."""
import hashlib
import os
import random
import tempfile
import threading
import time

from drawbridge_world import API, World, finish, result

ROUNDS = int(os.environ.get('ROUNDS', '6'))
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


with tempfile.TemporaryDirectory() as directory:
    world = World(directory, '--log-filter', 'warn')
    try:
        world.start()
        result(world.prepare(), 'a user and a repository')
        all_acknowledged, all_tried = [], []
        for number in range(ROUNDS):
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
        collected, checked = world.run('collect'), world.run('fsck')
        print('#', collected.stdout.strip(), '#', checked.stdout.strip())
        result(collected.returncode == 0 and checked.returncode == 0, 'fsck finds no problem')
        result(world.kill(15) == 0, 'and it ends')
    finally:
        world.close()
finish()
