// SPDX-License-Identifier: Apache-2.0
#include "recording.hpp"

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace syncline::test {
namespace {

constexpr std::string_view magic = "SLSESS01";
constexpr std::size_t part_bytes_max = 16 * 1024 * 1024;

Bytes read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) throw Error(ENOENT, path);
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  const auto bytes = as_bytes(text);
  return {bytes.begin(), bytes.end()};
}

RecordedConnection read_connection(ByteReader& in) {
  RecordedConnection out;
  for (auto left = in.varint(); left > 0; --left) {
    RecordedFrame frame;
    frame.from = in.u8() == 0 ? Side::client : Side::server;
    frame.seen = static_cast<std::size_t>(in.varint());
    const auto bytes = in.blob(part_bytes_max);
    frame.bytes.assign(bytes.begin(), bytes.end());
    out.frames.push_back(std::move(frame));
  }
  out.report = in.text(part_bytes_max);
  out.picture = in.text(part_bytes_max);
  return out;
}

}  // namespace

Recording load_recording(const std::string& path) {
  const auto bytes = read_file(path);
  ByteReader in(bytes, path);
  if (as_text(in.bytes(magic.size())) != magic) in.fail(Errc::malformed);
  Recording out;
  out.version = in.varint();
  for (auto left = in.varint(); left > 0; --left) out.connections.push_back(read_connection(in));
  in.expect_done();
  return out;
}

void save_recording(const std::string& path, const Recording& recording) {
  if (std::filesystem::exists(path)) throw Error(EEXIST, path);
  Bytes bytes;
  ByteWriter out(bytes);
  out.bytes(as_bytes(magic));
  out.varint(recording.version);
  out.varint(recording.connections.size());
  for (const auto& connection : recording.connections) {
    out.varint(connection.frames.size());
    for (const auto& frame : connection.frames) {
      out.u8(static_cast<std::uint8_t>(frame.from));
      out.varint(frame.seen);
      out.blob(frame.bytes);
    }
    out.text(connection.report);
    out.text(connection.picture);
  }
  std::ofstream file(path, std::ios::binary);
  const auto text = as_text(bytes);
  file.write(text.data(), static_cast<std::streamsize>(text.size()));
  if (!file.flush()) throw Error(EIO, path);
}

}  // namespace syncline::test
