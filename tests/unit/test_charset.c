/* kernels/charset: labels, sniffing and conversion, by tables; UTF-8 against a decoder of one line per rule.
 */
#include "kernels/charset.h"
#include "tests/unit/check.h"

#include <stdio.h>
#include <string.h>

static void test_labels(void)
{
    static const char *const table[][2] = {
        {"utf8", "utf-8"},
        {" UTF-8\n", "utf-8"},
        {"latin1", "windows-1252"},
        {"ascii", "windows-1252"},
        {"ISO-8859-1", "windows-1252"},
        {"iso-8859-9", "windows-1254"},
        {"gb2312", "gb18030"},
        {"x-sjis", "shift_jis"},
        {"ks_c_5601-1987", "euc-kr"},
        {"unicode", "utf-16le"},
        {"UTF-16", "utf-16le"},
        {"hz-gb-2312", "replacement"},
        {"tis-620", "windows-874"},
        {"x-user-defined", "x-user-defined"},
        {"logical", "iso-8859-8"},
        {"utf-7", NULL},
        {"", NULL},
        {"utf 8", NULL},
        {"latin", NULL},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        const struct charset *charset = charset_by_label(table[i][0], strlen(table[i][0]));
        CU_ASSERT(charset ? table[i][1] && strcmp(charset_name(charset), table[i][1]) == 0 : !table[i][1]);
    }
}

struct sniff_case {
    const char *body;
    const char *content_type;
    const char *name;
    enum charset_source source;
};

static void test_sniffing(void)
{
    static const struct sniff_case table[] = {
        {"\xef\xbb\xbfx", "text/html; charset=latin1", "utf-8", CHARSET_FROM_BOM},
        {"\xff\xfe<", NULL, "utf-16le", CHARSET_FROM_BOM},
        {"\xfe\xff", NULL, "utf-16be", CHARSET_FROM_BOM},
        {"<meta charset=koi8-r>", "text/html; charset=\"utf-8\"", "utf-8", CHARSET_FROM_HEADER},
        {"x", "text/html;charset=Shift_JIS;x=y", "shift_jis", CHARSET_FROM_HEADER},
        {"x", "text/html; charset=nonsense", "utf-8", CHARSET_FROM_TEXT},
        {"x", "text/charset=koi8-r", "utf-8", CHARSET_FROM_TEXT},
        {"<meta charset=koi8-r>", "text/html", "koi8-r", CHARSET_FROM_META},
        {"<META/CHARSET='koi8-r'", NULL, "koi8-r", CHARSET_FROM_META},
        {"<meta http-equiv=Content-Type content='text/html; charset=big5'>", NULL, "big5", CHARSET_FROM_META},
        {"<meta content='text/html; charset=big5' http-equiv=Content-Type>", NULL, "big5", CHARSET_FROM_META},
        {"<meta content='text/html; charset=big5'>", NULL, "utf-8", CHARSET_FROM_TEXT},
        {"<meta charset=utf-16>", NULL, "utf-8", CHARSET_FROM_META},
        {"<meta charset=x-user-defined>", NULL, "windows-1252", CHARSET_FROM_META},
        {"<!-- <meta charset=big5> --><meta charset=koi8-r>", NULL, "koi8-r", CHARSET_FROM_META},
        {"<!--><meta charset=koi8-r>", NULL, "koi8-r", CHARSET_FROM_META},
        {"<a title='<meta charset=big5>'><meta charset=koi8-r>", NULL, "koi8-r", CHARSET_FROM_META},
        {"<metal charset=big5>", NULL, "utf-8", CHARSET_FROM_TEXT},
        {"{\"a\":\"<meta charset=big5>\"}", "application/json", "utf-8", CHARSET_FROM_TEXT},
        {"<meta charset=", NULL, "utf-8", CHARSET_FROM_TEXT},
        {"caf\xc3\xa9", NULL, "utf-8", CHARSET_FROM_TEXT},
        {"caf\xe9", NULL, "windows-1252", CHARSET_FROM_TEXT},
        {"", NULL, "utf-8", CHARSET_FROM_TEXT},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        const struct sniff_case *row = &table[i];
        struct charset_choice choice =
            charset_sniff((const uint8_t *)row->body, strlen(row->body), row->content_type);
        bool same = strcmp(charset_name(choice.charset), row->name) == 0 && choice.source == row->source;
        if (!same)
            printf("\n%s (%s): %s\n", row->body, row->content_type, charset_name(choice.charset));
        CU_ASSERT(same);
    }
}

