#include "actors/vip/ticket_book.hpp"

#include <doctest/doctest.h>

using namespace holdfast;
using namespace holdfast::vip;

namespace {

const std::string key(32, 'k');

msg::vip_setup setup() {
  msg::vip_setup out;
  out.cluster_id = "cluster";
  out.self = "me";
  out.members = {{"me", "a"}, {"holder", "b"}, {"third", "c"}};
  out.root_keys = {std::string(32, 'n'), key};
  return out;
}

/// This member follows the leader of the epoch.
msg::lease_state following(std::uint64_t epoch) {
  msg::lease_state out;
  out.epoch = epoch;
  out.settled = true;
  return out;
}

std::string ticket(std::uint64_t epoch = 5, const std::string& holder = "holder",
                   const std::string& cluster = "cluster", const std::string& by = key) {
  return sign_ticket({epoch, cluster, holder}, by);
}

} // namespace

TEST_CASE("a ticket is believed once; by UDP it is passed on, over a link it is not") {
  ticket_book book;
  const auto first = book.judge(ticket(), "", setup(), following(5));
  CHECK(first.fate == ticket_fate::taken);
  CHECK(first.pass_on);
  CHECK(first.ticket.epoch == 5);
  CHECK(book.judge(ticket(), "", setup(), following(5)).fate == ticket_fate::repeated);
  CHECK(book.judge(ticket(), "third", setup(), following(5)).fate == ticket_fate::repeated);
  // Played back long after: known, and over.
  CHECK(book.judge(ticket(), "", setup(), following(9)).fate == ticket_fate::repeated);
  ticket_book another;
  const auto relayed = another.judge(ticket(), "third", setup(), following(5));
  CHECK(relayed.fate == ticket_fate::taken);
  CHECK_FALSE(relayed.pass_on);
}

TEST_CASE("forged tickets, those of strangers and of the living are refused") {
  const auto refused = [](const std::string& bytes, const std::string& from = "") {
    ticket_book book;
    const auto verdict = book.judge(bytes, from, setup(), following(5));
    CHECK_FALSE(verdict.reason.empty());
    CHECK_FALSE(verdict.pass_on);
    return verdict.fate == ticket_fate::refused;
  };
  CHECK(refused("HFRT"));
  CHECK(refused(ticket(5, "holder", "cluster", std::string(32, 'x'))));
  CHECK(refused(ticket(5, "holder", "another")));
  CHECK(refused(ticket(5, "stranger")));
  CHECK(refused(ticket(5, "me")));
  CHECK(refused(ticket(), "holder"));
  auto bent = ticket();
  bent[5] = static_cast<char>(bent[5] ^ 1); // the epoch
  CHECK(refused(bent));
}

TEST_CASE("a ticket of an epoch that is over is refused, but not while somebody may still wait for it") {
  ticket_book book;
  CHECK(book.judge(ticket(4), "", setup(), following(5)).reason == "its epoch is over");
  auto electing = following(5);
  electing.settled = false; // no leader of 5 is known, or this node leads and waits the lease of 4 out
  CHECK(book.judge(ticket(4), "", setup(), electing).fate == ticket_fate::taken);
  auto holding = following(5);
  holding.active = true;
  CHECK(book.judge(ticket(5), "", setup(), holding).reason == "this node holds its epoch");
}
