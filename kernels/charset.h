/*
 * Which charset a page has, and its text as valid UTF-8. The rules are the browsers': the WHATWG Encoding
 * Standard (labels, decoders) and the HTML Standard's "encoding sniffing algorithm"
 * (https://html.spec.whatwg.org, section 13.2.3.2).
 *
 * Conversion is glibc's iconv but for UTF-8, windows-1252, x-user-defined and replacement, which are done
 * here. The library that parses the HTML brings decoders too, but they pass ill-formed UTF-8 on, swallow the
 * byte after an ill-formed one (so a quote or a `<` can vanish), and compute the four-byte codes of gb18030
 * wrongly. iconv reads no more than it is given and needs no memory beyond its tables. Where the Encoding
 * Standard and glibc differ (a handful of vendor characters of the East Asian sets, C1 controls in
 * windows-125x) glibc's reading is taken, and a byte it does not know becomes U+FFFD.
 */
#ifndef MILLRACE_KERNELS_CHARSET_H
#define MILLRACE_KERNELS_CHARSET_H

#include "kernels/bytes.h"

#include <iconv.h>

/* One charset of the Encoding Standard. Static and immutable. */
struct charset;

/* Where the choice came from, in the order of precedence. */
enum charset_source {
    CHARSET_FROM_BOM,
    CHARSET_FROM_HEADER,
    CHARSET_FROM_META,
    CHARSET_FROM_TEXT /* no one said: UTF-8 where the bytes are valid UTF-8, else windows-1252 */
};

struct charset_choice {
    const struct charset *charset;
    enum charset_source source;
    size_t bom_size; /* bytes at the start that are a byte order mark, not text */
};

/* The charset of a WHATWG label of `size` bytes, ASCII white space around it and case ignored; null if there
 * is none. */
const struct charset *charset_by_label(const char *label, size_t size);

/* Its name in the Encoding Standard, in lower case. */
const char *charset_name(const struct charset *charset);

/*
 * The charset of a page. `content_type` is the header's value or null. <meta> is looked for in the first
 * 1,024 bytes, and only where the header does not name a type other than HTML or XML. Never fails. Any
 * thread.
 */
struct charset_choice charset_sniff(const uint8_t *in, size_t n, const char *content_type);

/* A thread's open iconv descriptor, kept from page to page because opening one takes a lock and some us. Zero
 * it first. */
struct charset_scratch {
    const struct charset *open;
    iconv_t descriptor;
};

/* Closes what is open; the scratch is as new. */
void charset_scratch_free(struct charset_scratch *scratch);

enum charset_status {
    CHARSET_OK,
    CHARSET_NO_CONVERTER /* this system's iconv lacks it */,
    CHARSET_NO_MEMORY
};

/*
 * The text of `n` bytes in `charset` as valid UTF-8: what is ill-formed becomes U+FFFD, one for each maximal
 * subpart in UTF-8, one for each byte elsewhere; NULs stay. Valid UTF-8 is borrowed, not copied; all else is
 * allocated, at most 3 * n + 3 bytes. `out` is to be freed with bytes_free, and empty on failure.
 */
enum charset_status charset_to_utf8(struct charset_scratch *scratch, const struct charset *charset,
                                    const uint8_t *in, size_t n, struct bytes *out);

/* How many bytes at the start are well-formed UTF-8 (Unicode 15 table 3-7); `n` if all are. */
size_t utf8_valid_prefix(const uint8_t *in, size_t n);

/* Appends `n` bytes with each maximal ill-formed subpart replaced by U+FFFD. False: cap or memory; `out` has
 * a part. */
bool utf8_sanitize(const uint8_t *in, size_t n, struct bytebuf *out);

/* Writes the UTF-8 of a code point (U+FFFD for a surrogate or one out of range); returns its length, 1 to 4.
 */
size_t utf8_encode(uint32_t code_point, uint8_t out[4]);

#endif
