// Whether this node may form its cluster, or let another one in: what the entitlement that is installed says,
// where the daemon was told to ask for one (actors/node/entitlement.hpp). Nothing else ever asks.
#include "actors/node/cluster_desk.hpp"

#include <algorithm>

namespace holdfast::node {

namespace {

using boost::asio::awaitable;
using namespace std::chrono_literals;

std::chrono::sys_seconds this_second() {
  return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
}

} // namespace

/// A signature costs more than `info` should, so an object is read once.
const entitlement_reading& cluster_desk::installed_entitlement(const msg::object_view& view) {
  auto object = view.get(entitlement_prefix, entitlement_profile);
  if (object != entitlement_object_ || !object) {
    const auto json = object ? std::optional<std::string_view>(object->json) : std::nullopt;
    entitlement_ = read_entitlement(json, *config_.issuer);
    entitlement_object_ = std::move(object);
  }
  return entitlement_;
}

/// The cluster with everybody who is in it, and the newcomer.
growth cluster_desk::grown(std::string ha_id, const msg::member_record* newcomer) const {
  growth out;
  out.judge = config_.drp_id;
  out.ha_id = std::move(ha_id);
  if (!state_->consensus_enabled)
    out.servers.push_back({config_.drp_id, ""});
  for (const auto& [id, record] : facts_.members) {
    if (!record.drp_id.empty())
      out.servers.push_back({record.drp_id, record.consensus_addr});
  }
  if (newcomer != nullptr)
    out.servers.push_back({newcomer->drp_id, newcomer->consensus_addr});
  std::sort(out.servers.begin(), out.servers.end(), // for whoever reads them; members come by ConsensusID
            [](const listed_server& left, const listed_server& right) { return left.id < right.id; });
  return out;
}

std::optional<msg::license_facts> cluster_desk::license(const msg::object_view& view) {
  if (!config_.issuer)
    return std::nullopt;
  const auto present = grown(state_->consensus_enabled ? state_->ha_id : std::string(), nullptr);
  return license_of(installed_entitlement(view), present, this_second());
}

/// On the node that serves writes. Below 400: it may be.
awaitable<msg::cluster_answer> cluster_desk::entitled(std::string ha_id,
                                                      std::optional<msg::member_record> newcomer) {
  if (!config_.issuer)
    co_return msg::cluster_answer{};
  const auto read =
      co_await config_.ask->ask(config_.replay, 5s, msg::read_atom::value, msg::consistency::linear);
  if (!read || !read.value->view)
    co_return refused(503, "The entitlement cannot be looked up now: try again in a moment");
  const auto wanted = grown(std::move(ha_id), newcomer ? &*newcomer : nullptr);
  const auto reasons = refuse_growth(installed_entitlement(*read.value->view), wanted, this_second());
  co_return reasons.empty() ? msg::cluster_answer{} : refused(422, reasons);
}

} // namespace holdfast::node
