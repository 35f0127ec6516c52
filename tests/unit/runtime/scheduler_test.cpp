#include "loop_fixture.hpp"
#include "runtime/relay.hpp"
#include "runtime/test_world.hpp"
#include "sample_actor.hpp"

#include <doctest/doctest.h>

using namespace holdfast::runtime;
using namespace std::chrono_literals;

TEST_CASE("an actor that keeps itself busy for ever starves neither other actors nor timers") {
  loop_fixture loop;
  actor_directory directory;
  auto busy = loop.host.system().spawn<sample_impl>(directory.open("busy", "node"));
  auto other = loop.host.system().spawn<sample_impl>(directory.open("other", "node"));
  caf::anon_send(busy, add_atom::value);
  CHECK(loop_fixture::eventually([&] { return directory.find("busy")->row().messages > 1000; }));
  CHECK(loop.run(loop.host.ask().ask(other, 5s, add_atom::value, 1)));
  caf::scoped_actor self{loop.host.system()};
  self->delayed_send(other, 5ms, add_atom::value, 1);
  CHECK(loop_fixture::eventually([&] { return directory.find("other")->row().messages == 2; }));
  CHECK(loop.host.end_actors(caf::actor_cast<caf::actor>(busy), 0ms) == false); // `other` is still alive
  caf::anon_send_exit(other, caf::exit_reason::user_shutdown);
}

TEST_CASE("delayed messages arrive in order of their time, from any thread") {
  loop_fixture loop;
  std::vector<int> seen;
  std::atomic<int> count{0};
  auto actor = loop.host.system().spawn([&](caf::event_based_actor*) -> caf::behavior {
    return {[&](int x) {
      seen.push_back(x);
      ++count;
    }};
  });
  caf::scoped_actor self{loop.host.system()};
  self->delayed_send(actor, 40ms, 3);
  self->delayed_send(actor, 5ms, 1);
  self->delayed_send(actor, 20ms, 2);
  CHECK(loop_fixture::eventually([&] { return count == 3; }));
  CHECK(seen == std::vector<int>{1, 2, 3});
  caf::anon_send_exit(actor, caf::exit_reason::user_shutdown);
}

TEST_CASE("a suspended actor keeps its messages and handles them, in order, once it is resumed") {
  loop_fixture loop;
  actor_directory directory;
  auto card = directory.open("sample", "node");
  auto actor = loop.host.system().spawn<sample_impl>(card);
  CHECK(loop.run(loop.host.ask().ask(actor, 5s, add_atom::value, 1)));
  card->suspend(true);
  CHECK(card->row().state == "suspended");
  CHECK(loop.run(loop.host.ask().ask(actor, 60ms, add_atom::value, 10)).status == ask_status::timed_out);
  CHECK(card->row().mailbox == 1);
  resume_actor(*card, actor);
  CHECK(*loop.run(loop.host.ask().ask(actor, 5s, add_atom::value, 100)).value == 111);
  CHECK(card->row().state == "running");
  card->suspend(true); // an exit reaches it all the same
  caf::anon_send_exit(actor, caf::exit_reason::user_shutdown);
  CHECK(loop_fixture::eventually([&] { return card->state() == life_state::stopped; }));
}

TEST_CASE("what is sent to a dead life does not count as waiting for the next one, which shares its card") {
  loop_fixture loop;
  actor_directory directory;
  auto card = directory.open("sample", "node");
  auto first = loop.host.system().spawn<sample_impl>(card);
  caf::anon_send_exit(first, caf::exit_reason::kill);
  REQUIRE(loop_fixture::eventually([&] { return card->state() == life_state::stopped; }));
  auto second = loop.host.system().spawn<sample_impl>(card);
  for (int i = 0; i < 3; ++i)
    CHECK(loop.run(loop.host.ask().ask(first, 5s, add_atom::value, 1)).status != ask_status::answered);
  CHECK(*loop.run(loop.host.ask().ask(second, 5s, add_atom::value, 1)).value == 1);
  CHECK(card->row().mailbox == 0);
}

TEST_CASE("a relay passes requests on to whom it is aimed at, and refuses at once while there is nobody") {
  loop_fixture loop;
  actor_directory directory;
  relay<sample> relayed(loop.host.system());
  const auto ask = [&] { return loop.run(loop.host.ask().ask(relayed.handle(), 5s, add_atom::value, 1)); };
  CHECK(ask().status == ask_status::dead);
  auto first = loop.host.system().spawn<sample_impl>(directory.open("first", "node"));
  relayed.aim(first);
  CHECK(*ask().value == 1);
  CHECK(*ask().value == 2);
  auto second = loop.host.system().spawn<sample_impl>(directory.open("second", "node"));
  relayed.aim(second);
  CHECK(*ask().value == 1);
  relayed.aim(nullptr);
  CHECK(ask().status == ask_status::dead);
  caf::anon_send_exit(first, caf::exit_reason::user_shutdown);
  caf::anon_send_exit(second, caf::exit_reason::user_shutdown);
}

TEST_CASE("in a test world nothing runs before it is told, and time stands still until moved") {
  test_world world;
  actor_directory directory;
  auto actor = world.system().spawn<sample_impl>(directory.open("sample", "node"));
  auto reply = world.begin<int>(actor, add_atom::value, 7);
  CHECK_FALSE(reply->has_value());
  world.settle();
  CHECK(*reply == 7);
  caf::scoped_actor self{world.system()};
  self->delayed_send(actor, 10s, add_atom::value, 1);
  world.advance(9s);
  CHECK(world.ask<int>(actor, add_atom::value, 0) == 7);
  world.advance(1s);
  CHECK(world.ask<int>(actor, add_atom::value, 0) == 8);
  caf::anon_send_exit(actor, caf::exit_reason::user_shutdown);
}
