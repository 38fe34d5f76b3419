// SPDX-License-Identifier: Apache-2.0
/* The same calls in V8, where Node.js is installed. */
#include "wick_fixture.h"

#include <stdlib.h>
#include <unistd.h>

/* Arguments: a module's file, then for each call a function's name and two numbers. Prints one line
 * a call. */
static const char SCRIPT[] =
    "const [file, ...calls] = process.argv.slice(1);"
    "const bytes = require('fs').readFileSync(file);"
    "const {exports} = new WebAssembly.Instance(new WebAssembly.Module(bytes));"
    "for (let i = 0; i < calls.length; i += 3) {"
    "  let text;"
    "  try { text = String(exports[calls[i]](Number(calls[i + 1]), Number(calls[i + 2]))); }"
    "  catch (e) { text = 'trap'; }"
    "  console.log(text);"
    "}";

static const int32_t NUMBERS[] = {0, 1, 2, 3, 7, 100, -1, -2, -100, INT32_MAX, INT32_MIN};

enum { NUMBER_COUNT = sizeof(NUMBERS) / sizeof(NUMBERS[0]), COMMAND_SIZE = 1 << 16 };

static void write_module(char *path, const uint8_t *bytes, size_t size)
{
    int fd = mkstemp(path);
    CHECK(fd >= 0 && write(fd, bytes, size) == (ssize_t)size);
    close(fd);
}

/* All pairs of numbers; only those below 101 first if the function counts down from its argument.
 */
static bool skipped(int32_t first, bool counts)
{
    return counts && (first < 1 || first > 100);
}

static void compare(const uint8_t *bytes, size_t size, const char *name, bool counts)
{
    char path[] = "/tmp/wick_node_XXXXXX";
    static char command[COMMAND_SIZE];
    write_module(path, bytes, size);
    int used = snprintf(command, sizeof(command), "node -e \"%s\" -- %s", SCRIPT, path);
    for (int i = 0; i < NUMBER_COUNT; i++) {
        for (int k = 0; k < NUMBER_COUNT && !skipped(NUMBERS[i], counts); k++)
            used += snprintf(command + used, sizeof(command) - (size_t)used, " %s %d %d", name,
                             NUMBERS[i], NUMBERS[k]);
    }
    FIXTURE f = fixture_new();
    fixture_load(&f, bytes, size);
    FILE *node = popen(command, "r");
    CHECK(node != NULL);
    for (int i = 0; i < NUMBER_COUNT; i++) {
        for (int k = 0; k < NUMBER_COUNT && !skipped(NUMBERS[i], counts); k++) {
            char line[64] = "", own_line[64] = "trap\n";
            wick_value_t slots[2] = {{.i32 = NUMBERS[i]}, {.i32 = NUMBERS[k]}};
            wasm_trap_t *trap = wick_func_call_raw(fixture_func(&f, name), slots);
            if (!trap)
                snprintf(own_line, sizeof(own_line), "%d\n", slots[0].i32);
            wasm_trap_delete(trap);
            CHECK(fgets(line, sizeof(line), node) != NULL);
            CHECK_STR(own_line, line);
        }
    }
    pclose(node);
    unlink(path);
}

static void need_node(void)
{
    if (system("node -e 0 >/dev/null 2>&1") != 0)
        SKIP("Node.js is not installed");
}

TEST(integers, "division and its traps agree with V8")
{
    need_node();
    compare(ARITHMETIC, sizeof(ARITHMETIC), "div", false);
}

TEST(locals, "locals, branches and branch tables agree with V8")
{
    need_node();
    compare(LOCALS, sizeof(LOCALS), "keep", false);
    compare(LOCALS, sizeof(LOCALS), "branch", false);
    compare(LOCALS, sizeof(LOCALS), "table", false);
}

TEST(loops, "loops and indirect calls agree with V8")
{
    need_node();
    compare(LOOPS, sizeof(LOOPS), "count", true);
    compare(TABLES, sizeof(TABLES), "call", false);
}

TAP_MAIN()
