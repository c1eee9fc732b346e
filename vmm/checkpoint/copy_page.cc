// SPDX-License-Identifier: Apache-2.0
#include "vmm/checkpoint/copy_page.h"

#include <cstring>

#include "vmm/checkpoint/ram_history.h"

#ifdef __x86_64__
#include <immintrin.h>
#endif

namespace kindling::vmm {

namespace {

constexpr size_t kLine = 64;

void copy_all(u8* to, const u8* from) {
  std::memcpy(to, from, kPageSize);
}

#ifdef __x86_64__

__attribute__((target("avx512f"))) void copy_avx512(u8* to, const u8* from) {
  for (size_t at = 0; at < kPageSize; at += kLine) {
    const __m512i wanted = _mm512_loadu_si512(from + at);
    if (_mm512_cmpneq_epi64_mask(wanted, _mm512_loadu_si512(to + at)) != 0) {
      _mm512_storeu_si512(to + at, wanted);
    }
  }
}

__attribute__((target("avx2"))) void copy_avx2(u8* to, const u8* from) {
  for (size_t at = 0; at < kPageSize; at += kLine) {
    const auto* source = reinterpret_cast<const __m256i*>(from + at);
    auto* target = reinterpret_cast<__m256i*>(to + at);
    const __m256i low = _mm256_loadu_si256(source);
    const __m256i high = _mm256_loadu_si256(source + 1);
    const __m256i differs = _mm256_or_si256(_mm256_xor_si256(low, _mm256_loadu_si256(target)),
                                            _mm256_xor_si256(high, _mm256_loadu_si256(target + 1)));
    if (_mm256_testz_si256(differs, differs) == 0) {
      _mm256_storeu_si256(target, low);
      _mm256_storeu_si256(target + 1, high);
    }
  }
}

constexpr PageCopier kCopiers[kPageCopiers] = {
    {"avx512", [] { return __builtin_cpu_supports("avx512f") != 0; }, copy_avx512},
    {"avx2", [] { return __builtin_cpu_supports("avx2") != 0; }, copy_avx2},
    {"all", [] { return true; }, copy_all},
};

#else

constexpr PageCopier kNone = {"none", [] { return false; }, copy_all};
constexpr PageCopier kCopiers[kPageCopiers] = {
    kNone, kNone, {"all", [] { return true; }, copy_all}};

#endif

const PageCopier& best_copier() {
  unsigned index = 0;
  while (!kCopiers[index].supported()) {
    ++index;
  }
  return kCopiers[index];
}

} // namespace

const PageCopier& page_copier(unsigned index) {
  return kCopiers[index];
}

// The host fetches the rest of a page by itself, but nothing beyond it.
void prefetch_page(const u8* to, const u8* from) {
  constexpr size_t kLines = 4;
  for (size_t line = 0; line < kLines; ++line) {
    __builtin_prefetch(to + line * kLine);
    __builtin_prefetch(from + line * kLine);
  }
}

void copy_page(u8* to, const u8* from) {
  static void (*const kCopy)(u8*, const u8*) = best_copier().copy;
  kCopy(to, from);
}

} // namespace kindling::vmm
