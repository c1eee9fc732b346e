// SPDX-License-Identifier: Apache-2.0
#include "spike/statistics.h"

#include <algorithm>

#include <fmt/format.h>

namespace kindling::spike {

namespace {

constexpr size_t kNameWidth = 28;
constexpr size_t kValueWidth = 20;

std::string with_spaces(std::string name) {
  std::replace(name.begin(), name.end(), '_', ' ');
  return name;
}

// 1234567 as "1,234,567".
std::string grouped(u64 value) {
  const std::string digits = std::to_string(value);
  std::string text;
  for (size_t i = 0; i < digits.size(); ++i) {
    if (i != 0 && (digits.size() - i) % 3 == 0) {
      text += ',';
    }
    text += digits[i];
  }
  return text;
}

std::string line(const std::string& name, const std::string& value) {
  return fmt::format("  {:<{}}{:>{}}", name, kNameWidth, value, kValueWidth);
}

u64 find(const std::vector<arch::Statistic>& statistics, std::string_view name) {
  for (const arch::Statistic& one : statistics) {
    if (one.name == name) {
      return one.value;
    }
  }
  return 0;
}

} // namespace

std::vector<std::string> statistics_table(const std::vector<arch::Statistic>& statistics) {
  std::vector<std::string> lines{"Statistics:"};
  for (const arch::Statistic& one : statistics) {
    if (one.value != 0) {
      lines.push_back(line(with_spaces(one.name), grouped(one.value)));
    }
  }
  const auto ratio = [&](const std::string& name, double part, double whole, double unit,
                         std::string_view suffix) {
    if (part != 0 && whole != 0) {
      lines.push_back(line(name, fmt::format("{:.2f}{}", unit * part / whole, suffix)));
    }
  };
  const auto value = [&](std::string_view name) {
    return static_cast<double>(find(statistics, name));
  };
  const double hits = value("tlb_hits");
  const double misses = value("tlb_misses");
  ratio("tlb hit rate", hits, hits + misses, 100, " %");
  ratio("misses without a walk", misses - value("table_walks"), misses, 100, " %");
  ratio("guest instructions a block", value("instructions_translated"), value("blocks_translated"),
        1, "");
  ratio("code bytes an instruction", value("code_bytes"), value("instructions_translated"), 1, "");
  return lines;
}

} // namespace kindling::spike
