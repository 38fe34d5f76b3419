/* SPDX-License-Identifier: Apache-2.0 */
/* Showing evidence field by field, without judging it: attest_show. Internal. */
#pragma once

#include "attest/verdict.h"
#include "codec/x509.h"

struct viewer {
    attest_show_fn show;
    void *context;
};

struct flag {
    uint8_t bit;
    const char *name;
};

enum field_kind { FIELD_HEX, FIELD_NUMBER, FIELD_FLAGS };

/* A field at a fixed place; numbers and flags are little-endian. */
struct field {
    const char *name;
    uint16_t offset, size;
    enum field_kind kind;
    const struct flag *flags; /* ends with a NULL name */
};

void show_begin(const struct viewer *viewer, const char *name);
void show_end(const struct viewer *viewer);
__attribute__((format(printf, 3, 4))) void show_text(const struct viewer *viewer, const char *name,
                                                     const char *format, ...);
/* At most the first 512 bytes. */
void show_hex(const struct viewer *viewer, const char *name, struct span bytes);
void show_time(const struct viewer *viewer, const char *name, int64_t seconds);
/* All fields of a table, which lie in `bytes`. */
void show_fields(const struct viewer *viewer, const struct field *fields, size_t count,
                 const uint8_t *bytes);

/* Each shows bytes of its kind and returns false if they are of another. */
bool show_snp_report(const struct viewer *viewer, struct span bytes);
bool show_quote(const struct viewer *viewer, struct span bytes);
bool show_der(const struct viewer *viewer, struct span bytes);
bool show_document(const struct viewer *viewer, struct span bytes);
