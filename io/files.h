/* Each body to a file of its own, named by a pattern: "genres/new_file{id}.txt", "pages/{host}/{id}.{ext}".
 *
 *     {id}    the record's id; it must be there, so that no two records share a file
 *     {host}  the host's name; what is not a letter, digit, '.' or '-' becomes '_'
 *     {ext}   by the Content-Type, from a table; "bin" if it isn't there
 *     {{ }}   a brace
 * A pattern that ends in '/' gets "{id}.{ext}". The pattern is the user's and may lead anywhere; what is put
 * in for {host} and {ext} is not, and can bring in no '/' and no name "." or "..".
 *
 * A file appears under its name whole or not at all: it is written under a temporary name in its directory
 * and renamed (rename(2) is atomic). Directories below the first that {..} takes part in, and the file, are
 * opened without following symbolic links (openat(2), O_NOFOLLOW). A file that has the name already is
 * replaced.
 *
 * After file_pattern_open, file_pattern_expand and file_store may be called by any number of threads. */
#ifndef MILLRACE_IO_FILES_H
#define MILLRACE_IO_FILES_H

#include "io/buffer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct file_error {
    char text[512]; /* for a user to read */
    int number;     /* an errno value, 0 if none fits */
};

struct file_pattern;

/* NULL: `*error` says why: an unknown {name}, no {id}, an unclosed brace, an empty or ".." component with
 * {..} in or before it, or no memory. */
struct file_pattern *file_pattern_parse(const char *text, struct file_error *error);
void file_pattern_free(struct file_pattern *p);

/* Makes the directories of the pattern's literal beginning and opens the last of them. Call once, before
 * file_store. */
bool file_pattern_open(struct file_pattern *p, struct file_error *error);

/* Replaces the contents of `out` by the name for one record, relative to that directory. `content_type` may
 * be NULL. False: no memory or over the cap. */
bool file_pattern_expand(const struct file_pattern *p, uint64_t id, const char *host,
                         const char *content_type, struct buffer *out);

/* The pattern's literal beginning, that names are relative to: "genres/", or "" for the current directory. */
const char *file_pattern_root(const struct file_pattern *p);

/* Writes one file. Blocks: for compute threads. False: `*error` says why, and no file was left under either
 * name. */
bool file_store(const struct file_pattern *p, const char *name, const void *data, size_t len,
                struct file_error *error);

/* "html" for "text/html; charset=utf-8"; "bin" for what isn't known, and NULL. Static. */
const char *file_extension(const char *content_type);

#endif
