# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# Small modules without imports, written as bytes so that the tests need no assembler.
# (func (export "_start"))
printf '\000asm\001\000\000\000\001\004\001`\000\000\003\002\001\000\007\012\001\006_start\000\000\012\004\001\002\000\013' >nothing.wasm
# (func (export "") (result i32) i32.const 1)
printf '\000asm\001\000\000\000\001\005\001`\000\001\177\003\002\001\000\007\004\001\000\000\000\012\006\001\004\000A\001\013' >return_1.wasm
# (func (export "_start") unreachable)
printf '\000asm\001\000\000\000\001\004\001`\000\000\003\002\001\000\007\012\001\006_start\000\000\012\005\001\003\000\000\013' >unreachable.wasm
# (func (export "_start") (drop (i32.div_s (i32.const 1) (i32.const 0))))
printf '\000asm\001\000\000\000\001\004\001`\000\000\003\002\001\000\007\012\001\006_start\000\000\012\012\001\010\000A\001A\000m\032\013' >divide.wasm
# (func (export "other"))
printf '\000asm\001\000\000\000\001\004\001`\000\000\003\002\001\000\007\011\001\005other\000\000\012\004\001\002\000\013' >library.wasm
# (memory (export "") 0)
printf '\000asm\001\000\000\000\005\003\001\000\000\007\004\001\000\002\000' >no_export.wasm
# (import "env" "absent" (func))
printf '\000asm\001\000\000\000\001\004\001`\000\000\002\016\001\003env\006absent\000\000' >missing.wasm
# (func (export "_start") (loop (br 0)))
printf '\000asm\001\000\000\000\001\004\001`\000\000\003\002\001\000\007\012\001\006_start\000\000\012\011\001\007\000\003@\014\000\013\013' >forever.wasm
# (func (export "_start") (param i32))
printf '\000asm\001\000\000\000\001\005\001`\001\177\000\003\002\001\000\007\012\001\006_start\000\000\012\004\001\002\000\013' >parameter.wasm
