#include "provider/keeper/pkcs11/pkcs11_uri.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>
#include <string>
#include <string_view>

namespace detach {
namespace {

CK_TOKEN_INFO Labelled(std::string_view label) {
  CK_TOKEN_INFO token = {};
  std::fill(std::begin(token.label), std::end(token.label), ' ');
  std::copy(label.begin(), label.end(), std::begin(token.label));
  return token;
}

Pkcs11Uri Parsed(const std::string& text) {
  Result<Pkcs11Uri> uri = Pkcs11Uri::Parse(text);
  EXPECT_TRUE(uri.ok()) << text << ": " << uri.status().message();
  return uri.ok() ? *std::move(uri) : Pkcs11Uri();
}

std::string WhyNot(const std::string& text) {
  const Result<Pkcs11Uri> uri = Pkcs11Uri::Parse(text);
  return uri.ok() ? "" : uri.status().message();
}

TEST(TokenLabelTest, EndsBeforeTheBlanks) {
  EXPECT_EQ(TokenLabel(Labelled("my card")), "my card");
  EXPECT_EQ(TokenLabel(Labelled("ключ")), "ключ");
  EXPECT_EQ(TokenLabel(Labelled("")), "");
  EXPECT_EQ(TokenLabel({}), "");
  EXPECT_EQ(TokenLabel(Labelled(std::string(32, 'x'))), std::string(32, 'x'));
}

TEST(TokenLabelTest, TellsATerminalNothing) {
  EXPECT_EQ(TokenLabel(Labelled("a\x1b[2Jb\n\x7f")), "a?[2Jb??");
  EXPECT_EQ(TokenLabel(Labelled("\xc2\x9b"
                                "2J\xc2\xa0")),
            "??2J\xc2\xa0");
}

TEST(Pkcs11UriTest, SaysWhereTheModuleAndThePinAre) {
  const Pkcs11Uri uri = Parsed(
      "pkcs11:token=my%20card;object=web?module-path=/usr/lib/m%20m.so&pin-source=file:/etc/pin");
  EXPECT_EQ(uri.module_path(), "/usr/lib/m m.so");
  EXPECT_EQ(uri.pin_path(), "/etc/pin");
  EXPECT_TRUE(uri.SelectsObjects());
  EXPECT_TRUE(uri.Matches(Labelled("my card")));
  EXPECT_FALSE(uri.Matches(Labelled("my card too")));
}

TEST(Pkcs11UriTest, MeansEverythingWhereItSaysNothing) {
  const Pkcs11Uri uri = Parsed("pkcs11:");
  EXPECT_EQ(uri.module_path(), "");
  EXPECT_EQ(uri.pin_path(), "");
  EXPECT_FALSE(uri.SelectsObjects());
  EXPECT_TRUE(uri.Matches(Labelled("any")));
  EXPECT_TRUE(uri.Matches({}));
}

TEST(Pkcs11UriTest, SelectsKeysByNameAndByIdOnOneToken) {
  const CK_TOKEN_INFO token = Labelled("card");
  const std::string keys = Parsed("pkcs11:object=web;id=%00%ff").KeysOn(token);
  for (const char* part : {"token=card", "object=web", "id=%00%FF", "type=private"}) {
    EXPECT_NE(keys.find(part), std::string::npos) << keys;
  }
  const std::string certificates = Pkcs11Uri::CertificatesOn(token);
  EXPECT_NE(certificates.find("type=cert"), std::string::npos) << certificates;
  EXPECT_EQ(certificates.find("object="), std::string::npos) << certificates;
}

TEST(Pkcs11UriTest, DoesNotReadKeysOfAnotherClass) {
  const std::string keys = Parsed("pkcs11:object=web;type=public").KeysOn(Labelled("card"));
  EXPECT_NE(keys.find("type=private"), std::string::npos) << keys;
}

TEST(Pkcs11UriTest, TakesNothingThatIsNone) {
  for (const char* text :
       {"", "pkcs11", "pkcs12:token=a", "pkcs11:token", "pkcs11:token=%zz", "pkcs11:token=%4",
        "pkcs11:;;", "pkcs11:colour=red", "pkcs11:?=&=", "pkcs11:slot-id=x"}) {
    EXPECT_NE(WhyNot(text).find('"' + std::string(text) + '"'), std::string::npos) << text;
  }
  const std::string long_text = "pkcs11:token=" + std::string(100'000, 'a');
  EXPECT_NE(WhyNot(long_text), "");
}

// p11-kit would: each would mean any token.
TEST(Pkcs11UriTest, PassesOverNoAttribute) {
  for (const char* text :
       {"pkcs11:?token=a", "pkcs11:token=a?object=b", "pkcs11:?pin-sourc=file:/p", "pkcs11:?x=y",
        "pkcs11:slot-id=3", "pkcs11:slot-description=a", "pkcs11:library-description=a",
        "pkcs11:token=a;pin-source=file:/p", "pkcs11:token=a;token=b",
        "pkcs11:?pin-source=file:/p&pin-source=file:/q"}) {
    EXPECT_NE(WhyNot(text).find("is an attribute too many"), std::string::npos) << text;
  }
  EXPECT_NE(WhyNot("pkcs11:token=" + std::string(33, 'a')).find("no token can have"),
            std::string::npos);
}

TEST(Pkcs11UriTest, TakesWhatListsOfKeysSay) {
  const Pkcs11Uri uri = Parsed(
      "pkcs11:model=SoftHSM%20v2;manufacturer=SoftHSM%20project;serial=5c;token=a;id=%70;object=p;"
      "type=private?");
  EXPECT_TRUE(uri.SelectsObjects());
}

TEST(Pkcs11UriTest, TakesAbsolutePathsOnly) {
  EXPECT_NE(WhyNot("pkcs11:?module-path=m.so").find("absolute path"), std::string::npos);
  EXPECT_NE(WhyNot("pkcs11:?module-name=softhsm2").find("by its path"), std::string::npos);
  for (const char* source : {"/pin", "file:pin", "file://host/pin", "|cat%20/pin"}) {
    EXPECT_NE(WhyNot("pkcs11:?pin-source=" + std::string(source)).find("pin-source needs file:"),
              std::string::npos)
        << source;
  }
}

TEST(Pkcs11UriTest, DoesNotRepeatThePinThatItRefuses) {
  for (const char* text : {"pkcs11:token=a?pin-value=8765", "pkcs11:?colour=red&pin-value=8765",
                           "pkcs11:?pin-value=8765&colour=%zz"}) {
    const std::string why = WhyNot(text);
    EXPECT_NE(why.find("pin-source"), std::string::npos) << why;
    EXPECT_EQ(why.find("8765"), std::string::npos) << why;
  }
}

}  // namespace
}  // namespace detach
