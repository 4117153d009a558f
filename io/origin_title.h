/* Titles of the generated articles, as text and as the markup inside an h1. Any thread. */
#ifndef MILLRACE_IO_ORIGIN_TITLE_H
#define MILLRACE_IO_ORIGIN_TITLE_H

#include <stdint.h>
#include <stdio.h>

/* Writes the title of article n as plain UTF-8 to text and, with entities, comments, nested elements and odd
 * white space, as HTML to html; either may be NULL. Both say the same to a correct parser. Errors stay with
 * the streams. */
void origin_title_write(uint64_t seed, uint64_t n, FILE *text, FILE *html);

/* Writes text as HTML: & < > " as entities. */
void origin_html_escape(const char *text, FILE *out);

#endif
