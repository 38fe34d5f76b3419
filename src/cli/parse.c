// SPDX-License-Identifier: Apache-2.0
#include "cli/command.h"

#include "base/suggest.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { PATH_MAX_SIZE = 64, WORDS_MAX = 64 };

const struct command *command_find(const char *path)
{
    for (const struct command *command = commands; command->path; command++) {
        if (strcmp(command->path, path) == 0)
            return command;
    }
    return NULL;
}

const char *command_word(const struct command *command)
{
    const char *blank = strrchr(command->path, ' ');
    return blank ? blank + 1 : command->path;
}

bool command_is_below(const struct command *command, const struct command *parent)
{
    size_t size = strlen(parent->path);
    if (command->path[0] == '\0' || strncmp(command->path, parent->path, size) != 0)
        return false;
    const char *rest = command->path + size;
    if (size > 0 && *rest++ != ' ')
        return false;
    return *rest && !strchr(rest, ' ');
}

static const struct option *find_in(const struct option *options, const char *name, size_t size)
{
    for (; options && options->name; options++) {
        if (strlen(options->name) == size && strncmp(options->name, name, size) == 0)
            return options;
    }
    return NULL;
}

static const struct option *find_letter(const struct option *options, char letter)
{
    for (; options && options->name; options++) {
        if (options->letter && options->letter == letter)
            return options;
    }
    return NULL;
}

static const struct option *find_option(const struct command *command, const char *name,
                                        size_t size)
{
    const struct option *option = find_in(command->options, name, size);
    return option ? option : find_in(commands[0].options, name, size);
}

static int unknown_option(const struct command *command, const char *name, size_t size,
                          struct err *err)
{
    const char *words[WORDS_MAX];
    size_t count = 0;
    const struct option *lists[] = {command->options, commands[0].options};
    for (size_t i = 0; i < 2; i++) {
        for (const struct option *o = lists[i]; o && o->name && count < WORDS_MAX; o++)
            words[count++] = o->name;
    }
    char typed[PATH_MAX_SIZE];
    snprintf(typed, sizeof(typed), "%.*s", (int)size, name);
    const char *blank = command->path[0] ? " " : "";
    err_set(err, ERR_USAGE, 0, "unknown option \"--%s\" of enarx%s%s", typed, blank, command->path);
    const char *meant = suggest(typed, words, count);
    if (meant)
        err_hint(err, "Did you mean --%s?", meant);
    else
        err_hint(err, "See enarx%s%s --help.", blank, command->path);
    return -EINVAL;
}

static int unknown_command(const struct command *parent, const char *typed, struct err *err)
{
    const char *words[WORDS_MAX];
    size_t count = 0;
    for (const struct command *c = commands; c->path && count < WORDS_MAX; c++) {
        if (!c->hidden && command_is_below(c, parent))
            words[count++] = command_word(c);
    }
    const char *blank = parent->path[0] ? " " : "";
    err_set(err, ERR_USAGE, 0, "unknown command \"%.40s\" of enarx%s%s", typed, blank,
            parent->path);
    const char *meant = suggest(typed, words, count);
    if (meant)
        err_hint(err, "Did you mean enarx%s%s %s?", blank, parent->path, meant);
    else
        err_hint(err, "See enarx%s%s --help.", blank, parent->path);
    return -EINVAL;
}

static void add_given(struct invocation *invocation, const struct option *option, const char *value)
{
    invocation->given[invocation->given_count++] = (struct given_option){option, value};
    if (strcmp(option->name, "help") == 0)
        invocation->wants_help = true;
    if (strcmp(option->name, "version") == 0)
        invocation->wants_version = true;
}

/* --name, --name=value, --name value. */
static int parse_long(struct invocation *invocation, char **argv, int *at, struct err *err)
{
    const char *name = argv[*at] + 2;
    size_t size = strcspn(name, "=");
    const struct option *option = find_option(invocation->command, name, size);
    if (!option)
        return unknown_option(invocation->command, name, size, err);

    const char *value = name[size] == '=' ? name + size + 1 : NULL;
    if (!option->value && value)
        return err_set(err, ERR_USAGE, 0, "the option --%s takes no value", option->name);
    if (option->value && !value) {
        value = argv[*at + 1];
        if (!value) {
            err_set(err, ERR_USAGE, 0, "the option --%s needs a value", option->name);
            err_hint(err, "Write --%s %s.", option->name, option->value);
            return -EINVAL;
        }
        ++*at;
    }
    add_given(invocation, option, value);
    return 0;
}

