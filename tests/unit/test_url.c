#include "io/url.h"
#include "tests/unit/check.h"

#include <locale.h>
#include <stdio.h>
#include <string.h>

static struct url_parser *parser;

static enum url_status parse(const char *text, struct url_parts *out)
{
    return url_parse(parser, text, strlen(text), out);
}

static void accepts(void)
{
    static const struct {
        const char *text, *host;
        bool loopback;
    } cases[] = {
        {"http://example.org", "http://example.org:80", false},
        {"https://example.org/a?b=c#d", "https://example.org:443", false},
        {"HTTPS://EXAMPLE.org:443/", "https://example.org:443", false},
        {"http://example.org:8080?q", "http://example.org:8080", false},
        {"http://example.org:00080/", "http://example.org:80", false},
        {"http://example.org.#x", "http://example.org:80", false},
        {"http://user:pa%20ss@example.org/", "http://example.org:80", false},
        {"http://example.org/@evil.test/", "http://example.org:80", false},
        {"http://example.org/\\evil.test/", "http://example.org:80", false},
        {"http://b\xc3\xbc"
         "cher.example/",
         "http://xn--bcher-kva.example:80", false},
        {"http://B\xc3\x9c"
         "CHER.example/",
         "http://xn--bcher-kva.example:80", false},
        {"http://[2001:DB8::1]/", "http://[2001:db8::1]:80", false},
        {"http://[2001:db8:0:0:0:0:0:1]:81/", "http://[2001:db8::1]:81", false},
        {"http://[fe80::1%25eth0]/", "http://[fe80::1]:80", false},
        {"http://localhost:8000/", "http://localhost:8000", true},
        {"http://LOCALHOST./", "http://localhost:80", true},
        {"http://a.b.localhost/", "http://a.b.localhost:80", true},
        {"http://127.0.0.1/", "http://127.0.0.1:80", true},
        {"http://127.1/", "http://127.0.0.1:80", true},
        {"http://2130706433/", "http://127.0.0.1:80", true},
        {"http://0x7f.0.0.1/", "http://127.0.0.1:80", true},
        {"http://0177.255.255.255/", "http://127.255.255.255:80", true},
        {"http://[::1]:8/", "http://[::1]:8", true},
        {"http://[0:0:0:0:0:0:0:1]/", "http://[::1]:80", true},
        {"http://localhost.example.org/", "http://localhost.example.org:80", false},
        {"http://notlocalhost/", "http://notlocalhost:80", false},
        {"http://127.0.0.1.example.org/", "http://127.0.0.1.example.org:80", false},
        {"http://127.0.0.1@example.org/", "http://example.org:80", false},
        {"http://128.0.0.1/", "http://128.0.0.1:80", false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct url_parts parts = {.host = "unset"};
        enum url_status status = parse(cases[i].text, &parts);
        if (status != URL_OK || strcmp(parts.host, cases[i].host) != 0 ||
            parts.loopback != cases[i].loopback) {
            printf("\n    %s: %s, %s, loopback %d\n", cases[i].text, url_status_text(status), parts.host,
                   parts.loopback);
            CU_FAIL("not as expected");
        }
    }
}

static void refuses(void)
{
    static const struct {
        const char *text;
        enum url_status status;
    } cases[] = {
        {"", URL_EMPTY},
        {"example.org/x", URL_NO_SCHEME},
        {"example.org:8080/x", URL_NO_SCHEME},
        {"localhost:8080", URL_NO_SCHEME},
        {"//example.org/", URL_NO_SCHEME},
        {"/etc/passwd", URL_NO_SCHEME},
        {"word", URL_NO_SCHEME},
        {"://x", URL_NO_SCHEME},
        {"file:///etc/passwd", URL_BAD_SCHEME},
        {"ftp://example.org/", URL_BAD_SCHEME},
        {"javascript:alert(1)", URL_BAD_SCHEME},
        {"mailto:a@example.org", URL_BAD_SCHEME},
        {"gopher://127.0.0.1:25/", URL_BAD_SCHEME},
        {"httpss://example.org/", URL_BAD_SCHEME},
        {"http://exam ple.org/", URL_BAD_CHARACTER},
        {"http://example.org/a b", URL_BAD_CHARACTER},
        {"http://example.org/\r\nX: y", URL_BAD_CHARACTER},
        {"http://example.org/\x7f", URL_BAD_CHARACTER},
        {" http://example.org/", URL_BAD_CHARACTER},
        {"http:", URL_BAD_HOST},
        {"http:/example.org/", URL_BAD_HOST},
        {"http:///example.org/", URL_BAD_HOST},
        {"http://", URL_BAD_HOST},
        {"http://?x", URL_BAD_HOST},
        {"http://:80/", URL_BAD_HOST},
        {"http://user@/", URL_BAD_HOST},
        {"http://./", URL_BAD_HOST},
        {"http://.example.org/", URL_BAD_HOST},
        {"http://exa<mple.org/", URL_BAD_HOST},
        {"http://example.org\\@evil.test/", URL_BAD_HOST},
        {"http://a@b@example.org/", URL_BAD_HOST},
        {"http://[::1/", URL_BAD_HOST},
        {"http://[::g]/", URL_BAD_HOST},
        {"http://b\xff.example/", URL_BAD_IDN},
        {"http://example.org:0/", URL_BAD_PORT},
        {"http://example.org:99999/", URL_BAD_PORT},
        {"http://example.org:65536/", URL_BAD_PORT},
        {"http://example.org:80a/", URL_BAD_PORT},
        {"http://example.org:-1/", URL_BAD_PORT},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct url_parts parts;
        enum url_status status = parse(cases[i].text, &parts);
        if (status != cases[i].status) {
            printf("\n    %s: %s\n", cases[i].text, url_status_text(status));
            CU_FAIL("not as expected");
        }
    }
}

static void bounds_lengths(void)
{
    static char text[100000];
    struct url_parts parts;
    memset(text, 'a', sizeof(text));
    memcpy(text, "http://h/", 9);
    CU_ASSERT_EQUAL(url_parse(parser, text, sizeof(text), &parts), URL_TOO_LONG);
    CU_ASSERT_EQUAL(url_parse(parser, text, URL_LENGTH_MAX + 1, &parts), URL_TOO_LONG);
    CU_ASSERT_EQUAL(url_parse(parser, text, URL_LENGTH_MAX, &parts), URL_OK);
    CU_ASSERT_STRING_EQUAL(parts.host, "http://h:80");
    text[8] = 'a';
    CU_ASSERT_EQUAL(url_parse(parser, text, URL_LENGTH_MAX, &parts), URL_BAD_HOST);
    CU_ASSERT_EQUAL(url_parse(parser, text, 7 + 255, &parts), URL_OK);
    CU_ASSERT_EQUAL(strlen(parts.name), 255);
    CU_ASSERT_EQUAL(url_parse(parser, text, 7 + 256, &parts), URL_BAD_HOST);
    CU_ASSERT_EQUAL(url_parse(parser, "http://h\0/", 10, &parts), URL_BAD_CHARACTER);
}

/* What is remembered of the last URL must never leak into the next. */
static void remembers_only_equals(void)
{
    struct url_parts parts;
    CU_ASSERT_EQUAL(parse("http://example.org/1", &parts), URL_OK);
    CU_ASSERT_EQUAL(parse("http://example.org/2", &parts), URL_OK);
    CU_ASSERT_STRING_EQUAL(parts.host, "http://example.org:80");
    CU_ASSERT_EQUAL(parse("http://example.orgs/", &parts), URL_OK);
    CU_ASSERT_STRING_EQUAL(parts.host, "http://example.orgs:80");
    CU_ASSERT_EQUAL(parse("http://example.org:0/", &parts), URL_BAD_PORT);
    CU_ASSERT_EQUAL(parse("http://example.org:0/", &parts), URL_BAD_PORT);
    CU_ASSERT_EQUAL(parse("https://example.org/", &parts), URL_OK);
    CU_ASSERT_STRING_EQUAL(parts.host, "https://example.org:443");
}

static void explains(void)
{
    char text[300];
    url_explain(URL_NO_SCHEME, "example.org/x", 13, text, sizeof(text));
    CU_ASSERT_STRING_EQUAL(text, "no scheme in the URL: did you mean https://example.org/x?");
    url_explain(URL_NO_SCHEME, "a.b\x1b[2J", 7, text, sizeof(text));
    CU_ASSERT_PTR_NULL(strchr(text, 0x1b));
    url_explain(URL_BAD_PORT, "", 0, text, 10);
    CU_ASSERT_EQUAL(strlen(text), 9);
}

int main(void)
{
    static const struct check checks[] = {
        {"accepts", accepts},
        {"refuses", refuses},
        {"bounds lengths", bounds_lengths},
        {"remembers only equals", remembers_only_equals},
        {"explains", explains},
        {NULL, NULL},
    };
    if (!setlocale(LC_CTYPE, "C.UTF-8"))
        return EXIT_FAILURE;
    parser = url_parser_new();
    int code = parser ? check_run("url", checks) : EXIT_FAILURE;
    url_parser_free(parser);
    return code;
}
