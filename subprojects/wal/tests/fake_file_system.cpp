#include "fake_file_system.hpp"

#include <algorithm>

namespace holdfast::wal::test {
namespace {

constexpr std::size_t sector = 512;

void write_into(bytes& target, std::uint64_t offset, byte_view data) {
  if (target.size() < offset + data.size())
    target.resize(offset + data.size());
  std::copy(data.begin(), data.end(), target.begin() + static_cast<std::ptrdiff_t>(offset));
}

bool zeros(byte_view data) {
  return std::all_of(data.begin(), data.end(), [](std::byte b) { return b == std::byte{0}; });
}

} // namespace

crash_choice crash_choice::of_mask(std::uint64_t mask) {
  crash_choice c;
  c.mask_ = mask;
  return c;
}

crash_choice crash_choice::of_seed(std::uint64_t seed) {
  crash_choice c;
  c.random_.emplace(seed);
  return c;
}

bool crash_choice::next() {
  const auto k = asked_++;
  if (random_)
    return ((*random_)() & 1U) != 0;
  return mask_ == ~std::uint64_t{0} || (k < 64 && ((mask_ >> k) & 1U) != 0);
}

class fake_file final : public file {
public:
  fake_file(fake_file_system& fs, fake_file_system::node_ptr target, std::string path)
      : fs_(fs), target_(std::move(target)), path_(std::move(path)) {}

  result<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> out) override {
    const auto bad = fs_.unreadable_.find(path_);
    if (bad != fs_.unreadable_.end() && bad->second >= offset && bad->second < offset + out.size())
      return error{error_kind::io, 5, "read " + path_};
    const auto& data = target_->live;
    if (offset >= data.size())
      return std::size_t{0};
    const auto n = std::min<std::size_t>(out.size(), data.size() - offset);
    std::copy_n(data.begin() + static_cast<std::ptrdiff_t>(offset), n, out.begin());
    return n;
  }

  status write_at(std::uint64_t offset, byte_view data) override {
    if (auto e = fs_.step(error_kind::no_space)) {
      if (e->kind == error_kind::io && fs_.power_cut_at_ == 0)
        (void)fs_.write(*target_, offset, data.first(data.size() / 2));
      return *e;
    }
    return fs_.write(*target_, offset, data);
  }

  status truncate(std::uint64_t size) override {
    if (auto e = fs_.step(error_kind::io))
      return *e;
    target_->live.resize(size);
    target_->pending.push_back({true, size, {}});
    return {};
  }

  /// Each pending sector may or may not be on the disk before as after: only a failure shows.
  status write_out(std::uint64_t, std::uint64_t) override {
    const bool power = fs_.power_cut_at_ != 0 && fs_.calls_ + 1 >= fs_.power_cut_at_;
    if (auto e = fs_.step(error_kind::io)) {
      if (!power)
        target_->pending.clear(); // and the next sync says all is well
      return *e;
    }
    return {};
  }

  status sync() override {
    ++fs_.syncs_;
    const bool power = fs_.power_cut_at_ != 0 && fs_.calls_ + 1 >= fs_.power_cut_at_;
    if (auto e = fs_.step(error_kind::io)) {
      if (!power)
        target_->pending.clear(); // the pages are marked clean although they never reached the disk
      return *e;
    }
    // What a failed call lost is not among the pending writes, and does not come back.
    for (const auto& op : target_->pending) {
      if (op.is_truncate)
        target_->durable.resize(op.offset);
      else
        write_into(target_->durable, op.offset, op.data);
    }
    target_->pending.clear();
    return {};
  }

  result<std::uint64_t> size() override { return std::uint64_t{target_->live.size()}; }

private:
  fake_file_system& fs_;
  fake_file_system::node_ptr target_;
  std::string path_;
};

std::optional<error> fake_file_system::step(error_kind sort) {
  ++calls_;
  if (power_cut_at_ != 0 && calls_ >= power_cut_at_)
    return error{error_kind::io, 5, "the power is gone"};
  if (!fault_ || calls_ < fault_->at_call || (calls_ > fault_->at_call && !fault_->lasting))
    return std::nullopt;
  // A full disk fails what needs room; everything can fail with EIO.
  if (fault_->kind == error_kind::no_space && sort != error_kind::no_space)
    return std::nullopt;
  return error{fault_->kind, fault_->kind == error_kind::no_space ? 28 : 5, "injected"};
}

std::uint64_t fake_file_system::used() const {
  std::uint64_t sum = 0;
  for (const auto& [name, target] : live_)
    sum += target->live.size();
  return sum;
}

status fake_file_system::write(node& target, std::uint64_t offset, byte_view data) {
  const auto end = offset + data.size();
  if (capacity_ != 0 && end > target.live.size() && used() + (end - target.live.size()) > capacity_) {
    const auto room = capacity_ > used() ? capacity_ - used() : 0;
    const auto fits = static_cast<std::size_t>(std::min<std::uint64_t>(
        data.size(), target.live.size() > offset ? target.live.size() - offset + room : room));
    const auto part = data.first(fits);
    write_into(target.live, offset, part);
    target.pending.push_back({false, offset, bytes(part.begin(), part.end())});
    return error{error_kind::no_space, 28, "full"};
  }
  write_into(target.live, offset, data);
  target.pending.push_back({false, offset, bytes(data.begin(), data.end())});
  return {};
}

