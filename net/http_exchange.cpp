#include "net/http_exchange.hpp"

namespace holdfast::net {

std::string_view http_head::header(std::string_view name) const {
  for (const auto& [key, value] : headers)
    if (key == name)
      return value;
  return {};
}

std::optional<std::string_view> http_head::query_value(std::string_view name) const {
  for (const auto& [key, value] : query)
    if (key == name)
      return value;
  return std::nullopt;
}

} // namespace holdfast::net
