#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# run: WebAssembly modules in a Keep of kind $BACKEND, and everything that can be wrong with them.
. "${0%/*}/lib.sh"
. "$here/modules.sh"

for name in nothing return_1 library; do
    try enarx run $name.wasm
    is_status 0 "$name ends well"
    err_is "" "and in silence"
done

try enarx run unreachable.wasm
is_status 126 "a trap has its own exit status"
err_is 'Error: the program trapped: unreachable
    0: function 0 at 0x23' "and a message with a backtrace"
try enarx run divide.wasm
err_has "the program trapped: integer divide by zero" "the kind of trap is told"

try enarx run no_export.wasm
is_status 122 "an entry that is not a function is refused"
err_has 'its export "" is not a function' "and named"
try enarx run parameter.wasm
err_has 'its function "_start" takes arguments' "an entry with parameters is refused"
try enarx run missing.wasm
is_status 122 "a missing import is an error"
err_has 'absent' "and named"

head -c 20 nothing.wasm >truncated.wasm
try enarx run truncated.wasm
is_status 122 "a module that was cut off is refused"
err_has "was it cut off?" "and the reason guessed"
echo '(module)' >text.wasm
try enarx run text.wasm
is_status 122 "the text format is refused"
err_is 'Error: main.wasm cannot be run: it is WebAssembly in the text format
Hint: Translate it with wat2wasm or wasm-tools parse.' "with the way out"
echo 'hello' >hello.wasm
try enarx run hello.wasm
err_has "it does not begin as a module does" "any other file is refused"
: >empty.wasm
try enarx run empty.wasm
is_status 122 "an empty file is refused"
err_has "the file is empty" "and the reason told"
try enarx run nowhere.wasm
is_status 124 "a missing file has another status"
err_is "Error: cannot open the module nowhere.wasm: No such file or directory" "and is named"
try enarx run .
err_has "Is a directory" "a directory is no module"

for engine in compiler interp; do
    try enarx run --engine $engine return_1.wasm
    is_status 0 "the engine $engine runs a program"
    try enarx run --engine $engine divide.wasm
    err_has "the program trapped: integer divide by zero" "and reports its traps"
done
try enarx run --engine compiler --timings return_1.wasm
err_has "compiled                    1     functions" "the compiler has compiled what was called"
try enarx run --engine interp --timings return_1.wasm
err_has "compiled                    0     functions" "the interpreter nothing"
try enarx run --timings return_1.wasm
err_has "compiled                    1     functions" "without the option it is the compiler"
try enarx run --engine jit nothing.wasm
is_status 120 "an engine that is not known is refused"
err_is 'Error: the engine jit is not known
Hint: Give --engine compiler or --engine interp.' "in a sentence"

try enarx run --timings nothing.wasm
is_status 0 "--timings changes no status"
err_has "validate" "and tells the phases"
err_has "total" "and their sum"
try enarx run --timings --json nothing.wasm
if command -v python3 >/dev/null; then
    python3 -m json.tool "$err" >/dev/null; result $? "--timings --json is JSON"
else
    skip "--timings --json is JSON" "there is no python3"
fi

enarx config init
try enarx run --wasmcfgfile Enarx.toml nothing.wasm
is_status 0 "the template of config init can be used as it is"
echo 'args = 1' >bad.toml
try enarx run --wasmcfgfile bad.toml nothing.wasm
is_status 121 "a mistake in Enarx.toml has its own exit status"
err_has "Enarx.toml:1:8: args must be an array of strings, but is an integer" "and its place is told"
ENARX_WASMCFGFILE=bad.toml
export ENARX_WASMCFGFILE
try enarx run nothing.wasm
is_status 121 "ENARX_WASMCFGFILE stands in for the option"
unset ENARX_WASMCFGFILE
mkdir app && cp nothing.wasm bad.toml app && mv app/bad.toml app/Enarx.toml
try enarx run app/nothing.wasm
is_status 0 "an Enarx.toml beside the module is not used"
try enarx run --config-beside app/nothing.wasm
is_status 121 "unless it is asked for"
try enarx run --wasmcfgfile none.toml nothing.wasm
err_has "cannot open the configuration none.toml" "a missing configuration is named"

printf '[[files]]\nkind = "connect"\nprot = "tls"\nhost = "localhost"\n' >tls.toml
try enarx run --wasmcfgfile tls.toml nothing.wasm
is_status 124 "a TLS file whose peer is not there ends the run"
err_has 'file 0, "localhost": cannot connect to localhost port 443' "with the reason"
printf '[[files]]\nkind = "connect"\nprot = "tcp"\nhost = "name.invalid"\n' >name.toml
try enarx run --wasmcfgfile name.toml nothing.wasm
err_has 'the host knows no address for the name "name.invalid"' "a name without address ends the run"
printf '[[files]]\nkind = "connect"\nprot = "tcp"\nhost = "localhost"\nport = 1\n' >refused.toml
try enarx run --wasmcfgfile refused.toml nothing.wasm
is_status 124 "a connection that is refused ends the run"
err_has "cannot connect to localhost port 1: Connection refused" "and is named"
printf '[[files]]\nkind = "listen"\nprot = "tcp"\nname = "web"\naddr = "127.0.0.1"\nport = 0\n' \
    >listen.toml
try enarx run --wasmcfgfile listen.toml nothing.wasm
is_status 0 "a socket can listen"

mkdir data
printf '[[files]]\nkind = "dir"\npath = "/data"\n' >dir.toml
try enarx run --wasmcfgfile dir.toml --dir data::/data nothing.wasm
is_status 0 "a directory can be granted"
try enarx run --wasmcfgfile dir.toml nothing.wasm
err_has 'the directory "/data" is not granted' "a directory that is not granted is told"
try enarx run --wasmcfgfile Enarx.toml --dir data::/data nothing.wasm
err_has 'the directory "/data" is granted, but not named in Enarx.toml' "and the other way round"
try enarx run --dir data::/data:ro nothing.wasm
is_status 0 "without Enarx.toml any directory can be granted"
try enarx run --dir data:/data nothing.wasm
is_status 120 "a malformed grant is a mistake"
try enarx run --dir data::/data --dir data::/data nothing.wasm
err_has "the directory name /data is granted twice" "a directory is granted once"
try enarx run --dir nowhere::/data nothing.wasm
err_has "cannot open the directory nowhere" "a missing directory is named"

printf '[env]\nA = "1"\n' >env.toml
try enarx run --wasmcfgfile env.toml --env B=2 nothing.wasm
is_status 0 "variables can be added"
try enarx run --wasmcfgfile env.toml --env A=2 nothing.wasm
is_status 121 "but not changed"
err_has "the environment variable A is already set" "and it is told which"
try enarx run --env FD_COUNT=9 nothing.wasm
err_has "the environment variable FD_COUNT is already set" "FD_COUNT is ours"
try enarx run --env A nothing.wasm
err_has "--env A is not of the form KEY=VALUE" "a malformed variable is a mistake"

try enarx run nothing.wasm --timings -x --
is_status 0 "options behind the module belong to the program"
err_is "" "and are not looked at"
long=$(head -c 120000 /dev/zero | tr '\0' x)
try enarx run nothing.wasm "$long"
is_status 0 "long arguments fit"
try enarx run nothing.wasm "$long" "$long"
is_status 120 "arguments that are too long are refused"
try env ENARX_LOG=info "$ENARX" run nothing.wasm
err_has " INFO enarx::cli: Keep of kind $BACKEND" "the log tells the kind of Keep"
enarx run nothing.wasm <&- >&- 2>&-; status=$?
is_status 0 "closed standard files are replaced by /dev/null"
finish
