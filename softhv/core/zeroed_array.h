// SPDX-License-Identifier: Apache-2.0
// A large array of zeros that costs nothing until it is written to, which a std::vector does: it
// writes its zeros at once, and the host has to find memory for all of them.
#pragma once

#include <cstdlib>
#include <memory>
#include <new>
#include <type_traits>

namespace softhv {

template <typename T>
class ZeroedArray {
  static_assert(std::is_trivially_copyable_v<T> && std::is_trivially_destructible_v<T>);

public:
  explicit ZeroedArray(size_t size)
      : size_(size), elements_(static_cast<T*>(std::calloc(size, sizeof(T)))) {
    if (elements_ == nullptr)
      throw std::bad_alloc();
  }

  T& operator[](size_t index) { return elements_.get()[index]; }
  const T& operator[](size_t index) const { return elements_.get()[index]; }
  T* begin() { return elements_.get(); }
  T* end() { return elements_.get() + size_; }

private:
  struct Free {
    void operator()(T* elements) const { std::free(elements); }
  };
  size_t size_;
  std::unique_ptr<T, Free> elements_;
};

} // namespace softhv
