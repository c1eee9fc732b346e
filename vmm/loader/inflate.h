// SPDX-License-Identifier: Apache-2.0
// Decompression of gzip (RFC 1952) and Zstandard (RFC 8878) data in a file, with a bound on what
// comes out.
#pragma once

#include <functional>
#include <span>

#include "arch/result.h"
#include "arch/types.h"
#include "vmm/loader/input_file.h"

namespace kindling::vmm {

enum class Compression : u8 { kGzip, kZstd };

// A stretch of a file that begins with compressed data.
struct CompressedRange {
  u64 offset = 0;
  u64 size = 0;
  Compression compression = Compression::kGzip;
};

// Receives decompressed bytes in order; false: enough, stop without error.
using InflateSink = std::function<bool(std::span<const u8>)>;

struct InflateEnd {
  bool complete = false; // the stream came to its end; otherwise the sink stopped it
  u64 next = 0;          // offset in the file behind the stream
};

// Decompresses one stream: a gzip member or a Zstandard frame, checksum verified. Errors: the data
// is damaged, or the range ends first (a truncated file).
Result<InflateEnd> inflate(const InputFile& file, const CompressedRange& range,
                           const InflateSink& sink);

// The same into memory. Returns the number of bytes; stops when `to` is full, with `complete` unset
// if there was more.
struct Inflated {
  u64 size = 0;
  bool complete = false;
};
Result<Inflated> inflate_into(const InputFile& file, const CompressedRange& range,
                              std::span<u8> to);

} // namespace kindling::vmm
