#include "net/peer_hello.hpp"

#include "net/http_target.hpp"

#include <algorithm>

namespace holdfast::net {

namespace {

constexpr std::string_view hello_magic = "HFPL";
constexpr std::string_view answer_magic = "HFPA";
constexpr std::size_t longest_name = 64;
constexpr std::size_t longest_reason = 400;

void put_u16(std::string& out, std::uint16_t value) {
  out.push_back(static_cast<char>(value));
  out.push_back(static_cast<char>(value >> 8U));
}

void put_name(std::string& out, std::string_view name) {
  name = name.substr(0, longest_name);
  out.push_back(static_cast<char>(name.size()));
  out.append(name);
}

/// Reads from the front of a message; once something was missing, `fine` stays false.
class reader {
public:
  explicit reader(std::string_view in) : in_(in) {}
  std::string_view take(std::size_t n) {
    if (in_.size() < n) {
      fine_ = false;
      in_ = {};
      return {};
    }
    const auto piece = in_.substr(0, n);
    in_.remove_prefix(n);
    return piece;
  }
  std::uint8_t u8() {
    const auto piece = take(1);
    return piece.empty() ? std::uint8_t{0} : static_cast<std::uint8_t>(piece[0]);
  }
  std::uint16_t u16() {
    const unsigned low = u8();
    return static_cast<std::uint16_t>(low | static_cast<unsigned>(u8()) << 8U);
  }
  std::string name(bool may_be_empty) {
    const std::size_t size = u8();
    const auto text = take(size);
    const auto plain = [](char c) {
      return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' ||
             c == '_' || c == ':' || c == '-';
    };
    if (size > longest_name || (size == 0 && !may_be_empty) || !std::ranges::all_of(text, plain))
      fine_ = false;
    return std::string(text);
  }
  [[nodiscard]] bool done() const { return fine_ && in_.empty(); }

private:
  std::string_view in_;
  bool fine_ = true;
};

} // namespace

std::string_view to_string(link_purpose purpose) {
  switch (purpose) {
  case link_purpose::raft:
    return "raft";
  case link_purpose::bulk:
    return "bulk";
  case link_purpose::watch:
    return "watch";
  }
  return "unknown";
}

std::string_view to_string(hello_verdict verdict) {
  switch (verdict) {
  case hello_verdict::welcome:
    return "welcome";
  case hello_verdict::wrong_cluster:
    return "wrong cluster";
  case hello_verdict::wrong_receiver:
    return "wrong receiver";
  case hello_verdict::wrong_sender:
    return "wrong sender";
  case hello_verdict::wrong_protocol:
    return "no protocol version in common";
  case hello_verdict::wrong_purpose:
    return "unknown purpose";
  case hello_verdict::not_admitted:
    return "not admitted";
  case hello_verdict::malformed:
    return "malformed hello";
  }
  return "unknown";
}

std::string encode(const peer_hello& hello) {
  std::string out(hello_magic);
  put_u16(out, hello.protocol);
  put_u16(out, hello.oldest_protocol);
  out.push_back(static_cast<char>(hello.purpose));
  out.push_back('\0');
  put_name(out, hello.cluster_id);
  put_name(out, hello.sender);
  put_name(out, hello.receiver);
  return out;
}

std::optional<peer_hello> decode_hello(std::string_view body) {
  if (body.size() > max_hello_bytes)
    return std::nullopt;
  reader in(body);
  peer_hello hello;
  const bool magic = in.take(hello_magic.size()) == hello_magic;
  hello.protocol = in.u16();
  hello.oldest_protocol = in.u16();
  hello.purpose = static_cast<link_purpose>(in.u8());
  const bool zero = in.u8() == 0;
  hello.cluster_id = in.name(false);
  hello.sender = in.name(false);
  hello.receiver = in.name(false);
  if (!magic || !zero || !in.done() || hello.oldest_protocol > hello.protocol)
    return std::nullopt;
  return hello;
}

std::string encode(const hello_answer& answer) {
  std::string out(answer_magic);
  put_u16(out, answer.protocol);
  out.push_back(static_cast<char>(answer.verdict));
  out.push_back('\0');
  put_name(out, answer.cluster_id);
  put_name(out, answer.sender);
  std::string_view reason = std::string_view(answer.reason).substr(0, longest_reason);
  while (!valid_utf8(reason)) // never cut within a character
    reason.remove_suffix(1);
  put_u16(out, static_cast<std::uint16_t>(reason.size()));
  out.append(reason);
  return out;
}

std::optional<hello_answer> decode_hello_answer(std::string_view body) {
  if (body.size() > max_hello_bytes)
    return std::nullopt;
  reader in(body);
  hello_answer answer;
  const bool magic = in.take(answer_magic.size()) == answer_magic;
  answer.protocol = in.u16();
  const auto verdict = in.u8();
  answer.verdict = static_cast<hello_verdict>(verdict);
  const bool zero = in.u8() == 0;
  const bool welcome = answer.verdict == hello_verdict::welcome;
  answer.cluster_id = in.name(!welcome);
  answer.sender = in.name(!welcome);
  const std::size_t size = in.u16();
  answer.reason = std::string(in.take(size));
  if (!magic || !zero || !in.done() || size > longest_reason ||
      verdict > static_cast<unsigned>(hello_verdict::malformed) || !valid_utf8(answer.reason))
    return std::nullopt;
  return answer;
}

hello_answer judge_hello(const peer_hello& own, const peer_hello& theirs, std::string_view certificate_node) {
  hello_answer answer;
  answer.cluster_id = own.cluster_id;
  answer.sender = own.sender;
  const auto refuse = [&](hello_verdict verdict, std::string reason) {
    answer.verdict = verdict;
    answer.reason = std::move(reason);
    return answer;
  };
  if (theirs.cluster_id != own.cluster_id)
    return refuse(hello_verdict::wrong_cluster,
                  "this node belongs to cluster " + own.cluster_id + ", not to " + theirs.cluster_id);
  if (theirs.receiver != own.sender)
    return refuse(hello_verdict::wrong_receiver, "this is node " + own.sender + ", not " + theirs.receiver);
  if (theirs.sender != certificate_node)
    return refuse(hello_verdict::wrong_sender, "the certificate belongs to node " +
                                                   std::string(certificate_node) + ", not to " +
                                                   theirs.sender);
  const auto common = std::min(own.protocol, theirs.protocol);
  if (common < own.oldest_protocol || common < theirs.oldest_protocol)
    return refuse(hello_verdict::wrong_protocol,
                  "this node speaks peer protocol " + std::to_string(own.oldest_protocol) + " to " +
                      std::to_string(own.protocol) + ", the other " + std::to_string(theirs.oldest_protocol) +
                      " to " + std::to_string(theirs.protocol) + ": upgrade the older one");
  if (theirs.purpose != link_purpose::raft && theirs.purpose != link_purpose::bulk &&
      theirs.purpose != link_purpose::watch)
    return refuse(hello_verdict::wrong_purpose, "unknown purpose of a link");
  answer.verdict = hello_verdict::welcome;
  answer.protocol = common;
  return answer;
}

} // namespace holdfast::net
