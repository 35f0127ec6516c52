// Between Beast's message types and ours. Included by .cpp files only.
#pragma once

#include "net/http_exchange.hpp"

#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/parser.hpp>

#include <string>
#include <string_view>

namespace holdfast::net {

using request_parser = boost::beast::http::request_parser<boost::beast::http::buffer_body>;

/// How the bytes of an answer's body are announced.
enum class body_framing : std::uint8_t { sized, chunked, until_close, none };

struct answer_head {
  unsigned status = 200;
  std::string_view content_type;
  const std::vector<std::pair<std::string, std::string>>* headers = nullptr;
  std::uint64_t length = 0; ///< for sized
  body_framing framing = body_framing::sized;
  unsigned version = 11;
  bool close = false;
  std::string_view date;
};

/// Appends the serialised head to `out`. Line breaks inside header values become blanks, so that no answer
/// can be split in two by what it quotes.
void append_head(std::string& out, const answer_head& head);
/// Appends one chunk of a chunked body; an empty one ends the body.
void append_chunk(std::string& out, std::string_view body);
/// "HTTP/1.1 100 Continue".
void append_continue(std::string& out);

struct request_line {
  std::string_view method;
  std::string_view target;
  std::string_view host;
  const std::vector<std::pair<std::string, std::string>>* headers = nullptr;
  std::optional<std::uint64_t> length;
  bool chunked = false;
};
/// Appends a serialised request head.
void append_request(std::string& out, const request_line& line);

/// Copies method, target, headers and length into `head`; path and query are left to decode_target.
void fill_head(http_head& head, const request_parser& parser);

/// RFC 9110 §5.6.7 date of now.
[[nodiscard]] std::string http_date();

} // namespace holdfast::net
