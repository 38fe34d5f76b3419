// SPDX-License-Identifier: Apache-2.0
let total: i32 = 0;
for (let i = 1; i <= 10; i++) total += i * i;
console.log("Hello from AssemblyScript: " + total.toString());
