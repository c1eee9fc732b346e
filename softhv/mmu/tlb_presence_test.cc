// SPDX-License-Identifier: Apache-2.0
#include "softhv/mmu/tlb_presence.h"

#include <gtest/gtest.h>

namespace softhv {
namespace {

using Kind = ShootdownRequest::Kind;

constexpr u64 kLower = 0x5000;
constexpr u64 kUpper = 0xffff'0000'0000'5000;

TEST(TlbPresence, ConcernsOnlyWhoUsesTheAsid) {
  TlbPresence presence;
  presence.assign(0, 5);
  EXPECT_FALSE(presence.use(0));
  EXPECT_TRUE(presence.concerned({.kind = Kind::kAsid, .asid = 5}));
  EXPECT_TRUE(presence.concerned({.kind = Kind::kVa, .asid = 5, .va = kLower}));
  EXPECT_FALSE(presence.concerned({.kind = Kind::kAsid, .asid = 6}));
  EXPECT_FALSE(presence.concerned({.kind = Kind::kVa, .asid = 6, .va = kLower}));
  EXPECT_FALSE(presence.concerned({.kind = Kind::kAsid})) << "an unassigned slot is not of ASID 0";
  EXPECT_FALSE(presence.use(0)) << "what another ASID lost leaves the slot alone";
}

TEST(TlbPresence, SlotsThatWereInvalidatedMeanwhileAreEmptiedOnce) {
  TlbPresence presence;
  presence.assign(0, 5);
  presence.assign(1, 6);
  presence.assign(2, 5); // of another context
  EXPECT_FALSE(presence.use(1));
  EXPECT_FALSE(presence.concerned({.kind = Kind::kVa, .asid = 5, .va = kLower}));
  EXPECT_TRUE(presence.use(0));
  EXPECT_FALSE(presence.use(1));
  EXPECT_FALSE(presence.use(0));
  EXPECT_TRUE(presence.use(2));
}

TEST(TlbPresence, ASlotAssignedAnewIsNotStale) {
  TlbPresence presence;
  presence.assign(0, 5);
  presence.assign(1, 6);
  EXPECT_FALSE(presence.use(1));
  EXPECT_FALSE(presence.concerned({.kind = Kind::kAsid, .asid = 5}));
  presence.assign(0, 7);
  EXPECT_FALSE(presence.use(0));
}

TEST(TlbPresence, ConcernsEverybodyWhatIsNotOfOneAsid) {
  TlbPresence presence;
  for (const Kind kind : {Kind::kAll, Kind::kVaAllAsid, Kind::kIpa, Kind::kIpaWrite, Kind::kCode})
    EXPECT_TRUE(presence.concerned({.kind = kind, .asid = 5, .va = kLower}));
  EXPECT_TRUE(presence.concerned({.kind = Kind::kVa, .asid = 5, .va = kUpper}));
}

TEST(TlbPresence, EntriesOutsideTheirSlotConcernEveryAsidUntilCleared) {
  TlbPresence presence;
  EXPECT_TRUE(presence.note_unconfined());
  EXPECT_FALSE(presence.note_unconfined());
  EXPECT_TRUE(presence.concerned({.kind = Kind::kAsid, .asid = 5}));
  presence.clear_unconfined();
  EXPECT_FALSE(presence.concerned({.kind = Kind::kAsid, .asid = 5}));
  EXPECT_TRUE(presence.note_unconfined());
}

} // namespace
} // namespace softhv
