// system ha introduction | join | enroll | remove | transfer: membership as the existing client does it
// (contract §8.3).
#include "tools/holdfast/commands.hpp"

#include <array>
#include <fstream>
#include <ostream>
#include <sys/stat.h>

namespace holdfast::cli {

namespace {

constexpr const char* state_path = "system/consensus/state";
constexpr const char* introduction_path = "system/consensus/introduction";
constexpr const char* enroll_path = "system/consensus/enroll";

struct enrol_words {
  std::string url;
  std::string user;
  std::string password;
  std::vector<std::string> pairs;
};

bool truth(const std::string& key, const std::string& word) {
  if (word != "true" && word != "false") {
    throw failure{key + " must be true or false, not '" + word + "'"};
  }
  return word == "true";
}

void put(document& into, const std::string& key, value v) {
  auto& alloc = into.GetAllocator();
  into.RemoveMember(key.c_str());
  into.AddMember(value{key.c_str(), alloc}, v, alloc);
}

/// What is of the cluster lies over what is of the node.
void overlay(document& state, const value& introduction) {
  for (const auto& member : introduction.GetObject()) {
    put(state, member.name.GetString(), value{member.value, state.GetAllocator()});
  }
}

/// The arguments of the command line over both. Nothing is sent before all of them are good (SEL-11, SEL-12).
void apply_pairs(document& state, const std::vector<std::string>& pairs, bool clustered) {
  static constexpr std::array<const char*, 3> node_keys{"ConsensusAddr", "VirtInterface",
                                                        "VirtInterfaceScript"};
  static constexpr std::array<const char*, 2> cluster_keys{"VirtAddr", "HaID"};
  const auto among = [](const auto& keys, const std::string& key) {
    for (const char* candidate : keys) {
      if (key == candidate) {
        return true;
      }
    }
    return false;
  };
  if (pairs.size() % 2 != 0) {
    throw CLI::ValidationError("pairs", "expected pairs of a key and a value");
  }
  for (std::size_t i = 0; i < pairs.size(); i += 2) {
    const auto& key = pairs[i];
    const bool global = among(cluster_keys, key) || key == "LoadBalanced";
    if (global && clustered) {
      throw failure{key + " belongs to the whole cluster and was set when its first node was enrolled"};
    }
    if (key == "Observer" || key == "LoadBalanced") {
      put(state, key, value{truth(key, pairs[i + 1])});
    } else if (global || among(node_keys, key)) {
      put(state, key, value{pairs[i + 1].c_str(), state.GetAllocator()});
    } else {
      throw failure{
          "unknown key " + key +
          ": use ConsensusAddr, Observer, VirtInterface, VirtInterfaceScript, and for the first node also "
          "HaID, LoadBalanced, VirtAddr"};
    }
  }
}

bool is_clustered(const value& introduction) {
  const auto found = introduction.FindMember("ConsensusEnabled");
  return found != introduction.MemberEnd() && found->value.IsTrue();
}

void add_enroll(CLI::App& ha, context& c) {
  auto w = std::make_shared<enrol_words>();
  auto* verb =
      ha.add_subcommand("enroll", "add a node to this cluster, or make the node spoken to the first one");
  verb->add_option("url", w->url, "the API of the node to add")->required();
  verb->add_option("user", w->user, "a superuser there")->required();
  verb->add_option("password", w->password)->required();
  verb->add_option("pairs", w->pairs, "ConsensusAddr ip:port, Observer true|false, VirtInterface NAME, …");
  verb->callback([w, &c] {
    settings there = c.config;
    there.endpoints = {w->url};
    there.username = w->user;
    there.password = w->password;
    there.token.clear();
    there.no_token = true;
    session target{std::move(there), c.make_transport()};
    document state = target.get(state_path);
    const document introduction = c.server().get(introduction_path);
    overlay(state, introduction);
    apply_pairs(state, w->pairs, is_clustered(introduction));
    c.print(target.send("POST", enroll_path, to_compact(sorted(state))));
  });
}

void add_two_steps(CLI::App& ha, context& c) {
  auto i = std::make_shared<enrol_words>();
  auto* introduction = ha.add_subcommand("introduction", "save what a new node must know; holds secrets");
  introduction->add_option("file", i->url)->required();
  introduction->callback([i, &c] {
    const auto text = render(c.server().get(introduction_path), {});
    const auto old = ::umask(0077); // root keys and the token are in it
    std::ofstream file{i->url, std::ios::trunc};
    ::umask(old);
    if (!(file << text)) {
      throw failure{"cannot write " + i->url};
    }
  });
  auto j = std::make_shared<enrol_words>();
  auto* join_verb =
      ha.add_subcommand("join", "have the node spoken to join the cluster of a saved introduction");
  join_verb->add_option("file", j->url)->required();
  join_verb->add_option("pairs", j->pairs, "ConsensusAddr ip:port, Observer true|false, …");
  join_verb->callback([j, &c] {
    const document known = read_argument(j->url);
    document state = c.server().get(state_path);
    overlay(state, known);
    apply_pairs(state, j->pairs, is_clustered(known));
    c.print(c.server().send("POST", enroll_path, to_compact(sorted(state))));
  });
}

void add_remove(CLI::App& ha, context& c) {
  auto w = std::make_shared<enrol_words>();
  auto* verb = ha.add_subcommand("remove", "take a member out, by its consensus id or consensus address");
  verb->add_option("member", w->url, "as `ha peers` shows it")->required();
  verb->callback([w, &c] {
    const document peers = c.server().get("system/consensus/peers");
    for (const auto& peer : peers.GetArray()) {
      if (!peer.HasMember("ConsensusID") || !peer["ConsensusID"].IsString()) {
        continue;
      }
      const bool by_address = peer.HasMember("ConsensusAddr") && peer["ConsensusAddr"].IsString() &&
                              w->url == peer["ConsensusAddr"].GetString();
      if (by_address || w->url == peer["ConsensusID"].GetString()) {
        request what;
        what.method = "DELETE";
        what.path = join("system/consensus/node", peer["ConsensusID"].GetString());
        c.server().call(std::move(what));
        c.print(peer);
        return;
      }
    }
    throw failure{"no member " + w->url + "; `holdfast system ha peers` lists them by ConsensusID"};
  });
}

} // namespace

void add_enrol_commands(CLI::App& ha, context& c) {
  add_enroll(ha, c);
  add_two_steps(ha, c);
  add_remove(ha, c);
  auto w = std::make_shared<enrol_words>();
  auto* verb = ha.add_subcommand("transfer", "hand the active role over, to a member or to the best one");
  verb->add_option("id", w->url, "its consensus id");
  verb->callback([w, &c] {
    const std::string path = "system/consensus/transfer";
    c.print(c.server().send("POST", w->url.empty() ? path : join(path, w->url), "{}"));
  });
}

} // namespace holdfast::cli
