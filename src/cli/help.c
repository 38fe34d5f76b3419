// SPDX-License-Identifier: Apache-2.0
#include "cli/command.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

/* Columns: where descriptions begin, the least that is left to them, and the bounds of a line. */
enum { COLUMN = 30, DESCRIPTION_MIN = 30, NARROW_COLUMN = 8 };
enum { WIDTH_MIN = 40, WIDTH_USUAL = 80, WIDTH_MAX = 100 };

/* A text that is printed, and how wide its lines may become. */
struct page {
    FILE *stream;
    size_t width;
};

/* Columns that UTF-8 text takes; combining and wide characters do not occur in the table. */
static size_t columns(const char *text)
{
    size_t count = 0;
    for (; *text; text++)
        count += (*text & 0xC0) != 0x80;
    return count;
}

/* What COLUMNS says, else the terminal, else the usual. */
static size_t line_width(FILE *stream)
{
    struct winsize window = {0};
    const char *wanted = getenv("COLUMNS");
    long width = wanted ? strtol(wanted, NULL, 10) : 0;
    if (width <= 0 && ioctl(fileno(stream), TIOCGWINSZ, &window) == 0)
        width = window.ws_col;
    if (width <= 0)
        width = WIDTH_USUAL;
    return width < WIDTH_MIN ? WIDTH_MIN : width > WIDTH_MAX ? WIDTH_MAX : (size_t)width;
}

/* Where descriptions begin on this page. */
static size_t description_column(const struct page *page)
{
    return page->width >= COLUMN + DESCRIPTION_MIN ? COLUMN : NARROW_COLUMN;
}

/* Prints paragraphs whose lines fit the page, each line after `indent` blanks; `column` says how
 * far the first line is already written. */
static void print_wrapped(const struct page *page, const char *text, size_t column, size_t indent)
{
    bool begun = false; /* a word stands on the line */
    while (*text) {
        if (strncmp(text, "\n\n", 2) == 0) {
            fputs("\n\n", page->stream);
            column = 0;
            begun = false;
            text += 2;
            continue;
        }
        size_t size = strcspn(text, " \n");
        char word[128];
        snprintf(word, sizeof(word), "%.*s", (int)size, text);
        if (begun && column + 1 + columns(word) > page->width) {
            fputc('\n', page->stream);
            column = 0;
            begun = false;
        }
        if (begun)
            column += (size_t)fprintf(page->stream, " ");
        else if (column < indent)
            column += (size_t)fprintf(page->stream, "%*s", (int)(indent - column), "");
        fputs(word, page->stream);
        begun = true;
        column += columns(word);
        text += size;
        while (*text == ' ' || (*text == '\n' && text[1] != '\n'))
            text++;
    }
    fputc('\n', page->stream);
}

static void print_entry(const struct page *page, const char *left, const char *right)
{
    size_t indent = description_column(page), used = 2 + columns(left);
    fprintf(page->stream, "  %s", left);
    if (used + 2 > indent) {
        fputc('\n', page->stream);
        used = 0;
    }
    print_wrapped(page, right, used, indent);
}

__attribute__((format(printf, 2, 3))) static void print_note(const struct page *page,
                                                             const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    print_wrapped(page, text, 0, description_column(page));
}

static void print_choices(const struct page *page, const char *const *choices)
{
    char text[512];
    size_t used = 0;
    for (size_t i = 0; choices[i] && used < sizeof(text); i++)
        used += (size_t)snprintf(text + used, sizeof(text) - used, "%s %s", i ? "," : "one of",
                                 choices[i]);
    print_note(page, "%s", text);
}

static void print_option(const struct page *page, const struct option *option, bool full)
{
    char left[128];
    char letter[8] = "";
    if (option->letter)
        snprintf(letter, sizeof(letter), "-%c, ", option->letter);
    snprintf(left, sizeof(left), "%s--%s%s%s", letter, option->name, option->value ? " " : "",
             option->value ? option->value : "");
    print_entry(page, left, option->help);
    if (!full)
        return;
    if (option->choices)
        print_choices(page, option->choices);
    if (option->preset)
        print_note(page, "default: %s", option->preset);
    if (option->env)
        print_note(page, "environment: %s", option->env);
    if (option->repeats)
        print_note(page, "may be given several times");
}

static void print_options(const struct page *page, const char *title, const struct option *options,
                          bool full)
{
    if (!options || !options->name)
        return;
    fprintf(page->stream, "\n%s:\n", title);
    for (; options->name; options++)
        print_option(page, options, full);
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

static void print_commands(const struct page *page, const struct command *parent)
{
    if (parent->run)
        return;
    fprintf(page->stream, "\nCommands:\n");
    for (const struct command *command = commands; command->path; command++) {
        if (!command->hidden && command_is_below(command, parent))
            print_entry(page, command_word(command), command->summary);
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
    const struct page page = {stream, line_width(stream)};
    char summary[256];
    snprintf(summary, sizeof(summary), "%s.", command->summary);
    print_wrapped(&page, summary, 0, 0);
    fputc('\n', stream);
    print_usage(command, stream);
    if (full && command->description) {
        fprintf(stream, "\n");
        print_wrapped(&page, command->description, 0, 0);
    }
    print_commands(&page, command);
    if (!root)
        print_options(&page, "Options", command->options, full);
    if (full || root)
        print_options(&page, "Global options", commands[0].options, full);
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
