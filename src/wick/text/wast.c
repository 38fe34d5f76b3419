// SPDX-License-Identifier: Apache-2.0
#include "wick/text/wast.h"

#include "wick.h"
#include "wick/text/module.h"
#include "wick/text/names.h"
#include "wick/text/spectest.h"
#include "wick/text/wast_value.h"
#include "wick/text/wat.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { MAX_VALUES = 64, MESSAGE_SIZE = 1024 };

/* Something that a script gave a name: a module definition or an instance. */
struct named {
    struct span name;
    wasm_module_t *module;
    wasm_instance_t *instance;
    struct named *next;
};

struct script {
    struct parser *parser;
    const struct wast_options *options;
    struct wast_counts *counts;
    wasm_engine_t *engine;
    wasm_store_t *store;
    wick_linker_t *linker;
    wasm_module_t *module;      /* the latest; borrowed from `named` */
    wasm_instance_t *instance;  /* the latest; NULL if it could not be made */
    struct named *named;        /* everything that was made, the latest first */
    bool unsupported;           /* the current command failed for want of a feature, perhaps */
    char message[MESSAGE_SIZE]; /* why the current command failed */
};

/* What became of a module or an action. */
struct outcome {
    enum wick_status status;
    bool is_text; /* it was the text parser that refused it: `status` is WICK_MALFORMED */
    wasm_trap_t *trap;
    wick_val_t results[MAX_VALUES];
    size_t result_count;
    char text[MESSAGE_SIZE]; /* of a refusal */
};

__attribute__((format(printf, 2, 3))) static bool fail(struct script *script, const char *format,
                                                       ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(script->message, sizeof(script->message), format, args);
    va_end(args);
    return false;
}

static void take_error(struct outcome *outcome, wasm_message_t *error)
{
    snprintf(outcome->text, sizeof(outcome->text), "%.*s", (int)error->size,
             error->data ? error->data : "");
    wasm_byte_vec_delete(error);
}

static void outcome_fini(struct outcome *outcome)
{
    wasm_trap_delete(outcome->trap);
    outcome->trap = NULL;
}

/* The engine refused a module: it may need a feature that is not there. */
static bool is_refused(const struct outcome *outcome)
{
    return !outcome->is_text &&
           (outcome->status == WICK_MALFORMED || outcome->status == WICK_INVALID ||
            outcome->status == WICK_UNLINKABLE);
}

/* What happened, for a message. */
static const char *describe(const struct outcome *outcome)
{
    if (outcome->trap)
        return wick_trap_text(outcome->trap);
    return outcome->text[0] ? outcome->text : wick_status_name(outcome->status);
}

/* ---- modules ---- */

static void remember(struct script *script, struct span name, wasm_module_t *module,
                     wasm_instance_t *instance)
{
    struct named *named = parser_alloc(script->parser, sizeof(*named));
    if (!named)
        return;
    *named = (struct named){name, module, instance, script->named};
    script->named = named;
}

/* The latest thing of that name; NULL if there is none. */
static struct named *find_named(struct script *script, struct span name)
{
    struct named *named = script->named;
    while (named && !span_equal(named->name, name))
        named = named->next;
    return named;
}

/* Reads a module form into bytes; the cursor ends behind it. False if the text is malformed: then
 * the outcome says why and the script's parser is unharmed. */
static bool read_module(struct script *script, struct module_head *head, struct wat_result *out,
                        struct outcome *outcome)
{
    struct parser *parser = script->parser;
    uint32_t end = parser_peek(parser, 0)->close;
    struct err err = {0};
    struct bytes bytes = {0};
    struct err *saved = parser->err;
    parser->err = &err;
    *head = module_parse_head(parser);
    int status = 0;
    if (head->kind == MODULE_BINARY) {
        bytes_put_span(&bytes, parser_strings(parser));
    } else if (head->kind == MODULE_QUOTE) {
        struct wat_result module = {0};
        status = wat_encode(parser_strings(parser), &module, &err);
        bytes = (struct bytes){module.data, module.size, module.size, false};
    } else {
        module_encode_fields(parser, head->id, &bytes);
        if (!parser->failed && parser->at != end)
            parser_unexpected(parser, ")");
    }
    status = parser->failed ? parser->status : status;
    parser->err = saved;
    parser->failed = false;
    parser->status = 0;
    parser->depth = 0;
    parser->at = end;
    parser_accept_close(parser);
    *out = (struct wat_result){bytes.data, bytes.size};
    outcome->is_text = status != 0;
    outcome->status = status ? WICK_MALFORMED : WICK_OK;
    if (status)
        snprintf(outcome->text, sizeof(outcome->text), "%s", err.message);
    return status == 0;
}

