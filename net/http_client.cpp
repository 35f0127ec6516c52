#include "net/http_client.hpp"

#include "net/client_connection.hpp"
#include "net/client_tls.hpp"
#include "net/websocket_session.hpp"

#include <charconv>
#include <map>

namespace holdfast::net {

using clock_type = std::chrono::steady_clock;

std::string_view client_response::header(std::string_view lower_case_name) const {
  for (const auto& [name, value] : headers)
    if (name == lower_case_name)
      return value;
  return {};
}

std::optional<http_url> parse_url(std::string_view text, std::uint16_t default_port, std::string& why) {
  http_url url;
  url.port = default_port;
  const auto original = std::string(text);
  if (text.starts_with("https://") || text.starts_with("wss://")) {
    text.remove_prefix(text.find("://") + 3);
  } else {
    why = "'" + original + "' must start with https:// or wss://";
    return std::nullopt;
  }
  auto authority = text.substr(0, text.find_first_of("/?"));
  if (authority.size() < text.size())
    url.target = (text[authority.size()] == '?' ? "/" : "") + std::string(text.substr(authority.size()));
  std::string_view port;
  if (authority.starts_with('[')) {
    const auto end = std::min(authority.find(']'), authority.size());
    url.host = authority.substr(1, end - 1);
    authority.remove_prefix(std::min(end + 1, authority.size()));
    port = authority.starts_with(':') ? authority.substr(1) : std::string_view{};
  } else {
    const auto colon = std::min(authority.find(':'), authority.size());
    url.host = authority.substr(0, colon);
    port = colon < authority.size() ? authority.substr(colon + 1) : std::string_view{};
  }
  if (url.host.empty() || url.host.find('@') != std::string::npos) {
    why = "'" + original + "' names no host";
    return std::nullopt;
  }
  if (!port.empty()) {
    const auto parsed = std::from_chars(port.data(), port.data() + port.size(), url.port);
    if (parsed.ec != std::errc{} || parsed.ptr != port.data() + port.size() || url.port == 0) {
      why = "'" + original + "' has a bad port";
      return std::nullopt;
    }
  }
  return url;
}

namespace {

std::string key_of(const http_url& where) {
  return where.host + " " + std::to_string(where.port) + " " + where.node;
}

std::string host_header(const http_url& where) {
  const bool v6 = where.host.find(':') != std::string::npos;
  return (v6 ? "[" + where.host + "]" : where.host) + ":" + std::to_string(where.port);
}

bool safe_to_repeat(const client_request& request) {
  return !request.body_source && (request.method == "GET" || request.method == "HEAD");
}

using connection_ptr = std::shared_ptr<client_connection>;

/// From now on a cancelled call closes its connection, also one that is still being made.
void arm(const std::shared_ptr<client_cancel>& cancel, const connection_ptr& connection) {
  if (cancel)
    cancel->arm([weak = connection->weak_from_this()] {
      if (const auto alive = weak.lock())
        alive->close();
    });
}

/// The connection is somebody else's from now on.
void disarm(const std::shared_ptr<client_cancel>& cancel) {
  if (cancel)
    cancel->arm({});
}

} // namespace

struct http_client::state : std::enable_shared_from_this<http_client::state> {
  state(asio::any_io_executor ex, http_client_options opts)
      : executor(std::move(ex)), options(std::make_shared<http_client_options>(std::move(opts))),
        context(make_client_context(*options)), cleaner(executor) {}

  asio::any_io_executor executor;
  std::shared_ptr<const http_client_options> options;
  tls_context_ptr context;
  std::uint64_t generation = 0;
  std::map<std::string, std::vector<connection_ptr>> idle;
  asio::steady_timer cleaner;
  bool cleaning = false;
  bool dead = false;
  std::string last_fingerprint;

  connection_ptr take(const std::string& key);
  void give_back(const std::string& key, const connection_ptr& connection);
  void clean_later();
  void drop_idle(clock_type::time_point before);

