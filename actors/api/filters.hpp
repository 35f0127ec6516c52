// Filters and meta-filters of lists (contract §3.6): decoding the query, testing objects, ordering.
// Pure: any thread.
#pragma once

#include "actors/api/error_body.hpp"
#include "actors/api/go_time.hpp"
#include "actors/api/json_value.hpp"
#include "actors/api/prefix_table.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <regex>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace holdfast::api {

enum class filter_op : std::uint8_t { eq, ne, lt, lte, gt, gte, re, between, except, in, nin };

/// `Op(a,b,…)`, or a bare value, which means Eq. Commas separate only where the operator takes a list; the
/// name is matched without regard to case. Never fails: text that is no known call is an Eq of the whole
/// text.
struct filter_call {
  filter_op op = filter_op::eq;
  std::vector<std::string> args;
};
[[nodiscard]] filter_call parse_filter_value(std::string_view text);

/// What an index compares: booleans, numbers and addresses in order, text by bytes.
using filter_value = std::variant<std::monostate, bool, double, instant, std::string>;

struct filter {
  const index_desc* index = nullptr; ///< null: a param's value
  std::string param;                 ///< name of the param when index is null
  filter_op op = filter_op::eq;
  std::vector<filter_value> args;
  std::shared_ptr<const std::regex> pattern;
};

struct list_query {
  std::vector<filter> filters;
  const index_desc* sort = nullptr;
  bool reverse = false;
  std::size_t offset = 0;
  std::optional<std::size_t> limit;
  bool slim_meta = false;
  bool slim_params = false;
  bool only_params = false;        ///< `params=` was given
  std::vector<std::string> params; ///< keep these alone

  /// No object has to be decoded: the answer is stored text in key order.
  [[nodiscard]] bool plain() const { return filters.empty() && !sort && !reshapes(); }
  [[nodiscard]] bool reshapes() const { return slim_meta || slim_params || only_params; }
};

using query_pairs = std::span<const std::pair<std::string, std::string>>;

/// Reads the query of a list. `is_param` says whether a name is a known param (it may then filter prefixes
/// that have Params). Throws nothing: an error is the contract's 406 body, also for a key that is neither
/// index, meta-filter nor param: a filter that is misspelt must not list everything.
[[nodiscard]] std::variant<list_query, error_body>
parse_list_query(const prefix_desc& desc, query_pairs query, std::string_view method,
                 const std::function<bool(std::string_view)>& is_param);

/// True when the object passes every filter.
[[nodiscard]] bool passes(const std::vector<filter>& filters, const json::value& object);

/// The value of an index in an object, for sorting.
[[nodiscard]] filter_value index_value(const index_desc& index, const json::value& object);
[[nodiscard]] bool less_value(const filter_value& a, const filter_value& b);

/// Empties the maps the query slims and marks the object Partial.
void reshape(const list_query& query, const prefix_desc& desc, json::value& object, json::allocator& memory);

} // namespace holdfast::api
