#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# tests/ruby/run.sh BACKEND ENARX PACKAGES: Ruby's interpreter, as npm has it, runs scripts in a Keep.
set -u
here=$(cd "${0%/*}" && pwd)
backend=$1 enarx=$2 packages=$3
skip() {
    echo "1..0 # SKIP $1"
    exit 0
}
[ "$backend" != kvm ] || { [ -r /dev/kvm ] && [ -w /dev/kvm ]; } || skip "/dev/kvm cannot be opened"
why=$("$here/../npm/install" "$packages") || skip "$why"

ruby=$packages/ruby.wasm
if [ ! -f "$ruby" ]; then
    # The package's interpreter is a library; the driver makes a command of it.
    node "$packages/node_modules/binaryen/bin/wasm-merge" --all-features \
        "$packages/node_modules/@ruby/3.4-wasm-wasi/dist/ruby.wasm" ruby \
        "$here/driver.wat" canonical_abi -o "$ruby.new" && mv "$ruby.new" "$ruby"
fi

count=0
expect() { # output script
    count=$((count + 1))
    got=$("$enarx" run --backend "$backend" --trap-missing-imports "$ruby" "$2" 2>&1)
    status=$?
    if [ "$got" = "$1" ] && [ $status = 0 ]; then
        echo "ok $count - $2"
    else
        echo "not ok $count - $2"
        echo "# status $status: $got"
    fi
}
expect 385 'puts (1..10).map { |i| i * i }.sum'
expect 'KEEP-peek' 'puts "keep".upcase + "-" + "keep".reverse'
expect '{"a" => [1, 2.5, nil]}' 'p({"a" => [1, 2.5, nil]})'
expect 'divided by 0' 'begin; 1 / 0; rescue ZeroDivisionError => e; puts e.message; end'
echo "1..$count"
