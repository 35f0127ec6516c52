// No secret in any log. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace holdfast::chaos {

struct secret {
  std::string name; ///< for the report, which never shows the value
  std::string value;
};

/// The lines of `log` that hold one of the secrets, or a PEM private key: "<where> line N shows <name>".
[[nodiscard]] std::vector<std::string> find_secrets(std::string_view log, const std::vector<secret>& secrets,
                                                    const std::string& where);

} // namespace holdfast::chaos
