#include "provider/keeper/pkcs11/pkcs11_uri.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>
#include <string_view>

namespace detach {
namespace {

CK_TOKEN_INFO Labelled(std::string_view label) {
  CK_TOKEN_INFO token = {};
  std::fill(std::begin(token.label), std::end(token.label), ' ');
  std::copy(label.begin(), label.end(), std::begin(token.label));
  return token;
}

TEST(TokenLabelTest, EndsBeforeTheBlanks) {
  EXPECT_EQ(TokenLabel(Labelled("my card")), "my card");
  EXPECT_EQ(TokenLabel(Labelled("ключ")), "ключ");
}

TEST(TokenLabelTest, TellsATerminalNothing) {
  EXPECT_EQ(TokenLabel(Labelled("a\x1b[2Jb\n\x7f")), "a?[2Jb??");
}

}  // namespace
}  // namespace detach
