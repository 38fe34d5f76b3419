#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# unstable exec: ordinary static programs in a Keep of kind $BACKEND.
. "${0%/*}/lib.sh"

guest() { # name args…
    name=$1; shift
    enarx unstable exec "$GUESTS/guest-$name" "$@"
}

for number in 0 1 42 255; do
    try guest status $number
    is_status $number "exit status $number is passed through"
done
try guest status
is_status 134 "death by a signal is 128 and its number"

head -c 2097152 /dev/urandom >random
guest echo <random >copy 2>"$err"; status=$?
cmp -s random copy; result $? "2 MiB go through a Keep unchanged"

export SECRET=host
try guest show one "two words" --three
is_status 0 "a program can look around"
out_is 'arg 1: one
arg 2: two words
arg 3: --three
fd: 0
fd: 1
fd: 2' "it has its arguments, three descriptors and no environment"
err_is "on stderr" "and reaches stderr"

exec 9</dev/null
try guest show
out_is 'fd: 0
fd: 1
fd: 2' "the launcher's own descriptors do not leak"
exec 9<&-

try enarx unstable exec /nonexistent
is_status 124 "a missing file is an error of its own"
err_has "cannot open /nonexistent: No such file or directory" "and is named"
echo "not a program" >text
try enarx unstable exec text
is_status 122 "what is not a program is refused"
: >empty
try enarx unstable exec empty
is_status 122 "an empty file is refused"

await() { for _ in 1 2 3 4 5 6 7 8 9 10; do grep -qs ready "$1" && break; sleep 0.2; done; }

"$ENARX" unstable exec "$GUESTS/guest-wait" >ready &
launcher=$!
await ready
kill -TERM $launcher
wait $launcher; status=$?
is_status 7 "SIGTERM is passed on to the program"

# A read that nothing ever ends but the signal.
mkfifo never
exec 8<>never
rm -f ready
"$ENARX" unstable exec "$GUESTS/guest-wait" read <never >ready &
launcher=$!
await ready
kill -TERM $launcher
wait $launcher; status=$?
is_status 7 "also in the midst of a call that waits"
rm -f ready
"$ENARX" unstable exec "$GUESTS/guest-wait" default <never >ready &
launcher=$!
await ready
kill -TERM $launcher
wait $launcher; status=$?
is_status 143 "a program without a handler ends as by the signal"
exec 8<&-

if [ "$BACKEND" = nil ]; then
    mkdir open shut
    echo x >open/file; echo x >shut/file
    if enarx platform info | grep -q 'Landlock: version'; then
        try enarx unstable exec --dir open "$GUESTS/guest-open" r "$work/open/file"
        is_status 0 "a granted directory can be read"
        try enarx unstable exec --dir open "$GUESTS/guest-open" w "$work/open/new"
        is_status 0 "and written to"
        try enarx unstable exec --dir open:ro "$GUESTS/guest-open" w "$work/open/new"
        is_status 13 "unless it was granted read-only"
        try enarx unstable exec --dir open "$GUESTS/guest-open" r "$work/shut/file"
        is_status 13 "what was not granted cannot be read"
    else
        skip "directories are confined" "this kernel has no Landlock"
    fi

    "$ENARX" unstable exec "$GUESTS/guest-wait" >ready2 &
    launcher=$!
    await ready2
    child=$(tr -d ' ' <"/proc/$launcher/task/$launcher/children" 2>/dev/null)
    kill -KILL $launcher
    wait $launcher 2>/dev/null; status=$?
    sleep 0.3
    if [ -n "$child" ]; then
        # Dead, or a zombie that nobody fetches.
        ! grep -s '^State:' "/proc/$child/status" | grep -qv 'Z'
        result $? "the program dies with its launcher"
    else
        skip "the program dies with its launcher" "/proc does not list children"
    fi
fi
finish