/* Reads, decodes and validates the module form at the cursor. */
static void load_module(struct script *script, struct module_head *head, wasm_module_t **out,
                        struct outcome *outcome)
{
    struct wat_result bytes;
    wasm_message_t error = WASM_EMPTY_VEC;
    *out = NULL;
    if (read_module(script, head, &bytes, outcome)) {
        outcome->status = wick_module_new(script->store, bytes.data, bytes.size, out, &error);
        if (outcome->status != WICK_OK)
            take_error(outcome, &error);
    }
    wat_result_fini(&bytes);
}

static void instantiate(struct script *script, const wasm_module_t *module, wasm_instance_t **out,
                        struct outcome *outcome)
{
    wasm_message_t error = WASM_EMPTY_VEC;
    *out = NULL;
    outcome->status = wick_linker_instantiate(script->linker, module, out, &outcome->trap, &error);
    if (outcome->status != WICK_OK)
        take_error(outcome, &error);
}

/* `(module …)`, instantiated unless it is only a definition. */
static bool run_module(struct script *script)
{
    struct module_head head;
    struct outcome outcome = {0};
    wasm_module_t *module = NULL;
    wasm_instance_t *instance = NULL;
    load_module(script, &head, &module, &outcome);
    bool make_instance = outcome.status == WICK_OK && !head.is_definition;
    if (make_instance)
        instantiate(script, module, &instance, &outcome);
    remember(script, head.id, module, instance);
    script->module = module;
    if (!head.is_definition)
        script->instance = instance;
    script->unsupported = is_refused(&outcome);
    bool passed =
        outcome.status == WICK_OK ||
        fail(script, "module is %s: %s", wick_status_name(outcome.status), describe(&outcome));
    outcome_fini(&outcome);
    return passed;
}

/* `(module instance $instance? $definition?)` */
static bool run_module_instance(struct script *script)
{
    struct parser *parser = script->parser;
    parser->at += 3;
    struct span name, definition;
    parser_accept_id(parser, &name);
    const wasm_module_t *module = script->module;
    if (parser_accept_id(parser, &definition)) {
        const struct named *named = find_named(script, definition);
        module = named ? named->module : NULL;
    }
    parser_expect_close(parser);
    script->unsupported = !module;
    if (!module)
        return fail(script, "there is no such module definition");
    struct outcome outcome = {0};
    wasm_instance_t *instance = NULL;
    instantiate(script, module, &instance, &outcome);
    remember(script, name, NULL, instance);
    script->instance = instance;
    bool passed = outcome.status == WICK_OK || fail(script, "instance: %s", describe(&outcome));
    outcome_fini(&outcome);
    return passed;
}

/* The instance that `$name?` at the cursor means; NULL with a message if there is none. */
static wasm_instance_t *parse_instance(struct script *script)
{
    struct span name;
    wasm_instance_t *instance = script->instance;
    if (parser_accept_id(script->parser, &name)) {
        const struct named *named = find_named(script, name);
        instance = named ? named->instance : NULL;
    }
    script->unsupported = !instance;
    if (!instance)
        fail(script, "there is no instance");
    return instance;
}

/* `(register "name" $instance?)` */
static bool run_register(struct script *script)
{
    struct parser *parser = script->parser;
    parser->at += 2;
    struct span name = parser_name(parser);
    const wasm_instance_t *instance = parse_instance(script);
    parser_expect_close(parser);
    if (!instance || parser->failed)
        return false;
    return wick_linker_define_instance(script->linker, (const char *)name.data, name.size,
                                       instance) == WICK_OK ||
           fail(script, "cannot register the instance");
}

/* ---- actions ---- */

static bool call(struct script *script, wasm_func_t *func, const wick_val_t *args, size_t count,
                 struct outcome *outcome)
{
    outcome->result_count = wasm_func_result_arity(func);
    if (outcome->result_count > MAX_VALUES)
        return fail(script, "more than %d results", MAX_VALUES);
    outcome->trap = wick_func_call(func, args, count, outcome->results, outcome->result_count);
    if (outcome->trap)
        outcome->status = WICK_TRAPPED;
    return true;
}