  struct opened {
    client_failure failure;
    connection_ptr connection;
    client_response head;
  };
  asio::awaitable<opened> start(http_url where, const client_request& request,
                                std::chrono::milliseconds time);
  asio::awaitable<opened> dial(http_url where, clock_type::time_point end,
                               std::shared_ptr<client_cancel> cancel);
};

connection_ptr http_client::state::take(const std::string& key) {
  const auto found = idle.find(key);
  if (found == idle.end())
    return nullptr;
  while (!found->second.empty()) {
    auto connection = std::move(found->second.back());
    found->second.pop_back();
    if (connection->quiet())
      return connection;
    connection->close();
  }
  return nullptr;
}

void http_client::state::give_back(const std::string& key, const connection_ptr& connection) {
  auto& kept = idle[key];
  connection->set_deadline(clock_type::time_point::max());
  if (dead || !connection->reusable() || connection->generation() != generation ||
      kept.size() >= options->idle_per_host) {
    connection->close();
    return;
  }
  connection->idle_since = clock_type::now();
  kept.push_back(connection);
  clean_later();
}

void http_client::state::drop_idle(clock_type::time_point before) {
  for (auto entry = idle.begin(); entry != idle.end();) {
    std::erase_if(entry->second, [&](const connection_ptr& connection) {
      const bool old = connection->idle_since < before;
      if (old)
        connection->close();
      return old;
    });
    entry = entry->second.empty() ? idle.erase(entry) : std::next(entry);
  }
}

void http_client::state::clean_later() {
  if (cleaning)
    return;
  cleaning = true;
  cleaner.expires_after(options->idle_keep);
  cleaner.async_wait([weak = weak_from_this()](error_code ec) {
    const auto self = weak.lock();
    if (ec || !self)
      return;
    self->cleaning = false;
    self->drop_idle(clock_type::now() - self->options->idle_keep);
    if (!self->idle.empty())
      self->clean_later();
  });
}

asio::awaitable<http_client::state::opened>
http_client::state::dial(http_url where, clock_type::time_point end, std::shared_ptr<client_cancel> cancel) {
  opened result;
  result.connection = std::make_shared<client_connection>(executor, context, options, generation);
  arm(cancel, result.connection);
  result.connection->set_deadline(std::min(end, clock_type::now() + options->connect_time));
  result.failure = co_await result.connection->connect(where);
  if (!result.connection->fingerprint().empty())
    last_fingerprint = result.connection->fingerprint();
  result.connection->set_deadline(end);
  co_return result;
}

asio::awaitable<http_client::state::opened>
http_client::state::start(http_url where, const client_request& request, std::chrono::milliseconds time) {
  const auto self = shared_from_this();
  const auto end = clock_type::now() + time;
  const auto key = key_of(where);
  for (;;) {
    opened result;
    result.connection = take(key);
    const bool reused = result.connection != nullptr;
    if (reused)
      result.connection->set_deadline(end);
    else
      result = co_await dial(where, end, request.cancel);
    if (request.cancel && request.cancel->cancelled()) {
      result.connection->close();
      result.failure = {client_error::closed, "the call was cancelled", false};
    }
    if (result.failure)
      co_return result;
    arm(request.cancel, result.connection);
    result.failure = co_await result.connection->exchange(request, host_header(where), time, result.head);
    if (result.failure && reused && result.connection->stale() && safe_to_repeat(request))
      continue;
    co_return result;
  }
}

namespace {

class pooled_stream final : public client_stream {
public:
  using give_back_function = std::function<void(const connection_ptr&)>;
  pooled_stream(connection_ptr connection, client_response head, give_back_function give_back)
      : connection_(std::move(connection)), head_(std::move(head)), give_back_(std::move(give_back)) {}
  ~pooled_stream() override {
    if (connection_)
      connection_->close();
  }

  [[nodiscard]] const client_response& head() const override { return head_; }

