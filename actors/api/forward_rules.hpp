// Which requests a member that is not active answers itself, what of a request and of an answer passes
// between two members, and what may be tried again (architecture §5). Pure: no CAF, no Asio, no clock. Any
// thread.
//
// Between members travel, besides what the client sent (its own Authorization included, which the active
// judges as if the client had come to it directly):
//   X-Holdfast-Client    "ip:port" of the client; believed only from a caller whose member certificate is
//   proven X-Holdfast-Not-Done  in a 503: nothing of the request was done, it may be sent again
#pragma once

#include "messages/standing.hpp"
#include "net/http_client.hpp"
#include "net/http_exchange.hpp"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace holdfast::api {

inline constexpr std::string_view client_header = "x-holdfast-client";
inline constexpr std::string_view not_done_header = "x-holdfast-not-done";
/// ConsensusID of the member whose answer this is, when it is not that of the member asked.
inline constexpr std::string_view answered_by_header = "x-holdfast-answered-by";

using header_list = std::vector<std::pair<std::string, std::string>>;

/// True for what every node answers by itself, active or not, with or without a quorum: health, metrics, the
/// status calls and what concerns this server alone (its log, actors, certificate), logins, and reads that
/// ask for `consistency=local`. Everything else is the active's (STA-10, CON-14).
[[nodiscard]] bool answered_here(const net::http_head& head);

/// The address a request came from in the first place.
[[nodiscard]] std::string_view client_of(const net::http_head& head);

/// What goes on to the active: everything but what belongs to this one connection (RFC 9110 §7.6.1), what the
/// HTTP client sets by itself, and names reserved for members; then X-Holdfast-Client.
[[nodiscard]] header_list forwarded_request_headers(const net::http_head& head);
/// The same of an answer; names in lower case. Content-Length stays for HEAD alone, where it is a fact about
/// the object; otherwise the server here frames the body anew.
[[nodiscard]] header_list forwarded_response_headers(const header_list& from, bool head_request);

/// RFC 9110 §9.2.1: no harm in sending it twice.
[[nodiscard]] bool only_reads(const net::http_head& head);

enum class next_step : std::uint8_t {
  retry,   ///< surely not done, or a read: once somebody is active, again
  unknown, ///< may have been done: never again by us
};
/// After a call to the active failed; `read`: only_reads().
[[nodiscard]] next_step after_failure(const net::client_failure& failure, bool read);
/// True when the active's answer says that it did nothing because it is not active (any more).
[[nodiscard]] bool says_not_done(unsigned status, const header_list& headers);

/// Why there is nobody to forward to, for the client's eyes.
[[nodiscard]] std::string why_no_active(const msg::standing& standing);

/// What goes into a close frame for a code that was heard; 0, 1005, 1006 and 1015 may not be sent (RFC 6455
/// §7.4.1).
[[nodiscard]] std::uint16_t close_code_to_send(std::uint16_t heard, std::uint16_t when_lost);

} // namespace holdfast::api