static bool invoke(struct script *script, wasm_extern_t *object, struct outcome *outcome)
{
    struct parser *parser = script->parser;
    wick_val_t args[MAX_VALUES];
    size_t count = 0;
    while (parser_at_form(parser) && count < MAX_VALUES)
        args[count++] = wast_value_parse(parser);
    parser_expect_close(parser);
    if (parser->failed)
        return false;
    wasm_func_t *func = object ? wasm_extern_as_func(object) : NULL;
    return func ? call(script, func, args, count, outcome)
                : fail(script, "there is no such exported function");
}

static bool get(struct script *script, wasm_extern_t *object, struct outcome *outcome)
{
    parser_expect_close(script->parser);
    const wasm_global_t *global = object ? wasm_extern_as_global(object) : NULL;
    if (!global)
        return fail(script, "there is no such exported global");
    wick_global_get(global, &outcome->results[0]);
    outcome->result_count = 1;
    return true;
}

static bool at_action(const struct parser *parser)
{
    return parser_at_open(parser, "invoke") || parser_at_open(parser, "get");
}

/* `(invoke $instance? "name" value*)` or `(get $instance? "name")`. False if the action itself
 * could not be done; a trap is an outcome. The cursor ends behind it unless that fails. */
static bool run_action(struct script *script, struct outcome *outcome)
{
    struct parser *parser = script->parser;
    bool is_invoke = parser_at_open(parser, "invoke");
    parser->at += 2;
    const wasm_instance_t *instance = parse_instance(script);
    struct span name = parser_name(parser);
    if (!instance || parser->failed)
        return false;
    wasm_extern_t *object = wick_instance_export(instance, (const char *)name.data, name.size);
    return is_invoke ? invoke(script, object, outcome) : get(script, object, outcome);
}

/* ---- assertions ---- */

/* Does the text of a refusal or trap have the words that the script expects? Some scripts also name
 * the culprit, as in "uninitialized element 2"; the text need not. */
static bool has_words(const char *text, struct span words)
{
    struct span haystack = span_of(text, strlen(text));
    if (haystack.size > 0 && haystack.size < words.size &&
        span_equal(haystack, span_of(words.data, haystack.size)))
        return true;
    for (size_t at = 0; at + words.size <= haystack.size; at++) {
        if (span_equal(span_of(haystack.data + at, words.size), words))
            return true;
    }
    return false;
}

/* Names the results of an action in a message. */
static bool fail_results(struct script *script, const struct outcome *outcome, size_t index)
{
    char value[128] = "nothing";
    if (index < outcome->result_count)
        wast_value_print(&outcome->results[index], value, sizeof(value));
    return fail(script, "result %zu is %s", index, value);
}

static bool check_results(struct script *script, const struct outcome *outcome)
{
    struct parser *parser = script->parser;
    size_t index = 0;
    while (parser_at_form(parser)) {
        if (index >= outcome->result_count || !wast_value_matches(parser, &outcome->results[index]))
            return fail_results(script, outcome, index);
        index++;
    }
    return index == outcome->result_count ||
           fail(script, "%zu results instead of %zu", outcome->result_count, index);
}

static bool run_assert_return(struct script *script)
{
    struct outcome outcome = {0};
    script->parser->at += 2;
    bool passed = run_action(script, &outcome);
    if (passed && outcome.trap)
        passed = fail(script, "trap: %s", describe(&outcome));
    passed = passed && check_results(script, &outcome);
    outcome_fini(&outcome);
    return passed;
}

/* A module or an action that is to trap. */
static bool run_trapping(struct script *script, struct outcome *outcome)
{
    if (at_action(script->parser))
        return run_action(script, outcome);
    struct module_head head;
    wasm_module_t *module = NULL;
    wasm_instance_t *instance = NULL;
    load_module(script, &head, &module, outcome);
    if (outcome->status == WICK_OK)
        instantiate(script, module, &instance, outcome);
    remember(script, head.id, module, instance);
    return true;
}

