// SPDX-License-Identifier: Apache-2.0
#include "devices/virtio/rng.h"

#include <algorithm>
#include <array>

#include "devices/virtio/segments.h"

namespace kindling::devices::virtio {

void Rng::activate(const Activation& activation) {
  active_ = activation;
  notify(0);
}

void Rng::resume() {
  paused_ = false;
  notify(0);
}

void Rng::notify(u32 /*queue*/) {
  if (active_.transport == nullptr || paused_) {
    return;
  }
  Virtqueue& queue = active_.queues[0];
  Chain chain;
  do {
    Virtqueue::Pop popped = queue.pop(chain);
    while (popped == Virtqueue::Pop::kChain) {
      serve(chain);
      popped = queue.pop(chain);
    }
  } while (queue.want_notifications());
  if (queue.broken()) {
    active_.transport->request_reset();
  } else if (queue.needs_interrupt()) {
    active_.transport->notify_used();
  }
}

void Rng::serve(const Chain& chain) {
  std::array<u8, kMostBytes> bytes{};
  const u64 count = std::min(chain.writable_bytes, kMostBytes);
  const bool filled =
      count > 0 && port_.random({bytes.data(), count}) &&
      scatter(*active_.memory, slice(chain.writable, 0, count), {bytes.data(), count});
  bytes_ += filled ? count : 0;
  active_.queues[0].push(chain.head, filled ? static_cast<u32>(count) : 0);
}

} // namespace kindling::devices::virtio
