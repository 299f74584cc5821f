// SPDX-License-Identifier: Apache-2.0
#include <map>

#include "sample.hpp"
#include "support/catch.hpp"
#include "support/temp_dir.hpp"

using namespace syncline;
using namespace syncline::state;
using syncline::test::TempDir;

namespace {

/// What the database should hold.
struct Model {
  std::map<DirId, DirRecord> dirs;
  std::map<ManifestId, manifest::Manifest> manifests;
  std::map<std::string, Bytes> values;
  std::map<std::string, Agreement> agreements;
};

template <class Map>
auto pick(Sample& sample, Map& map) {
  return std::next(map.begin(), static_cast<std::ptrdiff_t>(sample.below(map.size())));
}

void edit(Sample& sample, DirRecord& record) {
  record.summary = sample.summary();
  auto& entries = record.entries;
  for (auto count = 1 + sample.below(4); count > 0; --count) {
    if (!entries.empty() && sample.one_in(2)) {
      const auto at = entries.begin() + static_cast<std::ptrdiff_t>(sample.below(entries.size()));
      if (sample.one_in(2)) entries.erase(at);
      else *at = sample.entry(at->name);
      continue;
    }
    auto entry = sample.entry(sample.name());
    const auto at =
        std::lower_bound(entries.begin(), entries.end(), entry.name,
                         [](const StoredEntry& each, const std::string& name) { return each.name < name; });
    if (at == entries.end() || at->name != entry.name) entries.insert(at, std::move(entry));
  }
}

void edit(Sample& sample, manifest::Manifest& manifest) {
  auto& chunks = manifest.chunks;
  const auto at = chunks.begin() + static_cast<std::ptrdiff_t>(sample.below(chunks.size() + 1));
  const auto last = chunks.begin() + static_cast<std::ptrdiff_t>(std::min<std::size_t>(
                                         chunks.size(), at - chunks.begin() + sample.below(5)));
  const auto place = chunks.erase(at, last);
  const auto fresh = sample.manifest(sample.below(5)).chunks;
  chunks.insert(place, fresh.begin(), fresh.end());
  Sample::sum_up(manifest);
}

void change_dirs(Sample& sample, Model& model, Writer& writer) {
  if (model.dirs.empty() || sample.one_in(4)) {
    const auto id =
        sample.one_in(2) ? static_cast<DirId>(sample.number()) : static_cast<DirId>(sample.below(100));
    model.dirs[id] = sample.dir(sample.one_in(5) ? sample.below(900) : sample.below(30));
    writer.put_dir(id, model.dirs[id]);
    return;
  }
  const auto at = pick(sample, model.dirs);
  if (sample.one_in(4)) {
    writer.erase_dir(at->first);
    model.dirs.erase(at);
  } else {
    edit(sample, at->second);
    writer.put_dir(at->first, at->second);
  }
}

void change_manifests(Sample& sample, Model& model, Writer& writer) {
  if (model.manifests.empty() || sample.one_in(4)) {
    const auto fresh = sample.manifest(sample.one_in(3) ? sample.below(1500) : sample.below(30));
    model.manifests[writer.put_manifest(fresh, 0)] = fresh;
    return;
  }
  const auto at = pick(sample, model.manifests);
  if (sample.one_in(4)) {
    writer.erase_manifest(at->first);
    model.manifests.erase(at);
  } else {
    auto changed = at->second;
    edit(sample, changed);
    const auto id = writer.put_manifest(changed, at->first);
    model.manifests.erase(at);
    model.manifests[id] = std::move(changed);
  }
}

void change_values(Sample& sample, Model& model, Writer& writer) {
  const auto key = "k" + std::to_string(sample.below(5));
  const auto value = sample.digest();
  model.values[key].assign(value.bytes.begin(), value.bytes.end());
  writer.put_value(key, value.view());
  if (sample.one_in(3)) {
    model.agreements.erase(key);
    writer.erase_agreement(key);
  } else {
    model.agreements[key] = {sample.digest(), sample.digest(), sample.digest(),
                             static_cast<std::int64_t>(sample.number())};
    writer.put_agreement(key, model.agreements[key]);
  }
}

void change(Sample& sample, Model& model, Writer& writer) {
  for (auto count = 1 + sample.below(6); count > 0; --count) {
    switch (sample.below(3)) {
      case 0: change_dirs(sample, model, writer); break;
      case 1: change_manifests(sample, model, writer); break;
      default: change_values(sample, model, writer); break;
    }
  }
}

void check_equal(Database& database, Reader& reader, const Model& model) {
  std::vector<DirId> ids;
  for (const auto& [id, record] : model.dirs) {
    ids.push_back(id);
    REQUIRE(reader.summary(id) == record.summary);
    REQUIRE(reader.dir(id) == record);
  }
  REQUIRE(reader.dirs() == ids);
  for (const auto& [id, manifest] : model.manifests) REQUIRE(reader.manifest(id) == manifest);
  for (const auto& [key, value] : model.values) REQUIRE(database.value(key) == value);
  for (int k = 0; k < 5; ++k) {
    const auto key = "k" + std::to_string(k);
    const auto found = model.agreements.find(key);
    const auto stored = database.agreement(key);
    REQUIRE(stored.has_value() == (found != model.agreements.end()));
    if (stored) REQUIRE(*stored == found->second);
  }
}

}  // namespace

TEST_CASE("any sequence of changes, roll-backs and reopenings gives what a model in memory gives",
          "[state]") {
  for (std::uint64_t seed = 1; seed <= 12; ++seed) {
    CAPTURE(seed);
    TempDir temp;
    Sample sample(seed);
    Model model;
    auto database = Database::open(temp.path("state.db"), false);
    auto reader = database->reader();
    for (int step = 0; step < 40; ++step) {
      auto changed = model;
      auto writer = database->writer();
      change(sample, changed, *writer);
      if (!sample.one_in(5)) {
        writer->commit(sample.one_in(8));
        model = std::move(changed);
      }
      writer.reset();
      if (sample.one_in(8)) {
        reader.reset();
        database.reset();
        database = Database::open(temp.path("state.db"), false);
        REQUIRE_FALSE(database->set_aside());
        reader = database->reader();
      }
      if (sample.one_in(4)) check_equal(*database, *reader, model);
    }
    check_equal(*database, *reader, model);
  }
}
