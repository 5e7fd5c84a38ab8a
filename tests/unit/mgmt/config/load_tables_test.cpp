// load_tables_test.cpp — files of prefix,peer,weight: what is read, and what is said of each wrong line.
#include <gmock/gmock.h>

#include "mgmt/config/load_tables.h"
#include "policy/route/prefix_table.h"
#include "tests/unit/mgmt/config/config_text.h"

namespace sallyport::mgmt {
namespace {

using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// Loads lcr.csv with that text.
LoadedConfig load_table(std::string_view csv) {
  const TestFolder folder;
  folder.write("lcr.csv", csv);
  return load_config(folder.write("c.yaml", with_line(13, "tables: [{ name: lcr, file: lcr.csv }]")));
}

// Problems with the table's lines, without the folder of the file.
std::vector<std::string> said_of(const LoadedConfig& loaded) {
  std::vector<std::string> said;
  for (const ConfigProblem& problem : loaded.problems)
    if (problem.file.ends_with("lcr.csv"))
      said.push_back(to_string(problem).substr(problem.file.size() - std::string_view("lcr.csv").size()));
  return said;
}

// The peers of the longest prefix, with their weights.
std::string found(const LoadedConfig& loaded, std::string_view number) {
  const TableConfig& table = loaded.config.tables.at(0);
  std::string text;
  for (const policy::PrefixLine& line : table.content->find(number))
    text += table.peers.at(line.peer) + ":" + std::to_string(line.weight) + " ";
  return text;
}

TEST(LoadTables, LinesBecomeATable) {
  const LoadedConfig loaded = load_table("+49,carrier,10\n+49,pbx,90\n+4930,pbx,0\n");
  EXPECT_THAT(said_of(loaded), IsEmpty());
  EXPECT_EQ(found(loaded, "+4989"), "carrier:10 pbx:90 ");
  EXPECT_EQ(found(loaded, "+49301"), "pbx:0 ");
  EXPECT_EQ(found(loaded, "+1"), "");
}

TEST(LoadTables, WhatEditorsAndSpreadsheetsWriteIsTolerated) {
  const LoadedConfig loaded = load_table(
      "\xef\xbb\xbfPrefix,Peer,Weight\r\n# by hand\r\n\r\n  +49 , carrier , 5 \r\n\"+1\",\"pbx\",\"7\"\r\n"
      "\"#31#\",pbx\r\n*21,pbx,");
  EXPECT_THAT(said_of(loaded), IsEmpty());
  EXPECT_EQ(found(loaded, "+49"), "carrier:5 ");
  EXPECT_EQ(found(loaded, "+1"), "pbx:7 ");
  EXPECT_EQ(found(loaded, "#31#0"), "pbx:1 ");
  EXPECT_EQ(found(loaded, "*21"), "pbx:1 ");
}

TEST(LoadTables, EachWrongLineIsNamedWithFileLineAndKey) {
  const LoadedConfig loaded = load_table(
      "prefix,peer,weight\n+49,carrier,10\n+4x,carrier,1\n+1,carier,1\n+1,pbx,65536\n+1\n+1,pbx,1,1\n,pbx,1\n"
      "prefix,peer,weight\n");
  EXPECT_THAT(
      said_of(loaded),
      ElementsAre("lcr.csv:3: tables[lcr]: '+4x' is no prefix of a number; write at most 16 of + (in front "
                  "only), 0 to 9, * and #",
                  "lcr.csv:4: tables[lcr]: there is no peer 'carier'; did you mean 'carrier'?",
                  "lcr.csv:5: tables[lcr]: '65536' is no weight; write a number from 0 to 65535",
                  "lcr.csv:6: tables[lcr]: is not prefix,peer,weight; write three fields with commas between "
                  "them",
                  "lcr.csv:7: tables[lcr]: is not prefix,peer,weight; write three fields with commas between "
                  "them",
                  HasSubstr("lcr.csv:8: tables[lcr]: '' is no prefix"),
                  HasSubstr("lcr.csv:9: tables[lcr]: 'prefix' is no prefix")));
  EXPECT_TRUE(loaded.has_errors());
}

TEST(LoadTables, ALineThatRepeatsAnotherIsAWarning) {
  const LoadedConfig loaded = load_table("+49,carrier,10\n+49,pbx,1\n+49,carrier,20\n");
  EXPECT_THAT(said_of(loaded),
              ElementsAre("lcr.csv:3: tables[lcr]: has the prefix and the peer of line 1, so "
                          "it does not count; leave it out"));
  EXPECT_FALSE(loaded.has_errors());
  EXPECT_EQ(found(loaded, "+49"), "carrier:10 pbx:1 ");
}

TEST(LoadTables, ATableWithoutLinesIsAWarning) {
  EXPECT_THAT(said_of(load_table("")), ElementsAre(HasSubstr("tables[lcr]: holds no prefix")));
  EXPECT_THAT(said_of(load_table("prefix,peer,weight\n")), ElementsAre(HasSubstr("holds no prefix")));
}

TEST(LoadTables, AFileThatIsNoTableGivesAFewProblemsOnly) {
  std::string junk;
  for (int i = 0; i < 5000; ++i)
    junk +=
        "\x7f"
        "ELF,\x01\x02\n";
  const std::vector<std::string> said = said_of(load_table(junk));
  EXPECT_THAT(said, SizeIs(kTableProblemsMax + 1));
  EXPECT_THAT(said.back(), HasSubstr("4980 further lines are wrong"));
  for (const std::string& line : said) EXPECT_EQ(line.find('\x01'), std::string::npos);
}

TEST(LoadTables, LongLinesAreRefusedAndTheNextIsReadWhole) {
  const LoadedConfig loaded =
      load_table(std::string(3'000'000, '1') + "\n+49,pbx,1\n" + std::string(600, '#') + "\n");
  EXPECT_THAT(said_of(loaded), ElementsAre(HasSubstr("lcr.csv:1: tables[lcr]: is longer than 512 octets"),
                                           HasSubstr("lcr.csv:3: tables[lcr]: is longer than 512 octets")));
  EXPECT_EQ(found(loaded, "+49"), "pbx:1 ");
}

TEST(LoadTables, LinesAreReadWholeAcrossTheReadersPieces) {
  std::string csv;
  for (int i = 100000; i < 140000; ++i) csv += std::to_string(i) + ",carrier," + std::to_string(i % 7) + "\n";
  const LoadedConfig loaded = load_table(csv);
  EXPECT_THAT(said_of(loaded), IsEmpty());
  EXPECT_EQ(loaded.config.tables[0].content->prefixes(), 40000u);
  for (int i = 100000; i < 140000; i += 371)
    ASSERT_EQ(found(loaded, std::to_string(i)), "carrier:" + std::to_string(i % 7) + " ");
}

TEST(LoadTables, MemoryCountsTheTableThatRunsAndTheOneThatAReloadReads) {
  const LoadedConfig without = load_text(joined(kGoodLines), true);
  const LoadedConfig with = load_table("+49,carrier,10\n");
  EXPECT_EQ(with.memory_bytes_needed - without.memory_bytes_needed,
            2 * with.config.tables[0].content->bytes());
}

}  // namespace
}  // namespace sallyport::mgmt
