/* The frame of every unit test: one CUnit suite a program, run in basic mode; the exit code says whether all
 * passed. */
#ifndef MILLRACE_TESTS_CHECK_H
#define MILLRACE_TESTS_CHECK_H

#include <CUnit/Basic.h>
#include <stdlib.h>

struct check {
    const char *name;
    void (*run)(void);
};

/* Runs the checks (ended by a null name) and returns the program's exit code. An empty list fails. */
static inline int check_run(const char *suite_name, const struct check *checks)
{
    if (CU_initialize_registry() != CUE_SUCCESS)
        return EXIT_FAILURE;
    CU_pSuite suite = CU_add_suite(suite_name, NULL, NULL);
    for (; suite && checks->name; checks++)
        if (!CU_add_test(suite, checks->name, checks->run))
            suite = NULL;
    CU_basic_set_mode(CU_BRM_VERBOSE);
    int failed = !suite || CU_basic_run_tests() != CUE_SUCCESS || CU_get_number_of_tests_run() == 0 ||
                 CU_get_number_of_failures() > 0;
    CU_cleanup_registry();
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

#endif