result<std::unique_ptr<file>> fake_file_system::open(const std::string& path, open_mode mode) {
  const auto found = live_.find(path);
  if (mode != open_mode::create) {
    if (found == live_.end())
      return error{error_kind::not_found, 2, "open " + path};
    return std::unique_ptr<file>(std::make_unique<fake_file>(*this, found->second, path));
  }
  if (auto e = step(error_kind::no_space))
    return *e;
  node_ptr target;
  if (found != live_.end()) {
    target = found->second;
    target->live.clear();
    target->pending.push_back({true, 0, {}});
  } else {
    target = std::make_shared<node>();
    live_[path] = target;
    pending_.push_back({"", path, target});
  }
  return std::unique_ptr<file>(std::make_unique<fake_file>(*this, target, path));
}

status fake_file_system::rename(const std::string& from, const std::string& to) {
  if (auto e = step(error_kind::io))
    return *e;
  const auto found = live_.find(from);
  if (found == live_.end())
    return error{error_kind::not_found, 2, "rename " + from};
  const auto target = found->second;
  live_.erase(found);
  live_[to] = target;
  pending_.push_back({from, to, target});
  return {};
}

status fake_file_system::unlink(const std::string& path) {
  if (auto e = step(error_kind::io))
    return *e;
  if (live_.erase(path) == 0)
    return error{error_kind::not_found, 2, "unlink " + path};
  pending_.push_back({path, "", nullptr});
  return {};
}

status fake_file_system::sync_directory(const std::string&) {
  ++syncs_;
  if (auto e = step(error_kind::io))
    return *e;
  durable_ = live_;
  pending_.clear();
  return {};
}

result<std::vector<std::string>> fake_file_system::list(const std::string& directory) {
  std::vector<std::string> names;
  const auto prefix = directory + "/";
  for (const auto& [path, target] : live_)
    if (path.starts_with(prefix))
      names.push_back(path.substr(prefix.size()));
  return names;
}

status fake_file_system::make_directory(const std::string&) {
  return {};
}

bytes fake_file_system::crashed(const node& from, crash_choice& choice) {
  bytes image = from.durable;
  bool in_order = true;
  for (const auto& op : from.pending) {
    if (op.is_truncate) {
      in_order = choice.next() && in_order;
      if (in_order)
        image.resize(op.offset);
      continue;
    }
    if (zeros(op.data) && op.offset >= image.size()) {
      // New zeros are only a size.
      if (choice.next())
        write_into(image, op.offset, op.data);
      continue;
    }
    const auto end = op.offset + op.data.size();
    for (auto at = op.offset; at < end;) {
      const auto stop = std::min<std::uint64_t>(end, (at / sector + 1) * sector);
      if (choice.next())
        write_into(image, at, byte_view(op.data).subspan(at - op.offset, stop - at));
      at = stop;
    }
  }
  return image;
}

std::unique_ptr<fake_file_system> fake_file_system::after_power_cut(crash_choice& choice) const {
  auto names = durable_;
  for (const auto& op : pending_) {
    if (!choice.next())
      continue;
    if (!op.remove.empty())
      names.erase(op.remove);
    if (!op.add.empty())
      names[op.add] = op.target;
  }
  auto out = std::make_unique<fake_file_system>();
  std::map<const node*, node_ptr> copies;
  for (const auto& [path, target] : names) {
    auto& copy = copies[target.get()];
    if (!copy) {
      copy = std::make_shared<node>();
      copy->live = copy->durable = crashed(*target, choice);
    }
    out->live_[path] = copy;
  }
  out->durable_ = out->live_;
  return out;
}

std::unique_ptr<fake_file_system> fake_file_system::after_kill() const {
  auto out = std::make_unique<fake_file_system>();
  std::map<const node*, node_ptr> copies;
  const auto copy_of = [&](const node_ptr& target) {
    if (!target)
      return node_ptr();
    auto& copy = copies[target.get()];
    if (!copy)
      copy = std::make_shared<node>(*target);
    return copy;
  };
  for (const auto& [path, target] : live_)
    out->live_[path] = copy_of(target);
  for (const auto& [path, target] : durable_)
    out->durable_[path] = copy_of(target);
  for (const auto& op : pending_)
    out->pending_.push_back({op.remove, op.add, copy_of(op.target)});
  return out;
}

void fake_file_system::for_each_crash(std::size_t most_bits, std::size_t samples, std::uint64_t seed,
                                      const std::function<void(fake_file_system&)>& check) const {
  auto none = crash_choice::of_mask(0);
  check(*after_power_cut(none));
  auto all = crash_choice::of_mask(~std::uint64_t{0});
  check(*after_power_cut(all));
  if (none.asked() <= most_bits) {
    for (std::uint64_t mask = 1; mask < std::uint64_t{1} << none.asked(); ++mask) {
      auto choice = crash_choice::of_mask(mask);
      check(*after_power_cut(choice));
    }
    return;
  }
  for (std::size_t i = 0; i < samples; ++i) {
    auto choice = crash_choice::of_seed(seed * 1000003 + i);
    check(*after_power_cut(choice));
  }
}

bytes fake_file_system::content(const std::string& path) const {
  const auto found = live_.find(path);
  return found == live_.end() ? bytes() : found->second->live;
}

void fake_file_system::set_content(const std::string& path, bytes data) {
  auto target = std::make_shared<node>();
  target->live = target->durable = std::move(data);
  live_[path] = target;
  durable_[path] = target;
}

void fake_file_system::remove(const std::string& path) {
  live_.erase(path);
  durable_.erase(path);
}

std::map<std::string, bytes> fake_file_system::all() const {
  std::map<std::string, bytes> out;
  for (const auto& [path, target] : live_)
    out[path] = target->live;
  return out;
}

} // namespace holdfast::wal::test
