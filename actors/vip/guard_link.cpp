#include "actors/vip/guard_link.hpp"

#include "actors/vip/script_runner.hpp"
#include "messages/log_line.hpp"

#include <spdlog/spdlog.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

namespace holdfast::vip {

namespace {

constexpr mono_ns silence_limit = 600'000'000;

} // namespace

guard_link::guard_link(boost::asio::any_io_executor executor, guard_handle handle)
    : executor_(std::move(executor)), handle_(std::move(handle)), control_(executor_), words_(executor_) {}

void guard_link::listen(listener to) {
  to_ = std::move(to);
  if (ready_ && to_.on_adopted)
    to_.on_adopted(*ready_);
}

void guard_link::start() {
  control_.assign(::dup(handle_->control_fd()));
  wait_for_worker();
}

void guard_link::close() {
  to_ = {};
  boost::system::error_code ignored;
  control_.close(ignored);
  words_.close(ignored);
  worker_ = {};
  handle_.reset();
}

void guard_link::wait_for_worker() {
  control_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                      [self = shared_from_this()](const boost::system::error_code& failed) {
                        if (!failed)
                          self->take_worker();
                      });
}

void guard_link::take_worker() {
  bool gone = false;
  while (auto next = handle_->next_worker(gone)) {
    ++made_;
    worker_ = std::move(*next);
    ready_.reset();
    answered_ = nonce_;
    boost::system::error_code ignored;
    words_.close(ignored);
    words_.assign(::dup(worker_.channel.get()));
    wait_for_words();
  }
  if (!gone)
    return wait_for_worker();
  spdlog::error("{}", msg::log_line("vip_keeper_gone")
                          .with("advice", "restart this daemon: it cannot make a new guard any more")
                          .str());
}

void guard_link::wait_for_words() {
  words_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                    [self = shared_from_this(), pid = worker_.pid](const boost::system::error_code& failed) {
                      if (!failed && pid == self->worker_.pid)
                        self->read_words();
                    });
}

void guard_link::read_words() {
  std::array<char, max_guard_packet> packet;
  for (;;) {
    const auto got = ::recv(worker_.channel.get(), packet.data(), packet.size(), MSG_DONTWAIT);
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0 && errno == EAGAIN)
      break;
    if (got <= 0)
      return lose("the guard of the virtual address ended");
    auto said = decode_to_daemon(std::span{packet}.first(static_cast<std::size_t>(got)));
    if (!said)
      continue;
    if (const auto* pong = std::get_if<to_daemon::pong>(&*said)) {
      answered_ = pong->nonce;
      continue;
    }
    if (const auto* ready = std::get_if<to_daemon::ready>(&*said))
      ready_ = *ready;
    if (to_.on_message)
      to_.on_message(std::move(*said));
  }
  wait_for_words();
}

void guard_link::lose(const std::string& why) {
  boost::system::error_code ignored;
  words_.close(ignored);
  worker_ = {};
  ready_.reset();
  if (to_.on_lost)
    to_.on_lost(why);
}

bool guard_link::send(const to_guard::message& m) {
  if (!worker_.channel.valid())
    return false;
  const auto packet = encode(m);
  return ::send(worker_.channel.get(), packet.data(), packet.size(), MSG_DONTWAIT | MSG_NOSIGNAL) ==
         static_cast<ssize_t>(packet.size());
}

void guard_link::check_alive(mono_ns now) {
  if (!worker_.channel.valid())
    return;
  if (answered_ == nonce_) {
    asked_at_ = now;
    send(to_guard::ping{++nonce_});
    return;
  }
  if (now - asked_at_ > silence_limit) {
    answered_ = nonce_; // asked once; its end is heard on the channel
    spdlog::error("{}", msg::log_line("vip_guard_silent").with("pid", worker_.pid).str());
    handle_->replace_worker();
  }
}

} // namespace holdfast::vip
