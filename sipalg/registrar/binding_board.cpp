// binding_board.cpp — bindings by AOR, by number and by flow.
#include "sipalg/registrar/binding_board.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <utility>

#include "policy/base/shared_table.h"
#include "sipalg/registrar/aor.h"

namespace sallyport::sip {
namespace {

// The way as it stands in the packet: whose listener it was is not asked, nor which connection.
Hash128 flow_key(const HashKey& key, RealmIndex realm, const Endpoint& remote, Transport transport) noexcept {
  std::array<char, 16 + 5> bytes{};
  std::memcpy(bytes.data(), remote.address.bytes().data(), 16);
  std::memcpy(bytes.data() + 16, &remote.port, 2);
  std::memcpy(bytes.data() + 18, &realm, 2);
  bytes[20] = static_cast<char>(transport);
  return keyed_hash128(key, {bytes.data(), bytes.size()});
}
static_assert(sizeof(RealmIndex) == 2);

Hash128 aor_key(const HashKey& key, PeerIndex place, std::string_view aor) noexcept {
  std::array<char, kAorBytesMax + 64> bytes;
  static_assert(sizeof place == 2);
  std::memcpy(bytes.data(), &place, 2);
  const std::size_t size = std::min(aor.size(), bytes.size() - 2);
  std::memcpy(bytes.data() + 2, aor.data(), size);
  return keyed_hash128(key, {bytes.data(), size + 2});
}

bool holds(const Bindings& bindings, std::uint64_t number) noexcept {
  return std::ranges::any_of(bindings, [number](const auto& one) { return one->number == number; });
}

}  // namespace

struct BindingBoard::State {
  State(std::uint32_t capacity_in, const HashKey& key_in) : capacity(capacity_in), key(key_in) {}

  [[nodiscard]] Hash128 flow_of(const Path& path) const noexcept {
    return flow_key(key, path.realm, path.remote, path.transport);
  }
  void enter(const SharedValue<Binding>& binding);
  void leave(const Binding& binding);
  void leave_flow(const Binding& binding);

  const std::uint32_t capacity;
  const HashKey key;
  std::atomic<std::uint32_t> aors{0}, bindings{0};
  SharedTable<Hash128, Bindings> by_aor;
  SharedTable<std::uint64_t, Binding> by_number;
  SharedTable<Hash128, Bindings> by_flow;
  const SharedValue<Bindings> nothing = make_value<Bindings>();
};

// In place of the one of the same number, if there is one.
void BindingBoard::State::enter(const SharedValue<Binding>& binding) {
  const SharedValue<Binding> old = by_number.put(binding->number, binding);
  if (!old) bindings.fetch_add(1, std::memory_order_relaxed);
  const Hash128 flow = flow_of(binding->path);
  if (old && flow_of(old->path) != flow) leave_flow(*old);
  by_flow.change(flow, [&binding](const SharedValue<Bindings>& known) {
    auto next = make_value<Bindings>();
    next->reserve(known ? known->size() + 1 : 1);
    bool was_there = false;
    if (known)
      for (const auto& one : *known) {
        const bool is_it = one->number == binding->number;
        was_there = was_there || is_it;
        next->push_back(is_it ? binding : one);
      }
    if (!was_there) next->push_back(binding);
    return next;
  });
}

void BindingBoard::State::leave(const Binding& binding) {
  if (by_number.put(binding.number, nullptr)) bindings.fetch_sub(1, std::memory_order_relaxed);
  leave_flow(binding);
}

void BindingBoard::State::leave_flow(const Binding& binding) {
  by_flow.change(flow_of(binding.path), [&binding](const SharedValue<Bindings>& known) {
    SharedValue<Bindings> rest;
    if (!known || (known->size() == 1 && known->front()->number == binding.number)) return rest;
    auto next = make_value<Bindings>();
    next->reserve(known->size());
    for (const auto& one : *known)
      if (one->number != binding.number) next->push_back(one);
    rest = std::move(next);
    return rest;
  });
}

BindingBoard::BindingBoard(std::uint32_t capacity, const HashKey& key)
    : state_(std::make_unique<State>(capacity, key)) {}
BindingBoard::~BindingBoard() = default;

SharedValue<Bindings> BindingBoard::bindings_of(PeerIndex place, std::string_view aor) const {
  if (state_->aors.load(std::memory_order_relaxed) == 0) return state_->nothing;
  auto found = state_->by_aor.find(aor_key(state_->key, place, aor));
  return found ? found : state_->nothing;
}

SharedValue<Binding> BindingBoard::numbered(std::uint64_t number) const {
  if (state_->aors.load(std::memory_order_relaxed) == 0) return nullptr;
  return state_->by_number.find(number);
}

SharedValue<Bindings> BindingBoard::from(const Path& path) const {
  if (state_->aors.load(std::memory_order_relaxed) == 0) return state_->nothing;
  auto found = state_->by_flow.find(state_->flow_of(path));
  return found ? found : state_->nothing;
}

bool BindingBoard::is_known(RealmIndex realm, const Endpoint& remote, Transport transport) const noexcept {
  if (state_->aors.load(std::memory_order_relaxed) == 0) return false;
  return state_->by_flow.has(flow_key(state_->key, realm, remote, transport));
}

bool BindingBoard::put(PeerIndex place, std::string_view aor, Bindings next) {
  State& state = *state_;
  const Hash128 key = aor_key(state.key, place, aor);
  const SharedValue<Bindings> old = state.by_aor.find(key);  // the only writer is who calls
  if (!old && next.empty()) return true;
  if (!old && state.aors.fetch_add(1, std::memory_order_relaxed) >= state.capacity) {
    state.aors.fetch_sub(1, std::memory_order_relaxed);
    return false;
  }
  if (old)
    for (const auto& one : *old)
      if (!holds(next, one->number)) state.leave(*one);
  for (const auto& one : next)
    if (!old || std::ranges::find(*old, one) == old->end()) state.enter(one);
  const bool is_gone = next.empty();
  SharedValue<Bindings> list;
  if (!is_gone) {
    next.shrink_to_fit();
    list = make_value<Bindings>(std::move(next));
  }
  (void)state.by_aor.put(key, std::move(list));
  if (is_gone) state.aors.fetch_sub(1, std::memory_order_relaxed);
  return true;
}

std::uint32_t BindingBoard::aors() const noexcept { return state_->aors.load(std::memory_order_relaxed); }
std::uint32_t BindingBoard::size() const noexcept { return state_->bindings.load(std::memory_order_relaxed); }

}  // namespace sallyport::sip
