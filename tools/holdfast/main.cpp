#include "tools/holdfast/https_transport.hpp"
#include "tools/holdfast/run.hpp"

#include <csignal>
#include <cstdlib>
#include <iostream>

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  const std::vector<std::string> arguments{argv + 1, argv + argc};
  const auto env = [](const char* name) {
    const char* found = std::getenv(name);
    return std::string{found == nullptr ? "" : found};
  };
  return holdfast::cli::run(arguments, env, std::cout, std::cerr, holdfast::cli::make_https_transport);
}