/* -x, -xy, -x value, -xvalue. */
static int parse_letters(struct invocation *invocation, char **argv, int *at, struct err *err)
{
    for (const char *letter = argv[*at] + 1; *letter; letter++) {
        if (*letter == 'h') {
            invocation->wants_short_help = true;
            continue;
        }
        const struct option *option = find_letter(invocation->command->options, *letter);
        if (!option)
            option = find_letter(commands[0].options, *letter);
        if (!option) {
            err_set(err, ERR_USAGE, 0, "unknown option \"-%c\"", *letter);
            err_hint(err, "See enarx%s%s --help.", invocation->command->path[0] ? " " : "",
                     invocation->command->path);
            return -EINVAL;
        }
        if (!option->value) {
            add_given(invocation, option, NULL);
            continue;
        }
        const char *value = letter[1] ? letter + 1 : argv[++*at];
        if (!value)
            return err_set(err, ERR_USAGE, 0, "the option -%c needs a value", *letter);
        add_given(invocation, option, value);
        return 0;
    }
    return 0;
}

/* Goes one word down in the tree of commands. */
static int enter_command(struct invocation *invocation, const char *word, struct err *err)
{
    const struct command *parent = invocation->command;
    char path[PATH_MAX_SIZE];
    int size =
        snprintf(path, sizeof(path), "%s%s%s", parent->path, parent->path[0] ? " " : "", word);
    const struct command *command =
        size > 0 && (size_t)size < sizeof(path) && !strchr(word, ' ') ? command_find(path) : NULL;
    if (!command || command == parent)
        return unknown_command(parent, word, err);
    invocation->command = command;
    return 0;
}

static int check_operands(const struct invocation *invocation, struct err *err)
{
    const struct command *command = invocation->command;
    if (invocation->wants_help || invocation->wants_short_help || invocation->wants_version)
        return 0;
    if (!command->run) {
        if (command->path[0] == '\0')
            return err_set(err, ERR_USAGE, 0, "a command is missing");
        err_set(err, ERR_USAGE, 0, "a command is missing after enarx %s", command->path);
        err_hint(err, "See enarx %s --help.", command->path);
        return -EINVAL;
    }
    if (invocation->operand_count < command->operands_min)
        err_set(err, ERR_USAGE, 0, "enarx %s needs %s", command->path, command->operands);
    else if (!command->passes_operands && invocation->operand_count > command->operands_max)
        err_set(err, ERR_USAGE, 0, "enarx %s does not take \"%.40s\"", command->path,
                invocation->operands[command->operands_max]);
    else
        return 0;
    err_hint(err, "See enarx %s --help.", command->path);
    return -EINVAL;
}

int invocation_parse(int argc, char **argv, struct invocation *invocation, struct err *err)
{
    *invocation = (struct invocation){.command = &commands[0]};
    size_t room = argc > 0 ? (size_t)argc : 1;
    size_t letters = 0; /* -abc is three options in one word */
    for (int i = 0; i < argc; i++)
        letters += strlen(argv[i]);
    invocation->given = calloc(room + letters, sizeof(*invocation->given));
    const char **operands = calloc(room + 1, sizeof(*operands));
    invocation->operands = operands;
    if (!invocation->given || !operands)
        return err_set(err, ERR_IO, ENOMEM, "read the command line");

    bool only_operands = false;
    for (int i = 1; i < argc; i++) {
        const char *word = argv[i];
        int status = 0;
        if (!only_operands && strcmp(word, "--") == 0)
            only_operands = true;
        else if (!only_operands && word[0] == '-' && word[1] == '-')
            status = parse_long(invocation, argv, &i, err);
        else if (!only_operands && word[0] == '-' && word[1])
            status = parse_letters(invocation, argv, &i, err);
        else if (!invocation->command->run)
            status = enter_command(invocation, word, err);
        else {
            operands[invocation->operand_count++] = word;
            only_operands = only_operands || invocation->command->passes_operands;
        }
        if (status < 0)
            return status;
    }
    return check_operands(invocation, err);
}

void invocation_free(struct invocation *invocation)
{
    free(invocation->given);
    free((void *)invocation->operands);
    *invocation = (struct invocation){0};
}

const char *invocation_value(const struct invocation *invocation, const char *name)
{
    for (size_t i = invocation->given_count; i-- > 0;) {
        if (strcmp(invocation->given[i].option->name, name) == 0)
            return invocation->given[i].value;
    }
    const struct option *option = find_option(invocation->command, name, strlen(name));
    if (!option)
        return NULL;
    const char *from_env = option->env ? getenv(option->env) : NULL;
    return from_env && *from_env ? from_env : option->preset;
}

bool invocation_flag(const struct invocation *invocation, const char *name)
{
    for (size_t i = 0; i < invocation->given_count; i++) {
        if (strcmp(invocation->given[i].option->name, name) == 0)
            return true;
    }
    return false;
}

const char *invocation_next(const struct invocation *invocation, const char *name, size_t *cursor)
{
    while (*cursor < invocation->given_count) {
        const struct given_option *given = &invocation->given[(*cursor)++];
        if (strcmp(given->option->name, name) == 0)
            return given->value;
    }
    return NULL;
}
