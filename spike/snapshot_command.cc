// SPDX-License-Identifier: Apache-2.0
#include "spike/snapshot_command.h"

#include <cstdio>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "spike/boot.h"
#include "spike/machine_keys.h"
#include "vmm/log.h"
#include "vmm/store/store.h"

namespace kindling::spike {

namespace {

using nlohmann::json;
using vmm::Manifest;
using vmm::Store;

struct Raw {
  std::string store = vmm::kDefaultStore;
  std::string name;
  bool as_json = false;
  bool force = false;
};

void print(const std::string& text) {
  std::fputs(text.c_str(), stdout);
}

json summary(const Store& store, const Manifest& snapshot) {
  json object = {{"name", snapshot.name},          {"id", snapshot.id},
                 {"created", snapshot.created},    {"engine", snapshot.engine},
                 {"vcpus", snapshot.vcpus},        {"memory", snapshot.ram.size},
                 {"disks", snapshot.disks.size()}, {"disk_usage", store.disk_usage(snapshot.name)}};
  object["parent"] = snapshot.parent ? json(snapshot.parent->name) : json();
  return object;
}

Status list(const Store& store, const Raw& raw) {
  const auto listing = store.list();
  if (!listing) {
    return listing.error();
  }
  if (raw.as_json) {
    json all = json::array();
    for (const Manifest& snapshot : listing->snapshots) {
      all.push_back(summary(store, snapshot));
    }
    print(all.dump(2) + "\n");
  } else {
    print(fmt::format("{:<24} {:<20} {:<20} {:>5} {:>10} {:>12}\n", "NAME", "PARENT", "CREATED",
                      "VCPUS", "MEMORY", "ON DISK"));
    for (const Manifest& snapshot : listing->snapshots) {
      print(fmt::format("{:<24} {:<20} {:<20} {:>5} {:>10} {:>12}\n", snapshot.name,
                        snapshot.parent ? snapshot.parent->name : "-", snapshot.created,
                        snapshot.vcpus, describe_bytes(snapshot.ram.size),
                        describe_bytes(store.disk_usage(snapshot.name))));
    }
  }
  return listing->damaged.empty() ? Status() : listing->damaged.front();
}

Status show(const Store& store, const Raw& raw) {
  const auto chain = store.open(raw.name);
  if (!chain) {
    return chain.error();
  }
  const Manifest& top = chain->top();
  const auto touched = store.working_sets().read(top.id, top.ram.size / vmm::kStoreBlock);
  if (!touched) {
    vmm::Log(STDERR_FILENO, "boot", vmm::LogLevel::kWarn)
        .line(vmm::LogLevel::kWarn, touched.error().message);
  }
  const u64 prefetched = touched && *touched ? (*touched)->blocks() * vmm::kStoreBlock : 0;
  if (raw.as_json) {
    json object = json::parse(to_json(top));
    object["working_set"] = prefetched; // bytes
    print(object.dump(2) + "\n");
    return {};
  }
  print(fmt::format("name:          {}\nid:            {}\ncreated:       {}\nengine:        {}\n"
                    "vCPUs:         {}\nmemory:        {}\ncommand line:  {}\nkernel:        {}\n",
                    top.name, top.id, top.created, top.engine, top.vcpus,
                    describe_bytes(top.ram.size), top.command_line, top.kernel));
  for (const vmm::ManifestDisk& disk : top.disks) {
    print(fmt::format("disk:          {} {}{}\n", describe_bytes(disk.image.size), disk.id,
                      disk.read_only ? " (read-only)" : ""));
  }
  if (prefetched != 0) {
    print(fmt::format("working set:   {}, for --prefetch\n", describe_bytes(prefetched)));
  }
  if (const auto merged = store.merged_images().read(top); merged && *merged) {
    print(fmt::format("merged memory: {}, for its chain is long\n",
                      describe_bytes((*merged)->map.blocks() * vmm::kStoreBlock)));
  }
  for (size_t i = chain->layers.size(); i-- > 0;) {
    const Manifest& layer = chain->layers[i].manifest;
    u64 disks = 0;
    for (const vmm::ManifestDisk& disk : layer.disks) {
      disks += disk.image.blocks * vmm::kStoreBlock;
    }
    print(fmt::format("layer:         {}: {} of memory, {} of disks\n", layer.name,
                      describe_bytes(layer.ram.blocks * vmm::kStoreBlock), describe_bytes(disks)));
  }
  return {};
}

Status collect(const Store& store, const Raw& raw) {
  auto removed = store.collect();
  if (!removed) {
    return removed.error();
  }
  const auto unneeded = store.collect_unneeded();
  if (!unneeded) {
    return unneeded.error();
  }
  removed->insert(removed->end(), unneeded->begin(), unneeded->end());
  if (raw.as_json) {
    print(json(*removed).dump() + "\n");
    return {};
  }
  for (const std::string& name : *removed) {
    print(fmt::format("removed {}\n", name));
  }
  return {};
}

// Says that it is done, for commands that have nothing else to say.
Status report(Status status, const Raw& raw, const char* what) {
  if (status) {
    print(raw.as_json ? fmt::format("{}\n", json({{"name", raw.name}, {"done", what}}).dump())
                      : fmt::format("{}: {}\n", raw.name, what));
  }
  return status;
}

} // namespace

int snapshot_main(int argc, const char* const* argv) {
  CLI::App app("Lists, checks and removes snapshots.", "boot snapshot");
  Raw raw;
  app.require_subcommand(1);
  using Command = Status (*)(const Store&, const Raw&);
  Command chosen = nullptr;
  const auto add = [&](const char* name, const char* purpose, bool wants_name, Command command) {
    CLI::App* sub = app.add_subcommand(name, purpose);
    sub->add_option("--store", raw.store, "where snapshots are kept")
        ->type_name("DIR")
        ->capture_default_str();
    sub->add_flag("--json", raw.as_json, "print JSON");
    if (wants_name) {
      sub->add_option("NAME", raw.name, "of the snapshot")->required();
    }
    sub->callback([&chosen, command] { chosen = command; });
    return sub;
  };
  add("list", "list all snapshots", false, list);
  add("show", "tell all about one", true, show);
  add("rm", "remove one that no other lies over", true, [](const Store& s, const Raw& r) {
    return report(s.remove(r.name, r.force), r, "removed");
  })->add_flag("--force", raw.force, "although clones of it run; they lose nothing");
  add("flatten", "make one independent of those that it lies over", true,
      [](const Store& s, const Raw& r) { return report(s.flatten(r.name), r, "flattened"); });
  add("gc", "remove what processes have left behind that ended half-way", false, collect);
  add("verify", "read all that one and those below it hold, and compare checksums", true,
      [](const Store& s, const Raw& r) { return report(s.verify(r.name), r, "whole"); });
  const vmm::Log log(STDERR_FILENO, "boot", vmm::LogLevel::kError);
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    print(app.help());
    return kExitOk;
  } catch (const CLI::ParseError& error) {
    const std::string text = error.what();
    log.fatal(text.substr(0, text.find('\n')) + "; boot snapshot --help shows the commands");
    return kExitUsage;
  }
  if (Status s = chosen(Store(raw.store), raw); !s) {
    log.fatal(s.error().message);
    return kExitFailure;
  }
  return kExitOk;
}

} // namespace kindling::spike
