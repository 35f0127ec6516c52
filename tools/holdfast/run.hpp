// The whole CLI as a function, so that tests can run command lines against a transport of their own.
#pragma once

#include "tools/holdfast/session.hpp"

#include <functional>
#include <iosfwd>
#include <memory>
#include <string>
#include <vector>

namespace holdfast::cli {

/// Runs one command line (without the program's name). Returns the exit code: 0 on success, 1 on any error.
/// Errors go to `err` as `Error: …`; usage follows only for errors in the arguments.
int run(const std::vector<std::string>& arguments, const environment& env, std::ostream& out,
        std::ostream& err, std::function<std::shared_ptr<transport>()> make_transport);

} // namespace holdfast::cli
