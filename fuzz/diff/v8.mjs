// SPDX-License-Identifier: Apache-2.0
// node v8.mjs DIRECTORY: runs each SEED.wasm of the directory in V8 and compares what can be seen with
// SEED.txt, which wick-diff wrote. Exit status 1 if two differ.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';

const RUNS = ['run0', 'run1', 'run2', 'run3', 'finish'];

const CLASSES = [
  ['unreachable', /unreachable/],
  ['memory', /memory access out of bounds/],
  ['table', /table (index|access).*out of bounds|element segment/],
  ['signature', /signature mismatch|null function/],
  ['zero', /by zero/],
  ['range', /unrepresentable/],
  ['cast', /illegal cast/],
  ['null', /null (pointer|reference)|dereferencing a null/],
  ['array', /array element access out of bounds|array .*out of bounds/],
];

function attempt(exports, name) {
  try {
    exports[name]();
    return `${name} ok`;
  } catch (error) {
    const found = CLASSES.find(([, pattern]) => pattern.test(error.message));
    return `${name} ${found ? found[0] : `other (${error.message})`}`;
  }
}

const view = new DataView(new ArrayBuffer(8));

function hex(value, digits) {
  return BigInt.asUintN(digits * 4, BigInt(value)).toString(16).padStart(digits, '0');
}

function float(value, wide) {
  if (Number.isNaN(value)) return 'nan';
  if (wide) view.setFloat64(0, value);
  else view.setFloat32(0, value);
  return wide ? hex(view.getBigUint64(0), 16) : hex(view.getUint32(0), 8);
}

function hash(bytes) {
  let value = 0x811c9dc5;
  for (const byte of bytes) value = Math.imul(value ^ byte, 0x01000193);
  return hex(value >>> 0, 8);
}

function transcript(bytes) {
  let exports;
  try {
    ({ exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes)));
  } catch (error) {
    return `refused: ${error.message}\n`;
  }
  const lines = RUNS.map((name) => attempt(exports, name));
  lines.push(`i32 ${hex(exports.i32.value, 8)}`, `i64 ${hex(exports.i64.value, 16)}`);
  lines.push(`f32 ${float(exports.f32.value, false)}`, `f64 ${float(exports.f64.value, true)}`);
  for (const name of ['memory', 'memory2'].filter((each) => exports[each])) {
    const memory = new Uint8Array(exports[name].buffer);
    lines.push(`${name} ${memory.length} ${hash(memory)}`);
  }
  return `${lines.join('\n')}\n`;
}

// What modules say that they need, and the least that needs it. Old releases have other encodings of the
// same names.
setFlagsFromString('--experimental-wasm-memory64');
const PROBES = {
  exceptions: [1, 5, 1, 0x60, 0, 1, 0x69], // a function that answers an exnref
  objects: [ // array.len of an array.new_default
    1, 8, 2, 0x5e, 0x78, 1, 0x60, 0, 1, 0x7f, 3, 2, 1, 1, 10, 11, 1, 9, 0, 0x41, 1, 0xfb, 7, 0, 0xfb, 15, 0x0b],
  memory64: [5, 3, 1, 4, 1],
  memories: [5, 5, 2, 0, 1, 0, 1],
};
const missing = Object.keys(PROBES).filter((name) => !WebAssembly.validate(Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0,
  ...PROBES[name])));

// The words of the custom section "features", with which generated modules begin.
function features(bytes) {
  const start = Buffer.from('\x08features');
  if (bytes[8] !== 0 || !bytes.subarray(10, 10 + start.length).equals(start)) return [];
  return bytes.subarray(10 + start.length, 10 + bytes[9]).toString().trim().split(' ');
}

const directory = process.argv[2];
const modules = readdirSync(directory).filter((name) => name.endsWith('.wasm'));
let failed = 0;
let left = 0;
for (const name of modules) {
  const bytes = readFileSync(join(directory, name));
  if (features(bytes).some((feature) => missing.includes(feature))) {
    left++;
    continue;
  }
  const expected = readFileSync(join(directory, name.replace('.wasm', '.txt')), 'utf8');
  const found = transcript(bytes);
  if (found === expected) continue;
  failed++;
  console.log(`${name}: V8 differs\n--- libwick\n${expected}--- V8\n${found}`);
}
console.log(`${modules.length - left} modules in V8, ${failed} with a difference`);
if (left) console.log(`${left} with ${missing.join(', ')}, which this V8 does not have, were left out`);
process.exit(failed ? 1 : 0);
