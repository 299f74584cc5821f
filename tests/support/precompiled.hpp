// SPDX-License-Identifier: Apache-2.0
// What most test files include, compiled once for each program: a quarter of the time that a test file takes. Every
// file includes what it uses all the same.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <thread>
#include <unordered_map>
#include <variant>
#include <vector>

#include "support/catch.hpp"
