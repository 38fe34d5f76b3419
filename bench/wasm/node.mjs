// SPDX-License-Identifier: Apache-2.0
// Runs a WASI command in V8: node [FLAGS] node.mjs MODULE [ARGS…]. What a module wants from a host that
// is not WASI is given a function that fails, so that start-up can be measured without that host.
import { readFileSync } from 'node:fs';
import { WASI } from 'node:wasi';

const wasi = new WASI({ version: 'preview1', args: process.argv.slice(2), env: {} });
const module = new WebAssembly.Module(readFileSync(process.argv[2]));
const imports = wasi.getImportObject();
for (const { module: from, name, kind } of WebAssembly.Module.imports(module)) {
    if (kind === 'function' && from !== 'wasi_snapshot_preview1') {
        (imports[from] ??= {})[name] = () => { throw new Error(`no ${from}.${name} here`); };
    }
}
// A command that was merged with a library still exports the library's _initialize; node refuses that.
const { _initialize, ...exports } = new WebAssembly.Instance(module, imports).exports;
process.exitCode = wasi.start({ exports });
