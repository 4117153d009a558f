/* kernels/decode against the encoders of the same libraries, damaged bodies and bombs. */
#include "kernels/decode.h"
#include "tests/unit/check.h"

#include <libdeflate.h>
#include <string.h>
#include <zstd.h>

enum { MAX_OUT = 1 << 20 };

static const char page[] = "<html><h1>Bridge</h1><p>water water water water water water</p></html>";

struct coded {
    uint8_t data[4096];
    size_t size;
};

static struct coded deflated(char kind, const void *in, size_t n)
{
    struct coded out = {.size = 0};
    struct libdeflate_compressor *c = libdeflate_alloc_compressor(9);
    if (kind == 'g')
        out.size = libdeflate_gzip_compress(c, in, n, out.data, sizeof out.data);
    else if (kind == 'z')
        out.size = libdeflate_zlib_compress(c, in, n, out.data, sizeof out.data);
    else
        out.size = libdeflate_deflate_compress(c, in, n, out.data, sizeof out.data);
    libdeflate_free_compressor(c);
    return out;
}

static struct coded zstandard(const void *in, size_t n)
{
    struct coded out = {.size = 0};
    out.size = ZSTD_compress(out.data, sizeof out.data, in, n, 19);
    return out;
}

/* brotli of "hello hello hello hello hello\n", by brotli(1); the encoder library is not a dependency. */
static const uint8_t brotli_hello[] = {0x1b, 0x1d, 0x00, 0xf8, 0x8d, 0x94, 0x6e, 0xde,
                                       0x44, 0x55, 0x86, 0xd6, 0x0a, 0x20, 0x6c, 0x6f,
                                       0x4a, 0x11, 0x7a, 0xe2, 0x80, 0x52, 0x2d, 0x00};
static const char hello[] = "hello hello hello hello hello\n";

static bool decodes_to(const char *coding, const uint8_t *in, size_t n, const char *text)
{
    struct bytes out;
    enum decode_status status = decode_body(coding, in, n, MAX_OUT, &out);
    bool same = status == DECODE_OK && out.size == strlen(text) && memcmp(out.data, text, out.size) == 0;
    bytes_free(&out);
    return same;
}

static enum decode_status status_of(const char *coding, const void *in, size_t n, size_t max_out)
{
    struct bytes out;
    enum decode_status status = decode_body(coding, in, n, max_out, &out);
    CU_ASSERT(status == DECODE_OK || (!out.data && !out.owned && out.size == 0));
    bytes_free(&out);
    return status;
}

static void test_codings(void)
{
    struct coded g = deflated('g', page, strlen(page));
    struct coded z = deflated('z', page, strlen(page));
    struct coded r = deflated('r', page, strlen(page));
    struct coded s = zstandard(page, strlen(page));
    CU_ASSERT(decodes_to("gzip", g.data, g.size, page));
    CU_ASSERT(decodes_to(" X-GZip ", g.data, g.size, page));
    CU_ASSERT(decodes_to("deflate", z.data, z.size, page));
    CU_ASSERT(decodes_to("deflate", r.data, r.size, page));
    CU_ASSERT(decodes_to("zstd", s.data, s.size, page));
    CU_ASSERT(decodes_to("br", brotli_hello, sizeof brotli_hello, hello));
    CU_ASSERT(decodes_to("identity, gzip,", g.data, g.size, page));
}

static void test_identity_borrows(void)
{
    static const char *const names[] = {NULL, "", "identity", " , Identity"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct bytes out;
        CU_ASSERT(decode_body(names[i], (const uint8_t *)page, sizeof page, MAX_OUT, &out) == DECODE_OK);
        CU_ASSERT(out.data == (const uint8_t *)page && out.size == sizeof page && !out.owned);
    }
    CU_ASSERT(status_of("", page, sizeof page, sizeof page - 1) == DECODE_TOO_LARGE);
}

static void test_stacks(void)
{
    struct coded once = deflated('g', page, strlen(page));
    struct coded twice = zstandard(once.data, once.size);
    struct coded thrice = deflated('r', twice.data, twice.size);
    CU_ASSERT(decodes_to("gzip, zstd", twice.data, twice.size, page));
    CU_ASSERT(decodes_to("gzip ,zstd, deflate", thrice.data, thrice.size, page));
    CU_ASSERT(status_of("gzip,zstd,deflate,br", thrice.data, thrice.size, MAX_OUT) ==
              DECODE_TOO_MANY_CODINGS);
    CU_ASSERT(status_of("gzip,compress", once.data, once.size, MAX_OUT) == DECODE_UNKNOWN_CODING);
}

