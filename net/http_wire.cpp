#include "net/http_wire.hpp"

#include <boost/beast/core/buffers_range.hpp>
#include <boost/beast/http/chunk_encode.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/serializer.hpp>
#include <boost/beast/websocket/rfc6455.hpp>
#include <fmt/format.h>

#include <array>
#include <ctime>

namespace holdfast::net {

namespace beast = boost::beast;
namespace http = boost::beast::http;

namespace {

beast::string_view view(std::string_view text) {
  return {text.data(), text.size()};
}

template <class Buffers>
void append_buffers(std::string& out, const Buffers& buffers) {
  for (const auto buffer : beast::buffers_range_ref(buffers))
    out.append(static_cast<const char*>(buffer.data()), buffer.size());
}

template <bool IsRequest>
void serialise(std::string& out, const http::message<IsRequest, http::empty_body>& message) {
  http::serializer<IsRequest, http::empty_body> serializer(message);
  boost::system::error_code ec;
  while (!serializer.is_header_done() && !ec) {
    std::size_t written = 0;
    serializer.next(ec, [&](boost::system::error_code&, const auto& buffers) {
      append_buffers(out, buffers);
      written = beast::buffer_bytes(buffers);
    });
    serializer.consume(written);
  }
}

template <class Message>
void set_header(Message& message, const std::string& name, const std::string& value) {
  if (value.find_first_of(std::string_view("\r\n\0", 3)) == std::string::npos) {
    message.insert(name, value);
    return;
  }
  std::string clean = value;
  for (char& c : clean)
    if (c == '\r' || c == '\n' || c == '\0')
      c = ' ';
  message.insert(name, clean);
}

http_method method_of(http::verb verb) {
  switch (verb) {
  case http::verb::get:
    return http_method::get;
  case http::verb::head:
    return http_method::head;
  case http::verb::post:
    return http_method::post;
  case http::verb::put:
    return http_method::put;
  case http::verb::patch:
    return http_method::patch;
  case http::verb::delete_:
    return http_method::del;
  default:
    return http_method::other;
  }
}

} // namespace

void append_head(std::string& out, const answer_head& head) {
  http::response<http::empty_body> message;
  message.version(head.version);
  message.result(head.status);
  if (!head.date.empty())
    message.set(http::field::date, view(head.date));
  // Also an answer without a body says its type: the existing client refuses a success that does not (rest
  // contract §0.3). Only 304 speaks of what the client already has.
  constexpr unsigned not_modified = 304;
  if (!head.content_type.empty() && head.status >= 200 && head.status != not_modified)
    message.set(http::field::content_type, view(head.content_type));
  bool own_length = false;
  if (head.headers != nullptr)
    for (const auto& [name, value] : *head.headers) {
      own_length = own_length || beast::iequals(name, "content-length");
      set_header(message, name, value);
    }
  if (head.framing == body_framing::sized && !own_length)
    message.content_length(head.length);
  else if (head.framing == body_framing::chunked)
    message.chunked(true);
  if (head.close)
    message.set(http::field::connection, "close");
  else if (head.version < 11)
    message.set(http::field::connection, "keep-alive");
  serialise(out, message);
}

void append_request(std::string& out, const request_line& line) {
  http::request<http::empty_body> message;
  message.version(11);
  message.method_string(view(line.method));
  message.target(view(line.target));
  message.set(http::field::host, view(line.host));
  for (const auto& [name, value] : *line.headers)
    set_header(message, name, value);
  if (line.length)
    message.content_length(*line.length);
  else if (line.chunked)
    message.chunked(true);
  serialise(out, message);
}

void append_chunk(std::string& out, std::string_view body) {
  if (body.empty())
    append_buffers(out, http::make_chunk_last());
  else
    append_buffers(out, http::make_chunk(boost::asio::const_buffer(body.data(), body.size())));
}

void append_continue(std::string& out) {
  http::response<http::empty_body> message;
  message.version(11);
  message.result(http::status::continue_);
  serialise(out, message);
}

void fill_head(http_head& head, const request_parser& parser) {
  const auto& message = parser.get();
  head.method = method_of(message.method());
  const auto method = message.method_string();
  head.method_name.assign(method.data(), method.size());
  const auto target = message.target();
  head.target.assign(target.data(), target.size());
  head.headers.clear();
  for (const auto& field : message) {
    const auto name = field.name_string();
    const auto value = field.value();
    auto& entry = head.headers.emplace_back(std::string(name.data(), name.size()),
                                            std::string(value.data(), value.size()));
    for (char& c : entry.first)
      if (c >= 'A' && c <= 'Z')
        c = static_cast<char>(c - 'A' + 'a');
  }
  head.content_length.reset();
  if (const auto length = parser.content_length())
    head.content_length = *length;
  head.wants_websocket = beast::websocket::is_upgrade(message);
}

std::string http_date() {
  static constexpr std::array<const char*, 7> days{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr std::array<const char*, 12> months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  return fmt::format("{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT",
                     days.at(static_cast<std::size_t>(parts.tm_wday)), parts.tm_mday,
                     months.at(static_cast<std::size_t>(parts.tm_mon)), parts.tm_year + 1900, parts.tm_hour,
                     parts.tm_min, parts.tm_sec);
}

} // namespace holdfast::net
