#include "actors/api/password_hash.hpp"

#include "actors/api/crypto.hpp"

#include <openssl/evp.h>

#include <array>
#include <bit>
#include <charconv>
#include <optional>
#include <stdexcept>

namespace holdfast::api {

namespace {

constexpr std::uint64_t most_memory = std::uint64_t{256} << 20;
constexpr std::size_t longest_password = 1024;

struct parsed_hash {
  scrypt_cost cost;
  std::string salt;
  std::string key;
};

template <class T>
bool read_number(std::string_view text, T& into) {
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), into);
  return code == std::errc() && end == text.data() + text.size() && !text.empty();
}

std::optional<parsed_hash> parse(std::string_view text) {
  std::array<std::string_view, 5> parts;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const auto end = text.find('$');
    if ((end == std::string_view::npos) != (i + 1 == parts.size()))
      return std::nullopt;
    parts[i] = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  parsed_hash out;
  if (!read_number(parts[0], out.cost.n) || !read_number(parts[1], out.cost.r) ||
      !read_number(parts[2], out.cost.p))
    return std::nullopt;
  const auto& [n, r, p] = out.cost;
  if (n < 2 || n > (1U << 20) || !std::has_single_bit(n) || r < 1 || r > 32 || p < 1 || p > 16 ||
      128 * n * r > most_memory)
    return std::nullopt;
  auto salt = from_hex(parts[3]);
  auto key = from_hex(parts[4]);
  if (!salt || !key || salt->empty() || salt->size() > 64 || key->size() < 16 || key->size() > 64)
    return std::nullopt;
  out.salt = std::move(*salt);
  out.key = std::move(*key);
  return out;
}

std::optional<std::string> derive(std::string_view password, std::string_view salt, const scrypt_cost& cost,
                                  std::size_t size) {
  std::string out(size, '\0');
  const int done =
      EVP_PBE_scrypt(password.data(), password.size(), reinterpret_cast<const unsigned char*>(salt.data()),
                     salt.size(), cost.n, cost.r, cost.p, most_memory + (std::uint64_t{1} << 20),
                     reinterpret_cast<unsigned char*>(out.data()), out.size());
  if (done != 1)
    return std::nullopt;
  return out;
}

} // namespace

std::string hash_password(std::string_view password, const scrypt_cost& cost) {
  constexpr std::size_t salt_size = 16;
  constexpr std::size_t key_size = 32;
  const auto salt = random_bytes(salt_size);
  const auto key = derive(password, salt, cost, key_size);
  if (!key)
    throw std::runtime_error("scrypt failed");
  return std::to_string(cost.n) + "$" + std::to_string(cost.r) + "$" + std::to_string(cost.p) + "$" +
         to_hex(salt) + "$" + to_hex(*key);
}

std::string slow_digest(std::string_view text, std::string_view salt) {
  constexpr std::size_t size = 16;
  const auto key = derive(text, salt, {}, size);
  if (!key)
    throw std::runtime_error("scrypt failed");
  return to_hex(*key);
}

bool password_matches(std::string_view password, std::string_view hash) {
  const auto parsed = parse(hash);
  if (!parsed || password.size() > longest_password)
    return false;
  const auto key = derive(password, parsed->salt, parsed->cost, parsed->key.size());
  return key && equal_in_constant_time(*key, parsed->key);
}

} // namespace holdfast::api
