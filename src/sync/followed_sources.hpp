// SPDX-License-Identifier: Apache-2.0
// Directories of which clients are told when something changes in them.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "sync/stir_wait.hpp"
#include "watch/settle.hpp"
#include "watch/tree_watch.hpp"

namespace syncline::sync {

/// Each has a watch of its own, whatever sessions do there, for all clients that follow it;
/// limits::followed_sources_max of them. Sessions do not write to them. Thread-safe.
class FollowedSources {
 public:
  class Source;
  /// How things stood when a session began.
  struct Begun {
    std::string key;
    std::shared_ptr<Source> source;
    std::uint64_t changes = 0;
  };
  /// Before a session looks at the source: what changes from now on is told after it. Nothing where it cannot
  /// be watched as a whole, or there are too many. `key`: of the source. `afresh`: whatever was missed so far
  /// is looked for. Costs a look at each directory then, and the first time.
  std::optional<Begun> begin(const std::string& key, const watch::TreeWatch::OpenRoot& open_root,
                             bool afresh);
  /// After a session of `owner` that went well. It follows this one source from now on, and is told once when
  /// something has changed since. False where the source is not watched any more; it follows nothing then.
  bool follow(std::uint64_t owner, const std::optional<Begun>& begun);
  /// It follows nothing any more.
  void drop(std::uint64_t owner);
  /// Those who are to be told, whether what has changed has settled or not.
  std::vector<std::uint64_t> take_stirred();
  /// The same once it has; and what is to be waited for. That the directory is another one by now is seen
  /// within limits::watch_root_look.
  std::vector<std::uint64_t> take_due(StirWait& wait);
  /// `news` is called, by any thread, after somebody else follows something. It must neither throw nor call
  /// this.
  void on_followed(std::function<void()> news);
  std::size_t count() const;

 private:
  using Moment = StirWait::Moment;
  struct Owner {
    std::uint64_t seen = 0;
    bool is_told = false;
  };
  using SourcePtr = std::shared_ptr<Source>;
  struct Place {
    SourcePtr source;
    std::map<std::uint64_t, Owner> owners;
  };

  SourcePtr find(const std::string& key) const;
  SourcePtr make(const std::string& key, const watch::TreeWatch::OpenRoot& open_root,
                 const SourcePtr& unsound);
  bool has_room(const std::string& key) const;
  void remove(std::uint64_t owner);
  void clean();
  std::vector<std::uint64_t> take(Moment now, bool waits, StirWait* wait);

  mutable std::mutex mutex_;
  std::map<std::string, Place> places_;
  std::function<void()> on_followed_;
};

}  // namespace syncline::sync
