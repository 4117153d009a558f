#include "kernels/powers.h"

#include <math.h>
#include <openssl/evp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_PIECE = 64 << 10 };

void power_free(struct power *p)
{
    bigpow_number_free(&p->base);
    bigpow_number_free(&p->exponent);
    bigpow_number_free(&p->modulus);
    p->modular = false;
}

static bool fail(char *error, size_t error_size, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static bool fail(char *error, size_t error_size, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(error, error_size, format, args);
    va_end(args);
    return false;
}

/* ------------------------------------------------------------------ operands */

static bool parse_operand(struct bigpow_number *n, const char *what, const char *text, size_t len,
                          char *error, size_t error_size)
{
    int shown = len < 40 ? (int)len : 40;
    if (len > POWER_MAX_OPERAND)
        return fail(error, error_size, "the %s '%.*s...' is longer than %d digits", what, shown, text,
                    POWER_MAX_OPERAND);
    enum bigpow_status status = bigpow_number_parse(n, text, len);
    if (status == BIGPOW_NO_MEMORY)
        return fail(error, error_size, "no memory left");
    if (status != BIGPOW_OK)
        return fail(error, error_size, "the %s '%.*s' is not a whole number", what, shown, text);
    return true;
}

bool power_parse(struct power *p, const char *text, size_t len, const char *modulus, char *error,
                 size_t error_size)
{
    const char *caret = memchr(text, '^', len);
    if (!caret)
        return fail(error, error_size, "'%.*s' is no power: write BASE^EXPONENT", len < 60 ? (int)len : 60,
                    text);
    size_t base_len = (size_t)(caret - text);
    if (!parse_operand(&p->base, "base", text, base_len, error, error_size) ||
        !parse_operand(&p->exponent, "exponent", caret + 1, len - base_len - 1, error, error_size))
        return false;
    if (p->exponent.negative)
        return fail(error, error_size, "the exponent is negative: the power is no whole number");
    p->modular = modulus != NULL;
    if (modulus && !parse_operand(&p->modulus, "modulus", modulus, strlen(modulus), error, error_size))
        return false;
    if (modulus && p->modulus.count == 0)
        return fail(error, error_size, "the modulus is 0");
    return true;
}

/* ------------------------------------------------------------------ size */

static bool is_unit(const struct bigpow_number *n)
{
    return n->count == 0 || (n->count == 1 && n->limbs[0] == 1);
}

/* 0 and +-1 have powers of any exponent: what is asked of it is whether it is 0, and whether it is even. */
static uint64_t small_exponent(const struct power *p)
{
    const struct bigpow_number *e = &p->exponent;
    if (e->count <= 1)
        return e->count ? e->limbs[0] : 0;
    return is_unit(&p->base) ? 2 + (e->limbs[0] & 1) : UINT64_MAX;
}

uint64_t power_memory(const struct power *p, const struct power_wish *wish)
{
    if (p->modular)
        return (uint64_t)(p->base.count + p->exponent.count + 8 * p->modulus.count) * 16;
    struct bigpow_estimate estimate = bigpow_power_estimate(&p->base, small_exponent(p));
    if (!estimate.possible || estimate.digits == UINT64_MAX)
        return estimate.decimal_bytes;
    uint64_t bytes = estimate.decimal_bytes;
    if (wish->digits == POWER_DECIMAL)
        bytes += estimate.digits;
    if (wish->digits == POWER_HEXADECIMAL || wish->digits == POWER_RAW) {
        /* It is computed a second time, in the same work space; beside that, the number and its text. */
        bytes = bytes > estimate.binary_bytes ? bytes : estimate.binary_bytes;
        bytes += estimate.bits / 8 + (wish->digits == POWER_RAW ? estimate.bits / 8 : estimate.bits / 4);
    }
    return bytes;
}

/* log2 of the magnitude, with an error of about 2^-63. */
static long double log2_of(const struct bigpow_number *n)
{
    if (n->count == 0)
        return 0;
    long double top = (long double)n->limbs[n->count - 1];
    if (n->count > 1)
        top += ldexpl((long double)n->limbs[n->count - 2], -64);
    return log2l(top) + 64.0L * (long double)(n->count - 1);
}

double power_cost(const struct power *p)
{
    if (p->modular) /* squarings of the modulus's size, one for each bit of the exponent */
        return (double)log2l(1 + log2_of(&p->modulus) * log2_of(&p->exponent));
    if (is_unit(&p->base))
        return 0;
    return (double)(log2l(log2_of(&p->base)) + (p->exponent.count ? log2_of(&p->exponent) : 0));
}

static bool is_power_of_two(const struct bigpow_number *n)
{
    for (size_t i = 0; i + 1 < n->count; i++)
        if (n->limbs[i])
            return false;
    uint64_t top = n->limbs[n->count - 1];
    return (top & (top - 1)) == 0;
}

/* floor(log2(|base^exponent|)) + 1, from a logarithm whose error is bounded; from the power itself in the rare case that
 * the bound does not decide. */
static enum bigpow_status count_bits(struct bigpow *context, const struct bigpow_number *base,
                                     uint64_t exponent, uint64_t *bits)
{
    *bits = base->count > 0 || exponent == 0;
    if (is_unit(base) || exponent == 0)
        return BIGPOW_OK;
    if (is_power_of_two(base)) {
        *bits = (bigpow_number_bits(base) - 1) * exponent + 1;
        return BIGPOW_OK;
    }
    long double log2_power = log2_of(base) * (long double)exponent;
    long double error = ldexpl(log2_power + (long double)exponent, -60);
    if (floorl(log2_power - error) == floorl(log2_power + error)) {
        *bits = (uint64_t)floorl(log2_power) + 1;
        return BIGPOW_OK;
    }
    struct bigpow_number power = {0};
    enum bigpow_status status = bigpow_power(context, &power, base, exponent);
    *bits = bigpow_number_bits(&power);
    bigpow_number_free(&power);
    return status;
}

/* ------------------------------------------------------------------ what is told of a number */

static bool digest(const struct bigpow_decimal *n, char *hex)
{
    unsigned char sum[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    char *piece = malloc(TEXT_PIECE);
    EVP_MD_CTX *sha = EVP_MD_CTX_new();
    bool ok = piece && sha && EVP_DigestInit_ex(sha, EVP_sha256(), NULL) == 1;
    if (ok && n->negative)
        ok = EVP_DigestUpdate(sha, "-", 1) == 1;
    uint64_t digits = bigpow_decimal_digits(n);
    for (uint64_t at = 0; ok && at < digits; at += TEXT_PIECE) {
        size_t len = digits - at < TEXT_PIECE ? (size_t)(digits - at) : TEXT_PIECE;
        bigpow_decimal_text(n, at, len, piece);
        ok = EVP_DigestUpdate(sha, piece, len) == 1;
    }
    ok = ok && EVP_DigestFinal_ex(sha, sum, &size) == 1;
    for (unsigned i = 0; ok && i < size; i++)
        snprintf(hex + (size_t)2 * i, 3, "%02x", sum[i]);
    EVP_MD_CTX_free(sha);
    free(piece);
    return ok;
}

static bool decimal_text(const struct bigpow_decimal *n, struct power_facts *facts)
{
    uint64_t digits = bigpow_decimal_digits(n);
    facts->text_len = (size_t)digits + n->negative;
    facts->text = malloc(facts->text_len + 1);
    if (!facts->text)
        return false;
    facts->text[0] = '-';
    bigpow_decimal_text(n, 0, (size_t)digits, facts->text + n->negative);
    facts->text[facts->text_len] = '\0';
    return true;
}

static bool hexadecimal_text(const struct bigpow_number *n, struct power_facts *facts)
{
    static const char letters[] = "0123456789abcdef";
    size_t digits = n->count ? (size_t)(bigpow_number_bits(n) + 3) / 4 : 1;
    facts->text_len = digits + n->negative;
    facts->text = malloc(facts->text_len + 1);
    if (!facts->text)
        return false;
    facts->text[0] = '-';
    for (size_t i = 0; i < digits; i++) {
        uint64_t limb = n->count ? n->limbs[i / 16] : 0;
        facts->text[facts->text_len - 1 - i] = letters[limb >> 4 * (i % 16) & 15];
    }
    facts->text[facts->text_len] = '\0';
    return true;
}

static bool raw_bytes(const struct bigpow_number *n, struct power_facts *facts)
{
    facts->text_len = (size_t)(bigpow_number_bits(n) + 7) / 8;
    facts->text = malloc(facts->text_len + 1);
    for (size_t i = 0; facts->text && i < facts->text_len; i++)
        facts->text[i] = (char)(n->limbs[i / 8] >> 8 * (i % 8));
    return facts->text != NULL;
}

static bool describe(const struct bigpow_decimal *n, const struct power_wish *wish, struct power_facts *facts)
{
    facts->digits = bigpow_decimal_digits(n);
    size_t shown = facts->digits < POWER_SHOWN ? (size_t)facts->digits : POWER_SHOWN;
    bigpow_decimal_text(n, 0, shown, facts->head);
    bigpow_decimal_text(n, facts->digits - shown, shown, facts->tail);
    facts->head[shown] = facts->tail[shown] = '\0';
    uint64_t m = wish->residue_modulus;
    uint64_t residue = m ? bigpow_decimal_residue(n, m) : 0;
    facts->residue = n->negative && residue ? m - residue : residue;
    return (!wish->sha256 || digest(n, facts->sha256)) &&
           (wish->digits != POWER_DECIMAL || decimal_text(n, facts));
}

/* ------------------------------------------------------------------ computing */

static const char *size_text(uint64_t bytes, char *text, size_t size)
{
    static const char *const units[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    size_t unit = 0;
    double value = (double)bytes / 1024;
    for (; value >= 1024 && unit + 1 < sizeof units / sizeof *units; unit++)
        value /= 1024;
    if (bytes == UINT64_MAX)
        snprintf(text, size, "more than 16 EiB");
    else
        snprintf(text, size, "%.1f %s", value, units[unit]);
    return text;
}

static bool fits(const struct power *p, const struct power_wish *wish, char *error, size_t error_size)
{
    char needed[32], allowed[32];
    uint64_t bytes = power_memory(p, wish);
    size_text(bytes, needed, sizeof needed);
    if (wish->memory && bytes > wish->memory)
        return fail(error, error_size, "too large: it would need %s of memory, and %s can be had", needed,
                    size_text(wish->memory, allowed, sizeof allowed));
    if (!p->modular && (bytes == UINT64_MAX || !bigpow_power_estimate(&p->base, small_exponent(p)).possible))
        return fail(error, error_size, "too large: it would need %s of memory", needed);
    return true;
}

static enum bigpow_status whole_digits(struct bigpow *context, const struct power *p,
                                       const struct power_wish *wish, struct power_facts *facts)
{
    struct bigpow_number power = {0};
    enum bigpow_status status = p->modular ? bigpow_power_modulo(&power, &p->base, &p->exponent, &p->modulus)
                                           : bigpow_power(context, &power, &p->base, small_exponent(p));
    if (status == BIGPOW_OK &&
        !(wish->digits == POWER_RAW ? raw_bytes(&power, facts) : hexadecimal_text(&power, facts)))
        status = BIGPOW_NO_MEMORY;
    bigpow_number_free(&power);
    return status;
}

static enum bigpow_status in_decimal(struct bigpow *context, const struct power *p,
                                     struct bigpow_decimal *decimal, uint64_t *bits)
{
    if (!p->modular) {
        enum bigpow_status status = count_bits(context, &p->base, small_exponent(p), bits);
        return status ? status : bigpow_power_decimal(context, decimal, &p->base, small_exponent(p));
    }
    struct bigpow_number power = {0};
    enum bigpow_status status = bigpow_power_modulo(&power, &p->base, &p->exponent, &p->modulus);
    *bits = bigpow_number_bits(&power);
    if (status == BIGPOW_OK)
        status = bigpow_to_decimal(context, decimal, &power);
    bigpow_number_free(&power);
    return status;
}

bool power_compute(struct bigpow *context, struct bigpow_decimal *space, const struct power *p,
                   const struct power_wish *wish, struct power_facts *facts, char *error, size_t error_size)
{
    struct bigpow_decimal own = {0}, *decimal = space ? space : &own;
    *facts = (struct power_facts){0};
    if (!fits(p, wish, error, error_size))
        return false;
    enum bigpow_status status = in_decimal(context, p, decimal, &facts->bits);
    if (status == BIGPOW_OK && !describe(decimal, wish, facts))
        status = BIGPOW_NO_MEMORY;
    bigpow_decimal_free(&own);
    if (status == BIGPOW_OK && (wish->digits == POWER_HEXADECIMAL || wish->digits == POWER_RAW)) {
        bigpow_decimal_free(decimal); /* power_memory counts on it */
        status = whole_digits(context, p, wish, facts);
    }
    if (status == BIGPOW_OK)
        return true;
    free(facts->text);
    facts->text = NULL;
    return fail(error, error_size, "%s", bigpow_status_text(status));
}
