// SPDX-License-Identifier: Apache-2.0
#include "vmm/store/manifest.h"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "arch/memory_map.h"
#include "vmm/store/image_file.h"

namespace kindling::vmm {

namespace {

using nlohmann::json;

constexpr size_t kMaxName = 64;
constexpr size_t kMaxDisks = 64;

bool is_letter_or_digit(char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

bool is_id(const std::string& text) {
  return !text.empty() && text.size() <= kMaxName && std::ranges::all_of(text, is_letter_or_digit);
}

json image_to_json(const ManifestImage& image) {
  return {{"size", image.size},
          {"blocks", image.blocks},
          {"checksum", image.checksum},
          {"map_checksum", image.map_checksum}};
}

std::string checksum_of(const json& object) {
  const std::string text = object.dump();
  return checksum(std::span(reinterpret_cast<const u8*>(text.data()), text.size()));
}

// Paths need not be UTF-8, which JSON is.
std::string to_utf8(const std::string& text) {
  const std::string quoted = json(text).dump(-1, ' ', false, json::error_handler_t::replace);
  return json::parse(quoted, nullptr, false).get<std::string>();
}

json to_object(const Manifest& manifest) {
  json object = {{"format", Manifest::kFormat},
                 {"name", manifest.name},
                 {"id", manifest.id},
                 {"created", manifest.created},
                 {"wall_clock_ns", manifest.wall_clock_ns},
                 {"engine", manifest.engine},
                 {"vcpus", manifest.vcpus},
                 {"kernel", to_utf8(manifest.kernel)},
                 {"command_line", to_utf8(manifest.command_line)},
                 {"cpu", json::object()},
                 {"state_checksum", manifest.state_checksum},
                 {"ram", image_to_json(manifest.ram)},
                 {"disks", json::array()}};
  if (manifest.parent) {
    object["parent"] = {{"name", manifest.parent->name}, {"id", manifest.parent->id}};
  }
  if (manifest.icount_shift) {
    object["icount_shift"] = *manifest.icount_shift;
  }
  if (manifest.initramfs) {
    object["initramfs"] = to_utf8(*manifest.initramfs);
  }
  for (const auto& [name, value] : manifest.cpu) {
    object["cpu"][name] = value;
  }
  for (const ManifestDisk& disk : manifest.disks) {
    object["disks"].push_back({{"id", to_utf8(disk.id)},
                               {"read_only", disk.read_only},
                               {"image", image_to_json(disk.image)}});
  }
  return object;
}

// Takes fields out of an object, and remembers the first that is missing or of the wrong type.
class Fields {
public:
  Fields(const json& object, std::string& wrong) : object_(object), wrong_(wrong) {}

  [[nodiscard]] std::string text(const char* name) {
    const json* field = find(name);
    if (field != nullptr && field->is_string()) {
      return field->get<std::string>();
    }
    fail(name);
    return {};
  }
  [[nodiscard]] u64 number(const char* name, u64 most = ~u64{0}) {
    const json* field = find(name);
    if (field != nullptr && field->is_number_unsigned() && field->get<u64>() <= most) {
      return field->get<u64>();
    }
    fail(name);
    return 0;
  }
  [[nodiscard]] bool flag(const char* name) {
    const json* field = find(name);
    if (field != nullptr && field->is_boolean()) {
      return field->get<bool>();
    }
    fail(name);
    return false;
  }
  [[nodiscard]] const json* find(const char* name) const {
    const auto found = object_.is_object() ? object_.find(name) : object_.end();
    return object_.is_object() && found != object_.end() ? &*found : nullptr;
  }
  void fail(const std::string& name) {
    if (wrong_.empty()) {
      wrong_ = name;
    }
  }

private:
  const json& object_;
  std::string& wrong_;
};

ManifestImage image_from_json(const json* object, const char* name, std::string& wrong) {
  if (object == nullptr) {
    wrong = wrong.empty() ? name : wrong;
    return {};
  }
  Fields fields(*object, wrong);
  ManifestImage image;
  image.size = fields.number("size");
  image.blocks = fields.number("blocks", (image.size + kStoreBlock - 1) / kStoreBlock);
  image.checksum = fields.text("checksum");
  image.map_checksum = fields.text("map_checksum");
  return image;
}

void read_disks(const json* disks, Manifest& manifest, std::string& wrong) {
  if (disks == nullptr || !disks->is_array() || disks->size() > kMaxDisks) {
    wrong = wrong.empty() ? "disks" : wrong;
    return;
  }
  for (const json& object : *disks) {
    Fields fields(object, wrong);
    ManifestDisk disk;
    disk.id = fields.text("id");
    disk.read_only = fields.flag("read_only");
    disk.image = image_from_json(fields.find("image"), "image", wrong);
    manifest.disks.push_back(std::move(disk));
  }
}

void read_cpu(const json* cpu, Manifest& manifest, std::string& wrong) {
  if (cpu == nullptr || !cpu->is_object()) {
    wrong = wrong.empty() ? "cpu" : wrong;
    return;
  }
  for (const auto& [name, value] : cpu->items()) {
    if (value.is_number_unsigned()) {
      manifest.cpu[name] = value.get<u64>();
    } else {
      wrong = wrong.empty() ? name : wrong;
    }
  }
}

void read_machine(Fields& fields, Manifest& manifest) {
  manifest.vcpus = static_cast<u32>(fields.number("vcpus", arch::kMaxVcpus));
  if (manifest.vcpus == 0) {
    fields.fail("vcpus");
  }
  if (fields.find("icount_shift") != nullptr) {
    manifest.icount_shift = static_cast<u32>(fields.number("icount_shift", 10));
  }
  manifest.kernel = fields.text("kernel");
  if (fields.find("initramfs") != nullptr) {
    manifest.initramfs = fields.text("initramfs");
  }
  manifest.command_line = fields.text("command_line");
}

} // namespace

Status check_snapshot_name(const std::string& name) {
  const bool sound = !name.empty() && name.size() <= kMaxName && is_letter_or_digit(name[0]) &&
                     std::ranges::all_of(name, [](char c) {
                       return is_letter_or_digit(c) || c == '.' || c == '_' || c == '-';
                     });
  return sound
             ? Status()
             : Error{fmt::format("\"{}\" is no name for a snapshot; 1 to {} letters, digits, '.', "
                                 "'_' and '-' would do, beginning with a letter or digit",
                                 name.substr(0, 2 * kMaxName), kMaxName)};
}

std::string to_json(const Manifest& manifest) {
  json object = to_object(manifest);
  object["checksum"] = checksum_of(object);
  return object.dump(2) + "\n";
}

Result<Manifest> parse_manifest(std::span<const u8> bytes) {
  const json object = json::parse(bytes.begin(), bytes.end(), nullptr, false);
  if (!object.is_object()) {
    return Error{"it is no JSON object"};
  }
  std::string wrong;
  Fields fields(object, wrong);
  if (const u64 format = fields.number("format"); wrong.empty() && format != Manifest::kFormat) {
    return Error{fmt::format("it has format {}: format {} would do", format, Manifest::kFormat)};
  }
  const std::string sum = fields.text("checksum");
  Manifest manifest;
  manifest.name = fields.text("name");
  manifest.id = fields.text("id");
  if (!is_id(manifest.id)) { // files are named after it
    fields.fail("id");
  }
  manifest.created = fields.text("created");
  manifest.wall_clock_ns = fields.number("wall_clock_ns");
  manifest.engine = fields.text("engine");
  manifest.state_checksum = fields.text("state_checksum");
  if (const json* parent = fields.find("parent")) {
    Fields reference(*parent, wrong);
    manifest.parent = {reference.text("name"), reference.text("id")};
  }
  read_machine(fields, manifest);
  read_cpu(fields.find("cpu"), manifest, wrong);
  manifest.ram = image_from_json(fields.find("ram"), "ram", wrong);
  read_disks(fields.find("disks"), manifest, wrong);
  if (!wrong.empty()) {
    return Error{fmt::format("its \"{}\" is missing or makes no sense", wrong)};
  }
  // Of what has been understood: an object from a stranger may be nested too deep to be written.
  if (checksum_of(to_object(manifest)) != sum) {
    return Error{"it is damaged: its checksum does not match"};
  }
  if (Status s = check_snapshot_name(manifest.name); !s) {
    return s.error();
  }
  if (manifest.parent) {
    if (Status s = check_snapshot_name(manifest.parent->name); !s) {
      return s.error();
    }
  }
  if (Status s = arch::check_ram_size(manifest.ram.size); !s) {
    return s.error();
  }
  return manifest;
}

} // namespace kindling::vmm
