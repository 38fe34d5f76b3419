// SPDX-License-Identifier: Apache-2.0
// What scripts do: calls, closures, classes, arrays, maps, strings, regular expressions, JSON, generators.
let sum = 0;
const add = value => { sum = (sum * 31 + value) % 1000000007; };

function fib(n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }
add(fib(24));

const sieve = new Uint8Array(200001);
let primes = 0;
for (let i = 2; i <= 200000; i++) {
    if (sieve[i]) continue;
    primes++;
    for (let j = i * i; j <= 200000; j += i) sieve[j] = 1;
}
add(primes);

class Shape { constructor(size) { this.size = size; } area() { return 0; } }
class Square extends Shape { area() { return this.size * this.size; } }
class Disc extends Shape { area() { return Math.floor(3.25 * this.size * this.size); } }
let area = 0;
for (let i = 0; i < 100000; i++) area += (i & 1 ? new Square(i % 13) : new Disc(i % 11)).area();
add(area);

const words = [], seen = new Map();
let state = 42;
for (let i = 0; i < 20000; i++) {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    const word = `${(state >> 16) % 4096}-${i % 10}`;
    seen.set(word, (seen.get(word) ?? 0) + 1);
    words.push(word);
}
words.sort();
for (const word of words) add(word.length + word.charCodeAt(0) + seen.get(word));
add(words.map(word => word.split('-')).filter(([, last]) => last > 4).reduce((all, [first]) => all + Number(first), 0));

const text = words.slice(0, 8000).join(' ');
for (const match of text.matchAll(/(\d+)-(\d)/g)) add(Number(match[1]) + Number(match[2]));
add(text.replace(/[13579]/g, digit => digit + digit).length);

const tree = depth => depth ? { left: tree(depth - 1), right: tree(depth - 1), depth } : null;
const parsed = JSON.parse(JSON.stringify(tree(12)));
const count = node => node ? 1 + count(node.left) + count(node.right) : 0;
add(count(parsed));

function* pairs(n) { for (let i = 0; i < n; i++) for (let j = 0; j < i; j++) yield [i, j]; }
for (const [i, j] of pairs(200)) add(i * j);

const n = 60, matrix = Array.from({ length: n }, (_, i) => Array.from({ length: n }, (_, j) => i * j % 17 + 0.5));
let trace = 0;
for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) {
        let cell = 0;
        for (let k = 0; k < n; k++) cell += matrix[i][k] * matrix[k][j];
        if (i === j) trace += cell;
    }
}
add(Math.floor(trace));
sum;
