// shard.cpp — packets to datagrams to the SIP engine, and back. RFC 3261 §18.4 for errors of the network;
// STUN on SIP listeners, which no engine sees: RFC 8489, RFC 5626 §8.
#include "dataplane/shard/shard.h"

#include <rte_mbuf.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "dataplane/dpdk/mbuf_ptr.h"
#include "dataplane/packet/datagram_mbuf.h"
#include "dataplane/packet/parse_mbuf.h"
#include "media-relay/wire/stun_message.h"

namespace sallyport::dataplane {
namespace {

PortIndex port_named(const SbcConfig& config, const std::string& name) {
  for (std::size_t i = 0; i < config.ports.size(); ++i)
    if (config.ports[i].name == name) return static_cast<PortIndex>(i);
  return PortIndex::kNone;
}

std::vector<ShardOutbox::ToLcore> ways_to(const std::vector<ShardLcore>& lcores) {
  std::vector<ShardOutbox::ToLcore> ways;
  for (const ShardLcore& lcore : lcores) ways.push_back({lcore.outbox, lcore.orders, lcore.progress});
  return ways;
}

}  // namespace

Shard::Shard(const SbcConfig& config, ShardSetup setup)
    : lcores_(std::move(setup.lcores)),
      shards_(std::move(setup.shards)),
      outbox_(ways_to(lcores_)),
      streams_(setup.to_connections, outbox_),
      from_connections_(setup.from_connections),
      number_(setup.number),
      owner_(setup.owner),
      pool_(setup.pool),
      events_(*setup.events),
      commands_(*setup.commands),
      policy_(*setup.policy),
      engine_(config, *setup.policy, setup.engine),
      newest_edition_(setup.edition),
      edition_(setup.edition == nullptr ? 0 : setup.edition->load(std::memory_order_acquire)),
      patience_(lcores_.size()),
      dropped_(config.ports.size()),
      scratch_(std::make_unique<char[]>(kDatagramMax)) {
  realms_.reserve(realm_places(config));
  read_rules(config);
}

Shard::~Shard() { discard_mail(); }

std::size_t Shard::run_once(Timestamp now) noexcept {
  std::size_t done = follow(now);
  done += commands_.take_all(now) + outbox_.go_on() + streams_.go_on();
  tell_media_ready();
  if (!is_saved_) done += hear_journal(now);
  for (ShardLcore& lcore : lcores_) done += take_lost_ways(now, lcore);
  for (const Lane lane : kLanes)
    for (std::size_t lcore = 0; lcore < lcores_.size(); ++lcore)
      done += take_mail(now, lcore, lane, batch_of(lane));
  for (const ShardLcore& lcore : lcores_)
    if (lcore.notices != nullptr) done += take_notices(now, *lcore.notices);
  done += take_stream_mail(now) + hear_refused(now) + take_letters(now) + post_letters();
  if (!is_saved_) done += run_timers(now);
  ring_stream();
  events_.flush();
  return done;
}

std::size_t Shard::follow(Timestamp now) noexcept {
  if (is_saved_ || !is_behind()) return 0;
  edition_ = newest_edition_->load(std::memory_order_acquire);
  with_engine([&](sip::SipEngine& engine, sip::EngineOutput& out) { engine.adopt(now, out); });
  read_rules(policy_.rulebook.read()->config);
  return 1;
}

std::size_t Shard::take_lost_ways(Timestamp now, ShardLcore& lcore) noexcept {
  std::size_t done = 0;
  for (Unreachable lost; lcore.unreachable->receive(lost); ++done) {
    if (is_saved_) continue;
    with_engine([&](sip::SipEngine& engine, sip::EngineOutput& out) {
      engine.on_unreachable(now, {lost.realm, lost.local, lost.remote}, out);
    });
  }
  return done;
}

// Of known peers nothing is dropped for having waited: new calls are refused, when what waits is theirs. What
// is dropped takes little time, and the place of nothing else.
std::size_t Shard::take_mail(Timestamp now, std::size_t lcore, Lane lane, std::size_t at_most) noexcept {
  ShardInbox& inbox = *lcores_[lcore].inbox;
  LanePatience& patience = patience_[lcore][static_cast<std::size_t>(lane)];
  const Duration longest = longest_wait_of(lane);
  std::size_t done = 0, refused = 0;
  ShardInput input;
  while (done < at_most && refused < kRefusedMax) {
    if (!inbox.receive(input, lane)) {
      patience.on_empty();
      break;
    }
    const bool is_late = patience.is_overdue(now, input.since, longest);
    const bool is_overdue = is_late || shed_.sheds(lane);
    if (is_saved_ || (is_late && lane != Lane::Known) || (is_overdue && lane == Lane::Strangers)) {
      ++refused;
      refuse(input.packet, is_saved_               ? DropReason::Stopping
                           : lane == Lane::Trusted ? DropReason::TrustedOverload
                                                   : DropReason::StrangerOverload);
    } else {
      ++done;
      handle(now, input.packet, is_overdue);
    }
  }
  return done + refused;
}

std::size_t Shard::take_notices(Timestamp now, Mailbox<media::MediaNotice>& notices) noexcept {
  std::size_t done = 0;
  for (media::MediaNotice notice; done < kBatch && notices.receive(notice); ++done) {
    if (is_saved_) continue;
    with_engine([&](sip::SipEngine& engine, sip::EngineOutput& out) { engine.on_media(now, notice, out); });
  }
  return done;
}

std::size_t Shard::take_stream_mail(Timestamp now) noexcept {
  std::size_t done = 0;
  if (from_connections_ == nullptr) return done;
  for (const Lane lane : kLanes) {
    FromConnections mail;
    std::size_t left = batch_of(lane);
    for (; left > 0 && from_connections_->receive(mail, lane); --left) {
      const std::unique_ptr<StreamMessage> message(mail.message);
      if (!is_saved_) hear_stream(now, lane, *message);
      ++done;
    }
    if (left > 0) stream_patience_[static_cast<std::size_t>(lane)].on_empty();
  }
  return done;
}

// Of what a connection has brought nothing is dropped, whoever sent it: it would not come again. New calls
// are refused. RFC 3261 §21.5.4
bool Shard::is_overdue(Timestamp now, Lane lane, Timestamp since, const sip::MessageInput& input) noexcept {
  if (stream_patience_[static_cast<std::size_t>(lane)].is_overdue(now, since, longest_wait_of(lane)))
    return true;
  const bool is_registered = lane == Lane::Strangers && shed_.share_of(lane) > 0 &&
                             policy_.bindings.is_known(input.realm, input.remote, input.transport);
  return shed_.sheds(is_registered ? Lane::Trusted : lane);
}

void Shard::hear_stream(Timestamp now, Lane lane, StreamMessage& message) noexcept {
  if (const auto* const arrived = std::get_if<StreamMessage::Arrived>(&message.what);
      arrived != nullptr && !knows(now, arrived->input.realm))
    return;
  with_engine([&](sip::SipEngine& engine, sip::EngineOutput& out) {
    if (auto* arrived = std::get_if<StreamMessage::Arrived>(&message.what)) {
      arrived->input.bytes = arrived->bytes;
      arrived->input.is_overdue = is_overdue(now, lane, arrived->since, arrived->input);
      engine.on_message(now, arrived->input, out);
    } else if (const auto* failed = std::get_if<StreamMessage::Failed>(&message.what)) {
      engine.on_unreachable(now, failed->path, out);
    } else if (const auto* answer = std::get_if<StreamMessage::DnsAnswered>(&message.what)) {
      engine.on_dns(now, {answer->id, answer->is_answered, answer->message}, out);
    }
  });
}

// As many as there are now: what the engine then tries another way may be refused again.
std::size_t Shard::hear_refused(Timestamp now) noexcept {
  std::size_t done = 0;
  for (; done < kBatch; ++done) {
    const std::unique_ptr<StreamOrder> order = streams_.take_refused();
    if (order == nullptr) break;
    if (is_saved_) continue;
    with_engine([&](sip::SipEngine& engine, sip::EngineOutput& out) {
      if (const auto* sending = std::get_if<StreamOrder::Send>(&order->what))
        engine.on_unreachable(now, sending->path, out);
      else if (const auto* question = std::get_if<StreamOrder::Ask>(&order->what))
        engine.on_dns(now, {question->query.id, false, {}}, out);
    });
  }
  return done;
}

// Bounded apart from the datagrams, so that neither keeps the other waiting.
std::size_t Shard::run_timers(Timestamp now) noexcept {
  for (std::size_t done = 0; done < kTimerTurns; ++done) {
    const auto deadline = engine_.next_deadline();
    if (!deadline || *deadline > now) return done;
    with_engine([&](sip::SipEngine& engine, sip::EngineOutput& out) { engine.on_deadline(now, out); });
  }
  return kTimerTurns;
}

std::size_t Shard::hear_journal(Timestamp now) noexcept {
  const std::uint64_t sequence = events_.journalled();
  if (sequence == journalled_) return 0;
  journalled_ = sequence;
  with_engine(
      [&](sip::SipEngine& engine, sip::EngineOutput& out) { engine.on_journalled(now, sequence, out); });
  return 1;
}

bool Shard::has_mail() const noexcept {
  return commands_.has_mail() || (!is_saved_ && (events_.journalled() != journalled_ || is_behind())) ||
         outbox_.can_go_on() || streams_.can_go_on() || streams_.has_refused() ||
         (from_connections_ != nullptr && !from_connections_->empty()) ||
         std::any_of(shards_.begin(), shards_.end(),
                     [](const ShardPeer& shard) { return shard.from != nullptr && !shard.from->empty(); }) ||
         std::any_of(lcores_.begin(), lcores_.end(), [](const ShardLcore& lcore) {
           return !lcore.inbox->empty() || !lcore.unreachable->empty() ||
                  (lcore.notices != nullptr && !lcore.notices->empty());
         });
}

std::optional<Timestamp> Shard::next_deadline(Timestamp now) const noexcept {
  std::optional<Timestamp> deadline;
  if (!is_saved_) deadline = engine_.next_deadline();
  if (events_.is_behind() || !outbox_.is_empty() || !streams_.is_empty() || !letters_.empty())
    deadline = std::min(deadline.value_or(Timestamp::max()), now + kRetry);
  return deadline;
}

std::vector<sip::SipEngine::SavedCall> Shard::save(Timestamp now) noexcept {
  for (const Lane lane : kLanes)
    for (std::size_t lcore = 0; lcore < lcores_.size(); ++lcore)
      take_mail(now, lcore, lane, lcores_[lcore].inbox->capacity());
  for (std::size_t turns = from_connections_ == nullptr ? 0 : from_connections_->capacity(); turns > 0;
       --turns)
    if (take_stream_mail(now) == 0) break;
  (void)take_letters(now);
  (void)post_letters();
  is_saved_ = true;
  ring_stream();
  events_.flush();
  return engine_.save(now);
}

void Shard::discard_mail() noexcept {
  ShardInput input;
  for (const ShardLcore& lcore : lcores_)
    while (lcore.inbox->receive(input)) rte_pktmbuf_free(input.packet);
  for (const ShardPeer& shard : shards_)
    for (ShardLetter mail; shard.from != nullptr && shard.from->receive(mail);)
      const std::unique_ptr<sip::EngineLetter> letter(mail.letter);
  if (from_connections_ == nullptr) return;
  for (FromConnections mail; from_connections_->receive(mail);)
    const std::unique_ptr<StreamMessage> message(mail.message);
}

void Shard::handle(Timestamp now, rte_mbuf* packet, bool is_overdue) noexcept {
  const MbufPtr owner(packet);
  const PacketMeta& meta = *meta_of(packet);
  if (!knows(now, meta.realm)) return dropped_[to_position(meta.port)].add(DropReason::NoListener);
  const std::string_view payload = payload_of(*packet);
  const std::span octets(reinterpret_cast<const std::uint8_t*>(payload.data()), payload.size());
  if (media::is_stun(octets) && may_ask_by_stun(meta)) return answer_stun(meta, octets);
  const sip::MessageInput input{.listener = meta.listener,
                                .realm = meta.realm,
                                .peer = meta.peer,
                                .trust = meta.trust,
                                .local = {meta.destination, meta.destination_port},
                                .remote = {meta.source, meta.source_port},
                                .bytes = payload,
                                .is_overdue = is_overdue};
  with_engine([&](sip::SipEngine& engine, sip::EngineOutput& out) { engine.on_message(now, input, out); });
}

void Shard::read_rules(const SbcConfig& config) noexcept {
  longest_wait_ = config.security.overload_queue_delay;
  busiest_ = config.security.overload_cpu_percent / 100.0;
  realms_.resize(std::max(realms_.size(), config.realms.size()));
  for (std::size_t i = 0; i < config.realms.size(); ++i) {
    const RealmConfig& realm = config.realms[i];
    realms_[i] = {port_named(config, realm.port), realm.signalling_dscp.value};
    realms_[i].has_registrar = std::ranges::any_of(
        config.registrars,
        [&realm](const RegistrarConfig& registrar) { return registrar.realm == realm.name; });
  }
}

// One answer for each question that the guard let through, from where it was asked.
void Shard::answer_stun(const PacketMeta& meta, std::span<const std::uint8_t> question) noexcept {
  const auto request = media::parse_binding_request(question);
  if (!request) return dropped_[to_position(meta.port)].add(DropReason::BadStun);
  const Endpoint source{meta.source, meta.source_port};
  std::array<std::uint8_t, media::kStunAnswerMax> answer;
  const std::size_t size = media::write_binding_answer(*request, source, answer);
  sip::SendMessage message;
  message.path = {.realm = meta.realm, .local = {meta.destination, meta.destination_port}, .remote = source};
  message.bytes = {reinterpret_cast<const char*>(answer.data()), size};
  send(message);
}

void Shard::refuse(rte_mbuf* packet, DropReason reason) noexcept {
  dropped_[to_position(meta_of(packet)->port)].add(reason);
  rte_pktmbuf_free(packet);
}

// Reassembled datagrams lie in a chain of segments.
std::string_view Shard::payload_of(const rte_mbuf& packet) noexcept {
  const PacketMeta& meta = *meta_of(const_cast<rte_mbuf*>(&packet));
  if (std::uint32_t{meta.payload_offset} + meta.payload_length > packet.pkt_len) return {};
  const void* bytes = rte_pktmbuf_read(&packet, meta.payload_offset, meta.payload_length, scratch_.get());
  return {static_cast<const char*>(bytes), meta.payload_length};
}

void Shard::carry_out() noexcept {
  for (const media::MediaCommand& command : out_.media()) outbox_.give(command);
  tell_media_ready();
  for (const sip::SendMessage& message : out_.sends()) {
    if (is_stream(message.path.transport))
      order(StreamOrder::Send{message.path, std::string(message.bytes)});
    else
      send(message);
  }
  for (const std::uint64_t connection : out_.closes()) order(StreamOrder::Close{connection});
  for (sip::DnsQuery& query : out_.dns()) order(StreamOrder::Ask{std::move(query)});
  for (sip::EngineEvent& event : out_.events()) events_.add(std::move(event));
  for (auto& letter : out_.letters()) letters_.push_back(std::move(letter));
  if (!letters_.empty()) (void)post_letters();
}

std::size_t Shard::take_letters(Timestamp now) noexcept {
  std::size_t done = 0;
  for (const ShardPeer& shard : shards_)
    for (ShardLetter mail; done < kBatch && shard.from != nullptr && shard.from->receive(mail); ++done) {
      const std::unique_ptr<sip::EngineLetter> letter(mail.letter);
      if (is_saved_) continue;
      with_engine(
          [&](sip::SipEngine& engine, sip::EngineOutput& out) { engine.on_letter(now, *letter, out); });
    }
  return done;
}

std::size_t Shard::post_letters() noexcept {
  std::size_t done = 0;
  for (; !letters_.empty() && !shards_.empty(); ++done) {
    const ShardPeer& receiver = shards_[letters_.front()->shard % shards_.size()];
    if (receiver.to != nullptr && !receiver.to->send({letters_.front().get()})) break;
    if (receiver.to != nullptr) (void)letters_.front().release();
    letters_.pop_front();
    if (receiver.bell != nullptr) receiver.bell->ring();
  }
  return done;
}

void Shard::order(decltype(StreamOrder::what) what) {
  streams_.give(std::make_unique<StreamOrder>(StreamOrder{number_, std::move(what)}));
}

void Shard::tell_media_ready() noexcept {
  const bool is_ready = !outbox_.is_congested();
  if (is_ready == is_media_ready_) return;
  is_media_ready_ = is_ready;
  engine_.set_media_ready(is_ready);
}

void Shard::send(const sip::SendMessage& datagram) noexcept {
  const sip::Path& path = datagram.path;
  const RealmWay& way = realms_[to_position(path.realm)];
  MbufPtr packet(datagram_mbuf(datagram.bytes, *pool_));
  if (!packet) {
    dropped_[to_position(way.port)].add(DropReason::NoBuffer);
    return;
  }
  PacketMeta& meta = *meta_of(packet.get());
  meta = PacketMeta{};
  meta.source = path.local.address;
  meta.source_port = path.local.port;
  meta.destination = path.remote.address;
  meta.destination_port = path.remote.port;
  meta.payload_length = static_cast<std::uint16_t>(datagram.bytes.size());
  meta.port = way.port;
  meta.realm = path.realm;
  meta.ip_protocol = 17;
  meta.packet_class = PacketClass::Signalling;
  const std::size_t lcore = owner_.of(path.remote.address);
  const std::size_t sender = lcores_[lcore].sender_by_port[to_position(way.port)];
  if (!outbox_.send(sender, {packet.get(), way.dscp})) {
    dropped_[to_position(way.port)].add(DropReason::LcoreRingFull);
    return;
  }
  (void)packet.release();
}

}  // namespace sallyport::dataplane
