/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command line, described by one table (commands.c).
 *
 * Help, man pages and shell completions are generated from the same table, so that they cannot
 * disagree with what is parsed. Host side; everything borrows from argv and from the table.
 */
#pragma once

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* What a completion may offer for a value. */
enum value_kind { VALUE_TEXT, VALUE_FILE, VALUE_DIRECTORY, VALUE_CHOICE };

struct option {
    const char *name;   /* without the dashes */
    char letter;        /* short form, or 0 */
    const char *value;  /* what the value is called in help; NULL for a flag */
    const char *env;    /* environment variable that stands in for the option, or NULL */
    const char *preset; /* value if neither is given, or NULL */
    const char *help;   /* one sentence without full stop */
    enum value_kind kind;
    const char *const *choices; /* VALUE_CHOICE: NULL-terminated */
    bool repeats;               /* may be given several times, and all count */
};

struct example {
    const char *line; /* a command line */
    const char *text; /* what it does */
};

struct invocation;

struct command {
    const char *path;     /* the words after `enarx`, or "" for enarx itself */
    const char *operands; /* as in usage lines: "MODULE [ARGS…]", or "" */
    unsigned operands_min, operands_max;
    bool passes_operands; /* what follows the first operand belongs to the guest, options too */
    bool hidden;          /* not in help */
    enum value_kind operand_kind;
    const char *summary;            /* one line without full stop */
    const char *description;        /* paragraphs, separated by blank lines */
    const struct option *options;   /* ends with a NULL name; NULL if there are none */
    const struct example *examples; /* ends with a NULL line; NULL if there are none */
    int (*run)(const struct invocation *, int *exit_status, struct err *); /* NULL for a group */
};

/* All commands; the first is enarx itself, with the global options. Ends with a NULL path. */
extern const struct command commands[];

struct given_option {
    const struct option *option;
    const char *value; /* NULL for a flag */
};

struct invocation {
    const struct command *command;
    struct given_option *given;
    size_t given_count;
    const char *const *operands; /* NULL-terminated */
    size_t operand_count;
    bool wants_help, wants_short_help, wants_version;
};

/*
 * Parses argv. Values are not looked at, only counted. On failure the class is ERR_USAGE with a
 * hint. After success or failure, release with invocation_free.
 */
__attribute__((warn_unused_result)) int
invocation_parse(int argc, char **argv, struct invocation *invocation, struct err *err);
void invocation_free(struct invocation *invocation);

/* The value of an option: the last one given, else the environment's if not empty, else the preset,
 * else NULL. */
const char *invocation_value(const struct invocation *invocation, const char *name);
/* Whether a flag was given. */
bool invocation_flag(const struct invocation *invocation, const char *name);
/* The next value of a repeated option, in order; *cursor begins at 0. NULL behind the last. */
const char *invocation_next(const struct invocation *invocation, const char *name, size_t *cursor);

/* The command whose path is these words joined by blanks, or NULL. */
const struct command *command_find(const char *path);
/* Whether `command` is listed directly below `parent`. */
bool command_is_below(const struct command *command, const struct command *parent);
/* The last word of a path. */
const char *command_word(const struct command *command);

/* Help texts (help.c), to a stream. */
void help_print(const struct command *command, bool full, FILE *stream);

/* Generators (generate.c): man pages as scdoc source; completions. 0 or -errno. */
int generate_man(const struct command *command, FILE *stream);
int generate_completion(const char *shell, FILE *stream);

/* The commands, one file each. */
int command_run(const struct invocation *, int *exit_status, struct err *);
int command_deploy(const struct invocation *, int *exit_status, struct err *);
int command_keep_list(const struct invocation *, int *exit_status, struct err *);
int command_keep_logs(const struct invocation *, int *exit_status, struct err *);
int command_keep_stop(const struct invocation *, int *exit_status, struct err *);
int command_keep_remove(const struct invocation *, int *exit_status, struct err *);
int command_exec(const struct invocation *, int *exit_status, struct err *);
int command_evidence_show(const struct invocation *, int *exit_status, struct err *);
int command_evidence_verify(const struct invocation *, int *exit_status, struct err *);
int command_config_init(const struct invocation *, int *exit_status, struct err *);
int command_platform_info(const struct invocation *, int *exit_status, struct err *);
int command_platform_snp_cache_crl(const struct invocation *, int *exit_status, struct err *);
int command_platform_snp_cache_vek(const struct invocation *, int *exit_status, struct err *);
int command_platform_sgx_cache_crl(const struct invocation *, int *exit_status, struct err *);
int command_platform_sgx_cache_tcb(const struct invocation *, int *exit_status, struct err *);
int command_user_register(const struct invocation *, int *exit_status, struct err *);
int command_user_info(const struct invocation *, int *exit_status, struct err *);
int command_user_login(const struct invocation *, int *exit_status, struct err *);
int command_user_logout(const struct invocation *, int *exit_status, struct err *);
int command_repo_register(const struct invocation *, int *exit_status, struct err *);
int command_repo_info(const struct invocation *, int *exit_status, struct err *);
int command_repo_search(const struct invocation *, int *exit_status, struct err *);
int command_repo_yank(const struct invocation *, int *exit_status, struct err *);
int command_repo_grant(const struct invocation *, int *exit_status, struct err *);
int command_repo_token_generate(const struct invocation *, int *exit_status, struct err *);
int command_repo_token_info(const struct invocation *, int *exit_status, struct err *);
int command_repo_token_revoke(const struct invocation *, int *exit_status, struct err *);
int command_package_publish(const struct invocation *, int *exit_status, struct err *);
int command_package_fetch(const struct invocation *, int *exit_status, struct err *);
int command_package_info(const struct invocation *, int *exit_status, struct err *);
int command_package_yank(const struct invocation *, int *exit_status, struct err *);
int command_package_sign(const struct invocation *, int *exit_status, struct err *);
int command_package_verify(const struct invocation *, int *exit_status, struct err *);
int command_tree_info(const struct invocation *, int *exit_status, struct err *);
int command_tree_fetch(const struct invocation *, int *exit_status, struct err *);
int command_tree_digest(const struct invocation *, int *exit_status, struct err *);
int command_version(const struct invocation *, int *exit_status, struct err *);
int command_help(const struct invocation *, int *exit_status, struct err *);
int command_generate(const struct invocation *, int *exit_status, struct err *);
