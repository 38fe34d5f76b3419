#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Programs with sockets from Enarx.toml. $1 is the other side, in Python.
if [ -z "$PROGRAMS" ]; then
    echo "1..0 # SKIP clang cannot compile for wasm32-wasi (wasi-libc, lld)"
    exit 0
fi
if [ "$BACKEND" = kvm ] && ! { [ -r /dev/kvm ] && [ -w /dev/kvm ]; }; then
    echo "1..0 # SKIP /dev/kvm cannot be opened"
    exit 0
fi
if ! command -v python3 >/dev/null; then
    echo "1..0 # SKIP there is no python3 for the other side"
    exit 0
fi
exec python3 "$1" "$ENARX" "$PROGRAMS"
