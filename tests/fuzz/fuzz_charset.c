/* As sniffed, and in the charset that the first byte chooses: what comes out is valid UTF-8. */
#include "kernels/charset.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

static void convert(const struct charset *charset, const uint8_t *data, size_t size)
{
    struct charset_scratch scratch = {0};
    struct bytes out;
    FUZZ_REQUIRE(charset_to_utf8(&scratch, charset, data, size, &out) == CHARSET_OK);
    FUZZ_REQUIRE(utf8_valid_prefix(out.data, out.size) == out.size && out.size <= 3 * size + 3);
    bytes_free(&out);
    charset_scratch_free(&scratch);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const labels[] = {"utf-8",        "gb18030",     "big5",     "euc-jp",   "iso-2022-jp",
                                         "shift_jis",    "euc-kr",      "utf-16be", "utf-16le", "koi8-u",
                                         "windows-1258", "windows-874", "latin1",   "macintosh"};
    struct charset_choice choice = charset_sniff(data, size, NULL);
    FUZZ_REQUIRE(choice.charset && choice.bom_size <= size);
    convert(choice.charset, data + choice.bom_size, size - choice.bom_size);
    if (size > 0) {
        const char *label = labels[data[0] % (sizeof labels / sizeof *labels)];
        convert(charset_by_label(label, strlen(label)), data + 1, size - 1);
    }
    return 0;
}
