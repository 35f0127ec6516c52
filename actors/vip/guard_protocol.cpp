#include "actors/vip/guard_protocol.hpp"

#include <cstring>
#include <type_traits>

namespace holdfast::vip {

namespace {

constexpr char version = 1;

class packer {
public:
  explicit packer(std::size_t kind) : out_{version, static_cast<char>(kind)} {}
  template <class T>
  requires std::is_integral_v<T> || std::is_enum_v<T>
  void add(T v) { out_.append(reinterpret_cast<const char*>(&v), sizeof v); }
  void add(const std::string& text) {
    add(static_cast<std::uint16_t>(text.size()));
    out_ += text;
  }
  std::string take() { return std::move(out_); }

private:
  std::string out_;
};

class unpacker {
public:
  explicit unpacker(std::span<const char> in) : in_(in) {}
  template <class T>
  requires std::is_integral_v<T> || std::is_enum_v<T>
  void read(T& v) {
    if (in_.size() < sizeof v) {
      good_ = false;
      return;
    }
    std::memcpy(&v, in_.data(), sizeof v);
    in_ = in_.subspan(sizeof v);
  }
  void read(std::string& text, std::size_t longest) {
    std::uint16_t size = 0;
    read(size);
    if (!good_ || size > longest || in_.size() < size) {
      good_ = false;
      return;
    }
    text.assign(in_.data(), size);
    in_ = in_.subspan(size);
  }
  void refuse() { good_ = false; }
  [[nodiscard]] bool done() const { return good_ && in_.empty(); }
  [[nodiscard]] bool good() const { return good_; }

private:
  std::span<const char> in_;
  bool good_ = true;
};

constexpr std::size_t longest_text = 256;
constexpr std::size_t longest_path = 4096;

void fields(packer& p, const to_guard::configure& m) {
  p.add(m.cidr), p.add(m.interface), p.add(m.script);
}
void fields(packer& p, const to_guard::hold& m) {
  p.add(m.deadline), p.add(m.epoch);
}
void fields(packer&, const to_guard::release&) {}
void fields(packer& p, const to_guard::probe& m) {
  p.add(m.wait_ms);
}
void fields(packer& p, const to_guard::ping& m) {
  p.add(m.nonce);
}
void fields(packer& p, const to_guard::tickets& m) {
  p.add(m.epoch), p.add(m.payload), p.add(m.source_ip), p.add(static_cast<std::uint16_t>(m.targets.size()));
  for (const auto& target : m.targets) {
    p.add(target);
  }
}
void fields(packer& p, const to_daemon::note& m) {
  p.add(m.what), p.add(m.epoch), p.add(m.detail);
}
void fields(packer& p, const to_daemon::probe_result& m) {
  p.add(m.mac);
}
void fields(packer& p, const to_daemon::pong& m) {
  p.add(m.nonce);
}
void fields(packer& p, const to_daemon::ready& m) {
  p.add(m.missing);
}

void fields(unpacker& u, to_guard::configure& m) {
  u.read(m.cidr, longest_text), u.read(m.interface, longest_text), u.read(m.script, longest_path);
}
void fields(unpacker& u, to_guard::hold& m) {
  u.read(m.deadline), u.read(m.epoch);
}
void fields(unpacker&, to_guard::release&) {}
void fields(unpacker& u, to_guard::probe& m) {
  u.read(m.wait_ms);
}
void fields(unpacker& u, to_guard::ping& m) {
  u.read(m.nonce);
}
void fields(unpacker& u, to_guard::tickets& m) {
  std::uint16_t count = 0;
  u.read(m.epoch), u.read(m.payload, max_ticket_bytes), u.read(m.source_ip, longest_text), u.read(count);
  if (count > max_ticket_targets) {
    u.refuse();
  }
  for (std::uint16_t i = 0; u.good() && i < count; ++i) {
    u.read(m.targets.emplace_back(), longest_text);
  }
}
void fields(unpacker& u, to_daemon::note& m) {
  u.read(m.what), u.read(m.epoch), u.read(m.detail, longest_text);
}
void fields(unpacker& u, to_daemon::probe_result& m) {
  u.read(m.mac, longest_text);
}
void fields(unpacker& u, to_daemon::pong& m) {
  u.read(m.nonce);
}
void fields(unpacker& u, to_daemon::ready& m) {
  u.read(m.missing, longest_text);
}

template <class Message>
std::string encode_any(const Message& m) {
  packer p{m.index()};
  std::visit([&p](const auto& body) { fields(p, body); }, m);
  return p.take();
}

template <class Message, std::size_t I = 0>
std::optional<Message> decode_any(std::size_t kind, std::span<const char> rest) {
  if constexpr (I < std::variant_size_v<Message>) {
    if (kind != I) {
      return decode_any<Message, I + 1>(kind, rest);
    }
    std::variant_alternative_t<I, Message> body;
    unpacker u{rest};
    fields(u, body);
    return u.done() ? std::optional<Message>{std::move(body)} : std::nullopt;
  } else {
    return std::nullopt;
  }
}

template <class Message>
std::optional<Message> decode_packet(std::span<const char> packet) {
  if (packet.size() < 2 || packet.size() > max_guard_packet || packet[0] != version) {
    return std::nullopt;
  }
  return decode_any<Message>(static_cast<unsigned char>(packet[1]), packet.subspan(2));
}

} // namespace

std::string encode(const to_guard::message& m) {
  return encode_any(m);
}
std::string encode(const to_daemon::message& m) {
  return encode_any(m);
}
std::optional<to_guard::message> decode_to_guard(std::span<const char> packet) {
  return decode_packet<to_guard::message>(packet);
}
std::optional<to_daemon::message> decode_to_daemon(std::span<const char> packet) {
  auto m = decode_packet<to_daemon::message>(packet);
  if (m && std::holds_alternative<to_daemon::note>(*m) &&
      std::get<to_daemon::note>(*m).what > guard_note::announced) {
    return std::nullopt;
  }
  return m;
}

} // namespace holdfast::vip
