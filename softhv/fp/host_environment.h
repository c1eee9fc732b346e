// SPDX-License-Identifier: Apache-2.0
// The state of the host's floating-point unit that fp/fast.h computes with. A thread that runs
// guest code holds a HostEnvironment, so that the host program's own settings are neither seen nor
// lost.
#pragma once

#include "softhv/fp/context.h"

#if defined(__x86_64__)
#include <xmmintrin.h>
#else
#include <cfenv>
#endif

namespace softhv::fp {

#if defined(__x86_64__)
// MXCSR: round to nearest, subnormals kept, exceptions masked and none raised.
inline constexpr unsigned kHostControl = 0x1f80;

// The flags of FPSR that MXCSR's tell of. DE, bit 1, has no meaning to the guest.
constexpr u32 raised_on_host(u32 mxcsr) {
  return (mxcsr & kFpsrIoc) | (mxcsr >> 1 & (kFpsrDzc | kFpsrOfc | kFpsrUfc | kFpsrIxc));
}
static_assert(raised_on_host(0b111101) == 0b11111 && raised_on_host(0b10) == 0);
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
