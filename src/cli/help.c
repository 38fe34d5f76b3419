// SPDX-License-Identifier: Apache-2.0
#include "cli/command.h"

#include <string.h>

enum { COLUMN = 30, WIDTH = 92 };

/* Columns that UTF-8 text takes; combining and wide characters do not occur in the table. */
static size_t columns(const char *text)
{
    size_t count = 0;
    for (; *text; text++)
        count += (*text & 0xC0) != 0x80;
    return count;
}

/* Prints paragraphs with lines of at most WIDTH columns, each after `indent` blanks. */
static void print_wrapped(const char *text, size_t indent, FILE *stream)
{
    size_t column = 0;
    while (*text) {
        if (strncmp(text, "\n\n", 2) == 0) {
            fprintf(stream, "\n\n");
            column = 0;
            text += 2;
            continue;
        }
        size_t size = strcspn(text, " \n");
        char word[128];
        snprintf(word, sizeof(word), "%.*s", (int)size, text);
        if (column > 0 && column + 1 + columns(word) > WIDTH) {
            fprintf(stream, "\n");
            column = 0;
        }
        if (column == 0)
            column = (size_t)fprintf(stream, "%*s", (int)indent, "");
        else
            column += (size_t)fprintf(stream, " ");
        fputs(word, stream);
        column += columns(word);
        text += size;
        while (*text == ' ' || (*text == '\n' && text[1] != '\n'))
            text++;
    }
    fprintf(stream, "\n");
}

static void print_entry(const char *left, const char *right, FILE *stream)
{
    fprintf(stream, "  %s", left);
    size_t used = 2 + columns(left);
    if (used + 2 > COLUMN) {
        fprintf(stream, "\n");
        used = 0;
    }
    fprintf(stream, "%*s%s\n", (int)(COLUMN - used), "", right);
}

static void print_option(const struct option *option, bool full, FILE *stream)
{
    char left[128];
    char letter[8] = "";
    if (option->letter)
        snprintf(letter, sizeof(letter), "-%c, ", option->letter);
    snprintf(left, sizeof(left), "%s--%s%s%s", letter, option->name, option->value ? " " : "",
             option->value ? option->value : "");
    print_entry(left, option->help, stream);
    if (!full)
        return;
    if (option->choices) {
        fprintf(stream, "%*sone of", COLUMN, "");
        for (size_t i = 0; option->choices[i]; i++)
            fprintf(stream, "%s %s", i ? "," : "", option->choices[i]);
        fprintf(stream, "\n");
    }
    if (option->preset)
        fprintf(stream, "%*sdefault: %s\n", COLUMN, "", option->preset);
    if (option->env)
        fprintf(stream, "%*senvironment: %s\n", COLUMN, "", option->env);
    if (option->repeats)
        fprintf(stream, "%*smay be given several times\n", COLUMN, "");
}

static void print_options(const char *title, const struct option *options, bool full, FILE *stream)
{
    if (!options || !options->name)
        return;
    fprintf(stream, "\n%s:\n", title);
    for (; options->name; options++)
        print_option(options, full, stream);
}

static void print_usage(const struct command *command, FILE *stream)
{
    fprintf(stream, "Usage: enarx%s%s", command->path[0] ? " " : "", command->path);
    if (command->options && command->path[0])
        fprintf(stream, " [OPTIONS]");
    if (!command->run)
        fprintf(stream, "%s COMMAND", command->path[0] ? "" : " [OPTIONS]");
    if (command->operands[0])
        fprintf(stream, " %s", command->operands);
    fprintf(stream, "\n");
}

static void print_commands(const struct command *parent, FILE *stream)
{
    if (parent->run)
        return;
    fprintf(stream, "\nCommands:\n");
    for (const struct command *command = commands; command->path; command++) {
        if (!command->hidden && command_is_below(command, parent))
            print_entry(command_word(command), command->summary, stream);
    }
}

static void print_examples(const struct command *command, FILE *stream)
{
    if (!command->examples)
        return;
    fprintf(stream, "\nExamples:\n");
    for (const struct example *example = command->examples; example->line; example++)
        fprintf(stream, "  # %s\n  %s\n", example->text, example->line);
}

void help_print(const struct command *command, bool full, FILE *stream)
{
    bool root = command->path[0] == '\0';
    fprintf(stream, "%s.\n\n", command->summary);
    print_usage(command, stream);
    if (full && command->description) {
        fprintf(stream, "\n");
        print_wrapped(command->description, 0, stream);
    }
    print_commands(command, stream);
    if (!root)
        print_options("Options", command->options, full, stream);
    if (full || root)
        print_options("Global options", commands[0].options, full, stream);
    if (full || root)
        print_examples(command, stream);
    if (root)
        fprintf(stream, "\nSee enarx help COMMAND for more about one command.\n");
    else if (!full)
        fprintf(stream, "\nSee enarx %s --help for more.\n", command->path);
}

int command_help(const struct invocation *invocation, int *exit_status, struct err *err)
{
    char path[64] = "";
    for (size_t i = 0; i < invocation->operand_count; i++) {
        size_t used = strlen(path);
        snprintf(path + used, sizeof(path) - used, "%s%s", i ? " " : "", invocation->operands[i]);
    }
    const struct command *command = command_find(path);
    if (!command) {
        err_set(err, ERR_USAGE, 0, "there is no command \"%s\"", path);
        err_hint(err, "See enarx --help for all commands.");
        return -1;
    }
    help_print(command, true, stdout);
    *exit_status = 0;
    return 0;
}
