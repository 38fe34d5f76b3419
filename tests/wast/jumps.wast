;; SPDX-License-Identifier: Apache-2.0
;; Blocks that do nothing but jump leave no code: whoever jumps to one goes on behind it.

(module
  (global $n (mut i32) (i32.const 0))
  (global $r (mut i32) (i32.const 0))

  ;; The entry only jumps to the loop, before which the loop's last block is put.
  (func (export "entry") (result i32)
    (loop $l
      (if (i32.gt_u (global.get $n) (i32.const 10)) (then (return (global.get $r))))
      (global.set $n (i32.add (global.get $n) (i32.const 1)))
      (if (i32.and (global.get $n) (i32.const 1))
        (then (global.set $r (i32.add (global.get $r) (i32.const 100))) (br $l)))
      (global.set $r (i32.add (global.get $r) (i32.const 3)))
      (br $l))
    unreachable)

  ;; Ends of 70 blocks, one behind the other, with nothing between, and then back to the loop.
  (func (export "chain") (param $x i32) (result i32) (local $n i32) (local $r i32)
    (loop $l
      (local.set $r (i32.add (local.get $r) (i32.const 7)))
      (local.set $n (i32.add (local.get $n) (i32.const 1)))
      (if (i32.gt_u (local.get $n) (i32.const 50)) (then (return (local.get $r))))
      (block $out
        (block (block (block (block (block (block (block (block (block (block (block (block
        (block (block (block (block (block (block (block (block (block (block (block (block
        (block (block (block (block (block (block (block (block (block (block (block (block
        (block (block (block (block (block (block (block (block (block (block (block (block
        (block (block (block (block (block (block (block (block (block (block (block (block
        (block (block (block (block (block (block (block (block (block (block
          (br_table
            0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32
            33 34 35 36 37 38 39 40 41 42 43 44 45 46 47 48 49 50 51 52 53 54 55 56 57 58 59 60 61 62
            63 64 65 66 67 68 69 70
            (local.get $x))
        ))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))
        (br $l))
      (local.set $r (i32.mul (local.get $r) (i32.const 3)))
      (if (i32.lt_u (local.get $n) (i32.const 40)) (then (br $l))))
    (i32.add (local.get $r) (i32.const 1000000))))

(assert_return (invoke "entry") (i32.const 615))
(assert_return (invoke "chain" (i32.const 0)) (i32.const 357))
(assert_return (invoke "chain" (i32.const 1)) (i32.const 357))
(assert_return (invoke "chain" (i32.const 35)) (i32.const 357))
(assert_return (invoke "chain" (i32.const 69)) (i32.const 357))
