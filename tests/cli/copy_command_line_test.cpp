// SPDX-License-Identifier: Apache-2.0
#include "cli/copy_command.hpp"
#include "support/catch.hpp"
