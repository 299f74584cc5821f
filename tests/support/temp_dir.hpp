// SPDX-License-Identifier: Apache-2.0
// A temporary directory that is removed with everything in it at the end of a test.
#pragma once

#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <stdexcept>
#include <string>
#include <system_error>

#include "fs/fs.hpp"

namespace syncline::test {

/// Lies below $TMPDIR (default /tmp), so that a run can be pointed at another file system.
class TempDir {
 public:
  TempDir() : TempDir(default_base()) {}
  explicit TempDir(const std::string& base) : path_(base + "/syncline-test-XXXXXX") {
    if (::mkdtemp(path_.data()) == nullptr) throw std::runtime_error("mkdtemp " + path_);
  }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  ~TempDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  static std::string default_base() {
    const char* base = ::getenv("TMPDIR");
    return base != nullptr && *base != '\0' ? base : "/tmp";
  }
  /// For what is synced again and again and is not on trial: a disk would need most of the time for it.
  static std::string memory_base() {
    return ::access("/dev/shm", W_OK | X_OK) == 0 ? "/dev/shm" : default_base();
  }

  const std::string& path() const { return path_; }
  std::string path(const std::string& name) const { return path_ + "/" + name; }
  /// The directory through the real file system, or through another one (a FaultFs).
  std::unique_ptr<fs::Dir> open(fs::Fs& file_system = fs::linux_fs()) const {
    return file_system.open_root(path_);
  }
  /// A second directory inside, created on demand.
  std::string make_dir(const std::string& name) const {
    std::filesystem::create_directories(path(name));
    return path(name);
  }
  void write(const std::string& name, const std::string& content) const {
    std::ofstream out(path(name), std::ios::binary | std::ios::trunc);
    out << content;
    if (!out.flush()) throw std::runtime_error("write " + path(name));
  }
  std::string read(const std::string& name) const {
    std::ifstream in(path(name), std::ios::binary);
    if (!in) throw std::runtime_error("read " + path(name));
    return {std::istreambuf_iterator<char>(in), {}};
  }
  bool exists(const std::string& name) const {
    return std::filesystem::exists(std::filesystem::symlink_status(path(name)));
  }

 private:
  std::string path_;
};

}  // namespace syncline::test
