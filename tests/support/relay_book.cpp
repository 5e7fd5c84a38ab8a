// relay_book.cpp — commands in order, ports that nobody else has.
#include "tests/support/relay_book.h"

#include <algorithm>

namespace sallyport::tests {
namespace {

using media::MediaCommand;

RelayBook::Key key_of(const MediaCommand& command) { return {command.key.call, command.key.stream}; }

bool has_same_ports(const MediaCommand& a, const MediaCommand& b) {
  return a.sides[0].local == b.sides[0].local && a.sides[1].local == b.sides[1].local;
}

}  // namespace

void RelayBook::blame(const MediaCommand& command, const std::string& what) {
  faults_.push_back("stream " + std::to_string(command.key.stream) + " of call " +
                    std::to_string(command.key.call) + ": " + what);
}

void RelayBook::carry_out(const MediaCommand& command, Timestamp now, media::PortPool& pool) {
  settle(now, pool);
  switch (command.kind) {
    case MediaCommand::Kind::Open:
      return open_stream(command);
    case MediaCommand::Kind::Update:
      return update_stream(command);
    case MediaCommand::Kind::Close:
      return close_stream(command, now);
    case MediaCommand::Kind::SendDigit:
      return send_digit(command);
    case MediaCommand::Kind::Ask:
      if (!open_.contains(key_of(command))) blame(command, "asked for and not open");
      return;
  }
}

bool RelayBook::is_taken(const media::MediaSideSettings& side) const {
  const auto uses = [&side](const MediaCommand& command) {
    return command.sides[0].local == side.local || command.sides[1].local == side.local;
  };
  return std::any_of(open_.begin(), open_.end(), [&](const auto& one) { return uses(one.second.last); }) ||
         std::any_of(resting_.begin(), resting_.end(), [&](const Resting& one) { return uses(one.stream); });
}

void RelayBook::open_stream(const MediaCommand& command) {
  ++opened_;
  if (command.key.call == 0 || command.key.stream == 0) blame(command, "opened without a name");
  for (const media::MediaSideSettings& side : command.sides) {
    if (side.local.port % 2 != 0 || side.local.port == 0) blame(command, "a local port that can't be");
    if (side.realm == RealmIndex::kNone) blame(command, "no realm");
    if (is_taken(side)) blame(command, "port " + to_string(side.local) + " is in use");
    if (side.payload_count > media::kPayloadsMax) blame(command, "too many payload types");
    if (side.remote == side.local) blame(command, "sends to itself");
  }
  if (media::slice_of(command.sides[0].local.port) != media::slice_of(command.sides[1].local.port))
    blame(command, "its ports lie on two lcores");
  if (!open_.emplace(key_of(command), Stream{command, 0}).second) blame(command, "opened twice");
}

void RelayBook::send_digit(const MediaCommand& command) {
  const auto found = open_.find(key_of(command));
  if (found == open_.end() || !has_same_ports(found->second.last, command))
    return blame(command, "a digit for a stream that is not open");
  if (found->second.last.sides[media::index_of(command.digit_to)].events_taken.empty())
    blame(command, "a digit for a side that takes none");
  if (command.digit.event > media::kFlashEvent) blame(command, "a digit that is no key");
}

void RelayBook::update_stream(const MediaCommand& command) {
  const auto found = open_.find(key_of(command));
  if (found == open_.end()) return blame(command, "updated, but not open");
  if (!has_same_ports(found->second.last, command)) blame(command, "updated with other ports");
  found->second.last = command;
  ++found->second.updates;
}

void RelayBook::close_stream(const MediaCommand& command, Timestamp now) {
  ++closed_;
  const auto found = open_.find(key_of(command));
  if (found == open_.end()) return blame(command, "closed, but not open");
  if (!has_same_ports(found->second.last, command)) blame(command, "closed with other ports");
  media::MediaNotice final;
  final.kind = media::MediaNotice::Kind::Final;
  final.shard = found->second.last.shard;
  final.key = command.key;
  finals_.push_back(final);
  resting_.push_back({found->second.last, now + command.quarantine});
  open_.erase(found);
}

void RelayBook::settle(Timestamp now, media::PortPool& pool) {
  std::erase_if(resting_, [&](const Resting& one) {
    if (one.until > now) return false;
    for (const media::MediaSideSettings& side : one.stream.sides) pool.give_back(side.realm, side.local);
    return true;
  });
}

void RelayBook::forget() {
  open_.clear();
  resting_.clear();
  finals_.clear();
}

}  // namespace sallyport::tests
