// What `info` tells of the installed entitlement (contract §7.1, LIC-05): made by the node, written by the
// API. Pure value.
#pragma once

#include <string>
#include <vector>

namespace holdfast::msg {

struct license_facts {
  bool valid = false;  ///< the cluster as it is may grow
  std::string reason;  ///< why not; empty when valid
  std::string warning; ///< of a date that has passed; empty: none has
  std::vector<std::string> features;
  std::vector<std::string> endpoints;
  std::string ha_id;
  std::string soft_expires; ///< as issued (RFC 3339, UTC); empty: never
  std::string hard_expires; ///< likewise
  bool active = false;      ///< signed by the issuer, and its last date has not passed
  bool expired = false;     ///< its first date has passed
};

} // namespace holdfast::msg
