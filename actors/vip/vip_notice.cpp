#include "actors/vip/vip_notice.hpp"

#include "actors/vip/short_text.hpp"
#include "net/http_target.hpp"

#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

namespace holdfast::vip {

namespace {

constexpr char version = 1;
constexpr std::size_t head = 2 + 8 + 8;

void put_number(std::string& out, std::uint64_t value) {
  for (unsigned i = 0; i < 8; ++i)
    out += static_cast<char>((value >> (8 * i)) & 0xFFU);
}

std::uint64_t number_at(std::string_view bytes, std::size_t at) {
  std::uint64_t value = 0;
  for (unsigned i = 0; i < 8; ++i)
    value |= static_cast<std::uint64_t>(static_cast<unsigned char>(bytes[at + i])) << (8 * i);
  return value;
}

} // namespace

std::string_view to_string(vip_change what) {
  switch (what) {
  case vip_change::taken:
    return "taken";
  case vip_change::released:
    return "released";
  case vip_change::lost:
    return "lost";
  case vip_change::restored:
    return "restored";
  case vip_change::stray_removed:
    return "stray_removed";
  case vip_change::conflict:
    return "conflict";
  case vip_change::failed:
    return "failed";
  case vip_change::guard_died:
    return "guard_died";
  case vip_change::guard_restarted:
    return "guard_restarted";
  case vip_change::link_lost:
    return "link_lost";
  case vip_change::link_back:
    return "link_back";
  case vip_change::unfit:
    return "unfit";
  case vip_change::fit:
    return "fit";
  }
  return "unknown";
}

std::string readable(std::string text) {
  if (!net::valid_utf8(text)) {
    for (char& c : text)
      c = static_cast<unsigned char>(c) < 0x80 ? c : '?';
  }
  return text;
}

std::string encode_notice(const vip_notice& notice) {
  std::string out{version, static_cast<char>(notice.what)};
  put_number(out, notice.epoch);
  put_number(out, static_cast<std::uint64_t>(notice.time_ms));
  for (const auto* text : {&notice.address, &notice.interface, &notice.detail})
    put_short_text(out, *text);
  return out;
}

std::optional<vip_notice> decode_notice(std::string_view bytes) {
  if (bytes.size() < head || bytes[0] == 0)
    return std::nullopt;
  const auto what = static_cast<unsigned char>(bytes[1]);
  if (what < static_cast<unsigned char>(vip_change::taken) ||
      what > static_cast<unsigned char>(vip_change::fit))
    return std::nullopt;
  vip_notice out;
  out.what = static_cast<vip_change>(what);
  out.epoch = number_at(bytes, 2);
  out.time_ms = static_cast<std::int64_t>(number_at(bytes, 10));
  auto rest = bytes.substr(head);
  if (!take_short_text(rest, out.address) || !take_short_text(rest, out.interface) ||
      !take_short_text(rest, out.detail))
    return std::nullopt;
  return out;
}

msg::notice to_event(const vip_notice& notice, const std::string& member) {
  rapidjson::StringBuffer buffer;
  rapidjson::Writer<rapidjson::StringBuffer> out(buffer);
  const auto text = [&out](const char* name, const std::string& value) {
    const auto shown = readable(value);
    out.Key(name);
    out.String(shown.data(), static_cast<rapidjson::SizeType>(shown.size()));
  };
  out.StartObject();
  text("ConsensusID", member);
  text("Address", notice.address);
  text("Interface", notice.interface);
  out.Key("Epoch");
  out.Uint64(notice.epoch);
  text("Detail", notice.detail);
  out.EndObject();
  return {{notice.time_ms},
          "vip",
          std::string(to_string(notice.what)),
          member,
          {buffer.GetString(), buffer.GetSize()}};
}

} // namespace holdfast::vip
