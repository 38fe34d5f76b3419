(module $m (@name "M") (@custom "a" (before code) "x" "\01")
  (func $f (@name "F") (local.get 0) (@metadata.code.branch_hint "\00") (if (i32.const 1) (then)))
  (@custom "b" (after last)) (@other (x "(" ;; y
  )))
