/* HTML in a charset other than UTF-8, for those who must detect and decode it. Any thread. */
#ifndef MILLRACE_IO_ORIGIN_CHARSET_H
#define MILLRACE_IO_ORIGIN_CHARSET_H

#include "io/origin_body.h"

/* The charsets offered: a closed list, because iconv_open(3) loads whatever module a name leads it to. The
 * names are labels of the WHATWG Encoding Standard, section 4.2, and glibc knows them too. */
#define ORIGIN_CHARSETS(X)                                                                                   \
    X(UTF_8, "utf-8")                                                                                        \
    X(UTF_16, "utf-16")                                                                                      \
    X(UTF_16LE, "utf-16le")                                                                                  \
    X(UTF_16BE, "utf-16be")                                                                                  \
    X(ISO_8859_1, "iso-8859-1")                                                                              \
    X(ISO_8859_2, "iso-8859-2")                                                                              \
    X(ISO_8859_15, "iso-8859-15")                                                                            \
    X(WINDOWS_1251, "windows-1251")                                                                          \
    X(WINDOWS_1252, "windows-1252")                                                                          \
    X(KOI8_R, "koi8-r")                                                                                      \
    X(SHIFT_JIS, "shift_jis")                                                                                \
    X(EUC_JP, "euc-jp")                                                                                      \
    X(EUC_KR, "euc-kr")                                                                                      \
    X(GBK, "gbk")                                                                                            \
    X(GB18030, "gb18030")                                                                                    \
    X(BIG5, "big5")

enum origin_charset {
    ORIGIN_CHARSET_DEFAULT, /* none asked for: UTF-8, told in header and meta */
#define ORIGIN_CHARSET_ENUM(id, name) ORIGIN_CHARSET_##id,
    ORIGIN_CHARSETS(ORIGIN_CHARSET_ENUM)
#undef ORIGIN_CHARSET_ENUM
};

/* The charset of that name, letter case ignored. Returns 0 or -1. */
int origin_charset_find(const char *name, enum origin_charset *out);

/* Its name; "utf-8" for the default. */
const char *origin_charset_name(enum origin_charset charset);

/* UTF-8 HTML in the charset (utf-16 with a byte order mark), characters it lacks as decimal references.
 * Returns 0 and a new block, ENOMEM, or EINVAL where the system lacks the converter or the input is not
 * UTF-8. */
int origin_charset_apply(enum origin_charset charset, const struct origin_block *input,
                         struct origin_block **out);

#endif
