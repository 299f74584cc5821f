// SPDX-License-Identifier: Apache-2.0
// Validation of path components and the operations on relative paths.
#include "base/relpath.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "base/limits.hpp"

namespace syncline {

void check_name(std::string_view name) {
  const bool bad = name.empty() || name == "." || name == ".." || name.find('/') != std::string_view::npos ||
                   name.find('\0') != std::string_view::npos;
  if (bad) throw Error(Errc::malformed, "path component '" + escape_name(name) + "'");
  if (name.size() > limits::name_bytes_max)
    throw Error(Errc::limit_exceeded, "path component '" + escape_name(name) + "'");
}

RelPath RelPath::parse(std::string_view text) {
  RelPath out;
  if (text.empty()) return out;
  if (text.size() > limits::path_bytes_max)
    throw Error(Errc::limit_exceeded, "path of " + std::to_string(text.size()) + " bytes");
  std::size_t depth = 0;
  for (std::size_t begin = 0; begin <= text.size();) {
    const auto end = std::min(text.find('/', begin), text.size());
    check_name(text.substr(begin, end - begin));
    if (++depth > limits::path_depth_max)
      throw Error(Errc::limit_exceeded, "path '" + escape_name(text) + "'");
    begin = end + 1;
  }
  out.text_ = text;
  return out;
}

RelPath RelPath::child(std::string_view name) const {
  check_name(name);
  RelPath out;
  out.text_.reserve(text_.size() + 1 + name.size());
  out.text_ = text_;
  if (!text_.empty()) out.text_ += '/';
  out.text_ += name;
  // Only a path of at least two bytes a level can be too deep: most are never counted.
  const bool too_deep =
      out.text_.size() >= 2 * limits::path_depth_max && out.depth() > limits::path_depth_max;
  if (too_deep || out.text_.size() > limits::path_bytes_max)
    throw Error(Errc::limit_exceeded, "path '" + escape_name(out.text_) + "'");
  return out;
}

RelPath RelPath::parent() const {
  RelPath out;
  if (const auto slash = text_.rfind('/'); slash != std::string::npos) out.text_ = text_.substr(0, slash);
  return out;
}

std::string_view RelPath::name() const {
  const auto slash = text_.rfind('/');
  const std::string_view view = text_;
  return slash == std::string::npos ? view : view.substr(slash + 1);
}

bool RelPath::is_inside(const RelPath& ancestor) const {
  if (ancestor.is_root()) return true;
  return text_.starts_with(ancestor.text_) &&
         (text_.size() == ancestor.text_.size() || text_[ancestor.text_.size()] == '/');
}

std::vector<std::string_view> RelPath::components() const {
  std::vector<std::string_view> out;
  const std::string_view view = text_;
  for (std::size_t begin = 0; begin < view.size();) {
    const auto end = std::min(view.find('/', begin), view.size());
    out.push_back(view.substr(begin, end - begin));
    begin = end + 1;
  }
  return out;
}

std::size_t RelPath::depth() const {
  return text_.empty() ? 0 : static_cast<std::size_t>(std::ranges::count(text_, '/')) + 1;
}

}  // namespace syncline
