/* The charsets of the Encoding Standard (https://encoding.spec.whatwg.org, section 4.2) with all their
 * labels. */
#include "kernels/charset_labels.h"
#include "kernels/charset.h"

#include <string.h>
#include <strings.h>

/* Name, kind, iconv's name for the superset that the Standard means, labels. */
static const struct charset charsets[] = {
    {"utf-8", CHARSET_UTF8, "", "unicode-1-1-utf-8 unicode11utf8 unicode20utf8 utf-8 utf8 x-unicode20utf8"},
    {"windows-1252", CHARSET_WINDOWS_1252, "",
     "ansi_x3.4-1968 ascii cp1252 cp819 csisolatin1 ibm819 iso-8859-1 iso-ir-100 iso8859-1 "
     "iso88591 iso_8859-1 iso_8859-1:1987 l1 latin1 us-ascii windows-1252 x-cp1252"},
    {"iso-8859-2", CHARSET_ICONV, "ISO-8859-2",
     "csisolatin2 iso-8859-2 iso-ir-101 iso8859-2 iso88592 iso_8859-2 iso_8859-2:1987 l2 latin2"},
    {"windows-1251", CHARSET_ICONV, "CP1251", "cp1251 windows-1251 x-cp1251"},
    {"windows-1250", CHARSET_ICONV, "CP1250", "cp1250 windows-1250 x-cp1250"},
    {"shift_jis", CHARSET_ICONV, "CP932",
     "csshiftjis ms932 ms_kanji shift-jis shift_jis sjis windows-31j x-sjis"},
    {"euc-jp", CHARSET_ICONV, "EUC-JP-MS", "cseucpkdfmtjapanese euc-jp x-euc-jp"},
    {"gb18030", CHARSET_ICONV, "GB18030",
     "chinese csgb2312 csiso58gb231280 gb18030 gb2312 gb_2312 gb_2312-80 gbk iso-ir-58 x-gbk"},
    {"euc-kr", CHARSET_ICONV, "CP949",
     "cseuckr csksc56011987 euc-kr iso-ir-149 korean ks_c_5601-1987 ks_c_5601-1989 ksc5601 "
     "ksc_5601 windows-949"},
    {"big5", CHARSET_ICONV, "BIG5-HKSCS", "big5 big5-hkscs cn-big5 csbig5 x-x-big5"},
    {"ibm866", CHARSET_ICONV, "IBM866", "866 cp866 csibm866 ibm866"},
    {"iso-2022-jp", CHARSET_ICONV, "ISO-2022-JP", "csiso2022jp iso-2022-jp"},
    {"iso-8859-10", CHARSET_ICONV, "ISO-8859-10",
     "csisolatin6 iso-8859-10 iso-ir-157 iso8859-10 iso885910 l6 latin6"},
    {"iso-8859-13", CHARSET_ICONV, "ISO-8859-13", "iso-8859-13 iso8859-13 iso885913"},
    {"iso-8859-14", CHARSET_ICONV, "ISO-8859-14", "iso-8859-14 iso8859-14 iso885914"},
    {"iso-8859-15", CHARSET_ICONV, "ISO-8859-15",
     "csisolatin9 iso-8859-15 iso8859-15 iso885915 iso_8859-15 l9"},
    {"iso-8859-16", CHARSET_ICONV, "ISO-8859-16", "iso-8859-16"},
    {"iso-8859-3", CHARSET_ICONV, "ISO-8859-3",
     "csisolatin3 iso-8859-3 iso-ir-109 iso8859-3 iso88593 iso_8859-3 iso_8859-3:1988 l3 latin3"},
    {"iso-8859-4", CHARSET_ICONV, "ISO-8859-4",
     "csisolatin4 iso-8859-4 iso-ir-110 iso8859-4 iso88594 iso_8859-4 iso_8859-4:1988 l4 latin4"},
    {"iso-8859-5", CHARSET_ICONV, "ISO-8859-5",
     "csisolatincyrillic cyrillic iso-8859-5 iso-ir-144 iso8859-5 iso88595 iso_8859-5 "
     "iso_8859-5:1988"},
    {"iso-8859-6", CHARSET_ICONV, "ISO-8859-6",
     "arabic asmo-708 csiso88596e csiso88596i csisolatinarabic ecma-114 iso-8859-6 iso-8859-6-e "
     "iso-8859-6-i iso-ir-127 iso8859-6 iso88596 iso_8859-6 iso_8859-6:1987"},
    {"iso-8859-7", CHARSET_ICONV, "ISO-8859-7",
     "csisolatingreek ecma-118 elot_928 greek greek8 iso-8859-7 iso-ir-126 iso8859-7 iso88597 "
     "iso_8859-7 iso_8859-7:1987 sun_eu_greek"},
    {"iso-8859-8", CHARSET_ICONV, "ISO-8859-8",
     "csiso88598e csiso88598i csisolatinhebrew hebrew iso-8859-8 iso-8859-8-e iso-8859-8-i "
     "iso-ir-138 iso8859-8 iso88598 iso_8859-8 iso_8859-8:1988 logical visual"},
    {"koi8-r", CHARSET_ICONV, "KOI8-R", "cskoi8r koi koi8 koi8-r koi8_r"},
    {"koi8-u", CHARSET_ICONV, "KOI8-U", "koi8-ru koi8-u"},
    {"macintosh", CHARSET_ICONV, "MACINTOSH", "csmacintosh mac macintosh x-mac-roman"},
    {"replacement", CHARSET_REPLACEMENT, "",
     "csiso2022kr hz-gb-2312 iso-2022-cn iso-2022-cn-ext iso-2022-kr replacement"},
    {"utf-16be", CHARSET_UTF16, "UTF-16BE", "unicodefffe utf-16be"},
    {"utf-16le", CHARSET_UTF16, "UTF-16LE",
     "csunicode iso-10646-ucs-2 ucs-2 unicode unicodefeff utf-16 utf-16le"},
    {"windows-1253", CHARSET_ICONV, "CP1253", "cp1253 windows-1253 x-cp1253"},
    {"windows-1254", CHARSET_ICONV, "CP1254",
     "cp1254 csisolatin5 iso-8859-9 iso-ir-148 iso8859-9 iso88599 iso_8859-9 iso_8859-9:1989 l5 "
     "latin5 windows-1254 x-cp1254"},
    {"windows-1255", CHARSET_ICONV, "CP1255", "cp1255 windows-1255 x-cp1255"},
    {"windows-1256", CHARSET_ICONV, "CP1256", "cp1256 windows-1256 x-cp1256"},
    {"windows-1257", CHARSET_ICONV, "CP1257", "cp1257 windows-1257 x-cp1257"},
    {"windows-1258", CHARSET_ICONV, "CP1258", "cp1258 windows-1258 x-cp1258"},
    {"windows-874", CHARSET_ICONV, "CP874", "dos-874 iso-8859-11 iso8859-11 iso885911 tis-620 windows-874"},
    {"x-mac-cyrillic", CHARSET_ICONV, "MAC-UK", "x-mac-cyrillic x-mac-ukrainian"},
    {"x-user-defined", CHARSET_USER_DEFINED, "", "x-user-defined"},
};

static bool has_label(const char *labels, const char *label, size_t size)
{
    while (*labels) {
        size_t length = strcspn(labels, " ");
        if (length == size && strncasecmp(labels, label, size) == 0)
            return true;
        labels += length;
        labels += *labels == ' ';
    }
    return false;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\f' || c == '\r';
}

const struct charset *charset_by_label(const char *label, size_t size)
{
    for (; size > 0 && is_space(*label); label++)
        size--;
    while (size > 0 && is_space(label[size - 1]))
        size--;
    for (size_t i = 0; i < sizeof charsets / sizeof *charsets; i++)
        if (has_label(charsets[i].labels, label, size))
            return &charsets[i];
    return NULL;
}

const struct charset *charset_utf8(void)
{
    return &charsets[0];
}

const struct charset *charset_windows_1252(void)
{
    return &charsets[1];
}

const char *charset_name(const struct charset *charset)
{
    return charset->name;
}
