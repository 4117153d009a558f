/* The generated encyclopedia pages: plausible HTML with what trips naive extractors. Pure functions of (seed,
 * n): the title is origin_article_title() of io/origin.h. Any thread. */
#ifndef MILLRACE_IO_ORIGIN_ARTICLE_H
#define MILLRACE_IO_ORIGIN_ARTICLE_H

#include "io/origin_body.h"
#include <stdint.h>

/* Article n of a site with that many articles (the links stay within), as UTF-8 HTML of 5 to 60 KiB whose
 * only real h1 is the title; "<h1" also stands in scripts, comments, attributes and text areas before it.
 * charset is told in a meta element, NULL leaves that out. NULL if memory ran out. */
struct origin_block *origin_article_make(uint64_t seed, uint64_t n, uint64_t articles, const char *charset);

#endif
