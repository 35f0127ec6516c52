// An actor for tests: adds, throws, keeps silent, tells on which thread it ran.
#pragma once

#include "runtime/counting_actor.hpp"

#include <thread>

namespace holdfast::runtime {

using add_atom = caf::atom_constant<caf::atom("add")>;
using throw_atom = caf::atom_constant<caf::atom("throw")>;
using silent_atom = caf::atom_constant<caf::atom("silent")>;
using where_atom = caf::atom_constant<caf::atom("where")>;

using sample =
    caf::typed_actor<caf::replies_to<add_atom, int>::with<int>, caf::replies_to<throw_atom>::with<int>,
                     caf::replies_to<silent_atom>::with<int>, caf::replies_to<where_atom>::with<std::string>,
                     caf::reacts_to<add_atom>>;

class sample_impl final : public counting_actor<sample::base> {
public:
  using counting_actor::counting_actor;

  behavior_type make_behavior() override {
    return {
        [this](add_atom, int x) { return total_ += x; },
        [](throw_atom) -> int { throw std::runtime_error("it broke"); },
        [this](silent_atom) { return make_response_promise<int>(); },
        [](where_atom) {
          std::ostringstream text;
          text << std::this_thread::get_id();
          return text.str();
        },
        [this](add_atom) { // to itself, for ever: must not starve the others
          send(this, add_atom::value);
        },
    };
  }

private:
  int total_ = 0;
};

} // namespace holdfast::runtime