/* assert_trap and assert_exhaustion */
static bool run_assert_trap(struct script *script)
{
    struct outcome outcome = {0};
    script->parser->at += 2;
    bool passed = run_trapping(script, &outcome);
    script->unsupported |= is_refused(&outcome);
    if (passed && !outcome.trap) {
        passed = fail(script, "%s instead of a trap", describe(&outcome));
    } else if (passed) {
        struct span words = parser_string(script->parser);
        passed = has_words(describe(&outcome), words) ||
                 fail(script, "trap \"%s\" instead of \"%.*s\"", describe(&outcome),
                      (int)words.size, (const char *)words.data);
    }
    outcome_fini(&outcome);
    return passed;
}

static bool run_assert_exception(struct script *script)
{
    struct outcome outcome = {0};
    script->parser->at += 2;
    bool passed = run_action(script, &outcome);
    if (passed)
        passed = (outcome.trap && has_words(describe(&outcome), SPAN_LITERAL("exception"))) ||
                 fail(script, "%s instead of an exception", describe(&outcome));
    outcome_fini(&outcome);
    return passed;
}

static bool check_refusal(struct script *script, const struct outcome *outcome,
                          enum wick_status expected)
{
    struct span words = parser_string(script->parser);
    script->unsupported = is_refused(outcome) && outcome->status != expected;
    if (outcome->status != expected)
        return fail(script, "module is %s (%s) instead of %s (%.*s)",
                    wick_status_name(outcome->status), describe(outcome),
                    wick_status_name(expected), (int)words.size, (const char *)words.data);
    if (has_words(describe(outcome), words))
        return true;
    /* Of a script that is partly about something else, the refusal may be for another reason. */
    script->unsupported = true;
    return (!script->options->check_words && !script->options->partly) ||
           fail(script, "\"%s\" instead of \"%.*s\"", describe(outcome), (int)words.size,
                (const char *)words.data);
}

/* assert_malformed and assert_invalid. A text that should be invalid must be well-formed. */
static bool run_refusal(struct script *script, enum wick_status expected)
{
    struct outcome outcome = {0};
    struct module_head head;
    wasm_module_t *module = NULL;
    script->parser->at += 2;
    load_module(script, &head, &module, &outcome);
    bool passed = check_refusal(script, &outcome, expected);
    wasm_module_delete(module);
    outcome_fini(&outcome);
    return passed;
}

static bool run_assert_malformed(struct script *script)
{
    return run_refusal(script, WICK_MALFORMED);
}

static bool run_assert_invalid(struct script *script)
{
    return run_refusal(script, WICK_INVALID);
}

static bool run_assert_unlinkable(struct script *script)
{
    struct outcome outcome = {0};
    struct module_head head;
    wasm_module_t *module = NULL;
    wasm_instance_t *instance = NULL;
    script->parser->at += 2;
    load_module(script, &head, &module, &outcome);
    if (outcome.status == WICK_OK)
        instantiate(script, module, &instance, &outcome);
    remember(script, span_of("", 0), module, instance);
    bool passed = check_refusal(script, &outcome, WICK_UNLINKABLE);
    outcome_fini(&outcome);
    return passed;
}

static bool run_bare_action(struct script *script)
{
    struct outcome outcome = {0};
    bool passed = run_action(script, &outcome);
    if (passed && outcome.trap)
        passed = fail(script, "trap: %s", describe(&outcome));
    outcome_fini(&outcome);
    return passed;
}

/* ---- commands ---- */

static const struct {
    const char *word;
    bool (*run)(struct script *script); /* the cursor is at the parenthesis */
} commands[] = {
    {"module", run_module},
    {"register", run_register},
    {"invoke", run_bare_action},
    {"get", run_bare_action},
    {"assert_return", run_assert_return},
    {"assert_trap", run_assert_trap},
    {"assert_exhaustion", run_assert_trap},
    {"assert_exception", run_assert_exception},
    {"assert_malformed", run_assert_malformed},
    {"assert_invalid", run_assert_invalid},
    {"assert_unlinkable", run_assert_unlinkable},
    {"assert_malformed_custom", run_assert_malformed},
    {"assert_invalid_custom", run_assert_malformed}, /* the text parser knows the annotations */
};

enum { COMMAND_COUNT = sizeof(commands) / sizeof(commands[0]) };

static unsigned line_of(const struct script *script, uint32_t token)
{
    const struct parser *parser = script->parser;
    return lexer_position(parser->text, parser->tokens.items[token].offset).line;
}

