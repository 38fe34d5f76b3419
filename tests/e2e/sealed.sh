#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Sealed directories in Keeps of kind $BACKEND: what a program keeps there, and what the host sees.
#   ENARX     the program            PROGRAMS  directory of *.wasm; empty: none could be made
# (variables of lib.sh)
if [ -z "$PROGRAMS" ]; then
    echo "1..0 # SKIP clang cannot compile for wasm32-wasi (wasi-libc, lld)"
    exit 0
fi
if [ "$BACKEND" = kvm ] && ! { [ -r /dev/kvm ] && [ -w /dev/kvm ]; }; then
    echo "1..0 # SKIP /dev/kvm cannot be opened"
    exit 0
fi
here=$(cd "${0%/*}" && pwd)
. "$here/lib.sh"

cat >Enarx.toml <<'END'
[[files]]
kind = "stdin"
[[files]]
kind = "stdout"
[[files]]
kind = "stderr"
[[files]]
kind = "dir"
path = "/data"
sealed = true
END
note="Note: sealed directories are protected by a development key: the host can read them"
mkdir data
# run WORDS: what the program is to do. with OPTIONS: the same with options of enarx run and the words in $words.
with() { printf '%s\n' "$words" | enarx run "$@" "$PROGRAMS/sealed.wasm"; }
run() {
    words="$*"
    with --wasmcfgfile Enarx.toml --dir "$PWD/data::/data"
}

try run write "nobody may see this"
is_status 0 "a program writes into a sealed directory"
err_is "$note" "and the user is told what the key is worth"
try run read
out_is "nobody may see this
nobody may see this" "another run of it reads that"
[ "$(ls data)" = sealed.log ]
result $? "the host keeps one file"
! grep -aq "nobody may\|a-name-to\|directory" data/sealed.log
result $? "in which it finds neither contents nor names"

words=count
try with --log-filter info --wasmcfgfile Enarx.toml --dir "$PWD/data::/data"
version=$(sed -n 's/.*sealed directory \/data: version \([0-9]*\), digest [0-9a-f]\{32\}, closed/\1/p' "$err")
[ -n "$version" ]
result $? "the log says the version when it closes"
words=count
try with --wasmcfgfile Enarx.toml --dir "$PWD/data::/data" --sealed-min "/data=$version"
out_is 2 "which may be demanded next time"

cp data/sealed.log older
try run count
try run count
cp older data/sealed.log
words=count
try with --wasmcfgfile Enarx.toml --dir "$PWD/data::/data" --sealed-min "/data=$((version + 3))"
is_status 124 "an older copy is refused then"
err_has "but at least $((version + 3)) is wanted" "and it is said why"
words=count
try with --wasmcfgfile Enarx.toml --dir "$PWD/data::/data" --sealed-min /other=1
is_status 120 "a version of a directory that is not granted is a mistake"

try enarx run --wasmcfgfile Enarx.toml --dir "$PWD/data::/data" "$PROGRAMS/hello.wasm"
is_status 124 "another workload cannot open it"
err_is "$note
Error: cannot open the sealed directory \"/data\": sealed.log was sealed with another key
Hint: Only the workload that sealed it can open it, on the same kind of Keep." "and is told so"
cp Enarx.toml changed.toml
echo "# another version" >>changed.toml
words=count
try with --wasmcfgfile changed.toml --dir "$PWD/data::/data"
is_status 124 "neither can another version of it"

try enarx run --wasmcfgfile Enarx.toml --dir "$PWD/data::/data" --env A=1 "$PROGRAMS/sealed.wasm"
is_status 121 "and what the host would add to it"
err_has "takes no arguments and no variables" "is refused"

size=$(wc -c <data/sealed.log)
cp data/sealed.log good
printf 'X' | dd of=data/sealed.log bs=1 seek=$((size / 2)) conv=notrunc 2>/dev/null
cmp -s good data/sealed.log && printf 'Y' | dd of=data/sealed.log bs=1 seek=$((size / 2)) conv=notrunc 2>/dev/null
try run count
is_status 124 "a byte that was changed is refused"
err_has "is not what was written there" "and it is said where"
cp good data/sealed.log

words="read"
try with --wasmcfgfile Enarx.toml --dir "$PWD/data::/data:ro"
is_status 0 "a grant that is read-only can be read"
words=count
try with --wasmcfgfile Enarx.toml --dir "$PWD/data::/data:ro"
err_has "Read-only file system" "and not written"
cmp -s good data/sealed.log
result $? "and the host's file is as it was"

# A Keep that is killed: what it has printed was synchronized before.
echo forever >order
"$ENARX" run --wasmcfgfile Enarx.toml --dir "$PWD/data::/data" "$PROGRAMS/sealed.wasm" \
    <order >numbers 2>/dev/null &
keep=$!
for _ in $(seq 600); do
    [ "$(wc -l <numbers)" -gt 20 ] && break
    sleep 0.1
done
try run count
is_status 124 "a second Keep is locked out while one runs"
err_has "another Keep uses the directory" "and is told so"
kill -9 $keep
wait $keep 2>/dev/null
for _ in $(seq 600); do # until the Keep itself is gone, too
    try run count
    grep -q "another Keep" "$err" || break
    sleep 0.1
done
is_status 0 "after kill -9 the next one goes on"
[ "$(cat "$out")" -gt "$(tail -n 1 numbers)" ]
result $? "and nothing that was synchronized is lost"

mkdir files
printf 'args = ["/data", "x"]\n' | cat - Enarx.toml >files.toml
try enarx run --wasmcfgfile files.toml --dir "$PWD/files::/data" "$PROGRAMS/files.wasm"
out_is ok "files, directories and links behave as those of the host"
try enarx run --wasmcfgfile files.toml --dir "$PWD/files::/data" "$PROGRAMS/files.wasm"
out_is ok "and nothing of them is left behind"
mkdir bench
words="bench 6000 100"
try with --wasmcfgfile Enarx.toml --dir "$PWD/bench::/data"
is_status 0 "many blocks at random places are what was written"
[ "$(wc -c <bench/sealed.log)" -lt 60000000 ]
result $? "and do not fill the host's disk"
finish
