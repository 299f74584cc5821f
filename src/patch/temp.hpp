// SPDX-License-Identifier: Apache-2.0
// Temporary files: where they lie, how they are called, and that they go when they are not needed.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/world.hpp"
#include "fs/fs.hpp"
#include "fs/metadata.hpp"

namespace syncline::patch {

/// Directories that many temporary files are spread over.
inline constexpr std::size_t shelf_count = 16;
/// So many come before the first shelf is made.
inline constexpr std::uint64_t unshelved_count = 128;

/// Of what is not yet complete, and of a new file that nobody gave a mode.
inline constexpr std::uint32_t private_file_mode = 0600;

/// A name in a directory that is removed again unless it is renamed away.
class TempFile {
 public:
  /// `file` may be null: an entry without content.
  TempFile(std::shared_ptr<fs::Dir> dir, std::string name, std::unique_ptr<fs::File> file,
           std::optional<std::uint32_t> mode = {})
      : dir_(std::move(dir)), name_(std::move(name)), file_(std::move(file)), mode_(mode) {}
  TempFile(const TempFile&) = delete;
  TempFile& operator=(const TempFile&) = delete;
  ~TempFile() { remove(); }

  fs::Dir& dir() { return *dir_; }
  const std::string& name() const { return name_; }
  bool is_open() const { return file_ != nullptr; }
  fs::File& file() { return *file_; }
  void close() { file_.reset(); }
  /// That it was created with, where owner and group are those of every file in the space.
  std::optional<std::uint32_t> mode() const { return mode_; }
  /// The name has been given to something else: nothing is left to remove.
  void renamed() { dir_.reset(); }
  /// It stays for the next run to find.
  void leave() { dir_.reset(); }
  /// Best effort: what cannot be removed now is removed by the next run.
  void remove() noexcept;

 private:
  std::shared_ptr<fs::Dir> dir_;
  std::string name_;
  std::unique_ptr<fs::File> file_;
  std::optional<std::uint32_t> mode_;
};

/// What is known of a directory that files are put into.
struct ParentFacts {
  std::uint64_t device = 0;
  std::optional<std::uint32_t> inherited_gid;  ///< of a set-group-id directory
};

/// `.syncline/tmp/`. A target on another file system (a mount point inside the root) gets its
/// temporary file beside it instead, as a rename cannot cross over. Where there are many, they are spread
/// over directories below (shelves): who creates in one directory while others rename out of it waits for
/// them, busily. Thread-safe.
class TempSpace {
 public:
  TempSpace(std::shared_ptr<fs::Dir> dir, Random& random);

  /// A new empty file for a target in `parent`. Nobody but this user can open it, whatever its mode; it is
  /// made with that of `wanted` (may be null) where this says all about who may read the file once it has its
  /// name.
  std::unique_ptr<TempFile> create(const std::shared_ptr<fs::Dir>& parent,
                                   const fs::Metadata* wanted = nullptr);
  /// The same for an entry that the caller makes.
  std::unique_ptr<TempFile> reserve_name(const std::shared_ptr<fs::Dir>& parent);
  /// Owner and mode of a file that create() just made, so that setting them can be spared.
  fs::Stat created_stat(TempFile& temp) const;
  std::uint64_t device() const { return device_; }
  std::uint32_t own_uid() const { return created_.uid; }
  ParentFacts facts_of(const std::shared_ptr<fs::Dir>& parent);
  /// Distinct parents seen since the last forget_parents(); they are held open.
  std::size_t parent_count() const;
  void forget_parents();

 private:
  struct Known {
    std::shared_ptr<fs::Dir> dir;  // keeps the address from being used for another
    ParentFacts facts;
  };
  struct Place {
    std::shared_ptr<fs::Dir> dir;
    std::string name;
    ParentFacts parent;
    bool is_inside = true;  ///< of `.syncline/tmp/`
  };
  std::uint32_t mode_for(const fs::Metadata& wanted, const ParentFacts& facts) const;
  Place next_place(const std::shared_ptr<fs::Dir>& parent);
  std::string name_of(std::uint64_t number) const { return prefix_ + std::to_string(number); }
  std::shared_ptr<fs::Dir> shelf_of(std::uint64_t number);
  std::shared_ptr<fs::Dir> make_shelf(std::size_t index) const;

  std::shared_ptr<fs::Dir> dir_;
  std::string prefix_;
  std::atomic<std::uint64_t> counter_{0};
  std::uint64_t device_ = 0;
  fs::Stat created_;
  std::uint32_t allowed_mode_ = 0;  ///< what the umask leaves of a mode
  bool is_private_ = false;         ///< nobody else can enter the directory
  mutable std::mutex mutex_;
  std::unordered_map<const fs::Dir*, Known> parents_;
  std::array<std::shared_ptr<fs::Dir>, shelf_count> shelves_;  ///< null until needed
};

/// For nobody but this user.
std::shared_ptr<fs::Dir> open_or_make_dir(fs::Dir& parent, const std::string& name);
/// True where there is none any more.
bool remove_if_empty(fs::Dir& parent, const std::string& name);
/// What may hold temporary files: `temp_dir` itself and its shelves. What else is there, or another user's,
/// is left out.
std::vector<std::shared_ptr<fs::Dir>> temp_dirs(const std::shared_ptr<fs::Dir>& temp_dir);
/// Those that nothing is left in, as far as that is permitted.
void remove_shelves(fs::Dir& temp_dir);

}  // namespace syncline::patch
