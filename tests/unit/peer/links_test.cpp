#include "../runtime/loop_fixture.hpp"
#include "actors/peer/links_actor.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <doctest/doctest.h>
#include <raft/codec.hpp>

#include <mutex>

using namespace holdfast;
using namespace std::chrono_literals;

namespace {

constexpr const char* cluster_text = "aaaaaaaa-2222-4333-8444-555555555555";
constexpr const char* first_id = "11111111-2222-4333-8444-555555555555";
constexpr const char* second_id = "22222222-2222-4333-8444-555555555555";

/// Takes the place of consensus: monitors the faces it is told of and writes everything down.
struct paper_notes {
  std::mutex guard;
  caf::strong_actor_ptr face;
  std::vector<std::string> ended; ///< reasons of the faces that ended
  std::vector<std::string> frames;

  template <class F>
  auto with(F look) {
    const std::lock_guard lock(guard);
    return look(*this);
  }
};

caf::behavior paper_consensus(caf::event_based_actor* self, std::shared_ptr<paper_notes> notes) {
  self->set_down_handler([self, notes](const caf::down_msg& down) {
    notes->with([&](auto& n) {
      n.ended.push_back(self->system().render(down.reason));
      return 0;
    });
  });
  return {
      [self, notes](msg::peer_atom, raft::node_id, const caf::strong_actor_ptr& face) {
        if (face)
          self->monitor(caf::actor_cast<caf::actor>(face));
        notes->with([&](auto& n) {
          n.face = face;
          return 0;
        });
      },
      [](msg::link_atom, raft::node_id, msg::link_state) {},
      [notes](msg::frame_atom, const msg::frame_ptr& frame) {
        notes->with([&](auto& n) {
          n.frames.push_back(*frame);
          return 0;
        });
      },
  };
}

net::net_address free_address(const std::string& ip) {
  boost::asio::io_context io;
  boost::asio::ip::tcp::acceptor probe(io, {boost::asio::ip::make_address(ip), 0});
  return {ip, probe.local_endpoint().port()};
}

const net::credential& root() {
  static const auto made = net::make_root(cluster_text, std::chrono::system_clock::now());
  return made;
}

struct member {
  member(runtime::loop_fixture& on, const char* name, const std::string& ip)
      : loop(on), id(name), own(free_address(ip)) {
    consensus = loop.host.system().spawn(paper_consensus, notes);
    links = loop.host.system().spawn<peer::links_impl>(
        directory->open("links", "node"),
        peer::links_config{
            loop.io.get_executor(),
            directory,
            caf::actor_cast<msg::consensus_actor>(caf::actor_cast<caf::strong_actor_ptr>(consensus)),
            {},
            {}});
  }
  ~member() {
    stop();
    caf::anon_send_exit(links, caf::exit_reason::user_shutdown);
    caf::anon_send_exit(consensus, caf::exit_reason::user_shutdown);
    notes->with([](auto& n) {
      n.face = nullptr;
      return 0;
    });
  }

  void start() {
    auto settings = std::make_shared<net::peer_settings>();
    settings->cluster_id = cluster_text;
    settings->node_id = id;
    settings->own = own;
    settings->limits.backoff_first = 10ms;
    settings->limits.backoff_max = 40ms;
    auto setup = std::make_shared<msg::links_setup>();
    setup->settings = settings;
    setup->credentials = std::make_shared<const net::peer_credentials>(net::peer_credentials{
        net::make_node_certificate(root(), id, own.ip, std::chrono::system_clock::now()), {root().cert}});
    CHECK(set_up(setup).empty());
  }
  void stop() {
    INFO(directory->find("links")->row().last_error);
    CHECK(set_up(nullptr) == "");
  }
  std::string set_up(const msg::links_setup_ptr& setup) {
    const auto answer = loop.run(loop.host.ask().ask(links, 5s, msg::setup_atom::value, setup));
    return answer ? *answer.value : answer.error;
  }
  void knows(const std::vector<const member*>& members, const std::vector<const member*>& gone = {}) {
    auto info = std::make_shared<msg::members_info>();
    for (const auto* one : members)
      info->members.push_back({*raft::parse_node_id(one->id), one->own.text(), true, false});
    for (const auto* one : gone)
      info->gone.push_back(*raft::parse_node_id(one->id));
    info->self = *raft::parse_node_id(id);
    caf::anon_send(links, msg::members_atom::value, msg::members_ptr(info));
  }
  std::vector<msg::link_row> rows() {
    const auto answer = loop.run(loop.host.ask().ask(links, 5s, msg::status_atom::value));
    return answer ? *answer.value : std::vector<msg::link_row>{};
  }
  bool has_face() {
    return notes->with([](auto& n) { return n.face != nullptr; });
  }