static void test_members_and_padding(void)
{
    uint8_t joined[8192];
    struct coded one = deflated('g', hello, strlen(hello));
    memcpy(joined, one.data, one.size);
    memcpy(joined + one.size, one.data, one.size);
    CU_ASSERT(decodes_to("gzip", joined, 2 * one.size,
                         "hello hello hello hello hello\nhello hello hello hello hello\n"));
    memset(joined + one.size, 0, 512);
    CU_ASSERT(decodes_to("gzip", joined, one.size + 512, hello));
}

static void test_damage(void)
{
    struct coded g = deflated('g', page, strlen(page));
    struct coded s = zstandard(page, strlen(page));
    for (size_t cut = 1; cut < g.size; cut++)
        CU_ASSERT(status_of("gzip", g.data, cut, MAX_OUT) == DECODE_CORRUPT);
    for (size_t cut = 1; cut < s.size; cut++)
        CU_ASSERT(status_of("zstd", s.data, cut, MAX_OUT) == DECODE_TRUNCATED);
    for (size_t cut = 1; cut < sizeof brotli_hello; cut++)
        CU_ASSERT(status_of("br", brotli_hello, cut, MAX_OUT) == DECODE_TRUNCATED);
    g.data[g.size - 6] ^= 1; /* the check sum */
    CU_ASSERT(status_of("gzip", g.data, g.size, MAX_OUT) == DECODE_CORRUPT);
    CU_ASSERT(status_of("deflate", page, sizeof page, MAX_OUT) == DECODE_CORRUPT);
    CU_ASSERT(status_of("br", "\xff\xff\xff\xff", 4, MAX_OUT) == DECODE_CORRUPT);
    CU_ASSERT(status_of("zstd", page, sizeof page, MAX_OUT) == DECODE_CORRUPT);
    CU_ASSERT(status_of("gzip", NULL, 0, MAX_OUT) == DECODE_OK);
}

/* 2 MB of zeros in some 2 KB; and the hint of a gzip body made a lie. */
static void test_bombs(void)
{
    static const uint8_t zeros[2 * MAX_OUT];
    struct coded bombs[3];
    bombs[0] = deflated('g', zeros, sizeof zeros);
    bombs[1] = deflated('z', zeros, sizeof zeros);
    bombs[2] = zstandard(zeros, sizeof zeros);
    static const char *const names[] = {"gzip", "deflate", "zstd"};
    for (size_t i = 0; i < 3; i++) {
        CU_ASSERT(bombs[i].size > 0 && bombs[i].size < sizeof bombs[i].data);
        CU_ASSERT(status_of(names[i], bombs[i].data, bombs[i].size, MAX_OUT) == DECODE_TOO_LARGE);
        CU_ASSERT(status_of(names[i], bombs[i].data, bombs[i].size, 0) == DECODE_TOO_LARGE);
        CU_ASSERT(status_of(names[i], bombs[i].data, bombs[i].size, sizeof zeros - 1) == DECODE_TOO_LARGE);
        CU_ASSERT(status_of(names[i], bombs[i].data, bombs[i].size, sizeof zeros) == DECODE_OK);
    }
    memset(bombs[0].data + bombs[0].size - 4, 0, 4);
    CU_ASSERT(status_of("gzip", bombs[0].data, bombs[0].size, MAX_OUT) == DECODE_TOO_LARGE);
    memset(bombs[0].data + bombs[0].size - 4, 0xff, 4);
    CU_ASSERT(status_of("gzip", bombs[0].data, bombs[0].size, MAX_OUT) == DECODE_TOO_LARGE);
}

static void test_texts(void)
{
    CU_ASSERT_STRING_EQUAL(decode_status_text(DECODE_OK), "decoded");
    CU_ASSERT_STRING_EQUAL(decode_status_text(DECODE_NO_MEMORY), "out of memory");
    CU_ASSERT_STRING_EQUAL(decode_status_text((enum decode_status)99), "unknown status");
}

int main(void)
{
    static const struct check checks[] = {
        {"each coding", test_codings},
        {"identity borrows", test_identity_borrows},
        {"lists of codings", test_stacks},
        {"gzip members and padding", test_members_and_padding},
        {"damaged bodies", test_damage},
        {"bombs", test_bombs},
        {"texts", test_texts},
        {NULL, NULL},
    };
    return check_run("decode", checks);
}
