#include <raft/codec.hpp>

#include <raft/quorum.hpp>

#include <concepts>
#include <type_traits>

namespace holdfast::raft {
namespace {

constexpr std::uint8_t config_format = 1;
constexpr std::size_t min_entry_bytes = 8 + 8 + 1 + 4;
constexpr std::size_t min_member_bytes = 16 + 1 + 4;
constexpr std::size_t id_bytes = 16;

/// One description of each body's fields serves both directions: `io.field(x)` writes x or reads into it.
class writer {
public:
  explicit writer(std::string& to) : to_{to} {}

  void number(std::uint64_t v, unsigned bytes) {
    for (unsigned i = 0; i < bytes; ++i)
      to_.push_back(static_cast<char>((v >> (8U * i)) & 0xFFU));
  }
  void bytes(std::string_view s) {
    number(s.size(), 4);
    to_.append(s);
  }

private:
  std::string& to_;
};

/// After the first error everything reads as zero and the error stands.
class reader {
public:
  reader(std::string_view from, const limits& lim) : from_{from}, limits_{lim} {}

  std::uint64_t number(unsigned bytes) {
    if (from_.size() < bytes) {
      fail(decode_error::truncated);
      return 0;
    }
    std::uint64_t v = 0;
    for (unsigned i = 0; i < bytes; ++i)
      v |= static_cast<std::uint64_t>(static_cast<unsigned char>(from_[i])) << (8U * i);
    from_.remove_prefix(bytes);
    return v;
  }
  std::string_view bytes(std::uint64_t max) {
    const std::uint64_t size = number(4);
    if (size > max)
      fail(decode_error::too_large);
    else if (size > from_.size())
      fail(decode_error::truncated);
    if (error_)
      return {};
    const std::string_view s = from_.substr(0, size);
    from_.remove_prefix(size);
    return s;
  }
  /// A list's length: bounded, and possible with the bytes that are left.
  std::size_t count(std::uint64_t max, std::size_t min_bytes_each) {
    const std::uint64_t n = number(4);
    if (n > max)
      fail(decode_error::too_large);
    else if (n * min_bytes_each > from_.size())
      fail(decode_error::truncated);
    return error_ ? 0 : static_cast<std::size_t>(n);
  }
  void fail(decode_error e) {
    if (!error_)
      error_ = e;
    from_ = {};
  }
  [[nodiscard]] const std::optional<decode_error>& error() const { return error_; }
  [[nodiscard]] bool at_end() const { return from_.empty(); }
  [[nodiscard]] const limits& lim() const { return limits_; }

private:
  std::string_view from_;
  const limits& limits_;
  std::optional<decode_error> error_;
};

void field(writer& w, bool v) {
  w.number(v ? 1 : 0, 1);
}
void field(reader& r, bool& v) {
  const std::uint64_t n = r.number(1);
  if (n > 1)
    r.fail(decode_error::bad_value);
  v = n == 1;
}
void field(writer& w, std::uint64_t v) {
  w.number(v, 8);
}
void field(reader& r, std::uint64_t& v) {
  v = r.number(8);
}
template <class Tag>
void field(writer& w, const uuid<Tag>& v) {
  w.number(v.high, 8);
  w.number(v.low, 8);
}
template <class Tag>
void field(reader& r, uuid<Tag>& v) {
  v.high = r.number(8);
  v.low = r.number(8);
}
template <class T>
concept wrapped_number = requires(T t) {
  { t.value } -> std::same_as<std::uint64_t&>;
};
template <wrapped_number T>
void field(writer& w, const T& v) {
  w.number(v.value, 8);
}
template <wrapped_number T>
void field(reader& r, T& v) {
  v.value = r.number(8);
}
void field(writer& w, const duration& v) {
  w.number(static_cast<std::uint64_t>(v.count()), 8);
}
void field(reader& r, duration& v) {
  constexpr std::uint64_t longest_us = 86'400'000'000ULL;
  const std::uint64_t us = r.number(8);
  if (us > longest_us)
    r.fail(decode_error::bad_value);
  v = duration{r.error() ? 0 : static_cast<std::int64_t>(us)};
}

void field(writer& w, const std::vector<entry>& v) {
  w.number(v.size(), 4);
  for (const entry& e : v) {
    field(w, e.term);
    field(w, e.index);
    w.number(e.kind, 1);
    w.bytes(e.payload ? std::string_view{*e.payload} : std::string_view{});
  }
}
void field(reader& r, std::vector<entry>& v) {
  const std::size_t n = r.count(r.lim().max_append_entries, min_entry_bytes);
  v.reserve(n);
  for (std::size_t i = 0; i < n && !r.error(); ++i) {
    entry e;
    field(r, e.term);
    field(r, e.index);
    e.kind = static_cast<entry_kind>(r.number(1));
    const std::string_view payload = r.bytes(r.lim().max_entry_bytes.value);
    if (e.kind == 0)
      r.fail(decode_error::bad_value);
    if (e.kind != kind_noop || !payload.empty())
      e.payload = std::make_shared<const std::string>(payload);
    v.push_back(std::move(e));
  }
}

void field(writer& w, const config& c) {
  field(w, c.joint);
  w.number(c.members.size(), 4);
  for (const member& m : c.members) {
    field(w, m.id);
    w.number((m.voter ? 1U : 0U) | (m.outgoing ? 2U : 0U) | (m.leaving ? 4U : 0U) | (m.observer ? 8U : 0U),
             1);
    w.bytes(m.address);
  }
  w.number(c.removed.size(), 4);
  for (const node_id id : c.removed)
    field(w, id);
}
void field(reader& r, config& c) {
  field(r, c.joint);
  c.members.resize(r.count(r.lim().max_members, min_member_bytes));
  for (member& m : c.members) {
    field(r, m.id);
    const std::uint64_t flags = r.number(1);
    if (flags > 15)
      r.fail(decode_error::bad_value);
    m.voter = (flags & 1U) != 0;
    m.outgoing = (flags & 2U) != 0;
    m.leaving = (flags & 4U) != 0;
    m.observer = (flags & 8U) != 0;
    m.address = std::string{r.bytes(r.lim().max_address_bytes)};
  }
  c.removed.resize(r.count(r.lim().max_removed_ids, id_bytes));
  for (node_id& id : c.removed)
    field(r, id);
}

template <class Io, class... Fields>
void fields(Io& io, Fields&... f) {
  (field(io, f), ...);
}

template <class T, class Body>
concept is = std::same_as<std::remove_const_t<T>, Body>;

template <class Io>
void body(Io& io, is<vote_request> auto& b) {
  fields(io, b.pre, b.asked_term, b.last_index, b.last_term, b.forced, b.handover_term, b.handover_epoch);
}
template <class Io>
void body(Io& io, is<vote_response> auto& b) {
  fields(io, b.pre, b.granted, b.asked_term, b.lease_remaining, b.lease_term, b.older_lease_remaining);
}
template <class Io>
void body(Io& io, is<append_request> auto& b) {
  fields(io, b.prev_index, b.prev_term, b.commit, b.leader_last, b.handover_epoch, b.entries);
}
template <class Io>
void body(Io& io, is<append_response> auto& b) {
  fields(io, b.rejected, b.recovering, b.needs_snapshot, b.match, b.hint_index, b.hint_term);
}
template <class Io>
void body(Io& io, is<heartbeat> auto& b) {
  fields(io, b.round, b.commit, b.leader_last, b.handover_epoch, b.recovery_mark);
}
template <class Io>
void body(Io& io, is<heartbeat_response> auto& b) {
  fields(io, b.round, b.recovering, b.recovery_mark, b.last_index);
}
template <class Io>
void body(Io& io, is<timeout_now> auto& b) {
  fields(io, b.handover_epoch, b.lease_released);
}
template <class Io>
void body(Io& io, is<read_index_request> auto& b) {
  fields(io, b.session, b.sequence);
}
template <class Io>
void body(Io& io, is<read_index_response> auto& b) {
  fields(io, b.session, b.sequence, b.ok, b.index);
}
template <class Io>
void body(Io& io, is<snapshot_offer> auto& b) {
  fields(io, b.meta.id, b.meta.index, b.meta.term, b.meta.size, b.meta.members);
}
template <class Io>
void body(Io& io, is<snapshot_status> auto& b) {
  fields(io, b.id, b.index, b.stored, b.installed, b.recovering);
}
template <class Io>
void body(Io& io, is<removed_notice> auto& b) {
  fields(io, b.config_index);
}
template <class Io>
void body(Io&, is<removed_ack> auto&) {}

/// Makes the alternative that the wire names by position.
template <std::size_t I = 0>
bool emplace_body(message_body& to, std::size_t position) {
  if constexpr (I == std::variant_size_v<message_body>) {
    return false;
  } else {
    if (position == I) {
      to.emplace<I>();
      return true;
    }
    return emplace_body<I + 1>(to, position);
  }
}

std::optional<decode_error> finish(reader& r) {
  if (r.error())
    return r.error();
  if (!r.at_end())
    return decode_error::trailing_bytes;
  return std::nullopt;
}

} // namespace

const char* to_string(decode_error e) {
  switch (e) {
  case decode_error::truncated:
    return "truncated";
  case decode_error::trailing_bytes:
    return "trailing bytes";
  case decode_error::bad_version:
    return "unknown version";
  case decode_error::bad_type:
    return "unknown type";
  case decode_error::bad_value:
    return "bad value";
  case decode_error::too_large:
    return "too large";
  }
  return "unknown";
}

void encode(const message& m, std::string& to) {
  writer w{to};
  w.number(m.version, 1);
  w.number(m.body.index() + 1, 1);
  fields(w, m.cluster, m.from, m.to, m.term);
  std::visit([&](const auto& b) { body(w, b); }, m.body);
}

std::string encode(const message& m) {
  std::string bytes;
  encode(m, bytes);
  return bytes;
}

std::variant<message, decode_error> decode_message(std::string_view bytes, const limits& lim) {
  reader r{bytes, lim};
  message m;
  m.version = static_cast<std::uint8_t>(r.number(1));
  if (r.error())
    return *r.error();
  if (m.version != protocol_version)
    return decode_error::bad_version;
  const std::uint64_t type = r.number(1);
  if (r.error())
    return *r.error();
  if (type == 0 || !emplace_body(m.body, static_cast<std::size_t>(type - 1)))
    return decode_error::bad_type;
  fields(r, m.cluster, m.from, m.to, m.term);
  std::visit([&](auto& b) { body(r, b); }, m.body);
  if (const auto error = finish(r))
    return *error;
  return m;
}

std::optional<node_id> peek_sender(std::string_view bytes) {
  constexpr std::size_t before = 1 + 1 + 16; // version, type, cluster
  static const limits any{};
  reader r{bytes.substr(std::min(before, bytes.size())), any};
  node_id from;
  fields(r, from);
  if (r.error() || bytes.empty() || static_cast<std::uint8_t>(bytes[0]) != protocol_version)
    return std::nullopt;
  return from;
}

std::string encode_config(const config& c) {
  std::string bytes;
  writer w{bytes};
  w.number(config_format, 1);
  field(w, c);
  return bytes;
}

std::variant<config, decode_error> decode_config(std::string_view bytes, const limits& lim) {
  reader r{bytes, lim};
  const auto format = static_cast<std::uint8_t>(r.number(1));
  if (r.error())
    return *r.error();
  if (format != config_format)
    return decode_error::bad_version;
  config c;
  field(r, c);
  if (const auto error = finish(r))
    return *error;
  if (!invalid_reason(c, lim).empty())
    return decode_error::bad_value;
  return c;
}

} // namespace holdfast::raft
