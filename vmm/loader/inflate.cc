// SPDX-License-Identifier: Apache-2.0
#include "vmm/loader/inflate.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <zlib.h>
#include <zstd.h>

namespace kindling::vmm {

namespace {

constexpr size_t kChunk = 256ULL * 1024;
// A Zstandard frame may ask its reader for a window of any size; kernels use up to 128 MiB.
constexpr int kMaxWindowLog = 27;

// Hands out the compressed bytes of a range, one chunk at a time.
class Input {
public:
  Input(const InputFile& file, const CompressedRange& range)
      : file_(file), next_(range.offset), end_(range.offset + range.size), buffer_(kChunk) {}

  // The next bytes; none at the end of the range.
  Result<std::span<u8>> fill() {
    const u64 want = std::min<u64>(buffer_.size(), end_ - next_);
    const auto got = file_.read(next_, std::span(buffer_).first(want));
    if (!got) {
      return got.error();
    }
    next_ += *got;
    return std::span(buffer_).first(*got);
  }
  [[nodiscard]] u64 next() const { return next_; }

private:
  const InputFile& file_;
  u64 next_;
  u64 end_;
  std::vector<u8> buffer_;
};

Error truncated(const InputFile& file, const char* kind) {
  return file.error(fmt::format("its {} data ends in the middle; the file is truncated", kind));
}

Result<InflateEnd> inflate_gzip(const InputFile& file, Input& input, const InflateSink& sink) {
  z_stream stream = {};
  if (inflateInit2(&stream, 16 + MAX_WBITS) != Z_OK) {
    return file.error("cannot be decompressed: zlib has no memory");
  }
  const std::unique_ptr<z_stream, int (*)(z_stream*)> guard(&stream, inflateEnd);
  std::vector<u8> out(kChunk);
  for (;;) {
    if (stream.avail_in == 0) {
      const auto chunk = input.fill();
      if (!chunk) {
        return chunk.error();
      }
      if (chunk->empty()) {
        return truncated(file, "gzip");
      }
      stream.next_in = chunk->data();
      stream.avail_in = static_cast<uInt>(chunk->size());
    }
    stream.next_out = out.data();
    stream.avail_out = static_cast<uInt>(out.size());
    const int status = ::inflate(&stream, Z_NO_FLUSH);
    if (status != Z_OK && status != Z_STREAM_END && status != Z_BUF_ERROR) {
      return file.error(fmt::format("its gzip data is damaged ({})",
                                    stream.msg != nullptr ? stream.msg : "unknown error"));
    }
    const auto produced = std::span(out).first(out.size() - stream.avail_out);
    const bool more = produced.empty() || sink(produced);
    if (status == Z_STREAM_END) {
      return InflateEnd{more, input.next() - stream.avail_in};
    }
    if (!more) {
      return InflateEnd{false, input.next() - stream.avail_in};
    }
  }
}

Result<InflateEnd> inflate_zstd(const InputFile& file, Input& input, const InflateSink& sink) {
  const std::unique_ptr<ZSTD_DCtx, size_t (*)(ZSTD_DCtx*)> context(ZSTD_createDCtx(),
                                                                   ZSTD_freeDCtx);
  if (!context || ZSTD_isError(ZSTD_DCtx_setParameter(context.get(), ZSTD_d_windowLogMax,
                                                      kMaxWindowLog)) != 0) {
    return file.error("cannot be decompressed: zstd has no memory");
  }
  std::vector<u8> out(kChunk);
  ZSTD_inBuffer in = {nullptr, 0, 0};
  for (;;) {
    if (in.pos == in.size) {
      const auto chunk = input.fill();
      if (!chunk) {
        return chunk.error();
      }
      if (chunk->empty()) {
        return truncated(file, "zstd");
      }
      in = {chunk->data(), chunk->size(), 0};
    }
    ZSTD_outBuffer buffer = {out.data(), out.size(), 0};
    const size_t status = ZSTD_decompressStream(context.get(), &buffer, &in);
    if (ZSTD_isError(status) != 0) {
      return file.error(fmt::format("its zstd data is damaged ({})", ZSTD_getErrorName(status)));
    }
    const bool more = buffer.pos == 0 || sink(std::span(out).first(buffer.pos));
    if (status == 0 || !more) {
      return InflateEnd{status == 0 && more, input.next() - (in.size - in.pos)};
    }
  }
}

} // namespace

Result<InflateEnd> inflate(const InputFile& file, const CompressedRange& range,
                           const InflateSink& sink) {
  Input input(file, range);
  return range.compression == Compression::kGzip ? inflate_gzip(file, input, sink)
                                                 : inflate_zstd(file, input, sink);
}

Result<Inflated> inflate_into(const InputFile& file, const CompressedRange& range,
                              std::span<u8> to) {
  u64 done = 0;
  const auto end = inflate(file, range, [&](std::span<const u8> bytes) {
    const u64 n = std::min<u64>(bytes.size(), to.size() - done);
    std::memcpy(to.data() + done, bytes.data(), n);
    done += n;
    return n == bytes.size();
  });
  if (!end) {
    return end.error();
  }
  return Inflated{done, end->complete};
}

} // namespace kindling::vmm
