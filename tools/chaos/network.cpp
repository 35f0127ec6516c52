#include "tools/chaos/network.hpp"

#include "tools/chaos/child_process.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdexcept>

namespace holdfast::chaos {

namespace {

constexpr const char* client_address = "10.77.0.250/24";

descriptor current_space() {
  descriptor out(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
  if (out.get() < 0)
    throw std::runtime_error(std::string("cannot open the network namespace: ") + std::strerror(errno));
  return out;
}

void enter(const descriptor& space) {
  if (::setns(space.get(), CLONE_NEWNET) != 0)
    throw std::runtime_error(std::string("cannot enter a network namespace: ") + std::strerror(errno));
}

descriptor fresh_space() {
  if (::unshare(CLONE_NEWNET) != 0)
    throw std::runtime_error(std::string("cannot make a network namespace: ") + std::strerror(errno));
  return current_space();
}

std::string path_of(const descriptor& space) {
  return "/proc/" + std::to_string(::getpid()) + "/fd/" + std::to_string(space.get());
}

bool carries(const std::string& address) {
  ifaddrs* all = nullptr;
  if (::getifaddrs(&all) != 0)
    return false;
  bool found = false;
  for (const ifaddrs* one = all; one; one = one->ifa_next) {
    if (!one->ifa_addr || one->ifa_addr->sa_family != AF_INET)
      continue;
    char text[INET_ADDRSTRLEN] = "";
    ::inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in*>(one->ifa_addr)->sin_addr, text, sizeof text);
    found = found || address == text;
  }
  ::freeifaddrs(all);
  return found;
}

} // namespace

network::network(bool switched) : clients_(fresh_space()) {
  must_run({"ip", "link", "set", "lo", "up"});
  if (switched) {
    switch_ = std::make_unique<tap_switch>();
    switch_->plug("br0");
  } else {
    must_run({"ip", "link", "add", "br0", "type", "bridge"});
  }
  must_run({"ip", "addr", "add", client_address, "dev", "br0"});
  must_run({"ip", "link", "set", "br0", "up"});
}

std::string network::address(unsigned number) {
  return "10.77.0.1" + std::to_string(number);
}

descriptor network::plug_in(unsigned number, const std::string& port) {
  auto space = fresh_space();
  if (switch_)
    switch_->plug("c0");
  enter(clients_);
  if (!switch_) {
    must_run({"ip", "link", "add", port, "type", "veth", "peer", "name", "c0", "netns", path_of(space)});
    must_run({"ip", "link", "set", port, "master", "br0", "up"});
  }
  must_run({"ip", "link", "set", "lo", "up"}, space.get());
  must_run({"ip", "addr", "add", address(number) + "/24", "dev", "c0"}, space.get());
  must_run({"ip", "link", "set", "c0", "up"}, space.get());
  return space;
}

std::string network::add(unsigned number) {
  spaces_.push_back(plug_in(number, "m" + std::to_string(number)));
  return address(number);
}

int network::stranger() {
  if (stranger_.get() < 0) {
    if (switch_) // its ports are the members' numbers
      throw std::runtime_error("a stranger cannot be plugged into the switch that delays frames");
    constexpr unsigned last = 99;
    stranger_ = plug_in(last, "x0");
  }
  return stranger_.get();
}

void network::block(unsigned from, unsigned to) {
  must_run({"iptables", "-w", "-I", "INPUT", "-s", address(from), "-j", "DROP"}, space(to));
}

void network::lose(unsigned at, unsigned percent) {
  char share[16];
  std::snprintf(share, sizeof share, "%.2f", percent / 100.0);
  must_run({"iptables", "-w", "-A", "INPUT", "-m", "statistic", "--mode", "random", "--probability", share,
            "-j", "DROP"},
           space(at));
}

void network::reset(unsigned at) {
  must_run({"iptables", "-w", "-I", "INPUT", "-i", "c0", "-p", "tcp", "-j", "REJECT", "--reject-with",
            "tcp-reset"},
           space(at));
}

void network::cap(unsigned at, unsigned kbit) {
  must_run({"tc", "qdisc", "replace", "dev", "c0", "root", "tbf", "rate", std::to_string(kbit) + "kbit",
            "burst", "16kb", "latency", "200ms"},
           space(at));
}

void network::unplug(unsigned at) {
  if (!switch_)
    return must_run({"ip", "link", "set", "m" + std::to_string(at), "down"});
  frame_rule cut;
  cut.cut = true;
  switch_->set_rule(at, cut);
}

void network::heal() {
  for (unsigned i = 1; i <= spaces_.size(); ++i) {
    must_run({"iptables", "-w", "-F"}, space(i));
    if (switch_)
      switch_->set_rule(i, {});
    else
      must_run({"ip", "link", "set", "m" + std::to_string(i), "up"});
    // fails when there is none
    static_cast<void>(run_command({"tc", "qdisc", "del", "dev", "c0", "root"}, space(i)));
  }
}

std::vector<unsigned> network::holders_of(const std::string& wanted) const {
  const auto look = [&](unsigned number) {
    enter(spaces_[number - 1]);
    const bool has = carries(wanted);
    enter(clients_);
    return has;
  };
  std::vector<unsigned> found;
  for (unsigned i = 1; i <= spaces_.size(); ++i) {
    if (look(i))
      found.push_back(i);
  }
  // Two looks are not one moment: whoever was seen first must still have it after the last was seen.
  if (found.size() > 1)
    std::erase_if(found, [&](unsigned number) { return number != found.back() && !look(number); });
  return found;
}

} // namespace holdfast::chaos
