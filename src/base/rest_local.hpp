// SPDX-License-Identifier: Apache-2.0
// Values of a thread that last from work to work, but not while it rests.
#pragma once

#include <optional>
#include <utility>

namespace syncline {

/// What all of one thread have in common.
class RestLocalBase {
 public:
  RestLocalBase(const RestLocalBase&) = delete;
  RestLocalBase& operator=(const RestLocalBase&) = delete;
  /// Of the calling thread.
  static void drop_all() noexcept {
    for (auto* one = first(); one != nullptr; one = one->next_) one->drop();
  }

 protected:
  RestLocalBase() noexcept : next_(std::exchange(first(), this)) {}
  /// Those of a thread go with it, all of them.
  ~RestLocalBase() { first() = nullptr; }

 private:
  virtual void drop() noexcept = 0;
  static RestLocalBase*& first() noexcept {
    thread_local RestLocalBase* first = nullptr;
    return first;
  }

  RestLocalBase* const next_;
};

/// For thread_local variables only: a value that is made at its first use and dropped when its KeptThread
/// rests, to be made anew. For what is dear to make and large to hold.
template <class Value>
class RestLocal final : private RestLocalBase {
 public:
  Value& operator*() { return value_ ? *value_ : value_.emplace(); }
  Value* operator->() { return &**this; }

 private:
  void drop() noexcept override { value_.reset(); }

  std::optional<Value> value_;
};

}  // namespace syncline
