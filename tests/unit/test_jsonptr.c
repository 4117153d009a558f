/* kernels/jsonptr: RFC 6901's own examples, how values are written, and documents that are refused. */
#include "kernels/jsonptr.h"
#include "tests/unit/check.h"

#include <stdio.h>
#include <string.h>

/* RFC 6901 section 5, with a few more members. */
static const char rfc[] =
    "{\"foo\":[\"bar\",\"baz\"],\"\":0,\"a/b\":1,\"c%d\":2,\"e^f\":3,\"g|h\":4,\"i\\\\j\":5,"
    "\"k\\\"l\":6,\" \":7,\"m~n\":8,\"twice\":1,\"twice\":2,\"x\":{\"y\":[true,null,0.1,1e300,-0.0,"
    "{\"\\u00e9\":\"\\ud83d\\ude00\\u0000z\"}]},\"~1\":9,\"big\":9007199254740993}";

static void look_up(const char *json, size_t n, const char *pointer, char *text, size_t *size)
{
    struct jsonptr_error error;
    struct bytebuf out;
    bytebuf_init(&out, 1000);
    *size = 0;
    struct jsonptr_document *document = jsonptr_parse((const uint8_t *)json, n, &error);
    strcpy(text, document ? "(none)" : "(bad)");
    if (document && jsonptr_get(document, pointer, &out) == JSONPTR_FOUND) {
        if (out.size)
            memcpy(text, out.data, out.size);
        text[out.size] = '\0';
        *size = out.size;
    }
    jsonptr_free(document);
    bytebuf_free(&out);
}

static void test_pointers(void)
{
    static const char *const table[][2] = {
        {"/foo", "[\"bar\",\"baz\"]"},
        {"/foo/0", "bar"},
        {"/", "0"},
        {"/a~1b", "1"},
        {"/c%d", "2"},
        {"/e^f", "3"},
        {"/g|h", "4"},
        {"/i\\j", "5"},
        {"/k\"l", "6"},
        {"/ ", "7"},
        {"/m~0n", "8"},
        {"/~01", "9"},
        {"/twice", "2"},
        {"/x/y/0", "true"},
        {"/x/y/1", "null"},
        {"/x/y/2", "0.1"},
        {"/x/y/3", "1e300"},
        {"/foo/2", "(none)"},
        {"/foo/-", "(none)"},
        {"/foo/00", "(none)"},
        {"/foo/01", "(none)"},
        {"/foo/0/x", "(none)"},
        {"/foo/9999999999", "(none)"},
        {"/nosuch", "(none)"},
        {"/foo/", "(none)"},
        {"/big", "9007199254740993"},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        char text[1001];
        size_t size;
        look_up(rfc, strlen(rfc), table[i][0], text, &size);
        CU_ASSERT_STRING_EQUAL(text, table[i][1]);
    }
    char text[1001];
    size_t size;
    look_up(rfc, strlen(rfc), "/x/y/5/é", text, &size);
    CU_ASSERT(size == 6 && memcmp(text, "😀\0z", 6) == 0);
    look_up("[0.1,1.5,[2]]", 13, "", text, &size);
    CU_ASSERT_STRING_EQUAL(text, "[0.1,1.5,[2]]");
    look_up("\"alone\"", 7, "", text, &size);
    CU_ASSERT_STRING_EQUAL(text, "alone");
    look_up("[123456789012345678901234567890]", 32, "/0", text, &size);
    CU_ASSERT_STRING_EQUAL(text, "1.2345678901234568e29");
}

static void test_refusals(void)
{
    static const char *const table[] = {"",   "{", "{]", "[1,]", "nul", "\"\xff\"", "[1] x", "{\"a\":1e999}",
                                        "'a'"};
    struct jsonptr_error error;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        CU_ASSERT(jsonptr_parse((const uint8_t *)table[i], strlen(table[i]), &error) == NULL);
        CU_ASSERT(strncmp(error.message, "not JSON: line 1: ", 18) == 0);
    }
    static uint8_t deep[100000];
    memset(deep, '[', sizeof deep);
    CU_ASSERT(jsonptr_parse(deep, sizeof deep, &error) == NULL);
    CU_ASSERT(strstr(error.message, "depth") != NULL);
    CU_ASSERT(jsonptr_parse(deep, JSONPTR_MAX_INPUT + 1, &error) == NULL);
    CU_ASSERT_STRING_EQUAL(error.message, "JSON of more than 16 MiB");
}

static void test_values_are_capped(void)
{
    struct jsonptr_error error;
    struct bytebuf out;
    struct jsonptr_document *document = jsonptr_parse((const uint8_t *)"[\"0123456789\"]", 14, &error);
    CU_ASSERT_FATAL(document != NULL);
    bytebuf_init(&out, 9);
    CU_ASSERT(jsonptr_get(document, "/0", &out) == JSONPTR_TOO_LARGE);
    CU_ASSERT(jsonptr_get(document, "", &out) == JSONPTR_TOO_LARGE);
    bytebuf_free(&out);
    jsonptr_free(document);
}

int main(void)
{
    static const struct check checks[] = {{"pointers", test_pointers},
                                          {"refusals", test_refusals},
                                          {"values are capped", test_values_are_capped},
                                          {NULL, NULL}};
    return check_run("jsonptr", checks);
}
