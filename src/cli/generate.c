// SPDX-License-Identifier: Apache-2.0
/* Man pages (as scdoc source) and shell completions, made of the command table. Used by the build.
 */
#include "cli/command.h"

#include <errno.h>
#include <string.h>

/* --- Man pages ------------------------------------------------------------------------------- */

/* "enarx-platform-info" */
static void page_name(const struct command *command, char *name, size_t size)
{
    snprintf(name, size, "enarx%s%s", command->path[0] ? "-" : "", command->path);
    for (char *blank = name; (blank = strchr(blank, ' '));)
        *blank = '-';
}

/* scdoc gives a meaning to these characters. */
static void put_escaped(const char *text, FILE *stream)
{
    for (; *text; text++) {
        if (strchr("\\*_#[]<>+.~`", *text))
            fputc('\\', stream);
        fputc(*text, stream);
    }
}

static void put_man_option(const struct option *option, FILE *stream)
{
    if (option->letter)
        fprintf(stream, "*-%c*, ", option->letter);
    fprintf(stream, "*--%s*", option->name);
    if (option->value) {
        fprintf(stream, " ");
        put_escaped(option->value, stream);
    }
    fprintf(stream, "\n\t");
    put_escaped(option->help, stream);
    fprintf(stream, ".");
    if (option->choices) {
        fprintf(stream, " One of");
        for (size_t i = 0; option->choices[i]; i++)
            fprintf(stream, "%s %s", i ? "," : "", option->choices[i]);
        fprintf(stream, ".");
    }
    if (option->preset)
        fprintf(stream, " Default: %s.", option->preset);
    if (option->env) {
        fprintf(stream, " Environment: ");
        put_escaped(option->env, stream);
        fprintf(stream, ".");
    }
    if (option->repeats)
        fprintf(stream, " May be given several times.");
    fprintf(stream, "\n\n");
}

static void put_man_options(const char *title, const struct option *option, FILE *stream)
{
    if (!option)
        return;
    fprintf(stream, "# %s\n\n", title);
    for (; option->name; option++)
        put_man_option(option, stream);
}

static void put_man_commands(const struct command *parent, FILE *stream)
{
    if (parent->run)
        return;
    fprintf(stream, "# COMMANDS\n\n");
    for (const struct command *command = commands; command->path; command++) {
        if (command->hidden || !command_is_below(command, parent))
            continue;
        char name[64];
        page_name(command, name, sizeof(name));
        fprintf(stream, "*%s*(1)\n\t", name);
        put_escaped(command->summary, stream);
        fprintf(stream, ".\n\n");
    }
}

static void put_man_examples(const struct command *command, FILE *stream)
{
    if (!command->examples)
        return;
    fprintf(stream, "# EXAMPLES\n\n");
    for (const struct example *example = command->examples; example->line; example++) {
        put_escaped(example->text, stream);
        fprintf(stream, ":\n\n```\n%s\n```\n\n", example->line);
    }
}

int generate_man(const struct command *command, FILE *stream)
{
    char name[64];
    page_name(command, name, sizeof(name));
    fprintf(stream, "%s(1)\n\n# NAME\n\n%s - ", name, name);
    put_escaped(command->summary, stream);
    fprintf(stream, "\n\n# SYNOPSIS\n\n*enarx%s%s*", command->path[0] ? " " : "", command->path);
    if (command->options || !command->path[0])
        fprintf(stream, " [OPTIONS]");
    if (!command->run)
        fprintf(stream, " COMMAND");
    if (command->operands[0]) {
        fprintf(stream, " ");
        put_escaped(command->operands, stream);
    }
    fprintf(stream, "\n\n# DESCRIPTION\n\n");
    put_escaped(command->description, stream);
    fprintf(stream, "\n\n");
    put_man_commands(command, stream);
    put_man_options(command->path[0] ? "OPTIONS" : "GLOBAL OPTIONS", command->options, stream);
    put_man_examples(command, stream);
    fprintf(stream,
            "# EXIT STATUS\n\nThat of the program if one was run; 0 after success; from 120 "
            "after a failure of Enarx itself.\n\n# SEE ALSO\n\n");
    fprintf(stream, "%s*Enarx.toml*(5)\n", command->path[0] ? "*enarx*(1), " : "");
    return ferror(stream) ? -EIO : 0;
}

static int write_page(const struct command *command, const char *directory, struct err *err)
{
    char name[64], path[4096];
    page_name(command, name, sizeof(name));
    snprintf(path, sizeof(path), "%s/%s.1.scd", directory, name);
    FILE *stream = fopen(path, "we");
    if (!stream)
        return err_set(err, ERR_IO, errno, "cannot write %s", path);
    int status = generate_man(command, stream);
    if (fclose(stream) != 0 || status < 0)
        return err_set(err, ERR_IO, EIO, "cannot write %s", path);
    return 0;
}

