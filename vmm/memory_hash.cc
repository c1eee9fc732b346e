// SPDX-License-Identifier: Apache-2.0
#include "vmm/memory_hash.h"

#include <array>

#include <fmt/format.h>
#include <nettle/sha2.h>

namespace kindling::vmm {

std::string sha256(std::span<const u8> bytes) {
  sha256_ctx context;
  sha256_init(&context);
  sha256_update(&context, bytes.size(), bytes.data());
  std::array<u8, SHA256_DIGEST_SIZE> digest{};
  sha256_digest(&context, digest.size(), digest.data());
  return fmt::format("{:02x}", fmt::join(digest, ""));
}

} // namespace kindling::vmm