static void test_prescan_ends(void)
{
    char body[1200];
    memset(body, ' ', sizeof body);
    memcpy(body + 1100, "<meta charset=koi8-r>", 21);
    CU_ASSERT(charset_sniff((uint8_t *)body, sizeof body, NULL).source == CHARSET_FROM_TEXT);
    memcpy(body + 1003, "<meta charset=koi8-r>", 21);
    CU_ASSERT(charset_sniff((uint8_t *)body, sizeof body, NULL).source == CHARSET_FROM_META);
}

static void test_conversion(void)
{
    static const struct {
        const char *label;
        const char *in;
        size_t n;
        const char *text;
    } table[] = {
        {"utf-8", "caf\xc3\xa9", 5, "café"},
        {"utf-8", "a\xff\xe2\x82z\xed\xa0\x80\xf0\x9f\x98", 11, "a\ufffd\ufffdz\ufffd\ufffd\ufffd\ufffd"},
        {"utf-8", "\xc0\xaf\xf4\x90\x80\x80", 6, "\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd"},
        {"latin1", "\x80 caf\xe9 \x93", 8, "€ café “"},
        {"iso-8859-2", "\xb1", 1, "ą"},
        {"iso-8859-15", "\xa4", 1, "€"},
        {"windows-1251", "\xcf\xf0\xe8", 3, "При"},
        {"koi8-r", "\xf0\xd2\xc9", 3, "При"},
        {"ibm866", "\x8f", 1, "П"},
        {"macintosh", "\x8e", 1, "é"},
        {"shift_jis", "\x83\x65\x83\x58\x83\x67 \\~", 9, "テスト \\~"},
        {"shift_jis", "\x83<b", 3, "\ufffd<b"},
        {"euc-jp", "\xa5\xc6\xa5\xb9\xa5\xc8", 6, "テスト"},
        {"iso-2022-jp", "\x1b$B%F%9%H\x1b(B!", 13, "テスト!"},
        {"euc-kr", "\xc7\xd1\xb1\xdb", 4, "한글"},
        {"gb2312", "\xd6\xd0\xce\xc4", 4, "中文"},
        {"gb18030", "\x81\x30\x81\x30", 4, "\xc2\x80"},
        {"gb18030", "\x90\x30\x81\x30", 4, "\U00010000"},
        {"big5", "\xa4\xa4\xa4\xe5", 4, "中文"},
        {"big5", "\xa4", 1, "\ufffd"},
        {"utf-16le", "h\0\xe9\0\x3d\xd8\x00\xde", 8, "hé😀"},
        {"utf-16be", "\0h\0\xe9\xd8\x3d", 6, "hé\ufffd"},
        {"utf-16le", "h\0x", 3, "h\ufffd"},
        {"x-user-defined", "a\x80\xff", 3, "a\uf780\uf7ff"},
        {"hz-gb-2312", "~{VPND~}", 8, "\ufffd"},
        {"windows-1252", "", 0, ""},
    };
    struct charset_scratch scratch = {0};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct bytes out;
        const struct charset *charset = charset_by_label(table[i].label, strlen(table[i].label));
        CU_ASSERT_FATAL(charset != NULL);
        CU_ASSERT(charset_to_utf8(&scratch, charset, (const uint8_t *)table[i].in, table[i].n, &out) ==
                  CHARSET_OK);
        bool same = out.size == strlen(table[i].text) && memcmp(out.data, table[i].text, out.size) == 0;
        if (!same)
            printf("\n%s row %zu: %.*s\n", table[i].label, i, (int)out.size, (const char *)out.data);
        CU_ASSERT(same);
        bytes_free(&out);
    }
    charset_scratch_free(&scratch);
}