  asio::awaitable<std::optional<std::size_t>> read_some(std::span<std::byte> into,
                                                        std::chrono::milliseconds idle) override {
    if (!connection_)
      co_return done_ ? std::optional<std::size_t>(0) : std::nullopt;
    const auto connection = connection_;
    connection->set_deadline(clock_type::now() + idle);
    const auto n = co_await connection->read_some(into);
    connection->set_deadline(clock_type::time_point::max());
    if (n && *n > 0)
      co_return n;
    connection_.reset();
    done_ = n.has_value();
    if (done_)
      give_back_(connection);
    co_return n;
  }

private:
  connection_ptr connection_;
  client_response head_;
  give_back_function give_back_;
  bool done_ = false;
};

} // namespace

http_client::http_client(asio::any_io_executor executor, http_client_options options)
    : state_(std::make_shared<state>(std::move(executor), std::move(options))) {}

http_client::~http_client() {
  state_->dead = true;
  state_->cleaner.cancel();
  state_->drop_idle(clock_type::time_point::max());
}

void http_client::reconfigure(http_client_options options) {
  auto fresh = std::make_shared<const http_client_options>(std::move(options));
  state_->context = make_client_context(*fresh);
  state_->options = std::move(fresh);
  ++state_->generation;
  state_->drop_idle(clock_type::time_point::max());
}

asio::awaitable<client_stream_result> http_client::open(http_url where, client_request request,
                                                        std::chrono::milliseconds time) {
  const auto shared = state_;
  auto opened = co_await shared->start(where, request, time);
  client_stream_result result;
  result.failure = opened.failure;
  if (result.failure)
    co_return result;
  opened.connection->set_deadline(clock_type::time_point::max());
  const auto key = key_of(where);
  result.stream =
      std::make_unique<pooled_stream>(opened.connection, std::move(opened.head),
                                      [shared, key, cancel = request.cancel](const connection_ptr& done) {
                                        disarm(cancel);
                                        shared->give_back(key, done);
                                      });
  co_return result;
}

asio::awaitable<client_response> http_client::send(http_url where, client_request request,
                                                   std::chrono::milliseconds time, std::size_t body_limit) {
  const auto shared = state_;
  const auto end = clock_type::now() + time;
  auto opened = co_await shared->start(where, request, time);
  client_response result = std::move(opened.head);
  result.failure = opened.failure;
  if (result.failure)
    co_return result;
  opened.connection->set_deadline(end);
  constexpr std::size_t piece = 16 * 1024;
  for (;;) {
    const auto have = result.body.size();
    result.body.resize(have + std::max(piece, have));
    const auto n =
        co_await opened.connection->read_some(std::as_writable_bytes(std::span(result.body)).subspan(have));
    result.body.resize(have + n.value_or(0));
    if (!n) {
      result.failure = opened.connection->failure();
      co_return result;
    }
    if (result.body.size() > body_limit) {
      opened.connection->close();
      result.failure = {client_error::too_large,
                        "the answer has more than " + std::to_string(body_limit) + " bytes", true};
      co_return result;
    }
    if (*n == 0)
      break;
  }
  disarm(request.cancel);
  shared->give_back(key_of(where), opened.connection);
  co_return result;
}

asio::awaitable<client_websocket_result>
http_client::connect_websocket(http_url where, std::vector<std::pair<std::string, std::string>> headers,
                               std::chrono::milliseconds time) {
  const auto shared = state_;
  client_websocket_result result;
  auto opened = co_await shared->dial(where, clock_type::now() + time, nullptr);
  result.failure = opened.failure;
  if (result.failure)
    co_return result;
  opened.connection->set_deadline(clock_type::time_point::max());
  websocket_limits limits;
  limits.message = 16 * 1024 * 1024; // the server is the one we chose; events carry whole objects
  limits.handshake_time = time;
  limits.idle = shared->options->websocket_idle;
  auto session =
      std::make_shared<websocket_session>(opened.connection->release(), opened.connection->context(), limits);
  const auto answer = co_await session->ask(host_header(where), where.target, headers);
  if (answer.done) {
    result.status = 101;
    result.socket = session;
  } else {
    result.status = answer.status;
    result.body = answer.body.substr(0, 64 * 1024);
    const bool declined = answer.status != 0;
    result.failure = {declined ? client_error::protocol : client_error::closed,
                      declined
                          ? "the server declined the websocket with status " + std::to_string(answer.status)
                          : "no websocket: " + answer.why,
                      true};
  }
  co_return result;
}

const std::string& http_client::last_fingerprint() const {
  return state_->last_fingerprint;
}

} // namespace holdfast::net
