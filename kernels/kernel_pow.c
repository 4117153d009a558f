/* The kernel "pow": an exact power of what a page says. */
#include "kernels/kernel.h"
#include "kernels/powers.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BASE, EXPONENT, MODULUS };
enum { DIGITS, HEAD, TAIL, RESIDUE, N_FIELDS };

/* A page is hostile: what it asks for is computed up to this size, some 100 million digits. */
#define MEMORY_BYTES ((uint64_t)2 << 30)
#define RESIDUE_MODULUS ((UINT64_C(1) << 61) - 1)

static const struct kernel_operand operands[] = {{"base", true}, {"exponent", true}, {"modulus", false}, {0}};
static const struct kernel_field fields[] = {
    {"digits", true}, {"head", false}, {"tail", false}, {"residue", true}, {0}};

static void *open_pow(uint64_t seed)
{
    return bigpow_new(NULL, seed);
}

static void close_pow(void *state)
{
    bigpow_free(state);
}

static uint64_t recomputed(const void *state)
{
    return bigpow_stats(state)->retries;
}

static void set(struct field_value *field, char *text)
{
    field->text = text;
    field->size = text ? strlen(text) : 0;
}

static char *number_text(uint64_t number)
{
    char text[32];
    snprintf(text, sizeof text, "%" PRIu64, number);
    return strdup(text);
}

static bool set_fields(const struct power *p, const struct power_facts *facts, struct field_value *out)
{
    /* A modular power is its own residue, and no longer than its modulus. */
    set(&out[DIGITS], number_text(facts->digits));
    set(&out[HEAD], strdup(facts->head));
    set(&out[TAIL], strdup(facts->tail));
    set(&out[RESIDUE], p->modular ? strdup(facts->text) : number_text(facts->residue));
    if (out[DIGITS].text && out[HEAD].text && out[TAIL].text && out[RESIDUE].text)
        return true;
    field_values_free(out, N_FIELDS);
    return false;
}

static bool parse_power(struct power *p, const char *base, const char *exponent, const char *modulus,
                        char *error, size_t error_size)
{
    size_t len = strlen(base) + strlen(exponent) + 1;
    char *text = malloc(len + 1);
    if (!text) {
        snprintf(error, error_size, "no memory left");
        return false;
    }
    snprintf(text, len + 1, "%s^%s", base, exponent);
    /* A base with a ^ inside would otherwise pass part of itself to the exponent. */
    bool ok = !strchr(base, '^') && power_parse(p, text, len, modulus, error, error_size);
    if (strchr(base, '^'))
        snprintf(error, error_size, "the base '%.40s' is not a whole number", base);
    free(text);
    return ok;
}

static bool run(void *state, const struct field_value *in, struct field_value *out, char *error,
                size_t error_size)
{
    struct power p = {0};
    struct power_facts facts = {0};
    for (size_t i = 0; operands[i].name; i++)
        if (operands[i].needed && !in[i].text) {
            snprintf(error, error_size, "the page has no %s", operands[i].name);
            return false;
        }
    bool ok = parse_power(&p, in[BASE].text, in[EXPONENT].text, in[MODULUS].text, error, error_size);
    const struct power_wish wish = {.digits = p.modular ? POWER_DECIMAL : POWER_NO_DIGITS,
                                    .residue_modulus = RESIDUE_MODULUS,
                                    .memory = MEMORY_BYTES};
    ok = ok && power_compute(state, NULL, &p, &wish, &facts, error, error_size);
    if (ok && !set_fields(&p, &facts, out)) {
        snprintf(error, error_size, "no memory left");
        ok = false;
    }
    free(facts.text);
    power_free(&p);
    return ok;
}

static bool check(const char *const *constants, char *error, size_t error_size)
{
    struct power p = {0};
    bool ok =
        parse_power(&p, constants[BASE] ? constants[BASE] : "1",
                    constants[EXPONENT] ? constants[EXPONENT] : "1", constants[MODULUS], error, error_size);
    power_free(&p);
    return ok;
}

const struct kernel kernel_pow = {.name = "pow",
                                  .operands = operands,
                                  .fields = fields,
                                  .open = open_pow,
                                  .close = close_pow,
                                  .check = check,
                                  .recomputed = recomputed,
                                  .run = run};
