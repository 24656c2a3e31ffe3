// SPDX-License-Identifier: GPL-2.0-or-later

// QuickJS's Math names these functions of libm, which has each in up to four variants for different
// processors: 300 KB in every executable. Nothing else needs them, and no script calls them:
// scripts/bundle.mjs refuses one that does. Defined here, libm's are not linked.

#include <cstdlib>

namespace {
[[noreturn]] double Never() { abort(); }
}  // namespace

extern "C" {
double acos(double) { Never(); }
double acosh(double) { Never(); }
double asin(double) { Never(); }
double asinh(double) { Never(); }
double atan(double) { Never(); }
double atan2(double, double) { Never(); }
double atanh(double) { Never(); }
double cbrt(double) { Never(); }
double cos(double) { Never(); }
double cosh(double) { Never(); }
double exp(double) { Never(); }
double expm1(double) { Never(); }
double hypot(double, double) { Never(); }
double log(double) { Never(); }
double log10(double) { Never(); }
double log1p(double) { Never(); }
double log2(double) { Never(); }
double sin(double) { Never(); }
double sinh(double) { Never(); }
double tan(double) { Never(); }
double tanh(double) { Never(); }
}
