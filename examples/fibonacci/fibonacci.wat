;; SPDX-License-Identifier: Apache-2.0
;; By hand: no library but WASI.
(module
  (import "wasi_snapshot_preview1" "args_sizes_get"
    (func $args_sizes_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "args_get" (func $args_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write"
    (func $fd_write (param i32 i32 i32 i32) (result i32)))

  ;; 0: two words for WASI, 16: a line, which ends at 64, 1024: arguments.
  (memory (export "memory") 2)

  ;; The first argument as a number, 10 without one.
  (func $count (result i64)
    (local $at i32) (local $digit i32) (local $count i64)
    (drop (call $args_sizes_get (i32.const 0) (i32.const 4)))
    (if (i32.or (i32.lt_u (i32.load (i32.const 0)) (i32.const 2))
                (i32.gt_u (i32.load (i32.const 4)) (i32.const 32768)))
      (then (return (i64.const 10))))
    (drop (call $args_get (i32.const 1024) (i32.const 32768)))
    (local.set $at (i32.load (i32.const 1028)))
    (loop $digits
      (local.set $digit (i32.sub (i32.load8_u (local.get $at)) (i32.const 48)))
      (if (i32.lt_u (local.get $digit) (i32.const 10))
        (then
          (local.set $count (i64.add (i64.mul (local.get $count) (i64.const 10))
            (i64.extend_i32_u (local.get $digit))))
          (local.set $at (i32.add (local.get $at) (i32.const 1)))
          (br $digits))))
    (local.get $count))

  ;; Writes digits from right to left, before the line feed at 63.
  (func $print (param $number i64)
    (local $at i32)
    (i32.store8 (local.tee $at (i32.const 63)) (i32.const 10))
    (loop $digits
      (local.set $at (i32.sub (local.get $at) (i32.const 1)))
      (i32.store8 (local.get $at)
        (i32.add (i32.const 48) (i32.wrap_i64 (i64.rem_u (local.get $number) (i64.const 10)))))
      (br_if $digits (i64.ne (local.tee $number (i64.div_u (local.get $number) (i64.const 10)))
        (i64.const 0))))
    (i32.store (i32.const 0) (local.get $at))
    (i32.store (i32.const 4) (i32.sub (i32.const 64) (local.get $at)))
    (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8))))

  (func (export "_start")
    (local $left i64) (local $number i64) (local $next i64) (local $sum i64)
    (local.set $next (i64.const 1))
    (local.set $left (call $count))
    (if (i64.gt_u (local.get $left) (i64.const 94)) (then (local.set $left (i64.const 94))))
    (loop $numbers
      (if (i64.ne (local.get $left) (i64.const 0))
        (then
          (call $print (local.get $number))
          (local.set $sum (i64.add (local.get $number) (local.get $next)))
          (local.set $number (local.get $next))
          (local.set $next (local.get $sum))
          (local.set $left (i64.sub (local.get $left) (i64.const 1)))
          (br $numbers))))))
