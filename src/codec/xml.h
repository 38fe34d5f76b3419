/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The XML that services of object storage answer with: elements and text, read piece by piece.
 *
 * Both sides of the trust boundary. No I/O, no allocation. Strict and small: elements are nested
 * properly, up to XML_DEPTH_MAX; attributes are skipped; comments, processing instructions but the
 * declaration, DTDs and CDATA are refused, so that nothing can grow when it is read.
 *
 *     struct xml_reader reader = xml_reader(text);
 *     struct xml_event event;
 *     while ((status = xml_next(&reader, &event)) > 0)
 *         …
 */
#pragma once

#include "base/text.h"

enum { XML_DEPTH_MAX = 16, XML_NAME_MAX = 64 };

enum xml_kind { XML_START, XML_END, XML_TEXT };

struct xml_event {
    enum xml_kind kind;
    struct span name; /* of the element, without its prefix; borrowed */
    struct span text; /* of XML_TEXT, as it is written: xml_text_decode; borrowed */
    unsigned depth;   /* of the element: 1 for the outermost */
};

struct xml_reader {
    struct span rest;
    struct span open[XML_DEPTH_MAX];
    unsigned depth;
    bool begun, empty; /* internal */
};

struct xml_reader xml_reader(struct span text);
/* 1 with the next event; 0 at the end of a document that is complete; -EINVAL. White space between
 * elements is text like other. */
__attribute__((warn_unused_result)) int xml_next(struct xml_reader *reader,
                                                 struct xml_event *event);
/* Adds a text with its references replaced. -EINVAL for one that is not known. */
__attribute__((warn_unused_result)) int xml_text_decode(struct span text, struct text *out);
