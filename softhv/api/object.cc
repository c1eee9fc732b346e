// SPDX-License-Identifier: Apache-2.0
#include "softhv/api/object.h"

using softhv::api::Object;

void* os_retain(void* object) {
  if (object != nullptr)
    static_cast<Object*>(object)->references.fetch_add(1, std::memory_order_relaxed);
  return object;
}

void os_release(void* object) {
  auto* counted = static_cast<Object*>(object);
  if (counted != nullptr && counted->references.fetch_sub(1, std::memory_order_acq_rel) == 1)
    delete counted;
}
