#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes sallyport's guest stager and host table from src/sallyport/calls.txt.

    sallyport.py guest CALLS OUTPUT     the stager, one pair of functions a call
    sallyport.py host CALLS OUTPUT      the executor's decoders and table
"""
import re
import sys
from dataclasses import dataclass, field

ARGUMENT = re.compile(
    r'(?:(?P<kind>h|in|out|io|path)(?P<flag>[?~])?:)?(?P<name>\w+)(?:\[(?P<size>=?\w+)\])?$')


@dataclass
class Argument:
    kind: str
    name: str
    size: str = ''
    optional: bool = False
    shrinks: bool = False

    @property
    def is_buffer(self):
        return self.kind in ('in', 'out', 'io', 'path')

    @property
    def fixed(self):
        return self.size[1:] if self.size.startswith('=') else ''

    @property
    def length(self):
        """The C expression of the buffer's size on the guest side."""
        return self.fixed or (f'{self.name}_size' if self.kind == 'path' else self.size)


@dataclass
class Call:
    kind: str
    name: str
    number: int
    arguments: list = field(default_factory=list)
    result: list = field(default_factory=list)
    custom: bool = False

    @property
    def slots(self):
        """Arguments in their order on the wire. A path takes one slot for offset and size: its size
        stands in the upper half."""
        return self.arguments


def fail(line, text):
    sys.exit(f'calls.txt:{line}: {text}')


def parse(path):
    calls = []
    with open(path, encoding='utf-8') as lines:
        for number, line in enumerate(lines, 1):
            line = line.split('#')[0].strip()
            if not line:
                continue
            left, _, right = line.partition('->')
            words, result = left.split(), right.split()
            if len(words) < 3 or not result or words[0] not in ('syscall', 'keep'):
                fail(number, 'expected: kind name number argument … -> result')
            call = Call(words[0], words[1], int(words[2]))
            if result[-1] == 'custom':
                call.custom = True
                result.pop()
            call.result = result
            for word in words[3:]:
                match = ARGUMENT.match(word)
                if not match:
                    fail(number, f'bad argument {word}')
                call.arguments.append(Argument(
                    match['kind'] or 'value', match['name'], match['size'] or '',
                    match['flag'] == '?', match['flag'] == '~'))
            if len(call.arguments) > 6:
                fail(number, 'more than six arguments')
            calls.append(call)
    return calls


def upper(call):
    return f'SP_{"SYS" if call.kind == "syscall" else "KEEP"}_{call.name.upper()}'


def enums(calls):
    yield 'enum sp_call_number {'
    for call in calls:
        yield f'    {upper(call)} = {call.number},'
    yield '};'
    yield ''


def staged(call):
    """Arguments that staging needs: where an answer goes to does not matter yet."""
    return [a for a in call.arguments if a.kind != 'out' or a.optional]


def parameters(arguments):
    result = []
    for a in arguments:
        if a.kind in ('in', 'path'):
            result.append(f'const void *{a.name}')
        elif a.is_buffer:
            result.append(f'void *{a.name}')
        else:
            result.append(f'uint64_t {a.name}')
        if a.kind == 'path':
            result.append(f'uint64_t {a.name}_size')
    return result


def guest_stage(call):
    signature = ', '.join(['struct sp_port *port', 'struct sp_call *call'] + parameters(staged(call)))
    yield f'static inline int sp_stage_{call.name}({signature})'
    yield '{'
    kind = 'SP_SYSCALL' if call.kind == 'syscall' else 'SP_KEEP'
    yield f'    int failed = sp_begin(port, call, {kind}, {upper(call)});'
    yield '    if (failed < 0)'
    yield '        return failed;'
    buffers = [a for a in call.arguments if a.is_buffer]
    for a in buffers:
        if a.shrinks:
            yield f'    {a.size} = sp_room(port, {a.size});'
    for index, a in enumerate(call.arguments):
        if not a.is_buffer:
            continue
        if a.kind == 'out':
            reserve = f'sp_reserve(port, call, {index}, {a.length})'
        else:
            reserve = f'sp_send(port, call, {index}, {a.name}, {a.length})'
        if a.optional:
            yield f'    if (!{a.name})'
            yield f'        call->args[{index}] = SP_ABSENT;'
            yield f'    else if ((failed = {reserve}) < 0)'
        else:
            yield f'    if ((failed = {reserve}) < 0)'
        yield '        return failed;'
        if a.kind == 'path':
            guard = f'if ({a.name})\n        ' if a.optional else ''
            yield f'    {guard}call->args[{index}] |= {a.name}_size << 32;'
    for index, a in enumerate(call.arguments):
        if not a.is_buffer:
            yield f'    call->args[{index}] = {a.name};'
    yield f'    sp_commit(port, call, {len(call.arguments)});'
    yield '    return 0;'
    yield '}'
    yield ''


