// SPDX-License-Identifier: Apache-2.0
// RelPath: what it accepts stays below its root, and printing a name is always safe.
#include <algorithm>

#include "base/relpath.hpp"
#include "fuzz.hpp"

using namespace syncline;

namespace {

void check_path(std::string_view text) {
  const auto path = RelPath::parse(text);
  fuzz::require(path.text() == text, "bytes are kept");
  RelPath again;
  for (const auto name : path.components()) {
    fuzz::require(name != "." && name != ".." && !name.empty(), "no component leads elsewhere");
    again = again.child(name);
  }
  fuzz::require(again == path, "a path is its components");
  fuzz::require(path.is_inside(path.parent()), "a path is inside its parent");
  fuzz::require(path.is_root() || path.parent().child(path.name()) == path, "parent and name make the path");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = as_text(fuzz::view(data, size));
  fuzz::accept_errors([&] { check_path(text); });
  const auto printed = escape_name(text);
  fuzz::require(
      std::ranges::none_of(printed, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }),
      "a printed name holds no control byte");
  return 0;
}