/* Whether the command that begins at the token is one of those that were asked to be left out. */
static bool is_left_out(const struct script *script, uint32_t token)
{
    const struct wast_options *options = script->options;
    unsigned line = options->left_out_count ? line_of(script, token) : 0;
    for (size_t i = 0; i < options->left_out_count; i++) {
        if (options->left_out[i] == line)
            return true;
    }
    return false;
}

static void count_command(struct script *script, uint32_t token, bool passed)
{
    if (passed) {
        script->counts->passed++;
        return;
    }
    if (script->unsupported && script->options->partly) {
        script->counts->skipped++;
        return;
    }
    script->counts->failed++;
    if (script->options->report)
        script->options->report(script->options->env, line_of(script, token), script->message);
}

/* Runs the command at the cursor, which then is behind it. */
static void run_command(struct script *script)
{
    struct parser *parser = script->parser;
    uint32_t start = parser->at;
    uint32_t end = parser_peek(parser, 0)->close;
    size_t index = 0;
    while (index < COMMAND_COUNT && !parser_at_open(parser, commands[index].word))
        index++;
    script->message[0] = '\0';
    script->unsupported = false;
    if (index == COMMAND_COUNT) {
        parser_take(parser);
        parser_unexpected(parser, "a command");
        return;
    }
    if (is_left_out(script, start)) {
        script->counts->skipped++;
        parser_skip_form(parser);
        return;
    }
    bool is_instance = index == 0 && parser_token_is(parser, parser_peek(parser, 2), "instance");
    count_command(script, start,
                  is_instance ? run_module_instance(script) : commands[index].run(script));
    if (parser->failed)
        return;
    parser->at = end;
    parser_expect_close(parser);
}

/* A script may consist of the fields of a single module. */
static void run_inline_module(struct script *script)
{
    struct outcome outcome = {0};
    struct wat_result bytes = {0};
    struct err err = {0};
    wasm_message_t error = WASM_EMPTY_VEC;
    wasm_module_t *module = NULL;
    if (wat_encode(script->parser->text, &bytes, &err) == 0)
        outcome.status = wick_module_new(script->store, bytes.data, bytes.size, &module, &error);
    else
        outcome.status = WICK_MALFORMED;
    if (module)
        instantiate(script, module, &script->instance, &outcome);
    remember(script, span_of("", 0), module, script->instance);
    fail(script, "%s", err.message[0] ? err.message : describe(&outcome));
    count_command(script, 0, outcome.status == WICK_OK);
    wat_result_fini(&bytes);
    wasm_byte_vec_delete(&error);
    outcome_fini(&outcome);
}

static void run_commands(struct script *script)
{
    struct parser *parser = script->parser;
    if (module_at_field(parser)) {
        run_inline_module(script);
        return;
    }
    while (parser_at_form(parser))
        run_command(script);
    if (parser_peek(parser, 0)->kind != TOKEN_END)
        parser_unexpected(parser, "a command");
}

/* ---- set-up ---- */

static int script_init(struct script *script, struct err *err)
{
    script->engine = script->options->config ? wasm_engine_new_with_config(script->options->config)
                                             : wasm_engine_new();
    script->store = script->engine ? wasm_store_new(script->engine) : NULL;
    script->linker = script->store ? wick_linker_new(script->store) : NULL;
    if (!script->linker)
        return err_set(err, ERR_INTERNAL, ENOMEM, "set up the engine");
    return spectest_define(script->store, script->linker, err);
}

static void script_fini(struct script *script)
{
    for (struct named *named = script->named; named; named = named->next)
        wasm_module_delete(named->module);
    wick_linker_delete(script->linker);
    wasm_store_delete(script->store);
    wasm_engine_delete(script->engine);
}

int wast_run(struct span text, const struct wast_options *options, struct wast_counts *counts,
             struct err *err)
{
    struct parser parser;
    struct script script = {.parser = &parser, .options = options, .counts = counts};
    *counts = (struct wast_counts){0};
    int status = parser_init(&parser, text, err);
    if (status == 0)
        status = script_init(&script, err);
    if (status == 0) {
        run_commands(&script);
        status = parser.status;
    }
    script_fini(&script);
    parser_fini(&parser);
    return status;
}
