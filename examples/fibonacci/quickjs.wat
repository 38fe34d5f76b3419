;; SPDX-License-Identifier: Apache-2.0
;; Makes a command of the JavaScript interpreter QuickJS from npm, which is a library: evaluates the
;; program's last argument and prints its value, or on stderr what was thrown. Merged with quickjs.wasm
;; by wasm-merge; memory and allocator are QuickJS's.
(module
  (import "quickjs" "memory" (memory 1))
  (import "quickjs" "_initialize" (func $initialize))
  (import "quickjs" "wasm_malloc" (func $malloc (param i32) (result i32)))
  (import "quickjs" "qjs_init" (func $init (result i32)))
  (import "quickjs" "qjs_eval" (func $eval (param i32 i32 i32 i32) (result i32)))
  (import "quickjs" "qjs_is_exception" (func $is_exception (param i32) (result i32)))
  (import "quickjs" "qjs_get_exception" (func $get_exception (result i32)))
  (import "quickjs" "qjs_get_string_len" (func $get_string (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "args_sizes_get"
    (func $args_sizes_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "args_get" (func $args_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write"
    (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))

  ;; Writes the value as a string, and a line feed.
  (func $print (param $fd i32) (param $value i32)
    (local $size i32) (local $vector i32) (local $left i32)
    ;; A size, a vector of one part, how much was written.
    (local.set $size (call $malloc (i32.const 16)))
    (local.set $vector (i32.add (local.get $size) (i32.const 4)))
    (i32.store (local.get $vector) (call $get_string (local.get $value) (local.get $size)))
    ;; The string's NUL makes room for the line feed.
    (i32.store8 (i32.add (i32.load (local.get $vector)) (i32.load (local.get $size)))
      (i32.const 10))
    (local.set $left (i32.add (i32.load (local.get $size)) (i32.const 1)))
    (block $done
      (loop $more
        (i32.store offset=4 (local.get $vector) (local.get $left))
        (br_if $done (call $fd_write (local.get $fd) (local.get $vector) (i32.const 1)
          (i32.add (local.get $vector) (i32.const 8))))
        (i32.store (local.get $vector)
          (i32.add (i32.load (local.get $vector)) (i32.load offset=8 (local.get $vector))))
        (br_if $more (local.tee $left
          (i32.sub (local.get $left) (i32.load offset=8 (local.get $vector))))))))

  ;; The program's last argument and its length.
  (func $script (result i32 i32)
    (local $sizes i32) (local $count i32) (local $argv i32) (local $bytes i32) (local $text i32)
    (local.set $sizes (call $malloc (i32.const 8)))
    (drop (call $args_sizes_get (local.get $sizes) (i32.add (local.get $sizes) (i32.const 4))))
    (local.set $count (i32.load (local.get $sizes)))
    (local.set $argv (call $malloc (i32.mul (local.get $count) (i32.const 4))))
    (local.set $bytes (call $malloc (i32.load offset=4 (local.get $sizes))))
    (drop (call $args_get (local.get $argv) (local.get $bytes)))
    (local.set $text (i32.load (i32.add (local.get $argv)
      (i32.mul (i32.sub (local.get $count) (i32.const 1)) (i32.const 4)))))
    (local.get $text)
    ;; The last string ends where all of them end, but for its NUL.
    (i32.sub (i32.sub (i32.add (local.get $bytes) (i32.load offset=4 (local.get $sizes)))
      (local.get $text)) (i32.const 1)))

  (func (export "_start")
    (local $name i32) (local $value i32)
    (call $initialize)
    (drop (call $init))
    (local.set $name (call $malloc (i32.const 4)))
    (i32.store (local.get $name) (i32.const 0x00736a)) ;; "js"
    (call $script)
    (local.set $value (call $eval (local.get $name) (i32.const 0)))
    (if (call $is_exception (local.get $value))
      (then
        (call $print (i32.const 2) (call $get_exception))
        (call $proc_exit (i32.const 1))))
    (call $print (i32.const 1) (local.get $value))))
