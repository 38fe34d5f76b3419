;; SPDX-License-Identifier: Apache-2.0
;; Exceptions where compiled code has most to keep track of: locals across calls that throw, scopes
;; inside loops and inlined functions, arguments of every type, frames of several instances.

(module $thrower
  (tag $pair (export "pair") (param i32 i64))
  (global $count (export "count") (mut i32) (i32.const 0))
  (memory 1)
  (func (export "throw_if") (param i32 i64)
    (global.set $count (i32.add (global.get $count) (i32.const 1)))
    (i64.store (i32.const 8) (local.get 1))
    (if (local.get 0) (then (throw $pair (local.get 0) (i64.load (i32.const 8)))))))
(register "thrower")

(module
  (type $point (struct (field $x i64)))
  (tag $pair (import "thrower" "pair") (param i32 i64))
  (func $foreign (import "thrower" "throw_if") (param i32 i64))
  (tag $empty)
  (tag $all (param i32 i64 f32 f64 v128 (ref null $point) externref))
  (tag $number (param i64))
  (memory 1)
  (table funcref (elem $maybe))
  (type $maybe (func (param i64) (result i64)))

  ;; Throws an odd number, answers twice an even one.
  (func $maybe (type $maybe)
    (if (i32.wrap_i64 (i64.and (local.get 0) (i64.const 1)))
      (then (throw $number (local.get 0))))
    (i64.mul (local.get 0) (i64.const 2)))

  ;; Deep below the frame that catches.
  (func $deep (param $depth i32) (param $value i64) (result i64)
    (if (result i64) (local.get $depth)
      (then (i64.add (i64.const 1)
              (call $deep (i32.sub (local.get $depth) (i32.const 1)) (local.get $value))))
      (else (call $maybe (local.get $value)))))

  (func (export "deep") (param i32 i64) (result i64)
    (block $caught (result i64)
      (try_table (result i64) (catch $number $caught)
        (call $deep (local.get 0) (local.get 1)))
      (return))
    (i64.mul (i64.const -1)))

  ;; Locals that are written before, between and after calls that throw; the sums of both ways.
  (func (export "loop") (param $n i32) (result i64 i64 i32)
    (local $even i64) (local $odd i64) (local $i i32) (local $calls i32)
    (loop $again
      (block $next
        (block $caught (result i64)
          (try_table (catch $number $caught)
            (local.set $calls (i32.add (local.get $calls) (i32.const 1)))
            (local.set $even (i64.add (local.get $even)
              (call $maybe (i64.extend_i32_u (local.get $i)))))
            (local.set $calls (i32.add (local.get $calls) (i32.const 100)))
            (drop (call $maybe (i64.const 7))))
          (unreachable))
        (local.set $odd (i64.add (local.get $odd))))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $again (i32.lt_u (local.get $i) (local.get $n))))
    (local.get $even) (local.get $odd) (local.get $calls))

  ;; The inner block does not catch; its locals are those at the call.
  (func (export "nested") (param $which i32) (result i32)
    (local $state i32)
    (block $outer
      (block $inner
        (try_table (catch_all $outer)
          (local.set $state (i32.const 1))
          (try_table (catch $empty $inner)
            (local.set $state (i32.add (local.get $state) (i32.const 1)))
            (if (local.get $which)
              (then (throw $number (i64.const 1))))
            (throw $empty))))
      (return (i32.add (local.get $state) (i32.const 1000))))
    (local.get $state))

  (func $throw_all (param externref)
    (throw $all (i32.const -1) (i64.const -2) (f32.const 1.5) (f64.const -2.5)
      (v128.const i64x2 3 4) (struct.new $point (i64.const 5)) (local.get 0)))

  (func (export "arguments") (param externref)
    (result i32 i64 f32 f64 i64 i64 i64 externref)
    (local $v v128) (local $p (ref null $point)) (local $e externref)
    (block $caught (result i32 i64 f32 f64 v128 (ref null $point) externref)
      (try_table (catch $all $caught)
        (call $throw_all (local.get 0)))
      (unreachable))
    (local.set $e) (local.set $p) (local.set $v)
    (i64x2.extract_lane 0 (local.get $v)) (i64x2.extract_lane 1 (local.get $v))
    (struct.get $point $x (local.get $p))
    (local.get $e))

  ;; An exception that is caught, kept while others come and go, and thrown again.
  (func (export "again") (param i64) (result i64 i32)
    (local $kept exnref) (local $i i32)
    (block $second (result i64)
      (block $first (result i64 exnref)
        (try_table (catch_ref $number $first) (drop (call $maybe (local.get 0))))
        (unreachable))
      (local.set $kept) (drop)
      (loop $more
        (block $ignored
          (try_table (catch_all $ignored) (throw $number (i64.const 99))))
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br_if $more (i32.lt_u (local.get $i) (i32.const 1000))))
      (try_table (catch $number $second) (throw_ref (local.get $kept)))
      (unreachable))
    (local.get $i))

  (func (export "foreign") (param i32 i64) (result i32 i64)
    (block $caught (result i32 i64)
      (try_table (catch $pair $caught)
        (call $foreign (local.get 0) (local.get 1))
        (i32.store (i32.const 0) (i32.const 42)))
      (return (i32.load (i32.const 0)) (i64.const 0))))

  (func (export "indirect") (param i64) (result i64)
    (block $caught (result i64)
      (try_table (catch $number $caught)
        (return (call_indirect (type $maybe) (local.get 0) (i32.const 0))))
      (unreachable)))

  ;; A tail call leaves the scope.
  (func $tail (param i64) (result i64)
    (block $caught
      (try_table (catch_all $caught)
        (return_call $maybe (local.get 0))))
    (i64.const -1))
  (func (export "tail") (param i64) (result i64)
    (block $caught (result i64)
      (try_table (catch $number $caught) (return (call $tail (local.get 0))))
      (unreachable))
    (i64.add (i64.const 500)))

  ;; References in frames while exceptions are made and collected.
  (func (export "collected") (param $n i32) (result i64)
    (local $p (ref null $point)) (local $caught (ref null $point)) (local $sum i64)
    (loop $again
      (local.set $p (struct.new $point (i64.extend_i32_u (local.get $n))))
      (block $caught (result i32 i64 f32 f64 v128 (ref null $point) externref)
        (try_table (catch $all $caught)
          (call $throw_all (ref.null extern)))
        (unreachable))
      (drop)
      (local.set $caught)
      (local.set $sum (i64.add (local.get $sum) (struct.get $point $x (local.get $caught))))
      (drop) (drop) (drop) (drop) (drop)
      (local.set $sum (i64.add (local.get $sum) (struct.get $point $x (local.get $p))))
      (local.set $n (i32.sub (local.get $n) (i32.const 1)))
      (br_if $again (local.get $n)))
    (local.get $sum))

  (func (export "uncaught") (param i64) (result i64)
    (block $caught
      (try_table (catch $empty $caught) (return (call $maybe (local.get 0)))))
    (i64.const 0)))