  runtime::loop_fixture& loop;
  std::string id;
  net::net_address own;
  std::shared_ptr<runtime::actor_directory> directory = std::make_shared<runtime::actor_directory>();
  std::shared_ptr<paper_notes> notes = std::make_shared<paper_notes>();
  caf::actor consensus;
  peer::links_self links;
};

} // namespace

TEST_CASE(
    "whoever monitors the face of a member hears that it is gone, and gets another one when it is back") {
  runtime::loop_fixture loop;
  member a(loop, first_id, "127.0.5.1");
  member b(loop, second_id, "127.0.5.2");
  for (auto* one : {&a, &b}) {
    one->knows({&a, &b});
    one->start();
  }
  REQUIRE(loop.eventually([&] { return a.has_face() && b.has_face(); }));
  b.stop(); // as when its process ends: all its sockets close
  REQUIRE(loop.eventually([&] { return a.notes->with([](auto& n) { return !n.ended.empty(); }); }));
  CHECK(a.notes->with([](auto& n) { return n.ended.front(); }).find("the link was lost") !=
        std::string::npos);
  CHECK(loop.eventually([&] { return !a.has_face(); }));
  b.start();
  CHECK(loop.eventually([&] { return a.has_face() && b.has_face(); }));
}

TEST_CASE("a caller that the configuration here does not name is answered on its own link") {
  runtime::loop_fixture loop;
  member leader(loop, first_id, "127.0.5.3");
  member old(loop, second_id, "127.0.5.4"); // its log was lost: it knows of nobody
  leader.knows({&leader, &old});
  old.knows({});
  old.start();
  leader.start();
  REQUIRE(loop.eventually([&] { return old.has_face(); }));
  const raft::message answer{*raft::parse_cluster_id(cluster_text),
                             *raft::parse_node_id(second_id),
                             *raft::parse_node_id(first_id),
                             raft::protocol_version,
                             {1},
                             raft::heartbeat_response{}};
  const auto face = old.notes->with([](auto& n) { return n.face; });
  caf::anon_send(caf::actor_cast<msg::peer_actor>(face), msg::frame_atom::value,
                 std::make_shared<const std::string>(raft::encode(answer)));
  CHECK(loop.eventually([&] { return leader.notes->with([](auto& n) { return !n.frames.empty(); }); }));
  // What each holds is told to the other.
  caf::anon_send(leader.links, msg::handled_atom::value, std::uint64_t{77});
  CHECK(loop.eventually([&] {
    const auto rows = old.rows();
    return rows.size() == 1 && rows[0].up && rows[0].handled == 77;
  }));
}

TEST_CASE("a member that was removed is turned away and is told apart from one that is unreachable") {
  runtime::loop_fixture loop;
  member rest(loop, first_id, "127.0.5.5");
  member removed(loop, second_id, "127.0.5.6");
  rest.knows({&rest}, {&removed});
  removed.knows({&rest, &removed});
  removed.start();
  rest.start();
  CHECK(loop.eventually([&] {
    const auto rows = removed.rows();
    return rows.size() == 1 && rows[0].refused && !rows[0].up;
  }));
  CHECK_FALSE(rest.has_face());
}
