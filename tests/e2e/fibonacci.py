# SPDX-License-Identifier: Apache-2.0
"""examples/fibonacci in every language whose toolchain is there, by the commands of its README. Started by Meson with
BACKEND, ENARX and NPM (directory of the npm tests' packages) set. Without it a toolchain's modules could stop to run, or
the README could be wrong."""
import os
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.realpath(__file__))
EXAMPLE = os.path.join(HERE, '..', '..', 'examples', 'fibonacci')
ENARX, NPM, BACKEND = (os.environ[name] for name in ('ENARX', 'NPM', 'BACKEND'))
if BACKEND == 'kvm' and not os.access('/dev/kvm', os.R_OK | os.W_OK):
    print('1..0 # SKIP /dev/kvm cannot be opened')
    sys.exit(0)

work = tempfile.mkdtemp()
shutil.copytree(EXAMPLE, work, dirs_exist_ok=True, ignore=shutil.ignore_patterns('node_modules', '*.wasm'))
os.makedirs(work + '/bin')
os.symlink(ENARX, work + '/bin/enarx')
os.symlink(NPM + '/node_modules', work + '/node_modules')
# Debian's compilers first: other ones rarely have the targets.
environment = {name: value for name, value in os.environ.items() if not name.startswith('ENARX')}
environment |= {'PATH': f'{work}/bin:/usr/bin:{os.environ["PATH"]}', 'ENARX_BACKEND': BACKEND}


def shell(command, text=None):
    return subprocess.run(['sh', '-c', command], cwd=work, env=environment, capture_output=True, input=text, timeout=240)


def compiles(command, text):
    """Why a toolchain cannot make even the smallest module; None: it can."""
    return None if shell(command, text).returncode == 0 else f'not possible here: {command}'


def c():
    return compiles('clang --target=wasm32-wasi -o bin/probe.wasm -x c -', b'int main(void) { return 0; }')


def cpp():
    return compiles('clang++ --target=wasm32-wasi -fno-exceptions -o bin/probe.wasm -x c++ -',
                    b'#include <iostream>\nint main() { std::cout << 1; }')


def rust():
    return None if target else 'rustc has no target for WASI (libstd-rust-dev-wasm32)'


def rust_target():
    for name in ('wasm32-wasi', 'wasm32-wasip1'):
        if shell(f'test -d "$(rustc --target={name} --print target-libdir)"').returncode == 0:
            return name
    return None


def npm():
    ended = subprocess.run([HERE + '/../npm/install', NPM], capture_output=True, text=True)
    return ended.stdout.strip() if ended.returncode else None


target = rust_target()
no_npm = npm()
missing = {  # asked only if something fails
    'C': c, 'C++': cpp, 'Rust': rust, 'C with Enarx.toml': c,
    'D': lambda: c() or compiles('command -v ldc2', b''),
    'Nim': lambda: c() or compiles('command -v nim', b''),
}
numbers, pair = [], (0, 1)
for _ in range(94):
    numbers.append(pair[0])
    pair = pair[1], sum(pair)
expected = ''.join(f'{number}\n' for number in numbers).encode()

with open(work + '/README.md', encoding='utf-8') as file:
    rows = re.findall(r'^\| ([^|]+) \| [^|]* \| `([^`]+)` \| `([^`]+)` \| \d+ \|$', file.read(), re.MULTILINE)
# The example's Enarx.toml says the same as the command line.
rows.append(('C with Enarx.toml', *(word.replace(' 94', '').replace('run', 'run --wasmcfgfile Enarx.toml') for word in rows[0][1:])))
failed = 0
print(f'1..{len(rows)}')
for number, (language, build, run) in enumerate(rows, 1):
    if language == 'Ruby' and os.path.exists(NPM + '/ruby.wasm'):
        build = f'cp {NPM}/ruby.wasm .'  # tests/npm/keep.sh has merged the same, which takes a while
    ended = shell(build.replace('wasm32-wasi', target or '') if language == 'Rust' else build)
    if ended.returncode == 0:
        if language == 'Ruby':
            os.replace(shutil.copy(work + '/ruby.wasm', NPM + '/ruby.wasm.new'), NPM + '/ruby.wasm')
        ended = shell(run)
    good = ended.returncode == 0 and ended.stdout == expected
    reason = None if good else missing.get(language, lambda: no_npm)()
    if reason:
        print(f'ok {number} - {language} # SKIP {reason}', flush=True)
        continue
    failed += not good
    print(f'{"ok" if good else "not ok"} {number} - {language}', flush=True)
    if not good:
        print('#', ended.returncode, ended.stdout[-300:], ended.stderr[-2000:])
shutil.rmtree(work)
sys.exit(1 if failed else 0)
