#include "actors/api/actor_gateways.hpp"

#include "actors/api/api_front.hpp"
#include "net/api_certificate.hpp"

namespace holdfast::api {

namespace {

using boost::asio::awaitable;
using namespace std::chrono_literals;

constexpr auto read_limit = 5s;
constexpr auto write_limit = 10s;
constexpr auto enrol_limit = 120s;
constexpr auto digest_limit = 5s;
constexpr auto status_limit = 800ms; ///< STA-10: within 1 s
constexpr auto part_limit = 150ms;   ///< of a status call that asks others as well

} // namespace

awaitable<msg::read_result> replay_gateway::read(msg::consistency how) {
  if (how == msg::consistency::local && newest_->view) {
    newest_->asked_for = true;
    co_return msg::read_result{newest_->view, {}};
  }
  auto asked = co_await ask_.ask(replay_, read_limit, msg::read_atom::value, how);
  if (asked)
    co_return std::move(*asked.value);
  co_return msg::read_result{nullptr, "the store does not answer: " + asked.error};
}

awaitable<msg::write_result> replay_gateway::write(msg::transaction_ptr tx) {
  auto asked = co_await ask_.ask(replay_, write_limit, msg::write_atom::value, std::move(tx));
  if (asked)
    co_return std::move(*asked.value);
  msg::write_result out;
  // A dead actor never saw the transaction; one that failed or was too slow may have proposed it.
  out.status =
      asked.status == runtime::ask_status::dead ? msg::write_status::not_done : msg::write_status::unknown;
  out.reason = "the store does not answer: " + asked.error;
  co_return out;
}

actor_node_port::actor_node_port(runtime::asker& ask, api_front& front, parts from)
    : ask_(ask), front_(front), parts_(std::move(from)) {}

awaitable<std::optional<msg::consensus_status>> actor_node_port::status() {
  auto asked = co_await ask_.ask(parts_.replay, status_limit, msg::status_atom::value);
  if (asked && parts_.present)
    co_return parts_.present(std::move(*asked.value));
  co_return std::move(asked.value);
}

awaitable<msg::cluster_answer> actor_node_port::cluster(msg::cluster_call call) {
  const msg::cluster_call_ptr sent = std::make_shared<const msg::cluster_call>(std::move(call));
  auto asked = co_await ask_.ask(parts_.cluster, enrol_limit, msg::call_atom::value, sent);
  if (asked && *asked.value)
    co_return **asked.value;
  msg::cluster_answer out;
  out.status = asked.status == runtime::ask_status::dead ? 503 : 504;
  out.messages.push_back("the cluster desk does not answer: " + asked.error);
  co_return out;
}

awaitable<std::optional<msg::log_digest>> actor_node_port::digest(std::uint64_t index) {
  // The log's writer may be in the middle of a sync.
  auto asked = co_await ask_.ask(parts_.log_writer, digest_limit, msg::digests_atom::value, index);
  co_return std::move(asked.value);
}

awaitable<std::vector<msg::actor_row>> actor_node_port::actors() {
  auto asked = co_await ask_.ask(parts_.node, status_limit, msg::actors_atom::value);
  if (asked)
    co_return std::move(*asked.value);
  co_return std::vector<msg::actor_row>{};
}

awaitable<std::optional<msg::vip_status>> actor_node_port::vip() {
  auto asked = co_await ask_.ask(parts_.vip, part_limit, msg::status_atom::value);
  co_return std::move(asked.value);
}

awaitable<std::string> actor_node_port::control(std::string verb, std::string name) {
  auto asked =
      co_await ask_.ask(parts_.node, read_limit, msg::control_atom::value, std::move(verb), std::move(name));
  if (asked)
    co_return std::move(*asked.value);
  co_return "the supervisor does not answer: " + asked.error;
}

net::http_server_stats actor_node_port::http() const {
  return front_.stats();
}

net::tls_context_ptr actor_node_port::check_certificate(const net::pem_pair& pem) const {
  return net::make_api_context(pem, parts_.cluster_tls);
}

void actor_node_port::store_certificate(const net::pem_pair& pem) const {
  net::write_api_certificate(parts_.files.cert, parts_.files.key, pem);
}

void actor_node_port::swap_certificate(const net::pem_pair& pem, net::tls_context_ptr context) {
  parts_.certificate = pem;
  front_.tls().set(std::move(context));
}

} // namespace holdfast::api
