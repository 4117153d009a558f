/*
 * A value of a JSON document by its pointer (RFC 6901), as text. Parsing is jansson's: RFC 8259, at most
 * 2,048 levels deep, the last of duplicate names wins. A number beyond 64 bits or double is read as the
 * nearest double.
 */
#ifndef MILLRACE_KERNELS_JSONPTR_H
#define MILLRACE_KERNELS_JSONPTR_H

#include "kernels/bytes.h"

/* A document is refused above this size: its tree can take thirty times as much. */
#define JSONPTR_MAX_INPUT ((size_t)16 << 20)

/* A parsed document; one thread at a time, because looking at a value counts references. */
struct jsonptr_document;

struct jsonptr_error {
    char message[160];
};

/* Parses `n` bytes of UTF-8. Null: `error` says why. To be freed with jsonptr_free. The text is not needed
 * any more. */
struct jsonptr_document *jsonptr_parse(const uint8_t *text, size_t n, struct jsonptr_error *error);

/* Null is allowed. */
void jsonptr_free(struct jsonptr_document *document);

enum jsonptr_status { JSONPTR_FOUND, JSONPTR_NOT_FOUND, JSONPTR_TOO_LARGE, JSONPTR_NO_MEMORY };

/*
 * Appends the value at `pointer` (valid, as selector_parse has made sure): a string as it is, without quotes;
 * all else as compact JSON, reals with the fewest digits that give them back.
 */
enum jsonptr_status jsonptr_get(const struct jsonptr_document *document, const char *pointer,
                                struct bytebuf *out);

#endif
