/* The sixteen founding powers: the digest of each decimal string, and the decimal ladder against the binary one. */
#include "tests/unit/check.h"

#include <stdio.h>
#include <string.h>

#include "kernels/bigpow.h"
#include "tests/unit/bigpow_digests.h"

/* The digest by coreutils, which shares nothing with what is tested. */
static void sha256(const char *text, size_t length, char digest[65])
{
    char path[] = "/tmp/bigpow-XXXXXX", command[128];
    int descriptor = mkstemp(path);
    CU_ASSERT_FATAL(descriptor >= 0);
    FILE *file = fdopen(descriptor, "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    CU_ASSERT_EQUAL(fwrite(text, 1, length, file), length);
    CU_ASSERT_EQUAL(fclose(file), 0);
    snprintf(command, sizeof(command), "sha256sum %s", path);
    FILE *pipe = popen(command, "r");
    CU_ASSERT_PTR_NOT_NULL_FATAL(pipe);
    CU_ASSERT_EQUAL(fscanf(pipe, "%64s", digest), 1);
    CU_ASSERT_EQUAL(pclose(pipe), 0);
    CU_ASSERT_EQUAL(remove(path), 0);
}

static void founding(void)
{
    const uint64_t prime = 2305843009213693951;
    struct bigpow *context = bigpow_new(NULL, 7);
    CU_ASSERT_PTR_NOT_NULL_FATAL(context);
    struct bigpow_number base = {0}, value = {0};
    struct bigpow_decimal decimal = {0};
    for (size_t k = 0; k < sizeof(bigpow_digests) / sizeof(*bigpow_digests); k++) {
        uint64_t i = bigpow_digests[k].number, digits;
        CU_ASSERT_EQUAL(bigpow_number_set(&base, (int64_t)i), BIGPOW_OK);
        CU_ASSERT_EQUAL_FATAL(bigpow_power_decimal(context, &decimal, &base, i), BIGPOW_OK);
        CU_ASSERT_EQUAL_FATAL(digits = bigpow_decimal_digits(&decimal), bigpow_digests[k].digits);
        char *text = malloc(digits), digest[65] = "";
        CU_ASSERT_PTR_NOT_NULL_FATAL(text);
        bigpow_decimal_text(&decimal, 0, digits, text);
        sha256(text, digits, digest);
        CU_ASSERT_STRING_EQUAL(digest, bigpow_digests[k].sha256);
        free(text);
        CU_ASSERT_EQUAL(bigpow_power(context, &value, &base, i), BIGPOW_OK);
        CU_ASSERT_EQUAL(bigpow_number_residue(&value, prime), bigpow_decimal_residue(&decimal, prime));
    }
    const struct bigpow_stats *stats = bigpow_stats(context);
    CU_ASSERT(stats->retries == 0 && stats->exact == 0 && stats->largest_error < 0.2);
    bigpow_number_free(&base);
    bigpow_number_free(&value);
    bigpow_decimal_free(&decimal);
    bigpow_free(context);
}

int main(void)
{
    const struct check checks[] = {{"digests of the founding powers", founding}, {NULL, NULL}};
    return check_run("bigpow_founding", checks);
}
