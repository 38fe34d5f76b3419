-- SPDX-License-Identifier: Apache-2.0
-- What scripts do: calls, closures, tables as arrays and as objects, strings, sorting.
-- No errors and no coroutines: both need setjmp, which wasi-libc has not.
local sum = 0
local function add(value) sum = (sum * 31 + value) % 1000000007 end

local function fib(n) if n < 2 then return n end return fib(n - 1) + fib(n - 2) end
add(fib(27))

local sieve, count = {}, 0
for i = 2, 400000 do sieve[i] = true end
for i = 2, 400000 do
    if sieve[i] then
        count = count + 1
        for j = i * i, 400000, i do sieve[j] = false end
    end
end
add(count)

local Point = {}
Point.__index = Point
Point.__add = function(a, b) return setmetatable({x = a.x + b.x, y = a.y + b.y}, Point) end
function Point.new(x, y) return setmetatable({x = x, y = y}, Point) end
function Point:norm() return self.x * self.x + self.y * self.y end
local at = Point.new(0, 0)
for i = 1, 300000 do
    at = at + Point.new(i % 7, i % 11)
    if i % 1000 == 0 then add(at:norm()) end
end

local words, seen = {}, {}
local state = 42
for i = 1, 60000 do
    state = (state * 1103515245 + 12345) % 2147483648
    local word = string.format("%x-%d", state // 65536 % 4096, i % 10)
    seen[word] = (seen[word] or 0) + 1
    words[#words + 1] = word
end
table.sort(words)
local longest = 0
for _, word in ipairs(words) do
    longest = math.max(longest, seen[word])
    add(#word + word:byte(1))
end
add(longest)

local text = table.concat(words, " ", 1, 20000)
for a, b in text:gmatch("(%x+)%-(%d)") do add(tonumber(a, 16) + tonumber(b)) end
add(#text:gsub("%d", function(digit) return digit .. digit end))

local function permutations(items, n, visit)
    if n <= 1 then return visit(items) end
    for i = 1, n do
        items[n], items[i] = items[i], items[n]
        permutations(items, n - 1, visit)
        items[n], items[i] = items[i], items[n]
    end
end
local visited = 0
permutations({1, 2, 3, 4, 5, 6, 7, 8}, 8, function(items) visited = visited + items[1] * items[8] end)
add(visited)

local n, matrix = 90, {}
for i = 1, n do
    matrix[i] = {}
    for j = 1, n do matrix[i][j] = (i * j) % 17 + 0.5 end
end
local trace = 0.0
for i = 1, n do
    for j = 1, n do
        local cell = 0.0
        for k = 1, n do cell = cell + matrix[i][k] * matrix[k][j] end
        if i == j then trace = trace + cell end
    end
end
add(math.floor(trace))
return sum
