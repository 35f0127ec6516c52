#include "actors/api/forward_rules.hpp"

#include <algorithm>
#include <array>

#ifdef HOLDFAST_UNSAFE_FAULTS
#include <cstdlib>
#include <string_view>
#endif

namespace holdfast::api {

namespace {

#ifdef HOLDFAST_UNSAFE_FAULTS // only in holdfastd-unsafe, which the checkers of tools/chaos are proven on
bool unsafe_fault(const char* name) {
  const char* wanted = std::getenv("HOLDFAST_UNSAFE");
  return wanted && std::string_view(wanted) == name;
}
#endif

constexpr std::string_view forwarded_root = "/api/v3/";

std::string lower_case(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return out;
}

bool is_or_under(std::string_view path, std::string_view what) {
  return path == what || (path.starts_with(what) && path.substr(what.size()).starts_with('/'));
}

/// Of this connection alone, whatever the message says.
bool hop_by_hop(std::string_view name) {
  constexpr std::array<std::string_view, 9> names = {"connection",
                                                     "keep-alive",
                                                     "proxy-authenticate",
                                                     "proxy-authorization",
                                                     "proxy-connection",
                                                     "te",
                                                     "trailer",
                                                     "transfer-encoding",
                                                     "upgrade"};
  return std::find(names.begin(), names.end(), name) != names.end();
}

/// The names a Connection header lists.
std::vector<std::string> named_by_connection(const header_list& headers) {
  std::vector<std::string> out;
  for (const auto& [name, value] : headers) {
    if (name != "connection")
      continue;
    std::string_view rest = value;
    while (!rest.empty()) {
      const auto comma = rest.find(',');
      auto part = rest.substr(0, comma);
      while (part.starts_with(' ') || part.starts_with('\t'))
        part.remove_prefix(1);
      while (part.ends_with(' ') || part.ends_with('\t'))
        part.remove_suffix(1);
      out.push_back(lower_case(part));
      rest.remove_prefix(comma == std::string_view::npos ? rest.size() : comma + 1);
    }
  }
  return out;
}

bool listed(const std::vector<std::string>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

} // namespace

bool only_reads(const net::http_head& head) {
  return head.method == net::http_method::get || head.method == net::http_method::head;
}

bool answered_here(const net::http_head& head) {
#ifdef HOLDFAST_UNSAFE_FAULTS
  if (unsafe_fault("stale-read") && only_reads(head) && !head.wants_websocket)
    return true;
#endif
  std::string_view path = head.path;
  if (!path.starts_with(forwarded_root))
    return true;
  path.remove_prefix(forwarded_root.size());
  while (path.ends_with('/'))
    path.remove_suffix(1);
  for (const auto what : {"system/consensus", "system/active", "system/passive", "system/actors",
                          "system/cert", "system/vip"}) {
    if (is_or_under(path, what))
      return true;
  }
  if (!only_reads(head) || head.wants_websocket)
    return false;
  if (path == "info" || path == "logs" || (path.starts_with("users/") && path.ends_with("/token")))
    return true;
  const auto wish = head.query_value("consistency");
  return wish && *wish == "local";
}

std::string_view client_of(const net::http_head& head) {
  if (!head.peer_node.empty()) {
    if (const auto told = head.header(client_header); !told.empty())
      return told;
  }
  return head.peer;
}

header_list forwarded_request_headers(const net::http_head& head) {
  const auto named = named_by_connection(head.headers);
  header_list out;
  for (const auto& [name, value] : head.headers) {
    const bool ours = name == "host" || name == "content-length" || name == "expect" ||
                      name.starts_with("x-holdfast-") || name.starts_with("sec-websocket-");
    if (!ours && !hop_by_hop(name) && !listed(named, name))
      out.emplace_back(name, value);
  }
  out.emplace_back(client_header, head.peer);
  return out;
}

header_list forwarded_response_headers(const header_list& from, bool head_request) {
  const auto named = named_by_connection(from);
  header_list out;
  for (const auto& [name, value] : from) {
    const bool ours = name == "date" || (name == "content-length" && !head_request);
    if (!ours && !hop_by_hop(name) && !listed(named, name))
      out.emplace_back(name, value);
  }
  return out;
}

next_step after_failure(const net::client_failure& failure, bool read) {
  return read || !failure.sent ? next_step::retry : next_step::unknown;
}

bool says_not_done(unsigned status, const header_list& headers) {
  constexpr unsigned unavailable = 503;
  return status == unavailable && std::any_of(headers.begin(), headers.end(), [](const auto& header) {
           return lower_case(header.first) == not_done_header;
         });
}

std::string why_no_active(const msg::standing& standing) {
  if (standing.removed)
    return "this node was removed from the cluster: talk to a member, or enrol this one again";
  if (standing.leader_id.empty())
    return "this node (" + standing.self_id +
           ") knows of no leader: an election is under way, or it cannot reach a majority of the members "
           "(system/consensus/peers, ha doctor)";
  if (standing.active_id.empty())
    return "member " + standing.leader_id + " leads but is not active yet";
  if (standing.active_url.empty() || !standing.credentials)
    return "the active node is " + standing.active_id + ", and this node does not know yet how to reach it";
  if (standing.active_silent)
    return "the active node is " + standing.active_id +
           ", but nothing was heard of it for a while: it is gone, or this node cannot reach it "
           "(system/consensus/peers, ha doctor)";
  return "the active node is " + standing.active_id + " at " + standing.active_url;
}

std::uint16_t close_code_to_send(std::uint16_t heard, std::uint16_t when_lost) {
  constexpr std::uint16_t normal = 1000;
  constexpr std::uint16_t no_status = 1005;
  constexpr std::uint16_t abnormal = 1006;
  constexpr std::uint16_t tls_failed = 1015;
  if (heard == no_status)
    return normal;
  return heard == 0 || heard == abnormal || heard == tls_failed ? when_lost : heard;
}

} // namespace holdfast::api
