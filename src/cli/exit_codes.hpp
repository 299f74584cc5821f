// SPDX-License-Identifier: Apache-2.0
// The numbers the program ends with. rsync's where rsync has one; wrappers switch on them.
#pragma once

#include <exception>
#include <string>

namespace syncline::cli {

namespace exit_code {
inline constexpr int success = 0;
inline constexpr int usage = 1;
inline constexpr int unsupported = 2;   ///< a feature or protocol version this build lacks
inline constexpr int selection = 3;     ///< a source or destination cannot be used at all
inline constexpr int file_io = 11;      ///< reading or writing failed: I/O error, no space, damage
inline constexpr int data_stream = 12;  ///< the two sides did not understand or lost each other
inline constexpr int interrupted = 20;  ///< SIGINT, SIGTERM or SIGHUP
inline constexpr int memory = 22;
inline constexpr int partial = 23;       ///< some entries were not brought over
inline constexpr int vanished = 24;      ///< some source entries went away meanwhile
inline constexpr int delete_limit = 25;  ///< --max-delete stopped deletions
inline constexpr int timeout = 30;
inline constexpr int not_in_step = 40;  ///< a watch that was asked about is not in step
inline constexpr int guard = 41;        ///< a safety check refused to go on, or holds something back
inline constexpr int not_running = 42;  ///< no watch is there that could be asked
inline constexpr int mismatch = 43;     ///< a verification found a difference
inline constexpr int locked = 46;       ///< another run works on the same destination
}  // namespace exit_code

/// A failure in the words a person reads: what it is about, why, and what to do.
struct Failure {
  std::string subject;  ///< a name, already escaped; may be empty
  std::string cause;
  std::string next;
  int code = exit_code::file_io;
};

/// Explains an exception. Anything but a system_error counts as a defect of the program.
Failure explain(const std::exception& error);

}  // namespace syncline::cli