/* --- Completions ----------------------------------------------------------------------------- */

/* Calls `put` for the command's own options and then for the global ones. */
static void each_option(const struct command *command,
                        void (*put)(const struct command *, const struct option *, FILE *),
                        FILE *stream)
{
    for (const struct option *o = command->options; o && o->name; o++)
        put(command, o, stream);
    for (const struct option *o = commands[0].options; command != &commands[0] && o->name; o++)
        put(command, o, stream);
}

static void put_words_below(const struct command *parent, FILE *stream)
{
    for (const struct command *command = commands; command->path; command++) {
        if (!command->hidden && command_is_below(command, parent))
            fprintf(stream, " %s", command_word(command));
    }
}

static void put_bash_option(const struct command *command, const struct option *option,
                            FILE *stream)
{
    (void)command;
    fprintf(stream, " --%s", option->name);
}

static void put_bash_value(const struct command *command, const struct option *option, FILE *stream)
{
    (void)command;
    if (!option->value)
        return;
    fprintf(stream, "    '%s --%s') ", command->path, option->name);
    if (option->kind == VALUE_FILE)
        fprintf(stream, "COMPREPLY=($(compgen -f -- \"$word\"))");
    else if (option->kind == VALUE_DIRECTORY)
        fprintf(stream, "COMPREPLY=($(compgen -d -- \"$word\"))");
    else if (option->kind == VALUE_CHOICE) {
        fprintf(stream, "COMPREPLY=($(compgen -W '");
        for (size_t i = 0; option->choices[i]; i++)
            fprintf(stream, "%s%s", i ? " " : "", option->choices[i]);
        fprintf(stream, "' -- \"$word\"))");
    } else
        fprintf(stream, "COMPREPLY=()");
    fprintf(stream, "; return ;;\n");
}

static int generate_bash(FILE *stream)
{
    fprintf(stream, "# bash completion for enarx; made of the command table\n"
                    "_enarx() {\n"
                    "  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}\n"
                    "  local at= i\n"
                    "  for ((i = 1; i < COMP_CWORD; i++)); do\n"
                    "    case \"$at ${COMP_WORDS[i]}\" in\n");
    for (const struct command *command = commands + 1; command->path; command++)
        fprintf(stream, "    ' %s'|'%.*s %s') at='%s' ;;\n", command->path,
                (int)(command_word(command) > command->path
                          ? command_word(command) - command->path - 1
                          : 0),
                command->path, command_word(command), command->path);
    fprintf(stream, "    esac\n  done\n  case \"$at $before\" in\n");
    for (const struct command *command = commands; command->path; command++)
        each_option(command, put_bash_value, stream);
    fprintf(stream, "  esac\n  case \"$at\" in\n");
    for (const struct command *command = commands; command->path; command++) {
        fprintf(stream, "    '%s') COMPREPLY=($(compgen -W '", command->path);
        put_words_below(command, stream);
        each_option(command, put_bash_option, stream);
        fprintf(stream, "'%s -- \"$word\")) ;;\n",
                command->operand_kind == VALUE_FILE ? " -f" : "");
    }
    fprintf(stream, "  esac\n}\ncomplete -o filenames -F _enarx enarx\n");
    return ferror(stream) ? -EIO : 0;
}

/* In zsh and fish a description stands in single quotes. */
static void put_single_quoted(const char *text, FILE *stream)
{
    for (; *text; text++) {
        if (*text == '\'')
            fputs("'\\''", stream);
        else if (*text == '[' || *text == ']' || *text == ':')
            fprintf(stream, "\\%c", *text);
        else
            fputc(*text, stream);
    }
}

static void put_zsh_option(const struct command *command, const struct option *option, FILE *stream)
{
    (void)command;
    fprintf(stream, "        '%s--%s%s[", option->repeats ? "*" : "", option->name,
            option->value ? "=" : "");
    put_single_quoted(option->help, stream);
    fprintf(stream, "]");
    if (option->value) {
        fprintf(stream, ":%s:", option->name);
        if (option->kind == VALUE_FILE)
            fprintf(stream, "_files");
        else if (option->kind == VALUE_DIRECTORY)
            fprintf(stream, "_files -/");
        for (size_t i = 0; option->choices && option->choices[i]; i++)
            fprintf(stream, "%s%s%s", i ? " " : "(", option->choices[i],
                    option->choices[i + 1] ? "" : ")");
    }
    fprintf(stream, "' \\\n");
}

