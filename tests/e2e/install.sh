#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What `meson install` leaves: the programs run, a program can be built with libwick, every command
# has its page, and the completions complete. Started by Meson with BUILD, MESON,
# EMBED, JUDGE and VECTORS_SMALL set.
. "${0%/*}/lib.sh"

root=$work/root
DESTDIR=$root try "$MESON" install -C "$BUILD" --no-rebuild --quiet
is_status 0 "meson install succeeds"
prefix=$(dirname "$(dirname "$(find "$root" -name enarx -path '*/bin/*')")")

try "$prefix/bin/enarx" --version
is_status 0 "the installed enarx runs"
try "$prefix/bin/wick" --help
is_status 0 "the installed wick runs"
for name in README.md SECURITY.md LICENSE enarx-toml.md; do
    [ -s "$prefix/share/doc/enarx/$name" ]; result $? "$name is installed"
done

# --- Man pages -------------------------------------------------------------------------------
pages=$prefix/share/man
if [ -f "$pages/man1/enarx.1" ]; then
    mkdir scd && enarx generate man scd
    for page in $(cd scd && ls | sed 's/\.scd$//') wick.1 ../man3/libattest.3 \
        ../man5/Enarx.toml.5; do
        grep -q '^\.TH' "$pages/man1/$page"; result $? "there is a page $page"
    done
else
    skip "there are man pages" "there is no scdoc"
fi

# --- The library -----------------------------------------------------------------------------
pc=$(dirname "$(find "$root" -name wick.pc)")
package() { # NAME OPTIONS…
    name=$1
    shift
    PKG_CONFIG_PATH=$pc${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH} PKG_CONFIG_SYSROOT_DIR=$root \
        pkg-config "$@" "$name"
}
if ! command -v pkg-config >/dev/null || ! command -v cc >/dev/null; then
    skip "a program is built with the installed library" "there is no pkg-config, or no cc"
else
    # shellcheck disable=SC2046 # lists of arguments
    try cc -Wall -Wextra -Werror -o shared "$EMBED" $(package wick --cflags --libs)
    is_status 0 "a program is linked with the shared library"
    LD_LIBRARY_PATH=$(dirname "$pc") try ./shared
    out_is "40 + 2 = 42" "and runs"
    # shellcheck disable=SC2046
    try cc -static -o static "$EMBED" $(package wick --static --cflags --libs)
    is_status 0 "a program is linked with the static library"
    try ./static
    out_is "40 + 2 = 42" "and runs alone"

    # shellcheck disable=SC2046
    try cc -Wall -Wextra -Werror -o judge "$JUDGE" $(package attest --cflags --libs)
    is_status 0 "a program is linked with the shared libattest"
    LD_LIBRARY_PATH=$(dirname "$pc") try ./judge
    out_has "refused: evidence.format" "and refuses nothing at all"
    vector=$VECTORS_SMALL/veraison/milan-v3
    LD_LIBRARY_PATH=$(dirname "$pc") try ./judge "$vector.report.bin" "$vector.vcek.der"
    out_is "accepted: Milan" "and accepts a genuine report"
    # shellcheck disable=SC2046
    try cc -static -o judge "$JUDGE" $(package attest --static --cflags --libs)
    is_status 0 "a program is linked with the static libattest"
    try ./judge "$vector.report.bin" "$vector.vcek.der"
    out_is "accepted: Milan" "and accepts a genuine report alone"
fi

# --- Completions -----------------------------------------------------------------------------
# complete SHELL WORDS…: what the shell offers for the last of these words, one a line.
complete_bash() {
    bash -c '. "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _enarx
        printf "%s\n" "${COMPREPLY[@]}"' - "$(find "$prefix/share/bash-completion" -type f)" "$@"
}
complete_fish() {
    fish --no-config -c "source '$(find "$prefix/share/fish" -type f)'; complete -C '$*'" | cut -f 1
}
# zsh completes only what is typed: a shell on a pseudo terminal, whose list is caught by compadd.
complete_zsh() {
    zsh -f "${0%/*}/complete.zsh" "$(find "$prefix/share/zsh" -type f)" "$*"
}

offers() { # SHELL expected WORDS…
    shell=$1 expected=$2
    shift 2
    try "complete_$shell" "$@"
    grep -qx -- "$expected" "$out"; result $? "$shell offers $expected for: $*"
}

for shell in bash fish zsh; do
    if ! command -v $shell >/dev/null; then
        skip "completions of $shell" "there is no $shell"
        continue
    fi
    offers $shell run enarx r
    offers $shell platform enarx ""
    offers $shell info enarx platform ""
    offers $shell --backend enarx run --ba
    offers $shell --wasmcfgfile enarx run --
    offers $shell --log-target enarx --log
    offers $shell --json enarx platform info --j
    offers $shell stderr enarx --log-target ""
    touch app.wasm
    offers $shell app.wasm enarx run app
done
finish
