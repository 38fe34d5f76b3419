// SPDX-License-Identifier: Apache-2.0
const count: i32 = process.argv.length > 1 ? <i32>parseInt(process.argv[1]) : 10;
let number: u64 = 0, next: u64 = 1;
for (let i = 0; i < min(count, 94); i++) {
  console.log(number.toString());
  const sum = number + next;
  number = next;
  next = sum;
}
