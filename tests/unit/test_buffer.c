#include "io/buffer.h"
#include "tests/unit/check.h"

#include <stdint.h>
#include <string.h>

static void adds_and_ends_in_nul(void)
{
    struct buffer b;
    buffer_init(&b, 1000);
    CU_ASSERT_TRUE(buffer_add(&b, NULL, 0));
    CU_ASSERT_STRING_EQUAL(b.data, "");
    CU_ASSERT_TRUE(buffer_add(&b, "ab\0c", 4));
    CU_ASSERT_TRUE(buffer_add_byte(&b, 'd'));
    CU_ASSERT_TRUE(buffer_addf(&b, "%d-%s", 42, "x"));
    CU_ASSERT_EQUAL(b.len, 9);
    CU_ASSERT_EQUAL(memcmp(b.data, "ab\0cd42-x", 10), 0);
    buffer_drop(&b, 3);
    CU_ASSERT_STRING_EQUAL(b.data, "cd42-x");
    buffer_cut(&b, 2);
    CU_ASSERT_STRING_EQUAL(b.data, "cd");
    buffer_drop(&b, 7);
    CU_ASSERT_EQUAL(b.len, 0);
    buffer_free(&b);
}

static void holds_its_cap_and_is_unchanged_on_failure(void)
{
    for (size_t cap = 0; cap < 300; cap++) {
        struct buffer b;
        buffer_init(&b, cap);
        for (size_t i = 0; i < cap; i++)
            CU_ASSERT_TRUE(buffer_add_byte(&b, 'x'));
        CU_ASSERT_FALSE(buffer_add_byte(&b, 'y'));
        CU_ASSERT_FALSE(buffer_addf(&b, "%s", "yy"));
        CU_ASSERT_PTR_NULL(buffer_room(&b, SIZE_MAX));
        CU_ASSERT_FALSE(buffer_add(&b, "y", SIZE_MAX));
        CU_ASSERT_EQUAL(b.len, cap);
        CU_ASSERT_TRUE(cap == 0 || (strlen(b.data) == cap && !strchr(b.data, 'y')));
        buffer_free(&b);
    }
}

static void gives_room_and_takes_what_was_written(void)
{
    struct buffer b;
    buffer_init(&b, 100);
    char *room = buffer_room(&b, 10);
    CU_ASSERT_PTR_NOT_NULL_FATAL(room);
    memcpy(room, "0123456789", 10);
    buffer_grew(&b, 10);
    CU_ASSERT_STRING_EQUAL(b.data, "0123456789");
    buffer_grew(&b, SIZE_MAX);
    CU_ASSERT_EQUAL(b.len, 10);
    size_t len;
    char *taken = buffer_take(&b, &len);
    CU_ASSERT_EQUAL(len, 10);
    CU_ASSERT_STRING_EQUAL(taken, "0123456789");
    CU_ASSERT_PTR_NULL(b.data);
    CU_ASSERT_PTR_NULL(buffer_take(&b, NULL));
    CU_ASSERT_TRUE(buffer_add_text(&b, "again"));
    CU_ASSERT_STRING_EQUAL(b.data, "again");
    free(taken);
    buffer_free(&b);
}

int main(void)
{
    static const struct check checks[] = {
        {"adds and ends in NUL", adds_and_ends_in_nul},
        {"holds its cap", holds_its_cap_and_is_unchanged_on_failure},
        {"gives room, can be taken", gives_room_and_takes_what_was_written},
        {NULL, NULL},
    };
    return check_run("buffer", checks);
}