(assert_return (invoke "deep" (i32.const 0) (i64.const 4)) (i64.const 8))
(assert_return (invoke "deep" (i32.const 500) (i64.const 4)) (i64.const 508))
(assert_return (invoke "deep" (i32.const 500) (i64.const 5)) (i64.const -5))
;; i = 0 … 9: the even ones get to the second call, whose 7 is added.
(assert_return (invoke "loop" (i32.const 10))
  (i64.const 40) (i64.const 60) (i32.const 510))
(assert_return (invoke "nested" (i32.const 0)) (i32.const 1002))
(assert_return (invoke "nested" (i32.const 1)) (i32.const 2))
(assert_return (invoke "arguments" (ref.extern 9))
  (i32.const -1) (i64.const -2) (f32.const 1.5) (f64.const -2.5)
  (i64.const 3) (i64.const 4) (i64.const 5) (ref.extern 9))
(assert_return (invoke "again" (i64.const 3)) (i64.const 3) (i32.const 1000))
(assert_return (invoke "foreign" (i32.const 0) (i64.const 7)) (i32.const 42) (i64.const 0))
(assert_return (invoke "foreign" (i32.const 3) (i64.const 7)) (i32.const 3) (i64.const 7))
(assert_return (get $thrower "count") (i32.const 2))
(assert_return (invoke "indirect" (i64.const 8)) (i64.const 16))
(assert_return (invoke "indirect" (i64.const 9)) (i64.const 9))
(assert_return (invoke "tail" (i64.const 8)) (i64.const 16))
(assert_return (invoke "tail" (i64.const 9)) (i64.const 509))
(assert_return (invoke "collected" (i32.const 3)) (i64.const 21))
(assert_return (invoke "uncaught" (i64.const 2)) (i64.const 4))
(assert_exception (invoke "uncaught" (i64.const 3)))
(assert_return (invoke "deep" (i32.const 500) (i64.const 5)) (i64.const -5))
