#include "actors/node/enrolment_rules.hpp"

#include "actors/node/addresses.hpp"
#include "actors/node/digest.hpp"

#include <algorithm>

namespace holdfast::node {

namespace {

using texts = std::vector<std::string>;

std::string bare(const std::string& virt_addr) {
  return virt_addr.substr(0, virt_addr.find('/'));
}

/// CFG-19, CFG-20.
void check_consensus_addr(const msg::ha_state& posted, const enrolment_ground& ground, texts& out) {
  if (posted.consensus_addr.empty()) {
    out.emplace_back("ConsensusAddr is missing: give this node's own ip:port for traffic between members, "
                     "for example 10.0.0.5:8093");
    return;
  }
  const auto at = parse_endpoint(posted.consensus_addr);
  if (!at) {
    out.push_back("ConsensusAddr '" + posted.consensus_addr +
                  "' is not an IP address with a port from 1 to 65535, such as 10.0.0.5:8093 or "
                  "[fd00::5]:8093");
    return;
  }
  if (!ground.can_bind(at->address))
    out.push_back("ConsensusAddr " + at->address +
                  " is not an address of this host: use one of its own, which does not move");
  if (!posted.virt_addr.empty() && same_ip(bare(posted.virt_addr), at->address))
    out.push_back("ConsensusAddr and VirtAddr are both " + at->address +
                  ": the consensus address must stay with the node, choose another one");
}

/// True when the link has an address of the same network; also when VirtAddr is malformed, which is said
/// elsewhere.
bool fits(const msg::ha_state& posted, const host_facts& host) {
  const auto wanted = parse_cidr(posted.virt_addr);
  if (!wanted)
    return true;
  for (const auto& link : host.links) {
    if (link.name != posted.virt_interface)
      continue;
    for (const auto& text : link.addresses) {
      if (same_network(posted.virt_addr, text))
        return true;
    }
  }
  return false;
}

/// SEL-06, SEL-09, VIP-14: the half that differs between a node behind a balancer and one with a VIP.
void check_virtual_address(const msg::ha_state& posted, const enrolment_ground& ground, texts& out) {
  if (posted.load_balanced) {
    if (!posted.virt_interface.empty())
      out.emplace_back("VirtInterface is set though LoadBalanced is true: leave it out, the balancer owns "
                       "the address");
    if (!posted.virt_interface_script.empty())
      out.emplace_back("VirtInterfaceScript is set though LoadBalanced is true: leave it out, the balancer "
                       "owns the address");
  } else if (posted.virt_interface.empty()) {
    out.emplace_back("VirtInterface is missing: name the link of this host that is to carry VirtAddr, or set "
                     "LoadBalanced true");
  } else if (!ground.host.has_link(posted.virt_interface)) {
    out.push_back("VirtInterface '" + posted.virt_interface +
                  "' is no link of this host: choose one that ip link shows");
  } else if (!fits(posted, ground.host)) {
    out.push_back("VirtAddr " + posted.virt_addr + " is in the network of no address on VirtInterface " +
                  posted.virt_interface + ": choose the link that is in the clients' network");
  }
  if (!posted.load_balanced && !ground.vip_missing.empty())
    out.push_back("This node cannot carry VirtAddr: it lacks " + ground.vip_missing +
                  "; start holdfastd as root (with --user for another user), or give it CAP_NET_ADMIN and "
                  "CAP_NET_RAW");
  if (!posted.virt_interface_script.empty() && !posted.virt_interface_script.starts_with('/'))
    out.emplace_back("VirtInterfaceScript must be the full path of a program");
}

void check_virt_addr(const msg::ha_state& posted, const enrolment_ground& ground, texts& out) {
  if (posted.virt_addr.empty()) {
    out.emplace_back("VirtAddr is missing: give the address clients use, with its prefix (10.0.0.9/24), or "
                     "as a bare IP address with LoadBalanced true");
    return;
  }
  if (posted.load_balanced) {
    if (!is_ip(posted.virt_addr))
      out.push_back("VirtAddr '" + posted.virt_addr +
                    "' must be a bare IP address when LoadBalanced is true");
    else if (ground.host.has_address(posted.virt_addr))
      out.push_back("VirtAddr " + posted.virt_addr +
                    " is on this host, though a load balancer should own it: use the balancer's address");
  } else if (!parse_cidr(posted.virt_addr)) {
    out.push_back("VirtAddr '" + posted.virt_addr +
                  "' must be an address with its prefix, such as 10.0.0.9/24, when LoadBalanced is false");
  }
}

void check_identity(const msg::ha_state& posted, const enrolment_ground& ground, texts& out) {
  if (!posted.consensus_id.empty() && posted.consensus_id != ground.current.consensus_id)
    out.push_back("ConsensusID " + posted.consensus_id + " is not this node's, which is " +
                  ground.current.consensus_id + ": start from this node's own state");
}

} // namespace

std::vector<std::string> refuse_bootstrap(const msg::ha_state& posted, const enrolment_ground& ground) {
  texts out;
  check_identity(posted, ground, out);
  if (ground.removed) {
    out.emplace_back(
        "This node was removed from a cluster and still holds its data: enroll it into a cluster "
        "again, or start it on an empty base root");
    return out;
  }
  if (ground.current.consensus_enabled) {
    out.push_back(
        "This node is already in the cluster " + ground.current.ha_id +
        ": nothing to do; run enroll for the other nodes, with this cluster as the session"); // SEL-10
    return out;
  }
  const auto& now = ground.current;
  if (now.enabled) { // SEL-05: an existing synchronous pair keeps its values
    if (posted.ha_id != now.ha_id || posted.load_balanced != now.load_balanced ||
        posted.virt_addr != now.virt_addr)
      out.emplace_back("HaID, LoadBalanced and VirtAddr are already set by synchronous replication and are "
                       "kept: leave them out");
  }
  if (posted.ha_id.empty())
    out.emplace_back("HaID is missing: give the cluster a name of its own, equal on all members");
  else if (posted.ha_id == ground.drp_id)
    out.push_back("HaID " + posted.ha_id +
                  " is also this node's own id: the cluster needs a name no node has"); // CFG-04
  check_consensus_addr(posted, ground, out);
  check_virt_addr(posted, ground, out);
  check_virtual_address(posted, ground, out);
  if (posted.observer)
    out.emplace_back("Observer is true on the first node: a cluster of an observer alone has nobody who may "
                     "become active; enroll it as an ordinary member first"); // SEL-13
  return out;
}

std::vector<std::string> refuse_join(const msg::ha_state& posted, const enrolment_ground& ground) {
  texts out;
  check_identity(posted, ground, out);
  if (ground.current.consensus_enabled && !ground.removed) { // ENR-10
    out.push_back("This node is already a member of the cluster " + ground.current.ha_id +
                  ": remove it there first");
    return out;
  }
  check_consensus_addr(posted, ground, out);
  check_virtual_address(posted, ground, out);
  if (posted.consensus_join.empty())
    out.emplace_back("ConsensusJoin is empty: the introduction names no active node; take it again once the "
                     "cluster has one");
  if (posted.roots.empty() || posted.roots.front().data.empty())
    out.emplace_back("Roots are missing: take a fresh introduction from the cluster as a superuser");
  if (posted.token.empty())
    out.emplace_back("Token is missing: take a fresh introduction from the cluster as a superuser");
  return out;
}

bool repeats_enrolment(const msg::ha_state& posted, const msg::ha_state& done, bool by_ticket) {
  const bool same_node = (posted.consensus_id.empty() || posted.consensus_id == done.consensus_id) &&
                         posted.consensus_addr == done.consensus_addr && posted.observer == done.observer &&
                         posted.virt_interface == done.virt_interface &&
                         posted.virt_interface_script == done.virt_interface_script;
  if (!same_node || by_ticket)
    return same_node;
  const bool same_cluster = posted.ha_id == done.ha_id && posted.virt_addr == done.virt_addr &&
                            posted.load_balanced == done.load_balanced;
  if (!same_cluster || !posted.consensus_enabled) // who founds a cluster has no roots yet
    return same_cluster;
  return std::any_of(posted.roots.begin(), posted.roots.end(), [&](const msg::trust_root& root) {
    return !root.data.empty() && std::any_of(done.roots.begin(), done.roots.end(),
                                             [&](const auto& own) { return own.data == root.data; });
  });
}

std::vector<std::string> refuse_candidate(const candidate& who, const msg::cluster_facts& cluster,
                                          const msg::member_record& own, std::size_t most_members) {
  texts out;
  const auto& record = who.record;
  if (who.protocol < oldest_member_protocol || who.protocol > member_protocol) // VER-03
    out.push_back("Version " + record.version + " speaks member protocol " + std::to_string(who.protocol) +
                  ", this cluster " + std::to_string(oldest_member_protocol) + " to " +
                  std::to_string(member_protocol) + " (version " + own.version +
                  "): install the cluster's version on the node, then enroll it again");
  if (record.os != own.os || record.arch != own.arch) // VER-02
    out.push_back("The node runs " + record.os + "/" + record.arch + ", the cluster " + own.os + "/" +
                  own.arch + ": all members need the same operating system and architecture");
  if (cluster.global) { // SEL-04, CFG-06
    const auto& global = *cluster.global;
    if (who.ha_id != global.ha_id)
      out.push_back("HaID " + who.ha_id + " is not the cluster's, which is " + global.ha_id +
                    ": HaID is set once, on the first node; leave it out");
    if (who.load_balanced != global.load_balanced)
      out.push_back(std::string("LoadBalanced is ") + (global.load_balanced ? "true" : "false") +
                    " in this cluster and set once, on the first node: leave it out");
    if (who.virt_addr != global.virt_addr)
      out.push_back("VirtAddr " + who.virt_addr + " is not the cluster's, which is " + global.virt_addr +
                    ": it is set once, on the first node; leave it out");
    if (!record.drp_id.empty() && record.drp_id == global.ha_id)
      out.push_back("The node's id " + record.drp_id +
                    " is also the cluster's HaID: give the node another --drp-id"); // CFG-04
  }
  for (const auto& [id, member] : cluster.members) {
    if (id == record.consensus_id)
      out.push_back("ConsensusID " + id + " is already a member: remove it first (holdfast ha remove)");
    if (!record.drp_id.empty() && member.drp_id == record.drp_id)
      out.push_back("The node's id " + record.drp_id + " is also the id of member " + id +
                    ": give each node its own --drp-id"); // ENR-09
    if (member.consensus_addr == record.consensus_addr)
      out.push_back("ConsensusAddr " + record.consensus_addr + " is already the address of member " + id +
                    ": use one of the node's own");
  }
  if (cluster.members.size() >= most_members)
    out.push_back("The cluster has " + std::to_string(cluster.members.size()) +
                  " members, which is the most it may have");
  return out;
}

std::string raft_id_of(std::string_view consensus_id, std::uint64_t incarnation) {
  if (incarnation <= 1)
    return std::string(consensus_id);
  auto hex = sha256_hex(std::string(consensus_id) + "/" + std::to_string(incarnation)).substr(0, 32);
  hex[12] = '8';
  hex[16] = 'a';
  return hex.substr(0, 8) + "-" + hex.substr(8, 4) + "-" + hex.substr(12, 4) + "-" + hex.substr(16, 4) + "-" +
         hex.substr(20);
}

std::size_t tolerated_failures(std::size_t voters) {
  return voters == 0 ? 0 : (voters - 1) / 2;
}

std::string size_warning(std::size_t voters) {
  const auto count = std::to_string(voters);
  if (voters < 3)
    return "Not fault tolerant: " + count + (voters == 1 ? " voting member" : " voting members") +
           ", automatic failover needs at least 3";
  if (voters % 2 == 0)
    return "An even number of voting members (" + count + ") stands no more failures than " +
           std::to_string(voters - 1);
  return {};
}

} // namespace holdfast::node
