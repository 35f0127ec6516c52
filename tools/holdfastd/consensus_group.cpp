#include "consensus_group.hpp"

#include <random>

namespace holdfast::daemon {

namespace {

std::uint64_t fresh_seed() {
  std::random_device entropy;
  return std::uint64_t{entropy()} << 32U | entropy();
}

} // namespace

consensus_group::consensus_group(caf::actor_system& system, runtime::directory_ptr directory,
                                 consensus_setup setup)
    : system_(system), directory_(std::move(directory)), setup_(std::move(setup)), replay_(system),
      consensus_(system), log_writer_(system) {}

node::child_group consensus_group::as_child() {
  return {"consensus",
          {"log_writer", "replay", "consensus"},
          true,
          [this] { return start(); },
          [this] { stopped(); }};
}

// Each life is wired with handles of its own, so that no message of an earlier one can reach it.
std::vector<caf::actor> consensus_group::start() {
  if (plan_) {
    // Left as it is when it fails: the supervisor tries again, and the moves go on where they stopped.
    if (const auto error = plan_->move_files ? plan_->move_files() : std::string(); !error.empty())
      throw std::runtime_error(error);
    setup_.disk.first = {plan_->self, plan_->cluster, plan_->founder};
    plan_.reset();
  }
  auto consensus_config = setup_.consensus;
  consensus_config.seed = fresh_seed();
  const auto writer = system_.spawn<replay::log_writer_impl, caf::detached>(
      directory_->open("log_writer", "node"), setup_.disk);
  const auto replay = system_.spawn<replay::replay_impl>(directory_->open("replay", "node"), setup_.replay);
  const auto consensus = system_.spawn<consensus::consensus_impl>(directory_->open("consensus", "node"),
                                                                  std::move(consensus_config));
  const auto writer_ptr = caf::actor_cast<caf::strong_actor_ptr>(writer);
  const auto replay_ptr = caf::actor_cast<caf::strong_actor_ptr>(replay);
  const auto consensus_ptr = caf::actor_cast<caf::strong_actor_ptr>(consensus);
  caf::anon_send(replay, msg::attach_atom::value, consensus_ptr, writer_ptr);
  caf::anon_send(consensus, msg::attach_atom::value, writer_ptr, replay_ptr, setup_.observer);
  caf::anon_send(writer, msg::attach_atom::value, consensus_ptr, replay_ptr);
  replay_.aim(replay);
  consensus_.aim(consensus);
  log_writer_.aim(writer);
  return {caf::actor_cast<caf::actor>(writer), caf::actor_cast<caf::actor>(replay),
          caf::actor_cast<caf::actor>(consensus)};
}

void consensus_group::stopped() {
  replay_.aim(nullptr);
  consensus_.aim(nullptr);
  log_writer_.aim(nullptr);
}

} // namespace holdfast::daemon
