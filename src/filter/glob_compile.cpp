// SPDX-License-Identifier: Apache-2.0
// From the text of a pattern to its tokens.
#include <algorithm>
#include <optional>

#include "filter/glob.hpp"

namespace syncline::filter {
namespace {

// ASCII only: a name must match alike under every locale.
bool in_class(std::string_view name, unsigned char c, bool& known) {
  const bool lower = c >= 'a' && c <= 'z';
  const bool upper = c >= 'A' && c <= 'Z';
  const bool digit = c >= '0' && c <= '9';
  const bool space = c == ' ' || (c >= '\t' && c <= '\r');
  const bool graph = c > ' ' && c < 0x7F;
  known = true;
  if (name == "alnum") return lower || upper || digit;
  if (name == "alpha") return lower || upper;
  if (name == "blank") return c == ' ' || c == '\t';
  if (name == "cntrl") return c < ' ' || c == 0x7F;
  if (name == "digit") return digit;
  if (name == "graph") return graph;
  if (name == "lower") return lower;
  if (name == "print") return graph || c == ' ';
  if (name == "punct") return graph && !(lower || upper || digit);
  if (name == "space") return space;
  if (name == "upper") return upper;
  if (name == "xdigit") return digit || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
  known = false;
  return false;
}

/// Reads the inside of `[...]`. Both rsync and git descend from one matcher, whose reading this
/// follows: a ']' in front is a member, a range needs a single byte before its '-', "[:" without
/// ":]" is an ordinary '['.
class SetReader {
 public:
  SetReader(std::string_view text, std::size_t pos) : text_(text), pos_(pos) {}

  /// The members, or nothing for a set that is not closed or names an unknown class.
  std::optional<std::bitset<256>> read() {
    bool negated = false;
    if (peek() == '!' || peek() == '^') {
      negated = true;
      ++pos_;
    }
    do {
      if (!member()) return std::nullopt;
    } while (peek() != ']');
    ++pos_;
    if (negated) members_.flip();
    members_.reset('/');
    return members_;
  }
  std::size_t pos() const { return pos_; }

 private:
  int peek(std::size_t ahead = 0) const {
    return pos_ + ahead < text_.size() ? static_cast<unsigned char>(text_[pos_ + ahead]) : -1;
  }
  bool member() {
    const int c = peek();
    if (c < 0) return false;
    if (c == '-' && before_ > 0 && peek(1) >= 0 && peek(1) != ']') return range();
    if (c == '[' && peek(1) == ':') return named_class();
    ++pos_;
    return c == '\\' ? escaped() : single(c);
  }
  bool single(int c) {
    members_.set(static_cast<std::size_t>(c));
    before_ = c;
    return true;
  }
  bool escaped() {
    const int c = peek();
    if (c < 0) return false;
    ++pos_;
    return single(c);
  }
  bool range() {
    ++pos_;
    if (peek() == '\\') ++pos_;
    const int last = peek();
    if (last < 0) return false;
    ++pos_;
    for (int c = before_; c <= last; ++c) members_.set(static_cast<std::size_t>(c));
    before_ = 0;
    return true;
  }
  bool named_class() {
    const auto begin = pos_ + 2;
    const auto close = text_.find(']', begin);
    if (close == text_.npos) return false;
    if (close == begin || text_[close - 1] != ':') {
      ++pos_;
      return single('[');
    }
    const auto name = text_.substr(begin, close - 1 - begin);
    bool known = false;
    for (unsigned c = 0; c < 256; ++c)
      if (in_class(name, static_cast<unsigned char>(c), known)) members_.set(c);
    pos_ = close + 1;
    before_ = 0;
    return known;
  }

  std::string_view text_;
  std::size_t pos_;
  std::bitset<256> members_;
  int before_ = 0;  // the byte a range may start from, 0 for none
};

}  // namespace

Glob::Glob(std::string_view pattern, Dialect dialect) {
  compile(pattern, dialect);
  find_literals();
}

void Glob::compile(std::string_view pattern, Dialect dialect) {
  for (std::size_t pos = 0; pos < pattern.size();) {
    switch (pattern[pos]) {
      case '*': pos = compile_stars(pattern, pos, dialect); break;
      case '?':
        tokens_.push_back({Kind::any});
        ++pos;
        break;
      case '[': pos = compile_set(pattern, pos + 1); break;
      case '\\':
        if (++pos == pattern.size()) {
          tokens_.push_back({Kind::never});
          break;
        }
        [[fallthrough]];
      default: tokens_.push_back({Kind::literal, static_cast<std::uint8_t>(pattern[pos])}); ++pos;
    }
  }
}

std::size_t Glob::compile_stars(std::string_view pattern, std::size_t pos, Dialect dialect) {
  const auto begin = pos;
  while (pos < pattern.size() && pattern[pos] == '*') ++pos;
  const bool twice = pos - begin > 1;
  const auto rest = pattern.substr(pos);
  if (dialect == Dialect::rsync) {
    tokens_.push_back({twice ? Kind::any_star : Kind::star});
    return pos;
  }
  const bool alone = twice && (begin == 0 || pattern[begin - 1] == '/') &&
                     (rest.empty() || rest.starts_with('/') || rest.starts_with("\\/"));
  if (alone && rest.starts_with('/')) {
    tokens_.push_back({Kind::skip_dirs});
    tokens_.push_back({Kind::in_dirs});
    return pos + 1;
  }
  tokens_.push_back({alone ? Kind::any_star : Kind::star});
  return pos;
}

std::size_t Glob::compile_set(std::string_view pattern, std::size_t pos) {
  SetReader reader(pattern, pos);
  const auto members = reader.read();
  if (!members) {
    tokens_.push_back({Kind::never});
    return pattern.size();
  }
  tokens_.push_back({Kind::set, 0, static_cast<std::uint32_t>(sets_.size())});
  sets_.push_back(*members);
  return reader.pos();
}

void Glob::find_literals() {
  std::size_t front = 0;
  while (front < tokens_.size() && tokens_[front].kind == Kind::literal)
    prefix_ += static_cast<char>(tokens_[front++].byte);
  std::size_t back = tokens_.size();
  while (back > front && tokens_[back - 1].kind == Kind::literal)
    suffix_ += static_cast<char>(tokens_[--back].byte);
  std::reverse(suffix_.begin(), suffix_.end());
  std::string literals;
  for (const auto& token : tokens_) {
    if (token.kind == Kind::literal && token.byte != '/') literals += static_cast<char>(token.byte);
    else literals.clear();
    if (literals.size() > inside_.size()) inside_ = literals;
  }
  for (const auto& token : tokens_)
    bytes_min_ += token.kind == Kind::literal || token.kind == Kind::any || token.kind == Kind::set;
}

}  // namespace syncline::filter
