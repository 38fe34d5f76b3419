#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# tests/guest/run.sh BACKEND ENARX PROGRAM: runs a program in a Keep; skips where there is none.
set -u
if [ "$1" = kvm ] && ! { [ -r /dev/kvm ] && [ -w /dev/kvm ]; }; then
    echo "1..0 # SKIP /dev/kvm cannot be opened"
    exit 77
fi
exec "$2" unstable exec --backend "$1" "$3"