/* Every charset must open on this system, and turn every pair of bytes into valid UTF-8. */
static void test_every_charset_on_every_pair(void)
{
    static const char *const labels[] = {
        "ibm866",       "iso-8859-2",   "iso-8859-3",     "iso-8859-4",   "iso-8859-5",   "iso-8859-6",
        "iso-8859-7",   "iso-8859-8",   "iso-8859-10",    "iso-8859-13",  "iso-8859-14",  "iso-8859-15",
        "iso-8859-16",  "koi8-r",       "koi8-u",         "macintosh",    "windows-874",  "windows-1250",
        "windows-1251", "windows-1252", "windows-1253",   "windows-1254", "windows-1255", "windows-1256",
        "windows-1257", "windows-1258", "x-mac-cyrillic", "gbk",          "big5",         "euc-jp",
        "iso-2022-jp",  "shift_jis",    "euc-kr",         "utf-16be",     "utf-16le",     "x-user-defined",
        "utf-8",
    };
    static uint8_t pairs[65536 * 3];
    for (size_t i = 0; i < 65536; i++) {
        pairs[3 * i] = (uint8_t)(i >> 8);
        pairs[3 * i + 1] = (uint8_t)i;
        pairs[3 * i + 2] = 'x';
    }
    struct charset_scratch scratch = {0};
    for (size_t i = 0; i < sizeof labels / sizeof *labels; i++) {
        struct bytes out;
        const struct charset *charset = charset_by_label(labels[i], strlen(labels[i]));
        CU_ASSERT_FATAL(charset != NULL);
        CU_ASSERT(charset_to_utf8(&scratch, charset, pairs, sizeof pairs, &out) == CHARSET_OK);
        CU_ASSERT(utf8_valid_prefix(out.data, out.size) == out.size && out.size > 0);
        bytes_free(&out);
    }
    charset_scratch_free(&scratch);
}

static void test_valid_utf8_is_borrowed(void)
{
    struct charset_scratch scratch = {0};
    struct bytes out;
    const uint8_t text[] = "na\xc3\xafve \0 text";
    CU_ASSERT(charset_to_utf8(&scratch, charset_by_label("utf-8", 5), text, sizeof text, &out) == CHARSET_OK);
    CU_ASSERT(out.data == text && out.size == sizeof text && !out.owned);
}

/* All code points and all three-byte strings: what is encoded is valid, and nothing else is. */
static void test_utf8_exhaustively(void)
{
    uint8_t text[4];
    size_t wrong = 0;
    for (uint32_t c = 0; c <= 0x10ffff; c++) {
        size_t n = utf8_encode(c, text);
        wrong += utf8_valid_prefix(text, n) != n;
    }
    size_t valid = 0;
    for (uint32_t i = 0; i < 0x1000000; i++) {
        uint8_t three[3] = {(uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i};
        valid += utf8_valid_prefix(three, 3) == 3;
    }
    /* 128^3 of ASCII, 2 * 128 * 1920 with one two-byte character, 65536 - 2048 - 2048 three-byte characters
     */
    CU_ASSERT(wrong == 0);
    CU_ASSERT(valid == 128u * 128 * 128 + 2u * 128 * 1920 + 61440);
}

int main(void)
{
    static const struct check checks[] = {
        {"labels", test_labels},
        {"sniffing", test_sniffing},
        {"prescan stops after 1,024 bytes", test_prescan_ends},
        {"conversion", test_conversion},
        {"every charset on every pair of bytes", test_every_charset_on_every_pair},
        {"valid UTF-8 is borrowed", test_valid_utf8_is_borrowed},
        {"UTF-8 exhaustively", test_utf8_exhaustively},
        {NULL, NULL},
    };
    return check_run("charset", checks);
}
