// SPDX-License-Identifier: Apache-2.0
#include "vmm/memory_hash.h"

#include <gtest/gtest.h>

#include <string_view>
#include <vector>

namespace kindling::vmm {
namespace {

std::string hash_of(std::string_view text) {
  return sha256({reinterpret_cast<const u8*>(text.data()), text.size()});
}

// The examples of FIPS 180-2, appendix B, and lengths around the padding's edges.
TEST(MemoryHash, IsSha256) {
  EXPECT_EQ(hash_of(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(hash_of("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(hash_of("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(sha256(std::vector<u8>(1'000'000, 'a')),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
  EXPECT_EQ(sha256(std::vector<u8>(64, 0)),
            "f5a5fd42d16a20302798ef6ed309979b43003d2320d9f0e8ea9831a92759fb4b");
}

} // namespace
} // namespace kindling::vmm
