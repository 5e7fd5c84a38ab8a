// registrar_fuzz.cpp — a registrar between hostile phones and a hostile upstream: bytes as a program of
// REGISTERs, answers, time, broken flows and restarts. RFC 3261 §10.3; threats P3, R1, R5, I12.
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "sipalg/message/sip_message.h"
#include "tests/fuzz/program.h"
#include "tests/support/registrar_world.h"

namespace {

using namespace sallyport;
using test::Program;
using test::require;
using tests::PhoneRegister;
using tests::RegistrarSent;
using tests::RegistrarWorld;

constexpr std::size_t kStepsMax = 200;

std::string text_of(Program& program, std::size_t most) {
  const auto octets = program.octets(program.octet() % most);
  return {reinterpret_cast<const char*>(octets.data()), octets.size()};
}

class Run {
 public:
  explicit Run(Program& program) : program_(program) {
    const std::uint8_t terms = program.octet();
    if ((terms & 1) != 0) world_.use_local();
    if ((terms & 2) != 0) world_.use_stream(Transport::Tcp);
    if ((terms & 4) != 0) world_.trust = TrustClass::Known;
    if ((terms & 8) != 0) world_.config.registrars[0].domains.clear();
    world_.config.dataplane.capacity.registrations = 8;
    (void)world_.engine();
  }

  void steps() {
    for (std::size_t i = 0; i < kStepsMax && !program_.is_over(); ++i) {
      step();
      require(world_.board().size() <= 8 * world_.config.registrars[0].contacts_per_aor);
      require(world_.board().aors() <= 8);
      require(world_.engine().size() == world_.board().size());
    }
    take(world_.wait(2h));  // all that is under way and all that was registered ends
    require(world_.engine().size() == 0);
    require(world_.board().aors() == 0);
  }

 private:
  void step() {
    switch (program_.octet() % 8) {
      case 0:
        return take(world_.from(source(), "REGISTER " + text_of(program_, 250), program_.octet() % 3));
      case 1:
      case 2:
        return phone();
      case 3:
      case 4:
        return upstream();
      case 5:
        return take(world_.wait(std::chrono::milliseconds(program_.word() * 50)));
      case 6: {
        sip::Path path{
            .realm = RealmIndex{0}, .local = *parse_endpoint("198.18.1.1:5060", 0), .remote = source()};
        path.transport = world_.transport;
        path.connection = program_.octet() % 3;
        return take(world_.unreachable(path));
      }
      default: {
        asked_.clear();
        (void)world_.restart(world_.save(), std::chrono::seconds(program_.octet()));
        (void)world_.restore(text_of(program_, 250));
        return;
      }
    }
  }

  [[nodiscard]] Endpoint source() {
    const std::uint8_t octet = program_.octet();
    return {IpAddress::v4(0xc6120114u + octet % 4), static_cast<std::uint16_t>(5060 + octet / 64)};
  }

  void phone() {
    PhoneRegister phone;
    const std::uint8_t what = program_.octet();
    phone.user = std::string(1, static_cast<char>('a' + what % 12));
    if ((what & 16) != 0) phone.contact = text_of(program_, 100);
    if ((what & 32) != 0) phone.contact = "<sip:x@10.0.0." + std::to_string(program_.octet()) + ">;q=0.5";
    if ((what & 64) != 0) phone.lines.push_back("Supported: path, outbound, gruu");
    if ((what & 128) != 0) phone.lines.push_back(text_of(program_, 120));
    phone.expires = program_.octet() - 1;
    phone.cseq = program_.octet();
    phone.call_id = std::to_string(program_.octet() % 4);
    take(world_.from(source(), phone.build(), program_.octet() % 3));
  }

  void upstream() {
    if (asked_.empty()) return;
    const std::size_t which = program_.octet() % asked_.size();
    const RegistrarSent asked = asked_[which];
    const int code = 100 + program_.word() % 600;
    const std::string extra = text_of(program_, 120);
    const bool is_whole = extra.empty() || extra.ends_with("\r\n");
    take(program_.octet() % 2 != 0 ? world_.grant(asked, program_.word(), extra)
                                   : world_.answer(asked, code, is_whole ? extra : extra + "\r\n"));
  }

  // What leaves is well formed, says nothing of the other side, and goes where it came from.
  void take(std::vector<RegistrarSent> sent) {
    for (RegistrarSent& message : sent) {
      if (message.bytes == "\r\n\r\n") continue;
      static sip::SipMessage parsed;
      require(sip::parse_message(message.bytes, {}, parsed) == sip::ParseStatus::Complete);
      const bool is_inside = message.path.realm == RealmIndex{1};
      // Outside go answers, and the question whether a phone is alive.
      const bool is_question = parsed.is_request() && parsed.start.method == sip::Method::Options;
      require(parsed.is_request() == (is_inside || is_question));
      if (!is_inside) {
        require(message.bytes.find("198.18.2.") == std::string::npos);
        require(message.path.remote.address.v4_host_order() >> 8 == 0xc61201u);
        continue;
      }
      require(message.path.remote == world_.pbx || message.path.remote == world_.second_pbx);
      require(parsed.start.method == sip::Method::Register);
      asked_.push_back(std::move(message));
      if (asked_.size() > 16) asked_.erase(asked_.begin());
    }
  }

  Program& program_;
  RegistrarWorld world_;
  std::vector<RegistrarSent> asked_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Program program(data, size);
  Run(program).steps();
  return 0;
}
