// Entitlements: the policy of whoever ships the product (architecture §8; PRE-09, PRE-10, ENR-06,
// LIC-01..07). A node that was started with --entitlement-key FILE, the public key of the issuer, forms or
// grows a cluster only as far as a signed entitlement allows. What runs goes on running, whatever it says.
// Pure; any thread.
//
// It is the param `holdfast/entitlement` of the profile `holdfast-entitlement`, which a content pack brings
// (docs/operating.md). Profiles are replicated, so it holds on every member and after every fail-over.
//
//   {"Document": text, "Signature": text}
//
//   Document   base64 of the document's bytes, just as they were signed; 64 KiB of them at most
//   Signature  base64 of the 64 bytes of an Ed25519 signature over exactly the document's bytes
//              (RFC 8032, "pure": no digest before it, no context)
//
// base64 is that of RFC 4648 §4, padded, on one line. The document is a JSON object in UTF-8:
//
//   Features        list of texts; forming and growing a cluster needs "ha"
//   Endpoints       list of texts: ids of servers, as `id` of their `info` tells it (--drp-id, else the
//                   lowest MAC address); compared byte by byte
//   HaID            text: id of the cluster
//   SoftExpireDate  "2027-01-31T00:00:00Z" (UTC, to the second): from then on `info` warns
//   HardExpireDate  likewise: from then on the cluster does not grow
//
// The first three must be there; a date that is missing, "" or null never comes. Texts in the lists and HaID
// have 1 to 255 bytes. Other keys are ignored. Nothing of a document is looked at before its signature holds.
#pragma once

#include "messages/license.hpp"
#include "net/signature.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace holdfast::node {

inline constexpr std::string_view entitlement_prefix = "profiles";
inline constexpr std::string_view entitlement_profile = "holdfast-entitlement";
inline constexpr std::string_view entitlement_param = "holdfast/entitlement";
inline constexpr std::string_view ha_feature = "ha";

struct expiry_date {
  std::chrono::sys_seconds at;
  std::string text; ///< as issued
  bool operator==(const expiry_date&) const = default;
};

struct entitlement {
  std::vector<std::string> features;
  std::vector<std::string> endpoints;
  std::string ha_id;
  std::optional<expiry_date> soft_expires;
  std::optional<expiry_date> hard_expires;
  bool operator==(const entitlement&) const = default;
};

/// The document, or what is wrong with it. The signature is the caller's to check.
[[nodiscard]] std::variant<entitlement, std::string> parse_entitlement(std::string_view document);

/// What is installed, whatever the time.
struct entitlement_reading {
  std::optional<entitlement> document; ///< signed by the issuer
  std::string trouble;                 ///< why there is none; empty: nothing is installed
};
/// `profile_json`: the object under entitlement_profile; nothing when there is none.
[[nodiscard]] entitlement_reading read_entitlement(std::optional<std::string_view> profile_json,
                                                   const net::public_key& issuer);

/// A server that is, or wants to be, a member.
struct listed_server {
  std::string id;
  std::string address; ///< how an error calls it besides: its ConsensusAddr; may be empty
};

/// The cluster as it would be.
struct growth {
  std::string judge;                  ///< id of the node that decides
  std::string ha_id;                  ///< empty: none is given yet, and none is asked for
  std::vector<listed_server> servers; ///< all of them, so that all that are missing are named at once
};

/// Full sentences, the last one the remedy; empty: it may be so.
[[nodiscard]] std::vector<std::string> refuse_growth(const entitlement_reading& have, const growth& wanted,
                                                     std::chrono::sys_seconds now);
/// `present`: the cluster as it is.
[[nodiscard]] msg::license_facts license_of(const entitlement_reading& have, const growth& present,
                                            std::chrono::sys_seconds now);

} // namespace holdfast::node
