;; SPDX-License-Identifier: Apache-2.0
;; Loops within each other, with more phis than half of the instructions: the compiler's table of
;; registers grows while they get theirs.
(module
 (func (export "nest") (param i32) (result i32)
  (local i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)
  (local i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)
  (loop (local.set 17 (i32.add (local.get 8) (local.get 36))) (if (local.get 7) (then
  (loop (local.set 31 (i32.xor (local.get 31) (local.get 48))) (if (local.get 41) (then
  (loop (local.set 7 (i32.add (local.get 24) (local.get 50))) (if (local.get 31) (then
  (loop (local.set 39 (i32.xor (local.get 1) (local.get 24))) (if (local.get 48) (then
  (loop (local.set 29 (i32.mul (local.get 49) (local.get 0))) (if (local.get 17) (then
  (loop (local.set 7 (i32.mul (local.get 46) (local.get 14))) (if (local.get 20) (then
  (loop (local.set 42 (i32.add (local.get 1) (local.get 1))) (if (local.get 34) (then
  (loop (local.set 14 (i32.mul (local.get 0) (local.get 24))) (if (local.get 27) (then
  (loop (local.set 15 (i32.mul (local.get 46) (local.get 1))) (if (local.get 48) (then
  (loop (local.set 15 (i32.mul (local.get 28) (local.get 31))) (if (local.get 22) (then
  (loop (local.set 49 (i32.add (local.get 14) (local.get 43))) (if (local.get 29) (then
  (loop (local.set 36 (i32.xor (local.get 18) (local.get 1))) (if (local.get 41) (then
  (loop (local.set 47 (i32.mul (local.get 6) (local.get 11))) (if (local.get 18) (then
  (loop (local.set 47 (i32.xor (local.get 7) (local.get 47))) (if (local.get 45) (then
  (loop (local.set 43 (i32.mul (local.get 32) (local.get 27))) (if (local.get 12) (then
  (loop (local.set 32 (i32.mul (local.get 19) (local.get 18))) (if (local.get 32) (then
  (loop (local.set 31 (i32.add (local.get 25) (local.get 37))) (if (local.get 15) (then
  (loop (local.set 43 (i32.xor (local.get 47) (local.get 25))) (if (local.get 11) (then
  (loop (local.set 50 (i32.mul (local.get 23) (local.get 35))) (if (local.get 43) (then
  (loop (local.set 29 (i32.add (local.get 47) (local.get 23))) (if (local.get 42) (then
  (br 1))) (local.set 17 (i32.mul (local.get 11) (local.get 5))))
  (br 1))) (local.set 38 (i32.mul (local.get 40) (local.get 11))))
  (br 1))) (local.set 15 (i32.add (local.get 29) (local.get 38))))
  (br 1))) (local.set 22 (i32.mul (local.get 39) (local.get 50))))
  (br 1))) (local.set 35 (i32.mul (local.get 22) (local.get 0))))
  (br 1))) (local.set 27 (i32.xor (local.get 26) (local.get 31))))
  (br 1))) (local.set 33 (i32.add (local.get 36) (local.get 35))))
  (br 1))) (local.set 24 (i32.xor (local.get 27) (local.get 3))))
  (br 1))) (local.set 14 (i32.mul (local.get 8) (local.get 33))))
  (br 1))) (local.set 33 (i32.mul (local.get 24) (local.get 50))))
  (br 1))) (local.set 1 (i32.mul (local.get 35) (local.get 38))))
  (br 1))) (local.set 43 (i32.xor (local.get 22) (local.get 29))))
  (br 1))) (local.set 37 (i32.xor (local.get 25) (local.get 32))))
  (br 1))) (local.set 15 (i32.mul (local.get 12) (local.get 34))))
  (br 1))) (local.set 50 (i32.add (local.get 32) (local.get 14))))
  (br 1))) (local.set 11 (i32.add (local.get 25) (local.get 41))))
  (br 1))) (local.set 38 (i32.mul (local.get 45) (local.get 39))))
  (br 1))) (local.set 20 (i32.add (local.get 1) (local.get 30))))
  (br 1))) (local.set 47 (i32.xor (local.get 25) (local.get 23))))
  (br 1))) (local.set 34 (i32.add (local.get 32) (local.get 6))))
  (local.get 1)))
(assert_return (invoke "nest" (i32.const 0)) (i32.const 0))
