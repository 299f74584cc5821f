// SPDX-License-Identifier: Apache-2.0
// Sampling an input for its compressibility.
#include "cli/manifest_sample.hpp"

#include <algorithm>

#include "cli/stop_signals.hpp"
#include "compress/zstd.hpp"

namespace syncline::cli {
namespace {

constexpr std::size_t window_bytes = 1 << 20;

class Sampler {
 public:
  Sampler(Source& source, const std::vector<SamplePlace>& places, std::uint64_t budget_bytes)
      : source_(source), places_(places), total_bytes_(places.back().offset + places.back().bytes) {
    const auto windows = std::max<std::uint64_t>(1, budget_bytes / window_bytes);
    stride_ = std::max<std::uint64_t>(window_bytes, total_bytes_ / windows);
  }

  CompressedSample run() {
    Bytes window;
    for (std::uint64_t at = 0; at < total_bytes_; at += stride_) {
      window.clear();
      fill(window, at);
      out_.raw_bytes += window.size();
      out_.level1_bytes += level1_.compress(window).size();
      out_.level3_bytes += level3_.compress(window).size();
    }
    return out_;
  }

 private:
  void fill(Bytes& window, std::uint64_t at) {
    auto place = std::ranges::upper_bound(places_, at, {}, &SamplePlace::offset);
    for (--place; place != places_.end() && window.size() < window_bytes; ++place) {
      const auto inside = at > place->offset ? at - place->offset : 0;
      if (inside >= place->bytes) continue;
      read(*place, inside, window);
    }
  }

  void read(const SamplePlace& place, std::uint64_t inside, Bytes& window) {
    const auto before = window.size();
    const auto wanted = std::min<std::uint64_t>(window_bytes - before, place.bytes - inside);
    window.resize(before + static_cast<std::size_t>(wanted));
    std::size_t got = 0;
    // A file that went away since it was chunked is left out of the sample.
    try {
      got = source_.open(place.path)->pread(std::span(window).subspan(before), inside);
    } catch (const Error&) {}
    window.resize(before + got);
  }

  Source& source_;
  const std::vector<SamplePlace>& places_;
  std::uint64_t total_bytes_;
  std::uint64_t stride_ = 0;
  compress::StreamCompressor level1_{1};
  compress::StreamCompressor level3_{3};
  CompressedSample out_;
};

}  // namespace

CompressedSample compress_sample(Source& source, const std::vector<SamplePlace>& places,
                                 std::uint64_t budget_bytes) {
  if (places.empty()) return {};
  return Sampler(source, places, budget_bytes).run();
}

}  // namespace syncline::cli
