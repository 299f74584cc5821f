// SPDX-License-Identifier: Apache-2.0
// Running a compiled pattern over a text.
#include "filter/glob.hpp"

#include <array>
#include <bit>
#include <utility>

namespace syncline::filter {

/// A set of automaton states; patterns of up to 255 tokens stay off the heap.
class Glob::States {
 public:
  explicit States(std::size_t count) : words_((count + 63) / 64) {
    if (words_ > inline_.size()) heap_.resize(words_);
  }
  bool insert(std::size_t index) {
    auto& word = data()[index / 64];
    const auto bit = std::uint64_t{1} << (index % 64);
    const bool fresh = (word & bit) == 0;
    word |= bit;
    return fresh;
  }
  bool contains(std::size_t index) const { return (data()[index / 64] >> (index % 64)) & 1; }
  void clear() {
    for (std::size_t w = 0; w < words_; ++w) data()[w] = 0;
  }
  bool empty() const {
    for (std::size_t w = 0; w < words_; ++w)
      if (data()[w] != 0) return false;
    return true;
  }
  template <class Visit>
  void each(Visit visit) const {
    for (std::size_t w = 0; w < words_; ++w)
      for (auto word = data()[w]; word != 0; word &= word - 1)
        visit(w * 64 + static_cast<std::size_t>(std::countr_zero(word)));
  }
  void swap(States& other) {
    std::swap(inline_, other.inline_);
    heap_.swap(other.heap_);
  }

 private:
  std::uint64_t* data() { return heap_.empty() ? inline_.data() : heap_.data(); }
  const std::uint64_t* data() const { return heap_.empty() ? inline_.data() : heap_.data(); }
  std::size_t words_;
  std::array<std::uint64_t, 4> inline_{};
  std::vector<std::uint64_t> heap_;
};

/// Adds a state and all that can be reached from it without reading a byte.
void Glob::enter(States& states, std::size_t index) const {
  while (states.insert(index) && index < tokens_.size()) {
    switch (tokens_[index].kind) {
      case Kind::star:
      case Kind::any_star: ++index; break;
      case Kind::skip_dirs:
        states.insert(index + 1);  // in_dirs always follows, and leaves only by a '/'
        index += 2;
        break;
      default: return;
    }
  }
}

void Glob::step(const States& now, unsigned char byte, States& next) const {
  now.each([&](std::size_t index) {
    if (index == tokens_.size()) return;
    const Token& token = tokens_[index];
    switch (token.kind) {
      case Kind::literal:
        if (byte == token.byte) enter(next, index + 1);
        break;
      case Kind::any:
        if (byte != '/') enter(next, index + 1);
        break;
      case Kind::set:
        if (sets_[token.set].test(byte)) enter(next, index + 1);
        break;
      case Kind::star:
        if (byte != '/') enter(next, index);
        break;
      case Kind::any_star: enter(next, index); break;
      case Kind::in_dirs:
        enter(next, index);
        if (byte == '/') enter(next, index + 1);
        break;
      case Kind::skip_dirs:
      case Kind::never: break;
    }
  });
}

bool Glob::run(std::span<const std::string_view> parts, Begin begin) const {
  States now(tokens_.size() + 1), next(tokens_.size() + 1);
  enter(now, 0);
  for (const auto part : parts) {
    for (const char c : part) {
      next.clear();
      step(now, static_cast<unsigned char>(c), next);
      if (begin == Begin::after_any_slash && c == '/') enter(next, 0);
      else if (begin == Begin::front && next.empty()) return false;
      now.swap(next);
    }
  }
  return now.contains(tokens_.size());
}

bool Glob::matches_between(bool slash_before, std::string_view text, bool slash_after, Begin begin) const {
  if (text.find(inside_) == text.npos) return false;
  const std::array<std::string_view, 3> parts{slash_before ? "/" : "", text, slash_after ? "/" : ""};
  return run(parts, begin);
}

bool Glob::matches(std::string_view text, Begin begin) const {
  if (text.size() < bytes_min_ || !text.ends_with(suffix_)) return false;
  if (begin == Begin::front) {
    if (!text.starts_with(prefix_)) return false;
    const auto wild = tokens_.size() - prefix_.size() - suffix_.size();
    if (wild == 0) return text.size() == bytes_min_;
    if (wild == 1 && tokens_[prefix_.size()].kind == Kind::any_star) return true;
    if (wild == 1 && tokens_[prefix_.size()].kind == Kind::star)
      return text.substr(prefix_.size(), text.size() - bytes_min_).find('/') == text.npos;
  }
  return text.find(inside_) != text.npos && run({&text, 1}, begin);
}

}  // namespace syncline::filter
