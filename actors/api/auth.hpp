// Authentication of every request: Basic against scrypt hashes, Bearer against signed tokens, and a cache in
// front of both, so that a repeated credential costs one HMAC. Event loop only; scrypt runs on a worker
// thread of its own.
#pragma once

#include "actors/api/auth_throttle.hpp"
#include "actors/api/authorization.hpp"
#include "actors/api/crypto.hpp"
#include "actors/api/identity.hpp"
#include "actors/api/router.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <cstring>
#include <list>
#include <string>
#include <unordered_map>
#include <unordered_set>

namespace holdfast::api {

/// Whose rights a batch of changes may have changed.
struct rights_change {
  bool everybody = false;         ///< tenants, secrets that sign tokens, changes nobody knows of
  bool by_roles = false;          ///< a role: everybody who is no superuser
  std::vector<std::string> names; ///< of users, and of machines as holders of tokens
  [[nodiscard]] bool none() const { return !everybody && !by_roles && names.empty(); }
  [[nodiscard]] bool touches(const identity& who) const;
};
/// `machines`: a machine's end and its secret count as well (its other changes are many and change no right).
[[nodiscard]] rights_change rights_changed(const std::vector<msg::change>& batch, bool machines);

class api_auth final : public authenticator {
public:
  /// `shared` is borrowed and outlives this.
  explicit api_auth(services& shared);
  ~api_auth() override;

  identity_ptr cached(const net::http_head& head) override;
  boost::asio::awaitable<identity_ptr> authenticate(const net::http_head& head, bool token_in_query) override;

  /// Users, roles, tenants, passwords or secrets changed, or changes were missed: what was derived from them
  /// is dropped. Verified passwords stay, since they are kept with the hash they matched.
  void forget();
  /// Looks for such a change in a batch, and says whose rights it may have changed.
  rights_change on_changes(const std::vector<msg::change>& batch);

  /// Runs blocking work (hashing, small files) on the worker, one piece at a time in order of arrival, and
  /// resumes on the caller's executor. At most 64 wait; beyond that api_error 503. Pass a
  /// named callable with std::move: g++ 12 destroys a closure written inside the co_await expression twice.
  template <class Work>
  boost::asio::awaitable<std::invoke_result_t<Work>> run_blocking(Work work) {
    const auto turn = co_await worker_turn();
    co_return co_await on_worker(std::move(work));
  }

  struct counters {
    std::uint64_t hits = 0;
    std::uint64_t misses = 0;
    std::uint64_t scrypts = 0;
    std::uint64_t refused = 0;
  };
  [[nodiscard]] const counters& stats() const { return counters_; }

private:
  struct mac_hash {
    std::size_t operator()(const mac& key) const {
      std::size_t out = 0;
      std::memcpy(&out, key.data(), sizeof out);
      return out;
    }
  };
  struct entry {
    identity_ptr who;
    std::int64_t expires_ms = 0;
  };

  boost::asio::awaitable<identity_ptr> basic(const net::http_head& head, const basic_credential& given,
                                             entry& made);
  boost::asio::awaitable<identity_ptr> bearer(const net::http_head& head, const bearer_credential& given,
                                              entry& made);
  boost::asio::awaitable<bool> check_password(const basic_credential& given, const std::string& hash);
  boost::asio::awaitable<msg::view_ptr> local_view(const net::http_head& head);
  /// Held while a piece of work is on the worker; letting go wakes the next in line.
  using turn_ptr = std::shared_ptr<void>;
  boost::asio::awaitable<turn_ptr> worker_turn();
  void end_turn();
  template <class Result, class Work>
  static boost::asio::awaitable<Result> perform(Work work) {
    co_return work();
  }
  template <class Work>
  boost::asio::awaitable<std::invoke_result_t<Work>> on_worker(Work work) {
    auto piece = perform<std::invoke_result_t<Work>, Work>(std::move(work));
    co_return co_await boost::asio::co_spawn(worker_, std::move(piece), boost::asio::use_awaitable);
  }
  void remember(const mac& key, entry made);

  services& shared_;
  mac_key cache_key_;
  std::unordered_map<mac, entry, mac_hash> identities_;
  std::unordered_set<mac, mac_hash> verified_;
  bool machines_known_ = false; ///< some identity may be a machine's
  std::uint64_t generation_ = 0;
  auth_throttle throttle_;
  counters counters_;
  std::string decoy_hash_;
  bool worker_busy_ = false;
  std::list<boost::asio::steady_timer*> waiting_;
  boost::asio::thread_pool worker_{1};
};

} // namespace holdfast::api
