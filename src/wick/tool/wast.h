/* SPDX-License-Identifier: Apache-2.0 */
/* `wick wast`: runs scripts of the WebAssembly specification's test suite. */
#pragma once

/* argv[0] is the sub-command. Prints one line a file, `NAME: N passed, N failed, N skipped`, and
 * with -v each failure on stderr. Returns the exit status: 0, 1 after any failure, ERR_USAGE … */
int tool_wast(int argc, char **argv);
