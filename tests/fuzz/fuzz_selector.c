/* Any selector, and what it finds in one page: an error has a place within the text and a message. */
#include "kernels/extract.h"
#include "kernels/selector.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

static void run(const char *text)
{
    static const char body[] = "<h1 id=a class='b c'>x</h1><p>y<a href=z>{\"a\":[1,2]}</a><ul><li><li>q</ul>";
    struct page page = {(const uint8_t *)body, sizeof body - 1, NULL, NULL};
    struct extract_limits limits = extract_default_limits();
    struct extract_error error;
    struct field_value value;
    struct extractor *extractor = extractor_create(&limits);
    struct extract_scratch *scratch = extract_scratch_create();
    FUZZ_REQUIRE(extractor && scratch && extractor_add(extractor, "f", text, &error));
    if (extract_run(extractor, scratch, &page, &value, &error) == EXTRACT_OK)
        field_values_free(&value, 1);
    extract_scratch_destroy(scratch);
    extractor_destroy(extractor);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct selector *selector;
    struct selector_error error;
    char *text = malloc(size + 1);
    FUZZ_REQUIRE(text != NULL);
    if (size)
        memcpy(text, data, size);
    text[size] = '\0';
    if (selector_parse(text, &selector, &error))
        run(text);
    else
        FUZZ_REQUIRE(!selector && error.message[0] && error.offset <= strlen(text));
    selector_free(selector);
    free(text);
    return 0;
}
