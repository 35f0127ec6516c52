// The small files a node keeps in raft/ beside its metadata. What a disk, or a hand, made of them crashes
// nobody; what is accepted is written back as it was read.
#include "actors/node/join_file.hpp"
#include "actors/node/state_repairs.hpp"

#include "tests/fuzz/seeds.hpp"

#include <string>

using namespace holdfast::node;
using holdfast::fuzz::require;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  if (const auto repairs = state_repairs::parse(text)) {
    require(repairs->size() <= state_repairs::most);
    const auto again = state_repairs::parse(repairs->to_json());
    require(again && again->to_json() == repairs->to_json());
  }
  if (const auto intent = parse_join_intent(text)) {
    const auto again = parse_join_intent(to_json(*intent));
    require(again && to_json(*again) == to_json(*intent));
  }
  return 0;
}

std::vector<std::vector<std::uint8_t>> holdfast::fuzz::seeds() {
  std::vector<std::vector<std::uint8_t>> all;
  const auto add = [&all](const std::string& bytes) { all.emplace_back(bytes.begin(), bytes.end()); };
  state_repairs repairs;
  repairs.note_repair(7, 1'700'000'000'000);
  repairs.note_equal(8);
  repairs.note_repair(9, ~std::uint64_t{0});
  repairs.note_given_up(10);
  add(repairs.to_json());
  join_intent intent;
  intent.phase = join_phase::moving;
  intent.backup_dir = "backup/20260101T000000Z";
  intent.cluster_id = "550e8400-e29b-41d4-a716-446655440000";
  intent.raft_id = "550e8400-e29b-41d4-a716-446655440001";
  intent.members = {{"550e8400-e29b-41d4-a716-446655440002", "10.0.0.1:8093", "https://10.0.0.1:8092"}};
  add(to_json(intent));
  return all;
}
