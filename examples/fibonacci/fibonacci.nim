# SPDX-License-Identifier: Apache-2.0
# Nim does not know WASI: main is the one of wasi-libc.
import std/strutils

proc begin() {.importc: "NimMain".}

proc main(argc: cint, argv: cstringArray): cint {.exportc: "__main_argc_argv".} =
  begin()
  let count = if argc > 1: parseInt($argv[1]) else: 10
  var (number, next) = (0'u64, 1'u64)
  for i in 1 .. min(count, 94):
    echo number
    (number, next) = (next, number + next)
