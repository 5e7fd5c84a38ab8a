// net_tap_fixture.h — a tap in a namespace of its own; the test is the wire behind it.
#pragma once

#include <gtest/gtest.h>
#include <poll.h>

#include <array>
#include <chrono>

#include "dataplane/stream/tap.h"
#include "tests/integration/net_frames.h"
#include "tests/integration/net_shell.h"

namespace sallyport::dataplane {

class TapFixture : public testing::Test {
 protected:
  void SetUp() override {
    const auto* const test = testing::UnitTest::GetInstance()->current_test_info();
    auto made = NetworkNamespace::create(unique_name(std::string(test->name()).substr(0, 40)));
    ASSERT_TRUE(made) << made.error().message;
    namespace_ = std::move(*made);
    auto tap = Tap::create(namespace_,
                           {own4_.mac, 1500, {{own4_.address, 24}, {own6_.address, 64}}, {gateway_.address}});
    ASSERT_TRUE(tap) << tap.error().message;
    tap_ = std::move(*tap);
  }

  bool write(Frame frame) {
    const iovec part{frame.data(), frame.size()};
    return tap_.write(std::span(&part, 1));
  }
  // The next frame from Linux that is_wanted; empty when none came in time.
  template <class IsWanted>
  Frame read_until(IsWanted&& is_wanted, std::chrono::milliseconds patience = std::chrono::seconds(5)) {
    const auto end = std::chrono::steady_clock::now() + patience;
    std::array<std::uint8_t, 2048> buffer;
    for (;;) {
      while (const std::size_t size = tap_.read(buffer))
        if (is_wanted(std::span<const std::uint8_t>(buffer).first(size)))
          return Frame(buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(size));
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
      if (left.count() <= 0) return {};
      pollfd waiting{tap_.fd(), POLLIN, 0};
      ::poll(&waiting, 1, static_cast<int>(left.count()));
    }
  }
  bool ip(const std::string& arguments) { return run("ip -n " + namespace_.name() + " " + arguments); }

  Host own4_{{2, 0, 0, 0, 0, 1}, *IpAddress::parse("198.18.1.1")},
      own6_{own4_.mac, *IpAddress::parse("fd18:1::1")};
  Host far4_{{2, 0, 0, 0, 0, 2}, *IpAddress::parse("198.18.1.2")},
      far6_{far4_.mac, *IpAddress::parse("fd18:1::2")};
  Host gateway_{{2, 0, 0, 0, 0, 0xfe}, *IpAddress::parse("198.18.1.254")};
  NetworkNamespace namespace_;
  Tap tap_;
};

}  // namespace sallyport::dataplane
