#include <gtest/gtest.h>

#include <asktell/asktell.hpp>

namespace {

using asktell::Params;

TEST(Params, KeepTheirKinds) {
  const Params params{
      {"lr", 0.1}, {"rank", std::int64_t{9007199254740993}}, {"kind", std::string("größer")}, {"flag", false}};
  EXPECT_EQ(params.get<double>("lr"), 0.1);
  EXPECT_EQ(params.get<std::int64_t>("rank"), 9007199254740993);
  EXPECT_EQ(params.get<std::string>("kind"), "größer");
  EXPECT_FALSE(params.get<bool>("flag"));
  EXPECT_THROW(params.get<int>("rank"), std::out_of_range);
  EXPECT_THROW(params.get<int>("lr"), std::bad_variant_access);
  EXPECT_THROW(params.get<double>("l"), std::out_of_range);
}

TEST(Errors, FormATree) {
  asktell::ErrorDetails details;
  details.metadata = {{"finish_reason", "MAX_TRIALS"}};
  try {
    throw asktell::StudyComplete(details);
  } catch (const asktell::FailedPrecondition& error) {
    EXPECT_STREQ(error.what(), "study is complete: its budget of trials is used up");
  }
}

TEST(Options, WrongOnesAreRefused) {
  for (const char* address : {"http://host:1", "host:0", "host:99999", "::1:50051", ":1", "[::1:2"}) {
    asktell::ClientOptions options;
    options.address = address;
    EXPECT_THROW(asktell::Client{options}, asktell::InvalidOption) << address;
  }
  asktell::ClientOptions options;
  options.tls_ca_file = "no such file";
  EXPECT_THROW(asktell::Client{options}, asktell::InvalidOption);
}

}  // namespace
