/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scripts of the WebAssembly specification's test suite (.wast): modules, actions on them and
 * assertions, run by the engine through its public API.
 *
 * Each script has a store of its own in which the host module "spectest" is registered.
 */
#pragma once

#include "base/err.h"
#include "base/span.h"

#include <wasm.h>

struct wast_counts {
    unsigned passed, failed;
    unsigned skipped; /* commands that the options leave out */
};

/* Called for each command that failed: line in the script (from 1), what happened, and env. */
typedef void (*wast_report_fn)(void *env, unsigned line, const char *message);

struct wast_options {
    /* Also compare the words of refusals (assert_invalid, assert_malformed, assert_unlinkable) with
     * those that the script expects. The words of traps always count. */
    bool check_words;
    /* For scripts that are partly about proposals which the engine lacks: modules that it refuses,
     * and commands on instances that are therefore missing, are skipped instead of failed. So are
     * assertions about a refusal if its words are others. */
    bool partly;
    /* How the engine is to run; taken. NULL: as by default. */
    wasm_config_t *config;
    /* Lines at which commands begin that are not to be run. */
    const unsigned *left_out;
    size_t left_out_count;
    wast_report_fn report; /* may be NULL */
    void *env;
};

/* Runs a script. Returns 0 with the counts, however many commands failed, or -errno with `err` when
 * the script itself cannot be read (syntax) or the engine cannot be set up. */
__attribute__((warn_unused_result)) int wast_run(struct span text,
                                                 const struct wast_options *options,
                                                 struct wast_counts *counts, struct err *err);
