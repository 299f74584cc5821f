// SPDX-License-Identifier: Apache-2.0
// SYNCLINE_API marks what libsyncline.so exports; all else is hidden.
#pragma once

#if defined(__GNUC__)
#define SYNCLINE_API __attribute__((visibility("default")))
#else
#define SYNCLINE_API
#endif
