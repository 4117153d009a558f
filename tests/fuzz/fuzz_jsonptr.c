/* Any bytes as JSON; what is found at some pointers keeps to the cap. */
#include "kernels/jsonptr.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const pointers[] = {"", "/", "/a", "/0", "/a/0", "/a~1b/1"};
    struct jsonptr_error error;
    struct jsonptr_document *document = jsonptr_parse(data, size, &error);
    FUZZ_REQUIRE(document || error.message[0]);
    for (size_t i = 0; document && i < sizeof pointers / sizeof *pointers; i++) {
        struct bytebuf out;
        bytebuf_init(&out, 1000);
        jsonptr_get(document, pointers[i], &out);
        FUZZ_REQUIRE(out.size <= 1000);
        bytebuf_free(&out);
    }
    jsonptr_free(document);
    return 0;
}
