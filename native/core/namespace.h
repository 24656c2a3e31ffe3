// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <functional>
#include <string>

namespace sluice {

// Runs `work` on a thread that ends with it: what it changes of itself (its ids, its namespace) ends, too.
// Throws Error when there is no thread to be had, and whatever `work` throws.
void RunOnThread(const std::function<void()>& work);

// Runs `work` in the network namespace at `path`, on a thread of its own that ends with it; with an empty
// path, on this thread. setns(2) is per thread, and going back would need CAP_SYS_ADMIN in the namespace
// left. Throws Error with code kNamespace when the namespace cannot be entered, and whatever `work` throws.
void RunInNamespace(const std::string& path, const std::function<void()>& work);

// Runs `work` in a network namespace that is made for it and goes with it, on a thread of its own. Needs
// CAP_SYS_ADMIN. Throws as RunInNamespace does.
void RunInNewNamespace(const std::function<void()>& work);

// Whether the network namespace at `path` is the calling thread's own. Throws Error with code kNamespace when
// it cannot be entered, and when it is none.
bool IsOwnNamespace(const std::string& path);

// Whether the calling thread's network namespace belongs to another user namespace than the thread's own.
// False where nobody can tell: without /proc.
bool IsForeignNamespace();

}  // namespace sluice
