// SPDX-License-Identifier: Apache-2.0
// The socket of a watch and the file that tells whose it is.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "control/places.hpp"
#include "fs/local_socket.hpp"

namespace syncline::control {

/// Both lie in one directory: NAME.sock, and NAME.json with a Watched. They are made and removed under its
/// lock, so that what is left over is told from what is about to be made.
class Presence {
 public:
  /// Makes the directory (mode 0700) and both. Throws Error(locked) where such a watch runs already,
  /// Error(untrusted) where the directory is another user's, else an errno.
  Presence(fs::Fs& files, const std::string& directory, const Watched& watched);
  ~Presence();
  Presence(const Presence&) = delete;
  Presence& operator=(const Presence&) = delete;

  /// It listens; once.
  fs::Fd take_socket() { return std::move(socket_); }

 private:
  fs::Fs& files_;
  const std::string directory_;
  const std::string name_;
  fs::Fd socket_;
};

struct FoundWatch {
  Watched watched;
  std::string directory;
  bool is_running = false;  ///< if not, it has ended without a word, and what it left is removed now
};

/// Those of this user in one directory, by source and destination; none where it is not there. What cannot be
/// read is passed over.
std::vector<FoundWatch> find_watches(fs::Fs& files, const std::string& directory);

/// To a watch that was found; nothing where it is gone by now.
std::optional<fs::Fd> connect_to(fs::Fs& files, const FoundWatch& found);

/// The text of NAME.json.
std::string watched_text(const Watched& watched);
/// Throws Error(malformed), Error(unsupported).
Watched parse_watched(std::string_view text);

}  // namespace syncline::control
