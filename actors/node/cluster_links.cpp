// What the links between members need from the desk: who this node is to them, and whom to dial.
#include "actors/node/cluster_desk.hpp"

#include "actors/node/addresses.hpp"

#include <algorithm>

namespace holdfast::node {

namespace {

using boost::asio::awaitable;
using namespace std::chrono_literals;

constexpr auto links_limit = 800ms;

} // namespace

net::peer_credentials cluster_desk::make_credentials(const std::vector<msg::trust_root>& roots,
                                                     const std::string& node_id,
                                                     const std::string& address) const {
  const auto at = parse_endpoint(address);
  if (!at)
    throw net::identity_error("ConsensusAddr '" + address + "' is not ip:port");
  const auto now = std::chrono::system_clock::now();
  net::peer_credentials out{
      net::make_node_certificate(to_credential(roots.front()), node_id, at->address, now), {}};
  for (const auto& root : roots)
    out.roots.push_back(to_certificate(root));
  return out;
}

awaitable<std::string> cluster_desk::set_up_links() {
  const bool removed = members_ && members_->removed;
  const auto state = state_;
  const bool wanted = members_ && !removed && !links_off_ && state->consensus_enabled &&
                      !state->consensus_addr.empty() && !state->roots.empty();
  if (!wanted) {
    if (removed || !state->consensus_enabled)
      co_await drop_links();
    co_return std::string{};
  }
  const auto cluster = to_string(members_->cluster);
  const bool same_place = links_setup_ && links_setup_->settings->cluster_id == cluster &&
                          links_setup_->settings->node_id == own_raft_id() &&
                          links_setup_->settings->own.text() == state->consensus_addr;
  std::vector<net::certificate> roots;
  for (const auto& root : state->roots)
    roots.push_back(to_certificate(root));
  const auto half_life = net::node_lifetime / 2;
  bool fresh = credentials_ && credentials_->roots.size() == roots.size() &&
               credentials_->own.cert.info().not_after - std::chrono::system_clock::now() > half_life;
  for (std::size_t i = 0; fresh && i < roots.size(); ++i)
    fresh = roots[i].info().fingerprint == credentials_->roots[i].info().fingerprint;
  if (same_place && fresh && !links_stale_)
    co_return std::string{};

  auto setup = std::make_shared<msg::links_setup>();
  if (same_place) {
    setup->settings = links_setup_->settings;
  } else {
    std::string why;
    const auto own = net::parse_address(state->consensus_addr, why);
    if (!own)
      co_return why;
    auto settings = std::make_shared<net::peer_settings>();
    settings->cluster_id = cluster;
    settings->node_id = own_raft_id();
    settings->own = *own;
    settings->limits = config_.link_limits;
    setup->settings = std::move(settings);
  }
  credentials_ = make_credentials(state->roots, own_raft_id(), state->consensus_addr);
  setup->credentials = std::make_shared<const net::peer_credentials>(*credentials_);
  config_.cluster_tls->set(net::make_peer_context(*credentials_));
  links_stale_ = false;
  const msg::links_setup_ptr sent = setup;
  const auto answer = co_await config_.ask->ask(config_.links, 2s, msg::setup_atom::value, sent);
  if (!answer || !answer.value->empty()) {
    links_setup_.reset();
    links_stale_ = true;
    co_return answer ? *answer.value : answer.error;
  }
  links_setup_ = sent;
  tell_links_members();
  co_return std::string{};
}

awaitable<void> cluster_desk::drop_links() {
  if (!links_setup_)
    co_return;
  links_setup_.reset();
  credentials_.reset();
  config_.cluster_tls->set(nullptr);
  const auto none = msg::links_setup_ptr{};
  co_await config_.ask->ask(config_.links, links_limit, msg::setup_atom::value, none);
}

/// A node that was removed while it was down hears it from nobody but by being turned away.
void cluster_desk::take_rows(const std::vector<msg::link_row>& rows) {
  link_up_.clear();
  handled_.clear();
  bool linked = false;
  bool refused = false;
  for (const auto& row : rows) {
    link_up_[row.peer] = row.up;
    handled_[row.peer] = row.handled;
    linked = linked || row.up;
    refused = refused || row.refused;
  }
  told_out_ = refused && !linked;
}

/// A node whose log does not reach to the configuration that has it as a member (it is joining, or lost that
/// part) also dials those it was told of, or knew: a leader's messages need an answer before they can carry
/// the configuration.
void cluster_desk::tell_links_members() {
  if (!members_)
    return;
  auto told = members_;
  const auto& list = members_->members;
  const bool inside = std::any_of(list.begin(), list.end(), [this](const msg::member_info& member) {
    return member.id == members_->self;
  });
  if (!members_->removed && !inside) {
    auto seeds = std::make_shared<msg::members_info>(*members_);
    for (const auto& seed : join_ ? join_->members : config_.seeds) {
      const auto id = raft::parse_node_id(seed.raft_id);
      if (!id)
        continue;
      const auto known = std::find_if(seeds->members.begin(), seeds->members.end(),
                                      [&](const msg::member_info& member) { return member.id == *id; });
      if (known == seeds->members.end())
        seeds->members.push_back({*id, seed.consensus_addr, true, false});
      else if (known->address.empty())
        known->address = seed.consensus_addr;
    }
    told = seeds;
  }
  caf::anon_send(config_.links, msg::members_atom::value, told);
}

} // namespace holdfast::node
