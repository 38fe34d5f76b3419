// SPDX-License-Identifier: Apache-2.0
/* Every module of the specification's test suite, if it is there, through the text parser. */
#include "tap.h"
#include "wick/text/module.h"
#include "wick/text/wat.h"

#include <glob.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

/* Proposals whose syntax is not implemented, and a file that refuses sizes which 3.0 parses. */
static const char *const unsupported[] = {"/custom-descriptors/", "/custom-page-sizes/",
                                          "/threads/memory.wast"};

struct counts {
    unsigned modules, refusals, failures;
    FILE *binaries; /* hexadecimal, a module a line; may be NULL */
};

static struct span read_all(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (!file)
        return span_of(NULL, 0);
    fseek(file, 0, SEEK_END);
    size_t size = (size_t)ftell(file);
    rewind(file);
    uint8_t *data = malloc(size + 1);
    size = data ? fread(data, 1, size, file) : 0;
    fclose(file);
    return span_of(data, size);
}

static void keep(struct counts *counts, const char *path, unsigned line,
                 const struct wat_result *module)
{
    if (!counts->binaries)
        return;
    fprintf(counts->binaries, "%s:%u ", path, line);
    for (size_t i = 0; i < module->size; i++)
        fprintf(counts->binaries, "%02x", module->data[i]);
    fputc('\n', counts->binaries);
}

/* The text of the form at the cursor. */
static struct span form_text(const struct parser *parser)
{
    const struct token *open = parser_peek(parser, 0);
    const struct token *close = &parser->tokens.items[open->close];
    return span_of(parser->text.data + open->offset, close->offset + 1 - open->offset);
}

static void check_module(struct parser *parser, const char *path, struct counts *counts)
{
    const struct token *third = parser_peek(parser, 2);
    if (parser_token_is(parser, third, "instance") || parser_token_is(parser, third, "definition"))
        return;
    struct err err = {0};
    struct wat_result module = {0};
    unsigned line = lexer_position(parser->text, parser_peek(parser, 0)->offset).line;
    counts->modules++;
    if (wat_encode(form_text(parser), &module, &err)) {
        counts->failures++;
        printf("# %s:%u: %s\n", path, line, err.message);
        return;
    }
    if (!parser_token_is(parser, third, "binary"))
        keep(counts, path, line, &module);
    wat_result_fini(&module);
}

/* `(assert_malformed (module quote …) "words")` */
static void check_malformed(struct parser *parser, const char *path, struct counts *counts)
{
    parser->at += 2;
    unsigned line = lexer_position(parser->text, parser_peek(parser, 0)->offset).line;
    struct span form = form_text(parser);
    bool quote = parser_token_is(parser, parser_peek(parser, 2), "quote");
    parser_skip_form(parser);
    if (!quote)
        return;
    struct span words = parser_string(parser);
    struct err err = {0};
    struct wat_result module = {0};
    counts->refusals++;
    int status = wat_encode(form, &module, &err);
    wat_result_fini(&module);
    if (status && memmem(err.message, strlen(err.message), words.data, words.size))
        return;
    counts->failures++;
    printf("# %s:%u: expected \"%.*s\", got \"%s\"\n", path, line, (int)words.size,
           (const char *)words.data, status ? err.message : "a module");
}

static void check_file(const char *path, struct counts *counts)
{
    struct err err = {0};
    struct parser parser;
    struct span text = read_all(path);
    CHECK(text.data);
    if (parser_init(&parser, text, &err)) {
        counts->failures++;
        printf("# %s: %s\n", path, err.message);
    }
    while (parser.tokens.count && parser_at_form(&parser) && !module_at_field(&parser)) {
        uint32_t end = parser_peek(&parser, 0)->close;
        if (parser_at_open(&parser, "module"))
            check_module(&parser, path, counts);
        else if (parser_at_open(&parser, "assert_malformed") ||
                 parser_at_open(&parser, "assert_malformed_custom"))
            check_malformed(&parser, path, counts);
        parser.at = end + 1;
    }
    parser_fini(&parser);
    free((void *)text.data);
}

static bool is_supported(const char *path)
{
    for (size_t i = 0; i < sizeof(unsupported) / sizeof(unsupported[0]); i++) {
        if (strstr(path, unsupported[i]))
            return false;
    }
    return true;
}

/* Patterns below the directory of the suite. */
static void check_files(const char *const *patterns, struct counts *counts)
{
    const char *suite = getenv("WASM_TESTSUITE");
    if (!suite || access(suite, R_OK) != 0)
        SKIP("the specification's test suite is not there (WASM_TESTSUITE)");
    for (; *patterns; patterns++) {
        char pattern[4096];
        snprintf(pattern, sizeof(pattern), "%s/%s", suite, *patterns);
        glob_t found;
        if (glob(pattern, 0, NULL, &found) != 0)
            continue;
        for (size_t i = 0; i < found.gl_pathc; i++) {
            if (is_supported(found.gl_pathv[i]))
                check_file(found.gl_pathv[i], counts);
        }
        globfree(&found);
    }
    printf("# %u modules, %u refusals, %u failures\n", counts->modules, counts->refusals,
           counts->failures);
}

TEST_TIMEOUT(suite, "texts of the specification's tests are accepted, and refused in its words",
             120)
{
    static const char *const all[] = {"*.wast", "legacy/*.wast", "custom/*.wast",
                                      "proposals/*/*.wast", NULL};
    struct counts counts = {0};
    check_files(all, &counts);
    CHECK_INT(counts.failures, 0);
}

/* Node 20 implements 2.0 and some of 3.0. It says so when a module needs what it lacks. */
static const char node_script[] =
    "const later = /--experimental|memory count|At most one memory|limits flags|"
    "constant expressions|type 0x40|opcode 0x1f/;"
    "let bad = 0, good = 0, skipped = 0;"
    "for (const line of require('fs').readFileSync(process.argv[1], 'utf8').split('\\n')) {"
    "  const [name, hex] = line.split(' ');"
    "  if (!name) continue;"
    "  try { new WebAssembly.Module(Buffer.from(hex, 'hex')); good++; }"
    "  catch (e) { if (later.test(e.message)) { skipped++; continue; }"
    "    bad++; console.log('# ' + name + ': ' + e.message); } }"
    "console.log(`# node: ${good} accepted, ${bad} refused, ${skipped} need a newer node`);"
    "process.exit(bad ? 1 : 0);";

static int run_node(const char *path)
{
    pid_t child = fork();
    if (child == 0) {
        execlp("node", "node", "-e", node_script, path, (char *)NULL);
        _exit(127);
    }
    int status = -1;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST_TIMEOUT(node, "an independent engine accepts the encoded modules", 120)
{
    static const char *const standard[] = {"*.wast", "legacy/*.wast", "proposals/threads/*.wast",
                                           NULL};
    char path[] = "/tmp/wat-suite-XXXXXX";
    int fd = mkstemp(path);
    CHECK(fd >= 0);
    struct counts counts = {.binaries = fdopen(fd, "w")};
    CHECK(counts.binaries);
    check_files(standard, &counts);
    fclose(counts.binaries);
    fflush(stdout);
    int status = run_node(path);
    unlink(path);
    if (status == 127)
        SKIP("node is not installed");
    CHECK_INT(status, 0);
}

TAP_MAIN()
