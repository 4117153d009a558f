/* What charset.c and charset_sniff.c share: how a charset is stored. Not for others. */
#ifndef MILLRACE_KERNELS_CHARSET_LABELS_H
#define MILLRACE_KERNELS_CHARSET_LABELS_H

enum charset_kind {
    CHARSET_UTF8,
    CHARSET_WINDOWS_1252,
    CHARSET_USER_DEFINED,
    CHARSET_REPLACEMENT, /* refused by browsers because of attacks: the text is one U+FFFD */
    CHARSET_UTF16,
    CHARSET_ICONV
};

struct charset {
    const char *name;
    enum charset_kind kind;
    const char *iconv_name;
    const char *labels; /* in lower case, a space between */
};

/* The two that sniffing falls back to. */
const struct charset *charset_utf8(void);
const struct charset *charset_windows_1252(void);

#endif
