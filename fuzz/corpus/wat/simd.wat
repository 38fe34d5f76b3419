(func (result v128) (@name "x") (i8x16.shuffle 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 31
  (v128.const f32x4 nan:0x400000 -inf 1.5e3 0x1p-149) (v128.const i16x8 1 -2 3 4 5 6 7 8)))
(memory i64 1) (func (drop (v128.load8_lane 0 offset=1 15 (i64.const 0) (v128.const i64x2 0 1))))
