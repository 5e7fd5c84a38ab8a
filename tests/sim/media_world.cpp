// Streams, ports and notices of a world.
#include "tests/sim/media_world.h"

#include <fmt/format.h>

namespace sallyport::sim {

void MediaWorld::carry_out(sip::EngineOutput& out, Timestamp now, media::PortPool& pool) {
  book_.settle(now, pool);
  for (const media::MediaCommand& command : out.media()) {
    book_.carry_out(command, now, pool);
    for (const std::size_t side : {0u, 1u})
      if (command.sides[1 - side].remote.port != 0)
        behind_[command.sides[side].local].insert(command.sides[1 - side].remote.port);
  }
  for (; faults_told_ < book_.faults().size(); ++faults_told_)
    judge_.blame("asked of the relay: " + book_.faults()[faults_told_]);
}

void MediaWorld::on_record(const CallRecord& record) {
  if (record.type == CallRecordType::End) reports_due_[record.call] += record.media_reports;
}

void MediaWorld::restart() {
  book_.forget();
  was_restarted_ = true;
}

std::vector<media::MediaNotice> MediaWorld::draw_notices(bool may_end) {
  std::vector<media::MediaNotice> notices;
  if (book_.open().empty()) return notices;
  auto at = book_.open().begin();
  std::advance(at, static_cast<std::ptrdiff_t>(random_.below(book_.open().size())));
  media::MediaNotice notice;
  notice.key = at->second.last.key;
  notice.shard = at->second.last.shard;
  notice.side = random_.chance(0.5) ? media::StreamSide::Caller : media::StreamSide::Callee;
  for (const std::size_t side : {0u, 1u}) {
    notice.sides[side].remote = at->second.last.sides[side].remote;
    notice.sides[side].packets = random_.below(1000);
  }
  notice.kind = random_.chance(0.5) ? media::MediaNotice::Kind::Learned : media::MediaNotice::Kind::Report;
  if (may_end && random_.chance(0.1)) notice.kind = media::MediaNotice::Kind::Silent;
  notices.push_back(notice);
  return notices;
}

bool MediaWorld::leads_to(const Endpoint& shown, std::uint16_t far_port) const {
  const auto found = behind_.find(shown);
  return found != behind_.end() && found->second.contains(far_port);
}

std::string MediaWorld::left_behind(Timestamp now, media::PortPool& pool, std::size_t realms) {
  book_.settle(now, pool);
  std::string left;
  if (!book_.open().empty()) left += fmt::format("{} streams that are open; ", book_.open().size());
  if (book_.in_quarantine() != 0) left += fmt::format("{} streams that rest; ", book_.in_quarantine());
  for (std::size_t realm = 0; realm < realms; ++realm)
    if (const auto taken = pool.use(RealmIndex{static_cast<std::uint16_t>(realm)}).taken; taken != 0)
      left += fmt::format("{} pairs of ports of realm {}; ", taken, realm);
  for (const auto& [call, due] : reports_due_)
    if (due < 0 || (due > 0 && !was_restarted_))
      left += fmt::format("{} media reports that call {} did not tell of rightly; ", due, call);
  return left;
}

}  // namespace sallyport::sim
