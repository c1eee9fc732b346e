// SPDX-License-Identifier: Apache-2.0
// The state of the host's floating-point unit that fp/fast.h computes with. A thread that runs
// guest code holds a HostEnvironment, so that the host program's own settings are neither seen nor
// lost.
#pragma once

#if defined(__x86_64__)
#include <xmmintrin.h>
#else
#include <cfenv>
#endif

namespace softhv::fp {

#if defined(__x86_64__)
// MXCSR: round to nearest, subnormals kept, exceptions masked and none raised.
inline constexpr unsigned kHostControl = 0x1f80;
#endif

// Round to nearest, subnormals kept, exceptions masked on the host for as long as it lives.
class HostEnvironment {
public:
#if defined(__x86_64__)
  HostEnvironment() : saved_(_mm_getcsr()) {
    _mm_setcsr(kHostControl);
  }
  ~HostEnvironment() {
    _mm_setcsr(saved_);
  }
#else
  HostEnvironment() {
    std::fegetenv(&saved_);
    std::fesetenv(FE_DFL_ENV);
  }
  ~HostEnvironment() {
    std::fesetenv(&saved_);
  }
#endif
  HostEnvironment(const HostEnvironment&) = delete;
  HostEnvironment& operator=(const HostEnvironment&) = delete;

private:
#if defined(__x86_64__)
  unsigned saved_;
#else
  std::fenv_t saved_;
#endif
};

} // namespace softhv::fp
