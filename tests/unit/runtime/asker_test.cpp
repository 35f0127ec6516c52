#include "loop_fixture.hpp"
#include "sample_actor.hpp"

#include <doctest/doctest.h>

using namespace holdfast::runtime;
using namespace std::chrono_literals;

namespace {

std::string this_thread() {
  std::ostringstream text;
  text << std::this_thread::get_id();
  return text.str();
}

} // namespace

TEST_CASE("a coroutine asks an actor on the loop and gets the typed answer, without leaving the thread") {
  loop_fixture loop;
  actor_directory directory;
  auto actor = loop.host.system().spawn<sample_impl>(directory.open("sample", "node"));
  const auto same = loop.run([&]() -> boost::asio::awaitable<bool> {
    const auto sum = co_await loop.host.ask().ask(actor, 1s, add_atom::value, 4);
    const auto where = co_await loop.host.ask().ask(actor, 1s, where_atom::value);
    co_return sum.status == ask_status::answered&&* sum.value == 4 && *where.value == this_thread();
  }());
  CHECK(same);
  CHECK(directory.find("sample")->row().messages == 2);
  caf::anon_send_exit(actor, caf::exit_reason::user_shutdown);
}

TEST_CASE("an ask works the same for an actor on a thread of its own") {
  loop_fixture loop;
  actor_directory directory;
  auto actor = loop.host.system().spawn<sample_impl, caf::detached>(directory.open("sample", "node"));
  const auto good = loop.run([&]() -> boost::asio::awaitable<bool> {
    const auto where = co_await loop.host.ask().ask(actor, 5s, where_atom::value);
    co_return where&&* where.value != this_thread();
  }());
  CHECK(good);
  // Counted on its own thread, after the answer was sent.
  CHECK(loop_fixture::eventually([&] { return directory.find("sample")->row().messages == 1; }));
  caf::anon_send_exit(actor, caf::exit_reason::user_shutdown);
}

TEST_CASE("asks end with the reason when the actor throws, is dead, or keeps silent") {
  loop_fixture loop;
  actor_directory directory;
  auto actor = loop.host.system().spawn<sample_impl>(directory.open("sample", "node"));
  auto silent = loop.host.system().spawn<sample_impl>(directory.open("silent", "node"));

  const auto thrown = loop.run(loop.host.ask().ask(actor, 5s, throw_atom::value));
  CHECK(thrown.status == ask_status::refused);
  CHECK(thrown.error.find("it broke") != std::string::npos);
  CHECK(loop_fixture::eventually([&] { return directory.find("sample")->row().state == "stopped"; }));
  CHECK(directory.find("sample")->row().last_error.find("it broke") != std::string::npos);

  const auto dead = loop.run(loop.host.ask().ask(actor, 5s, add_atom::value, 1));
  CHECK(dead.status == ask_status::dead);
  const auto nobody = loop.run(loop.host.ask().ask(sample{}, 5s, add_atom::value, 1));
  CHECK(nobody.status == ask_status::dead);

  const auto began = std::chrono::steady_clock::now();
  const auto late = loop.run(loop.host.ask().ask(silent, 100ms, silent_atom::value));
  const auto took = std::chrono::steady_clock::now() - began;
  CHECK(late.status == ask_status::timed_out);
  CHECK(took >= 90ms);
  caf::anon_send_exit(silent, caf::exit_reason::user_shutdown);
}

TEST_CASE("closing the asker fails what is open and what comes later") {
  loop_fixture loop;
  actor_directory directory;
  auto silent = loop.host.system().spawn<sample_impl>(directory.open("silent", "node"));
  auto open = boost::asio::co_spawn(loop.io, loop.host.ask().ask(silent, 60s, silent_atom::value),
                                    boost::asio::use_future);
  CHECK(loop_fixture::eventually([&] { return directory.find("silent")->row().messages == 1; }));
  loop.host.ask().close();
  CHECK(open.get().status == ask_status::timed_out);
  CHECK(loop.run(loop.host.ask().ask(silent, 60s, add_atom::value, 1)).status == ask_status::timed_out);
  caf::anon_send_exit(silent, caf::exit_reason::user_shutdown);
}
