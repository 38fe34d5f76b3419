;; SPDX-License-Identifier: Apache-2.0
;; Makes a command of the Ruby interpreter from npm, which is a library: evaluates the program's last
;; argument. Merged with ruby.wasm by wasm-merge, in which it also stands for the module
;; "canonical_abi" of Ruby's host; memory and allocator are Ruby's.
(module
  (import "ruby" "memory" (memory 1))
  (import "ruby" "_initialize" (func $initialize))
  (import "ruby" "cabi_realloc" (func $realloc (param i32 i32 i32 i32) (result i32)))
  (import "ruby" "ruby-init: func(args: list<string>) -> ()" (func $ruby_init (param i32 i32)))
  (import "ruby" "rb-eval-string-protect: func(str: string) -> tuple<handle<rb-abi-value>, s32>"
    (func $eval (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "args_sizes_get"
    (func $args_sizes_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "args_get" (func $args_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))

  (data $options "ruby\00--disable=all\00-e_=0\00$stdout.flush")

  ;; Handles of Ruby's values are the values themselves.
  (func (export "resource_new_rb-abi-value") (param i32) (result i32) (local.get 0))
  (func (export "resource_get_rb-abi-value") (param i32) (result i32) (local.get 0))
  (func (export "resource_drop_js-abi-value") (param i32))

  (func $allocate (param $size i32) (result i32)
    (call $realloc (i32.const 0) (i32.const 0) (i32.const 8) (local.get $size)))

  ;; Stores a string of a canonical ABI list at `at`.
  (func $store (param $at i32) (param $text i32) (param $size i32)
    (i32.store (local.get $at) (local.get $text))
    (i32.store offset=4 (local.get $at) (local.get $size)))

  (func $evaluate (param $text i32) (param $size i32)
    ;; The answer is a handle and a state, which is 0 if no exception came.
    (if (i32.load offset=4 (call $eval (local.get $text) (local.get $size)))
      (then (call $proc_exit (i32.const 1)))))

  ;; The program's last argument and its length.
  (func $script (result i32 i32)
    (local $sizes i32) (local $count i32) (local $argv i32) (local $bytes i32) (local $text i32)
    (local.set $sizes (call $allocate (i32.const 8)))
    (drop (call $args_sizes_get (local.get $sizes) (i32.add (local.get $sizes) (i32.const 4))))
    (local.set $count (i32.load (local.get $sizes)))
    (local.set $argv (call $allocate (i32.mul (local.get $count) (i32.const 4))))
    (local.set $bytes (call $allocate (i32.load offset=4 (local.get $sizes))))
    (drop (call $args_get (local.get $argv) (local.get $bytes)))
    (local.set $text (i32.load (i32.add (local.get $argv)
      (i32.mul (i32.sub (local.get $count) (i32.const 1)) (i32.const 4)))))
    (local.get $text)
    ;; The last string ends where all of them end, but for its NUL.
    (i32.sub (i32.sub (i32.add (local.get $bytes) (i32.load offset=4 (local.get $sizes)))
      (local.get $text)) (i32.const 1)))

  (func (export "_start")
    (local $list i32) (local $options i32)
    (call $initialize)
    (local.set $options (call $allocate (i32.const 38)))
    (memory.init $options (local.get $options) (i32.const 0) (i32.const 38))
    (local.set $list (call $allocate (i32.const 24)))
    (call $store (local.get $list) (local.get $options) (i32.const 5))
    (call $store (i32.add (local.get $list) (i32.const 8))
      (i32.add (local.get $options) (i32.const 5)) (i32.const 14))
    (call $store (i32.add (local.get $list) (i32.const 16))
      (i32.add (local.get $options) (i32.const 19)) (i32.const 6))
    (call $ruby_init (local.get $list) (i32.const 3))
    (call $evaluate (call $script))
    (call $evaluate (i32.add (local.get $options) (i32.const 25)) (i32.const 13))))
