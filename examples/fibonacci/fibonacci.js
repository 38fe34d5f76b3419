// SPDX-License-Identifier: Apache-2.0
function fibonacci(count) {
  const numbers = [];
  let [number, next] = [0n, 1n];
  for (let i = 0; i < count; i++) {
    numbers.push(number);
    [number, next] = [next, number + next];
  }
  return numbers.join("\n");
}
