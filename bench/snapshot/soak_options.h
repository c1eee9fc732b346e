// SPDX-License-Identifier: Apache-2.0
// The command line of the programs that run the guest work.S for long.
#pragma once

#include <optional>
#include <string>

#include <CLI/CLI.hpp>

namespace kindling::bench {

struct SoakOptions {
  unsigned count;
  unsigned vcpus = 4;
  unsigned seed = 1;

  // `what` is counted; so many of it unless told. On an error, or when help was asked for, the
  // status to exit with, all having been said.
  static std::optional<int> parse(int argc, char** argv, const std::string& about,
                                  const std::string& what, SoakOptions& options) {
    CLI::App app(about);
    app.add_option(what, options.count, "how many")
        ->check(CLI::Range(1, 100'000'000))
        ->capture_default_str();
    app.add_option("VCPUS", options.vcpus, "of each guest")
        ->check(CLI::Range(1, 32))
        ->capture_default_str();
    app.add_option("SEED", options.seed, "of what is chosen at random")->capture_default_str();
    try {
      app.parse(argc, argv);
    } catch (const CLI::Error& error) {
      return app.exit(error);
    }
    return std::nullopt;
  }
};

} // namespace kindling::bench
