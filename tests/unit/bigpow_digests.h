/*
 * The digits of i^i, i = 1,000,000 to 1,000,015: their number and the SHA-256 of the decimal string. Two programs that
 * share no code gave the same sixteen lines. CPython 3.11 by its module decimal alone (libmpdec 2.5.1: powers by
 * number-theoretic transforms in radix 10^19, so no conversion; it stops should a digit be rounded), ten seconds:
 *
 *     import decimal, hashlib
 *     decimal.setcontext(decimal.Context(prec=7000000, Emax=decimal.MAX_EMAX, Emin=decimal.MIN_EMIN,
 *                                        traps=[decimal.Inexact]))
 *     for i in range(1000000, 1000016):
 *         digits = format(decimal.Decimal(i) ** i, "f").encode()
 *         print(i, len(digits), hashlib.sha256(digits).hexdigest())
 *
 * and GMP 6.2.1 by mpz_ui_pow_ui and mpz_get_str, called through ctypes. For 1000003 so did CPython's own integers,
 * str(1000003**1000003), which takes many minutes.
 */
#ifndef MILLRACE_TESTS_BIGPOW_DIGESTS_H
#define MILLRACE_TESTS_BIGPOW_DIGESTS_H

#include <stdint.h>

static const struct {
    uint64_t number, digits;
    const char *sha256;
} bigpow_digests[] = {
    {1000000, 6000001, "fe85ca5f20801369fafae902196e01503a18a1749eb4e40a992f0a4fb3be166d"},
    {1000001, 6000007, "47473968a2f9516bb0e0b5839bf32600ec7cc1b2b8fa5ab8680d49df147b425e"},
    {1000002, 6000013, "261cf6bd54dec2b58e030f3e56be1691dfce01cf13f043d32ad30996c49e64ee"},
    {1000003, 6000020, "925d4183ad9893ce07bbe4c6dbd772b3165391971f4ae3fd6bb720acc0773c25"},
    {1000004, 6000026, "976a31af54383ace12e6848eb970144e92eb5e264e465105501f3d5d7695a21b"},
    {1000005, 6000033, "b39a5e3a280f458d4c8bdf2f3325b3d09452670a1d7d3405d77299f906950076"},
    {1000006, 6000039, "745f9477c944fc219cacad0fee4a2f1bd9028ed0d2696a288696a52933f890c6"},
    {1000007, 6000046, "c895a67d2082101e543f1d304225bd50f73a2889fa5786c7827a67f073d742fb"},
    {1000008, 6000052, "60e792089e4d1e8e70be63e2ff1dd4a062281cc77ac7f79b9a4c6247b394a702"},
    {1000009, 6000058, "cf0d3793e508842b4cda5c15d64f2875ddcffca94006c72067c7049790f5729c"},
    {1000010, 6000065, "a5a2e14d23718d431b335ed08ee249edae52eb8dedc7a42931e870f7d517222b"},
    {1000011, 6000071, "6d167df271d8575fcfe9fbc0bedc505de2f40aa9bbf114420f746d6ec3db3b48"},
    {1000012, 6000078, "5b52623ee77830ad7f9eb82cf6bfce5e4e053465823819c236a34a340b3de90d"},
    {1000013, 6000084, "f491509043e6720a364c9e3f8eeb7003c4e45ab63b61b28bca789e3667e9df20"},
    {1000014, 6000091, "9370823428be25b351047da10e99bed33cf2edf9c693e6e60f3d54e9ec0137e6"},
    {1000015, 6000097, "5f15b4873ed1d173085d14cc3b829ee44df2cb58709cada4fd1ce392ea52d1ce"},
};

#endif
