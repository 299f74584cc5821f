// SPDX-License-Identifier: Apache-2.0
// The jobs of the scenario, doing them, and judging what a crash made of them.
#include "scenario.hpp"

#include <algorithm>
#include <stdexcept>

#include "replica.hpp"

namespace syncline::test {
namespace {

using patch::Durability;
using patch::UpdateMode;

/// A file of 64 KiB that is changed at a few places: single sectors, a longer run, a moved piece.
Job patched_job(std::mt19937_64& random, const std::string& name, std::size_t after_bytes) {
  Job job{name, random_text(random, 64 << 10), {}, {}, 0};
  job.after = job.before;
  job.after.resize(after_bytes, 'g');
  const auto add = [&](Step::Kind kind, std::uint64_t offset, std::uint64_t length, std::uint64_t source) {
    if (kind == Step::copy) job.after.replace(offset, length, job.before, source, length);
    else job.after.replace(offset, length, random_text(random, length));
    job.steps.push_back({kind, offset, source, length});
  };
  add(Step::write, 1'000, 10, 0);
  add(Step::write, 8'192, 5 * 512, 0);
  add(Step::copy, 20'000, 3'000, 50'000);
  add(Step::write, 60'000, 1, 0);
  if (after_bytes > job.before.size())
    job.steps.push_back({Step::write, job.before.size(), 0, after_bytes - job.before.size()});
  std::uint64_t at = 0;
  const auto changed = job.steps;
  const auto keep_until = [&](std::uint64_t end) {
    if (end > at) job.steps.push_back({Step::copy, at, at, end - at});
  };
  for (const auto& step : changed) {
    keep_until(step.offset);
    at = step.offset + step.length_bytes;
  }
  keep_until(after_bytes);
  return job;
}

Job written_job(std::mt19937_64& random, const std::string& name, std::size_t before_bytes,
                std::size_t after_bytes) {
  Job job{name, random_text(random, before_bytes), random_text(random, after_bytes), {}, 0};
  job.steps.push_back({Step::write, 0, 0, after_bytes});
  return job;
}

patch::FilePlan plan_of(const Job& job, const std::optional<fs::Stat>& expected) {
  Recipe recipe;
  recipe.after = job.after;
  recipe.steps = job.steps;
  return recipe.plan(expected);
}

std::int64_t mtime_of(const std::string& path) { return fs::linux_fs().stat_path(path, false)->mtime_ns; }

}  // namespace

const std::vector<Setup>& all_setups() {
  const auto area = [](UpdateMode mode, Durability durability) {
    patch::AreaOptions options{mode, durability};
    options.small_bytes = 32 << 10;
    return options;
  };
  static const std::vector<Setup> setups = {
      {"in place", area(UpdateMode::automatic, Durability::batch), {false, true}},
      {"in place, undurable", area(UpdateMode::inplace, Durability::none), {false, true}},
      {"in place, no syncfs", area(UpdateMode::inplace, Durability::file), {false, false}},
      {"rewrite", area(UpdateMode::atomic, Durability::batch), {false, true}},
      {"rewrite, no syncfs", area(UpdateMode::atomic, Durability::batch), {false, false}},
      {"clone", area(UpdateMode::automatic, Durability::batch), {true, true}},
  };
  return setups;
}

const Setup& setup(const std::string& name) { return *std::ranges::find(all_setups(), name, &Setup::name); }

Scenario::Scenario() {
  std::mt19937_64 random(42);
  jobs_.push_back(patched_job(random, "patched", 64 << 10));
  jobs_.push_back(written_job(random, "small", 3'000, 2'000));
  jobs_.push_back(written_job(random, "fresh", 0, 5'000));
  jobs_.push_back(patched_job(random, "grown", 68 << 10));
  jobs_.push_back(patched_job(random, "shrunk", 62'000));
  jobs_.push_back(written_job(random, "late", 0, 700));
  for (std::size_t i = 3; i < jobs_.size(); ++i) jobs_[i].phase = 1;
}

void Scenario::prepare(const TempDir& dir) const {
  for (const auto& job : jobs_) {
    if (job.before.empty()) continue;
    dir.write(job.name, job.before);
    dir.open()->open_write(job.name)->set_mtime(old_time_ns);
  }
}

bool Scenario::is_done(const TempDir& dir, const Job& job) const {
  return dir.exists(job.name) && dir.read(job.name) == job.after &&
         mtime_of(dir.path(job.name)) == new_time_ns;
}

void Scenario::start(Replica& replica, const Job& job, std::size_t index) const {
  auto file = replica.begin(job.name, plan_of(job, replica.stat(job.name)));
  Recipe recipe;
  recipe.after = job.after;
  recipe.steps = job.steps;
  if (recipe.steps.size() > 1 && file->basis() == nullptr)
    recipe.steps = {{Step::write, 0, 0, job.after.size()}};
  // None of the steps copies from another file.
  recipe.run(*file, *file->basis());
  file->finish(with_mtime(new_time_ns), index);
}

int Scenario::work(fs::Fs& file_system, const TempDir& dir, const Setup& setup, Flags& acknowledged) const {
  int failed = 0;
  Replica replica(file_system, dir.path(), setup.area);
  for (int phase = 0; phase <= 1; ++phase) {
    for (std::size_t i = 0; i < jobs_.size(); ++i) {
      if (jobs_[i].phase != phase || is_done(dir, jobs_[i])) continue;
      try {
        start(replica, jobs_[i], i);
      } catch (const Error&) {
        ++failed;
      }
    }
    for (const auto& outcome : replica.area->commit()) {
      if (outcome.stat) acknowledged[outcome.token] = 1;
      else ++failed;
    }
  }
  replica.area->close_clean();
  return failed;
}

std::string Scenario::check(const TempDir& dir, const Flags& acknowledged) const {
  for (std::size_t i = 0; i < jobs_.size(); ++i) {
    const auto& job = jobs_[i];
    if (is_done(dir, job)) continue;
    if (acknowledged[i]) return job.name + " was acknowledged and is not new";
    if (!dir.exists(job.name)) {
      if (job.before.empty()) continue;
      return job.name + " is gone";
    }
    if (job.before.empty()) return job.name + " is half written";
    const auto content = dir.read(job.name);
    if (content == job.after) return job.name + " has the new content without its time";
    if (content != job.before) return job.name + " is a mix";
  }
  return {};
}

std::string Scenario::check_done(const TempDir& dir) const {
  for (const auto& job : jobs_)
    if (!is_done(dir, job)) return job.name + " is not new";
  const auto left = leftovers(dir);
  if (!left.empty()) return "left behind: " + left.back();
  return {};
}

std::string recover_and_finish(const Scenario& scenario, const TempDir& dir, const Setup& setup,
                               const Scenario::Flags& acknowledged) {
  const auto file_system = make_test_fs(fs::linux_fs(), setup.file_system);
  {
    const Replica replica(*file_system, dir.path(), setup.area);
    if (!replica.area->recovery().foreign_paths.empty()) return "took its own work for another's";
  }
  if (auto problem = scenario.check(dir, acknowledged); !problem.empty()) return problem;
  auto flags = acknowledged;
  if (scenario.work(*file_system, dir, setup, flags) != 0) return "failed to go on";
  return scenario.check_done(dir);
}

}  // namespace syncline::test