static int generate_zsh(FILE *stream)
{
    fprintf(stream, "#compdef enarx\n# made of the command table\n\n_enarx() {\n"
                    "  local at= word\n  local -a below\n"
                    "  for word in ${words[2,CURRENT-1]}; do\n    case \"$at $word\" in\n");
    for (const struct command *command = commands + 1; command->path; command++) {
        const char *word = command_word(command);
        int parent = word > command->path ? (int)(word - command->path - 1) : 0;
        fprintf(stream, "      '%.*s %s') at='%s' ;;\n", parent, command->path, word,
                command->path);
    }
    fprintf(stream, "    esac\n  done\n  case \"$at\" in\n");
    for (const struct command *command = commands; command->path; command++) {
        fprintf(stream, "    '%s')\n", command->path);
        if (!command->run) {
            fprintf(stream, "      below=(");
            put_words_below(command, stream);
            fprintf(stream, " )\n      compadd -a below\n");
        }
        fprintf(stream, "      _arguments \\\n");
        each_option(command, put_zsh_option, stream);
        fprintf(stream, "        '*:file:%s' ;;\n",
                command->operand_kind == VALUE_FILE ? "_files" : " ");
    }
    fprintf(stream, "  esac\n}\n\n_enarx \"$@\"\n");
    return ferror(stream) ? -EIO : 0;
}

/* The condition "the words of this command have been typed". */
static void put_fish_condition(const struct command *command, FILE *stream)
{
    char path[64];
    snprintf(path, sizeof(path), "%s", command->path);
    if (!path[0])
        fprintf(stream, "__fish_use_subcommand");
    bool first = true;
    char *rest = path;
    for (char *word; path[0] && (word = strsep(&rest, " ")); first = false)
        fprintf(stream, "%s__fish_seen_subcommand_from %s", first ? "" : "; and ", word);
}

static void put_fish_option(const struct command *command, const struct option *option,
                            FILE *stream)
{
    fprintf(stream, "complete -c enarx -n '");
    put_fish_condition(command, stream);
    fprintf(stream, "' -l %s", option->name);
    if (option->letter)
        fprintf(stream, " -s %c", option->letter);
    if (option->value)
        fprintf(stream, " -r%s",
                option->kind == VALUE_FILE || option->kind == VALUE_DIRECTORY ? " -F" : " -f");
    if (option->choices) {
        fprintf(stream, " -a '");
        for (size_t i = 0; option->choices[i]; i++)
            fprintf(stream, "%s%s", i ? " " : "", option->choices[i]);
        fprintf(stream, "'");
    }
    fprintf(stream, " -d '");
    put_single_quoted(option->help, stream);
    fprintf(stream, "'\n");
}

static int generate_fish(FILE *stream)
{
    fprintf(stream, "# fish completion for enarx; made of the command table\n"
                    "complete -c enarx -f\n");
    for (const struct command *parent = commands; parent->path; parent++) {
        for (const struct command *command = commands; command->path; command++) {
            if (command->hidden || !command_is_below(command, parent))
                continue;
            fprintf(stream, "complete -c enarx -n '");
            put_fish_condition(parent, stream);
            fprintf(stream, "' -a %s -d '", command_word(command));
            put_single_quoted(command->summary, stream);
            fprintf(stream, "'\n");
        }
        if (parent->operand_kind == VALUE_FILE) {
            fprintf(stream, "complete -c enarx -n '");
            put_fish_condition(parent, stream);
            fprintf(stream, "' -F\n");
        }
        if (!parent->hidden)
            each_option(parent, put_fish_option, stream);
    }
    return ferror(stream) ? -EIO : 0;
}

int generate_completion(const char *shell, FILE *stream)
{
    static const struct {
        const char *name;
        int (*generate)(FILE *);
    } shells[] = {{"bash", generate_bash}, {"zsh", generate_zsh}, {"fish", generate_fish}};
    for (size_t i = 0; i < sizeof(shells) / sizeof(shells[0]); i++) {
        if (strcmp(shells[i].name, shell) == 0)
            return shells[i].generate(stream);
    }
    return -ENOENT;
}

int command_generate(const struct invocation *invocation, int *exit_status, struct err *err)
{
    const char *what = invocation->operands[0], *which = invocation->operands[1];
    *exit_status = 0;
    int status = 0;
    if (strcmp(what, "completion") == 0 && generate_completion(which, stdout) == 0)
        return 0;
    if (strcmp(what, "man") != 0) {
        err_set(err, ERR_USAGE, 0, "enarx generate cannot make %s %s", what, which);
        err_hint(err, "It makes: man DIRECTORY, completion bash, completion zsh, completion fish.");
        return -EINVAL;
    }
    for (const struct command *command = commands; command->path && status == 0; command++) {
        if (!command->hidden)
            status = write_page(command, which, err);
    }
    return status;
}
