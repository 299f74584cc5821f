// SPDX-License-Identifier: Apache-2.0
// When changes count as settled.
#include "watch/settle.hpp"

#include "base/limits.hpp"
#include "support/catch.hpp"

namespace {

using namespace syncline;
using namespace std::chrono_literals;
using watch::Settle;

const Settle::Moment start{1h};

TEST_CASE("without a change nothing is due", "[watch]") {
  Settle settle;
  CHECK_FALSE(settle.due());
  settle.complete(start);
  settle.written(start);
  settle.taken();
  CHECK_FALSE(settle.due());
}

TEST_CASE("a complete change is due after a moment that gathers what comes with it", "[watch]") {
  Settle settle;
  settle.complete(start);
  CHECK(settle.due() == start + limits::settle_complete);
  settle.complete(start + 5ms);
  CHECK(settle.due() == start + 5ms + limits::settle_complete);
}

TEST_CASE("complete changes without end are due at the latest after their bound", "[watch]") {
  Settle settle;
  for (auto at = start; at < start + 3s; at += 1ms) settle.complete(at);
  CHECK(settle.due() == start + limits::settle_complete_max);
}

TEST_CASE("a file that is being written is due once it is left alone, or at its bound", "[watch]") {
  Settle settle;
  settle.written(start);
  settle.written(start + 150ms);
  CHECK(settle.due() == start + 150ms + limits::settle_written);
  for (auto at = start; at < start + 10s; at += 100ms) settle.written(at);
  CHECK(settle.due() == start + limits::settle_written_max);
}

TEST_CASE("a complete change does not wait for a file that has been written to for long", "[watch]") {
  Settle settle;
  settle.written(start);
  settle.complete(start + 20ms);
  CHECK(settle.due() == start + 20ms + limits::settle_complete);
}

TEST_CASE("a complete change waits for one who is in the middle of writing, up to its bound", "[watch]") {
  Settle settle;
  settle.complete(start);
  settle.complete(start + 20ms);
  CHECK(settle.due(true) == start + limits::settle_complete_max);
  CHECK(settle.due(false) == start + 20ms + limits::settle_complete);
  settle.taken();
  settle.written(start);
  CHECK(settle.due(true) == start + limits::settle_written);
}

}  // namespace
