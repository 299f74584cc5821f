// SPDX-License-Identifier: Apache-2.0
// A piece of work with every kind of change in it, to be interrupted at any moment and run again.
#pragma once

#include <array>
#include <bitset>
#include <cstdint>
#include <string>
#include <vector>

#include "patch/patch.hpp"
#include "recipe.hpp"
#include "support/temp_dir.hpp"
#include "test_fs.hpp"

namespace syncline::test {

struct Setup {
  std::string name;
  patch::AreaOptions area;
  TestFsOptions file_system;
};
/// One for each strategy and each durability protocol.
const std::vector<Setup>& all_setups();
const Setup& setup(const std::string& name);

/// One file of the scenario. An empty `before` means that it is new.
struct Job {
  std::string name;
  std::string before;
  std::string after;
  std::vector<Step> steps;
  int phase = 0;  ///< each phase ends with a commit
};

class Scenario {
 public:
  static constexpr std::size_t jobs_max = 16;
  static constexpr std::int64_t old_time_ns = 1'000'000'000'000'000'001;
  static constexpr std::int64_t new_time_ns = 1'500'000'000'000'000'002;
  using Flags = std::array<unsigned char, jobs_max>;

  Scenario();
  const std::vector<Job>& jobs() const { return jobs_; }

  /// The files as they are before the work.
  void prepare(const TempDir& dir) const;
  /// Does what is not done yet. Sets acknowledged[i] when a commit has told that job i is done.
  /// Errors of single files do not stop the others. Returns how many failed.
  int work(fs::Fs& file_system, const TempDir& dir, const Setup& setup, Flags& acknowledged) const;
  /// What is wrong with the files, empty when each is wholly old or new, and new if acknowledged.
  std::string check(const TempDir& dir, const Flags& acknowledged) const;
  std::string check_done(const TempDir& dir) const;

 private:
  bool is_done(const TempDir& dir, const Job& job) const;
  void start(struct Replica& replica, const Job& job, std::size_t index) const;
  std::vector<Job> jobs_;
};

/// Opens the area without faults, which recovers, and checks; then finishes the work and checks
/// that nothing is left over. Empty when all is well.
std::string recover_and_finish(const Scenario& scenario, const TempDir& dir, const Setup& setup,
                               const Scenario::Flags& acknowledged);

}  // namespace syncline::test
