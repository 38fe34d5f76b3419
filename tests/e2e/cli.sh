#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The command line: help, mistakes, config init, platform info, version. No Keep is built.
. "${0%/*}/lib.sh"

try enarx
is_status 120 "no command is a mistake"
err_has "enarx platform info" "and shows examples"

try enarx --help
is_status 0 "--help succeeds"
out_has "Usage: enarx" "and prints to stdout"
try enarx help run
out_has "enarx run --backend nil" "help COMMAND shows examples"
try enarx help platform info
out_has "--json" "help finds commands of two words"
try enarx run -h
is_status 0 "-h needs no operands"
for width in 45 60 80 200; do
    wanted=$([ $width -lt 100 ] && echo $width || echo 100)
    COLUMNS=$width enarx help run 2>"$err" | grep -v '^  # \|^  enarx\|^Usage' >"$out"
    status=0
    [ "$(awk -v most="$wanted" 'length($0) > most' "$out" | wc -l)" = 0 ] && [ -s "$out" ]
    result $? "help fits into $width columns"
done
try enarx help nothing
is_status 120 "help about nothing is a mistake"

try enarx rnu
is_status 120 "an unknown command is a mistake"
err_is 'Error: unknown command "rnu" of enarx
Hint: Did you mean enarx run?' "and the nearest one is suggested"
try enarx platform inf
err_has "Did you mean enarx platform info?" "also at the second word"
try enarx run --bakend nil x.wasm
err_is 'Error: unknown option "--bakend" of enarx run
Hint: Did you mean --backend?' "an unknown option gets a suggestion"
try enarx run --backend
err_has "the option --backend needs a value" "a value that is missing is told"
try enarx run --timings=yes x.wasm
err_has "the option --timings takes no value" "a value too many is told"
try enarx run
err_has "enarx run needs MODULE" "an operand that is missing is told"
try enarx config init now
err_has 'enarx config init does not take "now"' "an operand too many is told"
try enarx --log-target moon version
err_is 'Error: unknown log target "moon"
Hint: The targets are stderr and stdout.' "the log target is checked"

try enarx config init
is_status 0 "config init succeeds"
[ -f Enarx.toml ]; result $? "and writes Enarx.toml"
try enarx config init
is_status 121 "a second config init fails"
err_is 'Error: "Enarx.toml" does already exist.' "with the text of the original"

try enarx platform info
is_status 0 "platform info succeeds"
out_has "Enarx version" "and begins with the version"
out_has "Backend: nil" "and lists nil"
try enarx platform info --json
if command -v python3 >/dev/null; then
    python3 -m json.tool "$out" >/dev/null; result $? "platform info --json is JSON"
else
    skip "platform info --json is JSON" "there is no python3"
fi
out_has '"system_info"' "and has the fields of the original"

try enarx --version
is_status 0 "--version succeeds"
try enarx version --json
out_has '"compiler"' "version --json tells how it was built"

try enarx run --backend tardis x.wasm
is_status 123 "an unknown backend has its own exit status"
err_has 'Keep backend identifier "tardis" is unknown.' "and the text of the original"

for shell in bash zsh fish; do
    enarx generate completion $shell >completion.$shell
    if command -v $shell >/dev/null; then
        try $shell -n completion.$shell
        is_status 0 "the completion for $shell is well-formed"
    else
        skip "the completion for $shell is well-formed" "there is no $shell"
    fi
done
try enarx --version
enarx version >/dev/full 2>"$err"; status=$?
is_status 124 "output that cannot be written is an error"
finish
