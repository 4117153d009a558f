#include "src/items.h"
#include "tests/unit/check.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static bool add(struct items *items, const char *text, char *error)
{
    return items_add(items, text, strlen(text), error, 256);
}

static struct items *items_of(const char *const *texts)
{
    char error[256];
    struct items *items = items_new(NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(items);
    for (; *texts; texts++)
        CU_ASSERT_TRUE_FATAL(add(items, *texts, error));
    return items;
}

/* The items in the order in which they are given out, as "ID TEXT" separated by "; ". */
static void give_out(struct items *items, char *out, size_t size)
{
    uint64_t id;
    const char *text, *problem;
    size_t len = 0;
    out[0] = '\0';
    while (len < size && items_next(items, &id, &text, &problem))
        len += (size_t)snprintf(out + len, size - len, "%s%" PRIu64 " %s%s%s", len ? "; " : "", id, text,
                                problem ? " !" : "", problem ? problem : "");
    CU_ASSERT_FALSE(items_failed(items));
}

static void the_costly_come_first(void)
{
    static const struct {
        const char *const texts[5];
        uint64_t total;
        const char *order;
    } table[] = {
        {{"2^10", "2^1000", "3^2", NULL}, 3, "1 2^1000; 0 2^10; 2 3^2"},
        {{"5..8", NULL}, 4, "3 8^8; 2 7^7; 1 6^6; 0 5^5"},
        {{"0..1", NULL}, 2, "1 1^1; 0 0^0"},
        {{"0000000000000000000000000000000000000000..0000000000000000000000000000000000000001", NULL},
         2,
         "1 1^1; 0 0^0"},
        {{"0000000000000000000000000000000000000000007..8", NULL}, 2, "1 8^8; 0 7^7"},
        {{"tower:2^4", NULL}, 4, "3 2^8; 2 2^4; 1 2^2; 0 2^1"},
        {{"tower:10^3", NULL}, 3, "2 10^100; 1 10^10; 0 10^1"},
        {{"10..11", "2^36", "tower:2^6", NULL},
         9,
         "1 11^11; 2 2^36; 0 10^10; 8 2^32; 7 2^16; 6 2^8; 5 2^4; 4 2^2; 3 2^1"},
        {{"7^7", "7^7", NULL}, 2, "0 7^7; 1 7^7"},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        char order[512];
        struct items *items = items_of(table[i].texts);
        CU_ASSERT_EQUAL(items_total(items), table[i].total);
        give_out(items, order, sizeof order);
        if (strcmp(order, table[i].order) != 0)
            printf("\n    %s\n", order);
        CU_ASSERT_STRING_EQUAL(order, table[i].order);
        items_free(items);
    }
}

static void long_ranges_cost_nothing(void)
{
    static const char *const texts[] = {"0..9223372036854775807", "0..9223372036854775807", NULL};
    struct items *items = items_of(texts);
    uint64_t id;
    const char *text, *problem;
    CU_ASSERT_EQUAL(items_total(items), UINT64_MAX);
    CU_ASSERT_TRUE(items_next(items, &id, &text, &problem));
    CU_ASSERT_STRING_EQUAL(text, "9223372036854775807^9223372036854775807");
    CU_ASSERT_EQUAL(id, INT64_MAX);
    items_free(items);
}

static void what_is_no_item_is_refused(void)
{
    static const char *const bad[] = {"",
                                      "2",
                                      "^",
                                      "2^",
                                      "a^2",
                                      "2^-1",
                                      "5..4",
                                      "..",
                                      "1..",
                                      "..5",
                                      "-1..3",
                                      "1...3",
                                      "1..2..3",
                                      "tower:",
                                      "tower:2",
                                      "tower:2^0",
                                      "tower:2^-1",
                                      "tower:x^3",
                                      "tower:2^99999",
                                      "tower:^3",
                                      "1..99999999999999999999",
                                      "2^3 4^5",
                                      "2..3^4"};
    char error[256];
    struct items *items = items_new(NULL);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        bool taken = add(items, bad[i], error);
        if (taken)
            printf("\n    taken: '%s'\n", bad[i]);
        CU_ASSERT_FALSE(taken);
        CU_ASSERT_TRUE(strlen(error) > 0);
    }
    CU_ASSERT_FALSE(items_add(items, "2^1\0", 4, error, sizeof error));
    CU_ASSERT_EQUAL(items_total(items), 0);
    items_free(items);
}

static void the_bad_come_first_with_their_problem(void)
{
    static const char *const texts[] = {"9^99", NULL};
    char order[256];
    struct items *items = items_of(texts);
    CU_ASSERT_TRUE(items_add_bad(items, "x^y", 3, "no"));
    give_out(items, order, sizeof order);
    CU_ASSERT_STRING_EQUAL(order, "1 x^y !no; 0 9^99");
    items_free(items);
}

int main(void)
{
    static const struct check checks[] = {
        {"the costly come first", the_costly_come_first},
        {"long ranges cost nothing", long_ranges_cost_nothing},
        {"what is no item is refused", what_is_no_item_is_refused},
        {"the bad come first with their problem", the_bad_come_first_with_their_problem},
        {0},
    };
    return check_run("items", checks);
}
