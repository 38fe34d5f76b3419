#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Keeps that a Steward certifies: certify.sh ENARX STEWARD PROGRAMS BACKEND
enarx=$1 steward=$2 programs=$3 backend=$4
if [ -z "$programs" ]; then
    echo "1..0 # SKIP clang cannot compile for wasm32-wasi (wasi-libc, lld)"
    exit 0
fi
if [ "$backend" = kvm ] && ! { [ -r /dev/kvm ] && [ -w /dev/kvm ]; }; then
    echo "1..0 # SKIP /dev/kvm cannot be opened"
    exit 0
fi
exec python3 "$(dirname "$0")/certify.py" "$enarx" "$steward" "$programs" "$backend"