def guest_collect(call):
    outputs = [a for a in call.arguments if a.kind in ('out', 'io')]
    signature = ', '.join(['struct sp_port *port', 'const struct sp_call *call'] +
                          [f'void *{a.name}' for a in outputs])
    yield f'static inline int64_t sp_collect_{call.name}({signature})'
    yield '{'
    yield '    int64_t result = sp_result(port, call);'
    yield '    if (result < 0)'
    yield '        return result;'
    names = [a.name for a in call.arguments]
    limit = None
    kind = call.result[0]
    if kind == 'zero':
        yield '    sp_expect(port, result == 0, "a call that answers 0 answered more");'
    elif kind == 'handle':
        yield '    sp_expect(port, result < SP_HANDLES_MAX, "a handle is out of range");'
    elif kind in ('count', 'elements'):
        limit = f'call->args[{names.index(call.result[1])}]'
        scale = f' * {call.result[2]}' if kind == 'elements' else ''
        bound = f'{limit} / {call.result[2]}' if kind == 'elements' else limit
        yield f'    sp_expect(port, (uint64_t)result <= {bound}, "a count exceeds its buffer");'
    for a in outputs:
        index = names.index(a.name)
        if a.fixed:
            size = a.fixed
        elif limit and a.size == call.result[1]:
            size = f'(uint64_t)result{scale}'
        elif call.name == 'recvfrom':
            size = '0'
        else:
            size = f'call->args[{names.index(a.size)}]'
        if call.name == 'recvfrom' and a.name == 'buffer':
            # Only with MSG_TRUNC may the result exceed the buffer: it is a datagram's own size then.
            yield '    sp_expect(port, (uint64_t)result <= call->args[2] || call->args[3] & 0x20,'
            yield '              "more was received than was asked for");'
            yield f'    uint64_t got = (uint64_t)result < call->args[2] ? (uint64_t)result : call->args[2];'
            size = 'got'
        copy = f'sp_port_copy_out(port, {a.name}, sp_data(port, call, {index}), {size})'
        guard = f'{a.name} && ' if a.optional else ''
        yield f'    if ({guard}{copy} < 0)'
        yield '        return SP_EFAULT;'
    yield '    return result;'
    yield '}'
    yield ''


def guest_call(call):
    signature = ', '.join(['struct sp_port *port'] + parameters(call.arguments))
    names = []
    for a in staged(call):
        names.append(a.name)
        if a.kind == 'path':
            names.append(f'{a.name}_size')
    outputs = [a.name for a in call.arguments if a.kind in ('out', 'io')]
    yield f'static inline int64_t sp_{call.name}({signature})'
    yield '{'
    yield '    struct sp_call call;'
    yield '    sp_reset(port);'
    yield f'    int failed = sp_stage_{call.name}({", ".join(["port", "&call"] + names)});'
    yield '    if (failed < 0)'
    yield '        return failed;'
    yield '    sp_port_exit(port);'
    yield f'    return sp_collect_{call.name}({", ".join(["port", "&call"] + outputs)});'
    yield '}'
    yield ''


def guest(calls):
    yield '/* Generated from calls.txt by tools/sallyport.py. Included by sallyport/guest/stage.h. */'
    yield '#pragma once'
    yield ''
    yield from enums(calls)
    for call in calls:
        yield from guest_stage(call)
        yield from guest_collect(call)
        yield from guest_call(call)


def host_decode(call):
    """One function a call: checks what the guest staged, then makes the call."""
    unused = '' if any(a.is_buffer for a in call.arguments) else '(void)data;'
    yield f'static int64_t run_{call.name}(struct sp_host *host, const struct sp_item *item, uint8_t *data)'
    yield '{'
    if not call.arguments:
        yield '    (void)item;'
    if not call.custom:
        yield '    (void)host;'
    if unused:
        yield f'    {unused}'
    names = [a.name for a in call.arguments]
    actual = []
    for index, a in enumerate(call.arguments):
        if a.kind == 'h':
            yield f'    int {a.name} = sp_host_fd(host, item->args[{index}]);'
            yield f'    if ({a.name} == -1)'
            yield '        return -EBADF;'
            actual.append(a.name)
        elif a.kind == 'value':
            actual.append(f'item->args[{index}]')
        else:
            if a.kind == 'path':
                size = f'item->args[{index}] >> 32'
                offset = f'item->args[{index}] & UINT32_MAX'
                function = 'sp_host_path'
            else:
                size = a.fixed or f'item->args[{names.index(a.size)}]'
                offset = f'item->args[{index}]'
                function = 'sp_host_bytes'
            declared = 'const char' if a.kind == 'path' else 'void'
            yield f'    {declared} *{a.name} = NULL;'
            if a.kind == 'path':
                yield f'    char {a.name}_copy[SP_PATH_MAX];'
                check = f'!({a.name} = sp_host_path(item, data, {offset}, {size}, {a.name}_copy))'
            else:
                check = f'!({a.name} = {function}(item, data, {offset}, {size}))'
            if a.optional:
                check = f'item->args[{index}] != SP_ABSENT && {check}'
            yield f'    if ({check})'
            yield '        return SP_HOST_BROKEN;'
            actual.append(a.name)
    if call.custom:
        yield f'    return sp_host_{call.name}({", ".join(["host"] + actual)});'
    elif call.result[0] == 'handle':
        yield f'    return sp_host_grant(host, sp_host_syscall({call.number}, {spread(actual)}));'
    else:
        yield f'    return sp_host_syscall({call.number}, {spread(actual)});'
    yield '}'
    yield ''


def spread(actual):
    padded = [f'(long){a}' for a in actual] + ['0'] * (6 - len(actual))
    return ', '.join(padded)


def host(calls):
    yield '/* Generated from calls.txt by tools/sallyport.py. Included by sallyport/host/execute.c. */'
    yield '#pragma once'
    yield ''
    for call in calls:
        yield from host_decode(call)
    yield 'static const struct host_call host_calls[] = {'
    for call in calls:
        kind = 'SP_SYSCALL' if call.kind == 'syscall' else 'SP_KEEP'
        yield f'    {{{kind}, {call.number}, run_{call.name}}},'
    yield '};'


def main():
    if len(sys.argv) != 4 or sys.argv[1] not in ('guest', 'host'):
        sys.exit(__doc__)
    calls = parse(sys.argv[2])
    lines = guest(calls) if sys.argv[1] == 'guest' else host(calls)
    with open(sys.argv[3], 'w', encoding='utf-8') as output:
        output.write('\n'.join(lines) + '\n')


if __name__ == '__main__':
    main()
