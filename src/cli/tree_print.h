/* SPDX-License-Identifier: Apache-2.0 */
/* Entries of packages for people and, as they are in the interface, for programs. */
#pragma once

#include "cli/store.h"

/* Prints an entry: JSON, or a line each for type, length and the SHA-256. */
void entry_print(const struct entry *entry, bool as_json);

/* Prints nodes one after the other, as lines or as members of one JSON object. */
struct tree_printer {
    bool as_json, filled;
};
void tree_print_begin(const struct tree_printer *printer);
void tree_print_node(struct tree_printer *printer, struct span path, const struct entry *entry);
void tree_print_end(const struct tree_printer *printer);

/* Opens the Drawbridge and gets the tag that the first operand names. One that its owner has yanked
 * is warned about on stderr, with the reason that was given. Then comes package_tag_free, whatever
 * happened, and store_finish. */
__attribute__((warn_unused_result)) int tag_open(const struct invocation *invocation,
                                                 struct store *store, struct package_tag *tag,
                                                 struct err *err);
