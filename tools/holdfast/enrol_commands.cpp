// system ha introduction | join | enroll | remove | transfer: membership as the existing client does it
// (contract §8.3).
#include "tools/holdfast/commands.hpp"

#include <algorithm>
#include <fcntl.h>
#include <fstream>
#include <initializer_list>
#include <ostream>
#include <sys/stat.h>
#include <unistd.h>

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

bool among(std::initializer_list<const char*> keys, const std::string& key) {
  return std::find(keys.begin(), keys.end(), key) != keys.end();
}

bool is_global(const std::string& key) {
  return among({"HaID", "LoadBalanced", "VirtAddr"}, key);
}

/// What can be judged of the arguments before anything is sent (SEL-11, SEL-12).
void check_pairs(const std::vector<std::string>& pairs) {
  if (pairs.size() % 2 != 0) {
    throw CLI::ValidationError("pairs", "expected pairs of a key and a value");
  }
  for (std::size_t i = 0; i < pairs.size(); i += 2) {
    const auto& key = pairs[i];
    if (among({"Observer", "LoadBalanced"}, key)) {
      (void)truth(key, pairs[i + 1]);
    } else if (!is_global(key) && !among({"ConsensusAddr", "VirtInterface", "VirtInterfaceScript"}, key)) {
      throw failure{
          "unknown key " + key +
          ": use ConsensusAddr, Observer, VirtInterface, VirtInterfaceScript, and for the first node also "
          "HaID, LoadBalanced, VirtAddr"};
    }
  }
}

/// The arguments of the command line over both. They were checked.
void apply_pairs(document& state, const std::vector<std::string>& pairs, bool clustered) {
  for (std::size_t i = 0; i < pairs.size(); i += 2) {
    const auto& key = pairs[i];
    if (is_global(key) && clustered) {
      throw failure{key + " belongs to the whole cluster and was set when its first node was enrolled"};
    }
    if (among({"Observer", "LoadBalanced"}, key)) {
      put(state, key, value{truth(key, pairs[i + 1])});
    } else {
      put(state, key, value{pairs[i + 1].c_str(), state.GetAllocator()});
    }
  }
}

bool is_clustered(const value& state) {
  const auto found = state.FindMember("ConsensusEnabled");
  return found != state.MemberEnd() && found->value.IsTrue();
}

/// How the target gets to know the cluster: by a ticket it redeems with the active itself, so that no key
/// comes through here; only a server that has no tickets is asked for its introduction.
void introduce(document& state, context& c) {
  request ask;
  ask.method = "POST";
  ask.path = "system/consensus/ticket";
  ask.body = "{}";
  const reply answer = c.server().call_any(std::move(ask));
  if (answer.status == 404) {
    return overlay(state, c.server().get(introduction_path));
  }
  if (answer.status >= 400) {
    throw failure{error_text(answer)};
  }
  const document ticket = parse_json(answer.body, "the ticket");
  put(state, "Ticket", value{ticket, state.GetAllocator()});
}

std::string id_of(const value& state) {
  const auto found = state.FindMember("ConsensusID");
  return found != state.MemberEnd() && found->value.IsString() ? found->value.GetString() : "";
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
    check_pairs(w->pairs);
    settings there = c.config;
    there.endpoints = {w->url};
    there.username = w->user;
    there.password = w->password;
    there.token.clear();
    there.no_token = true;
    session target{std::move(there), c.make_transport()};
    document state = target.get(state_path);
    const document here = c.server().get(state_path);
    const bool clustered = is_clustered(here);
    if (!clustered && id_of(here) != id_of(state)) {
      throw failure{"the node spoken to (" + c.server().endpoint() +
                    ") is in no cluster yet: enroll it first, with its own address as the URL"};
    }
    apply_pairs(state, w->pairs, clustered);
    if (clustered) {
      introduce(state, c);
    }
    c.print(target.send("POST", enroll_path, to_compact(sorted(state))));
  });
}

/// The owner's alone from its first byte, also when a wider file of that name was there.
void write_secret(const std::string& path, const std::string& text) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) {
    throw failure{"cannot write " + path};
  }
  const bool whole =
      ::fchmod(fd, 0600) == 0 && ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  if (::close(fd) != 0 || !whole) {
    throw failure{"cannot write " + path};
  }
}

void add_two_steps(CLI::App& ha, context& c) {
  auto i = std::make_shared<enrol_words>();
  auto* introduction = ha.add_subcommand("introduction", "save what a new node must know; holds secrets");
  introduction->add_option("file", i->url)->required();
  introduction->callback([i, &c] {
    const auto text = render(c.server().get(introduction_path), {});
    write_secret(i->url, text);
  });
  auto j = std::make_shared<enrol_words>();
  auto* join_verb =
      ha.add_subcommand("join", "have the node spoken to join the cluster of a saved introduction");
  join_verb->add_option("file", j->url)->required();
  join_verb->add_option("pairs", j->pairs, "ConsensusAddr ip:port, Observer true|false, …");
  join_verb->callback([j, &c] {
    check_pairs(j->pairs);
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
