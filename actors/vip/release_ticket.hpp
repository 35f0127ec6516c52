// The release ticket: proof that the holder of one epoch's lease is gone and its address free (architecture
// §7). The daemon signs it while it holds and leaves it with the guard; the guard sends it when the daemon is
// dead and the address is off. Whoever receives it need not wait for the old lease to run out.
//
// Bytes: "HFRT" | u8 version (1) | u64 epoch, little-endian | u8 length + cluster id | u8 length + holder id
// | 32 bytes HMAC-SHA-256 over all before it. The key is HKDF-SHA-256 of a trust root's private key with the
// label "holdfast release ticket 1": every member can check it, nobody else can make it.
//
// Replay: a ticket counts for its epoch alone, and an epoch (term) is never held again once its holder's
// process is dead, since leading again takes a new term. An old epoch's ticket says nothing about the
// present.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::vip {

struct release_ticket {
  std::uint64_t epoch = 0;
  std::string cluster_id;
  std::string holder;
  bool operator==(const release_ticket&) const = default;
};

/// `root_key`: raw private key bytes of the newest root. Throws std::runtime_error when OpenSSL refuses.
[[nodiscard]] std::string sign_ticket(const release_ticket& ticket, std::string_view root_key);

/// The ticket, when one of the roots' keys made it and it names this cluster. Bounded; sees hostile bytes.
[[nodiscard]] std::optional<release_ticket> open_ticket(std::string_view bytes, std::string_view cluster_id,
                                                        const std::vector<std::string>& root_keys);

} // namespace holdfast::vip
