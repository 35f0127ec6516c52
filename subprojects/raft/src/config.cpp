#include <raft/config.hpp>

#include <algorithm>

namespace holdfast::raft {
namespace {

member* find_mutable(config& c, node_id id) {
  const auto it = std::lower_bound(c.members.begin(), c.members.end(), id,
                                   [](const member& m, node_id key) { return m.id < key; });
  return it != c.members.end() && it->id == id ? &*it : nullptr;
}

void insert(config& c, member m) {
  const auto it = std::lower_bound(c.members.begin(), c.members.end(), m.id,
                                   [](const member& a, node_id key) { return a.id < key; });
  c.members.insert(it, std::move(m));
}

void remember_removed(config& c, node_id id, const limits& lim) {
  c.removed.push_back(id);
  while (c.removed.size() > lim.max_removed_ids)
    c.removed.erase(c.removed.begin());
}

config to_joint(config c) {
  c.joint = true;
  for (member& m : c.members)
    m.outgoing = m.voter;
  return c;
}

std::variant<config, change_error> add_learner(config c, const membership_change& change, const limits& lim) {
  if (c.is_removed(change.id))
    return change_error::id_was_removed;
  if (c.find(change.id))
    return change_error::already_member;
  if (c.members.size() >= lim.max_members)
    return change_error::too_many_members;
  if (change.id.is_nil() || change.address.size() > lim.max_address_bytes)
    return change_error::bad_address;
  member m;
  m.id = change.id;
  m.address = change.address;
  m.observer = change.observer;
  insert(c, std::move(m));
  return c;
}

std::variant<config, change_error> take_vote(config c, const membership_change& change, const limits& lim) {
  const bool remove = change.kind == change_kind::remove;
  const member* m = c.find(change.id);
  if (!m->voter) {
    if (!remove)
      return change_error::not_a_voter;
    std::erase_if(c.members, [&](const member& x) { return x.id == change.id; });
    remember_removed(c, change.id, lim);
    return c;
  }
  if (c.voter_count() == 1)
    return change_error::last_voter;
  config joint = to_joint(std::move(c));
  member* mine = find_mutable(joint, change.id);
  mine->voter = false;
  mine->leaving = remove;
  return joint;
}

} // namespace

const member* config::find(node_id id) const {
  for (const member& m : members)
    if (m.id == id)
      return &m;
  return nullptr;
}

bool config::is_voter(node_id id) const {
  const member* m = find(id);
  return m && m->votes();
}

bool config::is_removed(node_id id) const {
  return std::find(removed.begin(), removed.end(), id) != removed.end();
}

std::size_t config::voter_count() const {
  return static_cast<std::size_t>(
      std::count_if(members.begin(), members.end(), [](const member& m) { return m.voter; }));
}

bool config::sole_voter(node_id id) const {
  if (joint)
    return false;
  const member* m = find(id);
  return m && m->voter && voter_count() == 1;
}

const char* to_string(change_error e) {
  switch (e) {
  case change_error::none:
    return "none";
  case change_error::busy:
    return "another membership change is under way";
  case change_error::already_member:
    return "already a member";
  case change_error::id_was_removed:
    return "this id was removed; ids are single-use";
  case change_error::not_a_member:
    return "not a member";
  case change_error::not_a_learner:
    return "not a learner";
  case change_error::not_a_voter:
    return "not a voter";
  case change_error::not_caught_up:
    return "has not caught up yet";
  case change_error::would_lose_quorum:
    return "the live members would have no majority";
  case change_error::last_voter:
    return "the last voter";
  case change_error::too_many_members:
    return "too many members";
  case change_error::bad_address:
    return "bad id or address";
  }
  return "unknown";
}

std::variant<config, change_error> apply_change(const config& current, const membership_change& change,
                                                const limits& lim) {
  if (current.joint)
    return change_error::busy;
  if (change.kind == change_kind::add_learner)
    return add_learner(current, change, lim);
  config next = current;
  member* m = find_mutable(next, change.id);
  if (!m)
    return change_error::not_a_member;
  switch (change.kind) {
  case change_kind::promote:
    if (m->voter)
      return change_error::not_a_learner;
    next = to_joint(std::move(next));
    find_mutable(next, change.id)->voter = true;
    return next;
  case change_kind::demote:
  case change_kind::remove:
    return take_vote(std::move(next), change, lim);
  case change_kind::set_observer:
    m->observer = change.observer;
    return next;
  case change_kind::set_address:
    if (change.address.size() > lim.max_address_bytes)
      return change_error::bad_address;
    m->address = change.address;
    return next;
  case change_kind::add_learner:
    break;
  }
  return change_error::not_a_member;
}

config leave_joint(const config& joint, const limits& lim) {
  config next = joint;
  next.joint = false;
  for (const member& m : joint.members)
    if (m.leaving)
      remember_removed(next, m.id, lim);
  std::erase_if(next.members, [](const member& m) { return m.leaving; });
  for (member& m : next.members)
    m.outgoing = false;
  return next;
}

config make_config(const std::vector<node_id>& voters) {
  config c;
  for (const node_id id : voters) {
    member m;
    m.id = id;
    m.voter = true;
    insert(c, std::move(m));
  }
  return c;
}

std::string invalid_reason(const config& c, const limits& lim) {
  if (c.members.size() > lim.max_members)
    return "too many members";
  if (c.removed.size() > lim.max_removed_ids)
    return "too many removed ids";
  bool voter = c.members.empty();
  for (std::size_t i = 0; i < c.members.size(); ++i) {
    const member& m = c.members[i];
    if (m.id.is_nil())
      return "nil id";
    if (i > 0 && !(c.members[i - 1].id < m.id))
      return "members not sorted or duplicate";
    if (m.address.size() > lim.max_address_bytes)
      return "address too long";
    if (!c.joint && (m.outgoing || m.leaving))
      return "joint flags outside a joint configuration";
    if (m.leaving && m.voter)
      return "a voter of the new set cannot be leaving";
    if (c.is_removed(m.id))
      return "a removed id is a member";
    voter = voter || m.voter;
  }
  if (!voter)
    return "no voter";
  const bool outgoing =
      std::any_of(c.members.begin(), c.members.end(), [](const member& m) { return m.outgoing; });
  if (c.joint && !outgoing)
    return "joint without an old set";
  return {};
}

} // namespace holdfast::raft
