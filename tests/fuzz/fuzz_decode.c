/* The first byte chooses the codings, the rest is the body: the result keeps to the cap. */
#include "kernels/decode.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const codings[] = {"gzip",     "deflate",           "br", "zstd",
                                          "gzip, br", "zstd,deflate,gzip", "",   "x"};
    enum { CAP = 65536 };
    if (size == 0)
        return 0;
    struct bytes out;
    enum decode_status status = decode_body(codings[data[0] % 8], data + 1, size - 1, CAP, &out);
    FUZZ_REQUIRE(status == DECODE_OK ? out.size <= CAP : !out.owned && out.size == 0);
    bytes_free(&out);
    return 0;
}
