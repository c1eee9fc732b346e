// SPDX-License-Identifier: Apache-2.0
// The disks that a person names on the command line.
#pragma once

#include <memory>
#include <string>

#include "arch/result.h"
#include "devices/block_backend.h"

namespace kindling::vmm {

// Opens a raw disk image and, where it holds an ext2, ext3 or ext4 file system without partitions,
// checks that it is as long as the file system says: a copy that was cut short would otherwise be
// found by the guest, much later. Errors are one line that names the file.
Result<std::unique_ptr<devices::BlockBackend>> open_machine_disk(const std::string& path,
                                                                 bool read_only);

} // namespace kindling::vmm
