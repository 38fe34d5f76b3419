# SPDX-License-Identifier: Apache-2.0
# What scripts do: calls, blocks, objects, hashes, strings, sorting, big integers. Prints its checksum and
# how many nanoseconds it took, as main.c does.
began = Process.clock_gettime(Process::CLOCK_MONOTONIC, :nanosecond)
$sum = 0
def add(value) = $sum = ($sum * 31 + value) % 1_000_000_007

def fib(n) = n < 2 ? n : fib(n - 1) + fib(n - 2)
add fib(25)

sieve = Array.new(300_001, true)
(2..300_000).each { |i| (i * i).step(300_000, i) { |j| sieve[j] = false } if sieve[i] }
add sieve.count(true)

Point = Struct.new(:x, :y) do
  def +(other) = Point.new(x + other.x, y + other.y)
  def norm = x * x + y * y
end
at = Point.new(0, 0)
200_000.times { |i| at += Point.new(i % 7, i % 11) }
add at.norm

state = 42
words = Array.new(60_000) do |i|
  state = (state * 1_103_515_245 + 12_345) & 0x7fffffff
  format('%x-%d', (state >> 16) % 4096, i % 10)
end
seen = words.tally
words.sort_by { |word| [seen[word], word] }.each { |word| add word.size + word.ord + seen[word] }
add words.group_by { |word| word[0, 2] }.sum { |key, all| key.sum * all.size }
text = words.join(' ')
text.scan(/(\h+)-(\d)/) { |first, last| add first.hex + last.to_i }
add text.gsub(/[13579]/) { |digit| digit * 2 }.size

a, b = 0, 1
3000.times { a, b = b, a + b }
add a % 999_983
add (1..8).to_a.permutation.sum { |row| row[0] * row[-1] }

n = 60
matrix = Array.new(n) { |i| Array.new(n) { |j| i * j % 17 + 0.5 } }
add (0...n).sum { |i| (0...n).sum { |j| (0...n).sum { |k| matrix[i][k] * matrix[k][j] } } }.to_i

took = Process.clock_gettime(Process::CLOCK_MONOTONIC, :nanosecond) - began
puts format('%016x %d', $sum, took)
